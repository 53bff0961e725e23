"""What was decided for an entry, and why: the record that is acted on, logged, kept and shown.

:mod:`orchestrator.deciding.decision` makes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from orchestrator.deciding.backoff import Backoff
from orchestrator.deciding.bounds import Bound
from orchestrator.deciding.queue_counts import Counts, Tally
from orchestrator.deciding.request import Refusal, Request
from orchestrator.deciding.sanitize import Target
from orchestrator.queue.queue_view import Freshness

SHOWN = 100  # refusals, removals and releases that are told one by one


class Turns(NamedTuple):
    """Who was served last; the next decision goes on from there."""

    submit: str = ""
    remove: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """Glideins to submit for a request, and in clusters of which sizes."""

    request: Request
    clusters: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many glideins these are."""
        return sum(self.clusters)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one request gets, and why not more.

    ``bounds`` are those of this request alone; those of its share and of the entry are in the
    decision. ``binds`` is the first of all that leaves no room.
    """

    request: Request
    has: Counts
    submit: int
    clusters: tuple[int, ...]
    bounds: tuple[Bound, ...]
    binds: Bound
    remove: int
    removal: str  # in words

    @property
    def words(self) -> str:
        """The verdict as one sentence."""
        has, asks = self.has, self.request
        unseen = f" ({has.unseen} not yet seen)" if has.unseen else ""
        text = (
            f"asked for {asks.idle} idle, {asks.max_glideins} at most; has {has.idle}"
            f" idle{unseen}, {has.running} running, {has.held} held; submits {self.submit}"
            f" [{self.binds.rule}] {self.binds.words}"
        )
        return f"{text}; removes {self.remove}: {self.removal}" if self.remove else text

    def as_json(self) -> dict[str, Any]:
        """Return the record as the work tree keeps it."""
        asks = self.request
        return {
            "request": asks.name,
            "client": asks.client,
            "share": asks.share,
            "credential": asks.credentials.identifier,
            "asked": {
                "idle": asks.idle,
                "max": asks.max_glideins,
                "removal": str(asks.removal),
                "margin": asks.margin,
            },
            "has": self.has.as_json(),
            "submit": self.submit,
            "clusters": list(self.clusters),
            "binds": self.binds.as_json(),
            "bounds": [bound.as_json() for bound in self.bounds],
            "remove": self.remove,
            "removal": self.removal,
            "words": self.words,
        }


@dataclass(frozen=True)
class Decision:
    """What to do now, and the record of why."""

    now: float
    queue_freshness: str  # fresh, or why not
    requests_freshness: str
    queue_taken: float
    requests_taken: float
    submit: tuple[Submission, ...] = ()
    remove: tuple[Target, ...] = ()
    release: tuple[Target, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    down: str = ""  # why the entry as a whole is down
    backoffs: Mapping[str, Backoff] = field(
        default_factory=dict
    )  # those not open, by share
    bounds: tuple[Bound, ...] = ()  # of the entry
    share_bounds: Mapping[str, tuple[Bound, ...]] = field(default_factory=dict)
    counts: Tally = field(default_factory=Tally)
    to_remove: int = 0  # with what exceeds this cycle's rate
    to_release: int = 0
    turns: Turns = field(default_factory=Turns)

    @property
    def submitted(self) -> int:
        """How many glideins are to be submitted."""
        return sum(one.submit for one in self.verdicts)

    @property
    def words(self) -> str:
        """The decision as one sentence."""
        if self.queue_freshness != Freshness.FRESH:
            return f"nothing is done: {self.queue_freshness}"
        has = self.counts.entry
        text = (
            f"requests: {len(self.verdicts)}; {has.idle} idle ({has.unseen} not yet seen),"
            f" {has.running} running, {has.held} held; submits {self.submitted},"
            f" removes {len(self.remove)} of {self.to_remove},"
            f" releases {len(self.release)} of {self.to_release}"
        )
        if self.down:
            text += f"; {self.down}"
        for share, backoff in sorted(self.backoffs.items()):
            text += f"; {share} is in back-off ({backoff.phase(self.now)}): {backoff.why}"
        if self.requests_freshness != Freshness.FRESH:
            text += f"; {self.requests_freshness}"
        return text

    def as_json(self) -> dict[str, Any]:
        """Return the record as the work tree keeps it; of what may be many, the first ones."""
        return {
            "now": self.now,
            "words": self.words,
            "views": {
                "queue": {"taken": self.queue_taken, "freshness": self.queue_freshness},
                "requests": {
                    "taken": self.requests_taken,
                    "freshness": self.requests_freshness,
                },
            },
            "down": self.down,
            "backoffs": {
                share: {
                    "phase": one.phase(self.now),
                    "level": one.level,
                    "began": one.began,
                    "until": one.until,
                    "why": one.why,
                }
                for share, one in sorted(self.backoffs.items())
            },
            "has": self.counts.entry.as_json(),
            "shares": {
                name: {
                    "has": self.counts.share(name).as_json(),
                    "bounds": [bound.as_json() for bound in bounds],
                }
                for name in sorted({*self.counts.by_share, *self.share_bounds})
                for bounds in (self.share_bounds.get(name, ()),)
            },
            "bounds": [bound.as_json() for bound in self.bounds],
            "submit": self.submitted,
            "requests": [one.as_json() for one in self.verdicts],
            "remove": len(self.remove),
            "to_remove": self.to_remove,
            "removals": [one.as_json() for one in self.remove[:SHOWN]],
            "release": len(self.release),
            "to_release": self.to_release,
            "releases": [one.as_json() for one in self.release[:SHOWN]],
            "refused": len(self.refusals),
            "refusals": [
                {
                    "request": one.name,
                    "client": one.client,
                    "identity": one.identity,
                    "reason": one.reason,
                }
                for one in self.refusals[:SHOWN]
            ],
        }
