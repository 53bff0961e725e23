"""What is known of an entry's glideins in the schedd's queue.

The job event log tells what changed, a full query, seldom, corrects it. What was submitted and
not yet seen counts all the same: see :mod:`orchestrator.queue.journal`.
"""

import enum
from dataclasses import dataclass, field


class State(enum.IntEnum):
    """Where a glidein is; the numbers are those of the reference's status hash (protocol 9.1)."""

    WAIT = 1001  # in our queue only
    PENDING = 1002  # waits at the site
    STAGE_IN = 1010
    IDLE_OTHER = 1100  # idle, and the site says something else
    RUNNING = 2
    STAGE_OUT = 4010
    RUNNING_OTHER = 4100  # the site says something unknown (the reference calls it idle)
    HELD = 5


IDLE_STATES = frozenset((State.WAIT, State.PENDING, State.STAGE_IN, State.IDLE_OTHER))
RUNNING_STATES = frozenset((State.RUNNING, State.STAGE_OUT, State.RUNNING_OTHER))
KINDS = ("idle", "running", "held")  # all states, as they are summed


@dataclass(slots=True)
class Glidein:
    """One glidein in the queue."""

    cluster: int
    process: int
    state: State
    client: str
    share: str  # FRONTEND:CLASS
    credential: str  # tracking id
    queued: int  # epoch: QDate
    since: int  # epoch: in this state
    hold_code: int = 0
    hold_subcode: int = 0
    hold_reason: str = ""
    holds: int = 0  # NumSystemHolds

    @property
    def id(self) -> str:
        """CLUSTER.PROCESS."""
        return f"{self.cluster}.{self.process}"


@dataclass(frozen=True)
class Unseen:
    """Glideins that were submitted, or may have been, and are not in the queue view yet."""

    client: str
    share: str
    credential: str
    count: int
    since: int  # epoch: when we began to submit them


class Freshness(enum.StrEnum):
    FRESH = "fresh"
    STALE = "stale"  # older than the entry allows
    FAILED = "failed"  # nothing is known, or the last look failed


@dataclass(frozen=True)
class QueueView:
    """The queue as known at ``taken`` (epoch seconds); only a fresh view allows submission."""

    freshness: Freshness
    taken: float
    glideins: tuple[Glidein, ...] = ()
    unseen: tuple[Unseen, ...] = field(default_factory=tuple)
    problem: str = ""  # why it is not fresh
