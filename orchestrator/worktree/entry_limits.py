"""The bounds of one entry, as its record in the work tree holds them; defaults are the reference's."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limit:
    """How many glideins there may be; ``glideins`` are idle and running ones together."""

    glideins: int
    idle: int
    held: int


@dataclass(frozen=True)
class HoldRule:
    """A hold that a release may cure: its code, and its subcodes (none: any)."""

    code: int
    subcodes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Limits:
    """Everything that bounds what an Entry daemon does in one cycle and in all."""

    entry: Limit = Limit(10_000, 2_000, 1_000)
    share_default: Limit = Limit(5_000, 100, 50)  # per FRONTEND:CLASS
    shares: dict[str, Limit] = field(default_factory=dict)  # by FRONTEND:CLASS
    submit_cluster: int = 10  # glideins in one submission
    submit_cycle: int = 100  # glideins submitted in one cycle
    submit_pause_s: float = 0.2  # between two submissions
    remove_cycle: int = 5
    remove_pause_s: float = 0.2
    release_cycle: int = 20
    release_pause_s: float = 0.2
    stale_idle_s: int = 7 * 86_400
    stale_running_s: int = 31 * 86_400
    recoverable: tuple[HoldRule, ...] = ()  # none: every hold is final
    max_holds: int = 10  # after more, a hold is final
    forget_holds: int = 20  # after more, the job is removed by force
    release_after_s: int = 300  # times the number of holds
    unseen: int = 200  # submitted and not yet seen; at this bound nothing is submitted
    view_max_age_s: int = 300  # an older queue view is stale
    requests_max_age_s: int = 900  # so long a collector keeps an ad

    def share(self, name: str) -> Limit:
        """Return the limit of FRONTEND:CLASS."""
        return self.shares.get(name, self.share_default)
