"""How many glideins of an entry are in which state: by credential, client, share, and in all.

Everything that bounds or shows a number counts in one way, which is this one. Held glideins
are counted apart; those submitted and not yet seen count as idle.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import NamedTuple

from orchestrator.deciding.request import Request
from orchestrator.queue.queue_view import QueueView, State


class Key(NamedTuple):
    """Whose glidein it is; a request asks for the glideins of exactly one key."""

    client: str
    share: str
    credential: str


def key_of(request: Request) -> Key:
    """Return whose glideins ``request`` is about."""
    return Key(request.client, request.share, request.credentials.identifier)


@dataclass(slots=True)
class Counts:
    """Glideins by state, and those not yet seen."""

    wait: int = 0
    pending: int = 0
    stage_in: int = 0
    idle_other: int = 0
    unseen: int = 0
    running_now: int = 0
    stage_out: int = 0
    running_other: int = 0
    held: int = 0

    @property
    def idle_seen(self) -> int:
        """Idle ones in the queue."""
        return self.wait + self.pending + self.stage_in + self.idle_other

    @property
    def idle(self) -> int:
        """Idle ones, in the queue or on their way there."""
        return self.idle_seen + self.unseen

    @property
    def running(self) -> int:
        """Running ones, whatever the site says of them."""
        return self.running_now + self.stage_out + self.running_other

    @property
    def glideins(self) -> int:
        """What the limits call glideins: idle and running ones, without those on hold."""
        return self.idle + self.running

    def add(self, other: "Counts") -> None:
        """Add another's counts to these."""
        for name in _NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def as_json(self) -> dict[str, int]:
        """Return what is not zero, and always the three sums."""
        sums = {"idle": self.idle, "running": self.running, "held": self.held}
        parts = {name: getattr(self, name) for name in _NAMES}
        return {**{name: count for name, count in parts.items() if count}, **sums}


_NAMES = tuple(one.name for one in fields(Counts))
_FIELD = {
    State.WAIT: "wait",
    State.PENDING: "pending",
    State.STAGE_IN: "stage_in",
    State.IDLE_OTHER: "idle_other",
    State.RUNNING: "running_now",
    State.STAGE_OUT: "stage_out",
    State.RUNNING_OTHER: "running_other",
    State.HELD: "held",
}
_WHOSE = attrgetter("client", "share", "credential", "state")


@dataclass(slots=True)
class Tally:
    """All counts of one queue view."""

    entry: Counts = field(default_factory=Counts)
    by_key: dict[Key, Counts] = field(default_factory=dict)
    by_client: dict[str, Counts] = field(default_factory=dict)
    by_share: dict[str, Counts] = field(default_factory=dict)

    def of(self, key: Key) -> Counts:
        """Return the counts of one credential of a client."""
        return self.by_key.get(key) or Counts()

    def share(self, name: str) -> Counts:
        """Return the counts of FRONTEND:CLASS."""
        return self.by_share.get(name) or Counts()

    def client(self, name: str) -> Counts:
        """Return the counts of FRONTEND.GROUP."""
        return self.by_client.get(name) or Counts()


def tally(view: QueueView) -> Tally:
    """Count a view; the glideins are gone through once."""
    by_key: dict[Key, Counts] = {}
    # In C as far as can be: an entry may have tens of thousands, and looks once a minute.
    for (client, share, credential, state), count in Counter(
        map(_WHOSE, view.glideins)
    ).items():
        counts = by_key.setdefault(Key(client, share, credential), Counts())
        setattr(counts, _FIELD[state], count)
    for unseen in view.unseen:
        key = Key(unseen.client, unseen.share, unseen.credential)
        by_key.setdefault(key, Counts()).unseen += max(0, unseen.count)
    return Tally(
        _sum(by_key.values()),
        by_key,
        _group(by_key, attrgetter("client")),
        _group(by_key, attrgetter("share")),
    )


def _sum(all_counts: Iterable[Counts]) -> Counts:
    total = Counts()
    for counts in all_counts:
        total.add(counts)
    return total


def _group(by_key: dict[Key, Counts], name_of: "attrgetter[str]") -> dict[str, Counts]:
    groups: dict[str, Counts] = {}
    for key, counts in by_key.items():
        groups.setdefault(name_of(key), Counts()).add(counts)
    return groups
