"""Stop feeding an entry whose glideins are held or fail early, for a time that grows.

What happened to glideins are *signs*. When most of the last ones are bad, nothing is submitted
for a while. Then a few glideins go on trial: one good sign opens the entry again, as many bad
ones as there were on trial close it for twice as long. After a calm time all is forgotten.

The state is kept for each FRONTEND:CLASS of an entry: a Frontend whose credential is refused,
or whose scripts fail, must not close the entry for others. It is data: what happened goes in,
the next state comes out, and the caller keeps it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from orchestrator.deciding.bounds import Bound, Rule
from orchestrator.deciding.queue_counts import Counts
from orchestrator.deciding.sanitize import BY_HAND, SPOOLING
from orchestrator.errors import FactoryError
from orchestrator.outputs.outcome import Outcome
from orchestrator.queue.queue_view import (
    RUNNING_STATES,
    Freshness,
    Glidein,
    QueueView,
    State,
)
from orchestrator.span import span

_LEAST_PAUSE_S = 1
_LONGEST_CAUSE = 200  # characters


@dataclass(frozen=True)
class Policy:
    """When to back off, and for how long; all times in seconds."""

    bad_signs: int = 5  # fewer change nothing
    bad_percent: int = 80  # of the signs remembered, for it to begin
    remembered: int = 20  # signs
    memory_s: int = 6 * 3_600  # an older sign is forgotten
    first_s: int = 600  # the first pause; each further one is twice as long
    longest_s: int = 6 * 3_600
    trial: int = 3  # glideins on trial after a pause
    early_s: int = 1_200  # who ends sooner, and was of no use, failed early
    calm_s: int = 12 * 3_600  # after so long without, the next pause is the first again


class Sign(NamedTuple):
    """What happened to one glidein, at ``when`` (epoch); ``cause`` of a bad one, in words."""

    when: float
    good: bool
    cause: str = ""


class Phase:
    """What a back-off is in."""

    OPEN = "open"
    CLOSED = "closed"
    TRIAL = "trial"


@dataclass(frozen=True)
class Backoff:
    """The back-off of one FRONTEND:CLASS at one entry.

    ``level`` counts the pauses one after the other, ``began`` and ``until`` (epoch) are those
    of the last one; ``until`` is 0 when the entry is open.
    """

    level: int = 0
    began: float = 0
    until: float = 0
    why: str = ""
    signs: tuple[Sign, ...] = ()

    def phase(self, now: float) -> str:
        """Return open, closed or trial."""
        if not self.until:
            return Phase.OPEN
        return Phase.CLOSED if now < self.until else Phase.TRIAL

    def after(
        self, signs: Iterable[Sign], now: float, policy: Policy | None = None
    ) -> "Backoff":
        """Return the state after ``signs``, those that came since the last time."""
        policy = policy or Policy()
        until = min(self.until, now + policy.longest_s)  # the clock may have been set back
        state = self if until == self.until else replace(self, until=until)
        phase = state.phase(now)
        # What ends badly in a pause was sent before it, and the pause is for that already.
        new = tuple(sign for sign in signs if sign.good or phase != Phase.CLOSED)
        kept = tuple(
            sign for sign in (*self.signs, *new) if sign.when >= now - policy.memory_s
        )[-policy.remembered :]
        state = state if kept == state.signs else replace(state, signs=kept)
        bad = sum(not sign.good for sign in kept)
        if phase == Phase.TRIAL:
            if bad < len(kept):
                return replace(state, until=0, why="")
            return state._pause(now, policy) if bad >= policy.trial else state
        if phase == Phase.OPEN:
            if bad >= policy.bad_signs and bad * 100 >= policy.bad_percent * len(kept):
                return state._pause(now, policy)
            if state.level and now - state.began > policy.calm_s:
                return replace(state, level=0)
        return state

    def _pause(self, now: float, policy: Policy) -> "Backoff":
        calm = now - self.began > policy.calm_s + policy.longest_s
        level = 1 if calm else self.level + 1
        # No power of two that does not fit anywhere.
        pause = min(policy.longest_s, policy.first_s * 2 ** min(level - 1, 30))
        causes = Counter(sign.cause for sign in self.signs if not sign.good)
        bad = sum(causes.values())
        named = ", ".join(f"{count} x {cause}" for cause, count in causes.most_common(3))
        why = f"{bad} of the last {len(self.signs)} signs were bad: {named}"
        return Backoff(level, now, now + max(_LEAST_PAUSE_S, pause), why)

    def bound(
        self, counts: Counts, young: int, now: float, policy: Policy | None = None
    ) -> Bound | None:
        """Return what this state lets the share submit; None: it bounds nothing.

        Args:
            counts: The share's.
            young: How many of its running ones are too young to have proven anything.
        """
        policy = policy or Policy()
        phase = self.phase(now)
        if phase == Phase.OPEN:
            return None
        if phase == Phase.CLOSED:
            until = datetime.fromtimestamp(self.until, UTC).isoformat(timespec="seconds")
            return Bound(
                Rule.BACKOFF,
                None,
                why=f"back-off number {self.level}, until {until}, for another"
                f" {span(self.until - now)}: {self.why}",
            )
        return Bound(Rule.BACKOFF, policy.trial, counts.idle + young, why=self.why)

    def as_json(self) -> dict[str, Any]:
        """Return the state as the work tree keeps it."""
        return {
            "level": self.level,
            "began": self.began,
            "until": self.until,
            "why": self.why,
            "signs": [list(sign) for sign in self.signs],
        }


@dataclass(frozen=True)
class Backoffs:
    """The back-off of an entry, by FRONTEND:CLASS; ``looked`` is when its queue was last judged."""

    shares: Mapping[str, Backoff]
    looked: float = 0

    def after(
        self,
        view: QueueView,
        outcomes: Iterable[Outcome],
        now: float,
        policy: Policy | None = None,
    ) -> "Backoffs":
        """Return the state after what ``view`` shows and the glideins that ended since.

        A view that is not fresh shows nothing.
        """
        policy = policy or Policy()
        signs: dict[str, list[Sign]] = {}
        looked = self.looked
        if view.freshness is Freshness.FRESH:
            since = max(min(looked, now), now - policy.memory_s)
            for share, sign in _signs_of_queue(view.glideins, since, now, policy):
                signs.setdefault(share, []).append(sign)
            looked = now
        for outcome in outcomes:
            ended = sign_of(outcome, policy)
            if ended:
                signs.setdefault(outcome.share, []).append(ended)
        shares: dict[str, Backoff] = {}
        for share in {*self.shares, *signs}:
            old = self.shares.get(share, Backoff())
            new = old.after(sorted(signs.get(share, [])), now, policy)
            if new != Backoff():
                shares[share] = new
        return Backoffs(shares, looked)

    def released(self, share: str | None = None) -> "Backoffs":
        """Return the state after somebody opened the entry by hand, for one share or for all."""
        if share is None:
            return Backoffs({}, self.looked)
        rest = {name: one for name, one in self.shares.items() if name != share}
        return Backoffs(rest, self.looked)

    def as_json(self) -> dict[str, Any]:
        """Return the state as the work tree keeps it."""
        return {
            "looked": self.looked,
            "shares": {name: one.as_json() for name, one in sorted(self.shares.items())},
        }


def from_json(told: Any) -> Backoffs:
    """Return the state that :meth:`Backoffs.as_json` told.

    Raises:
        FactoryError: it is not one.
    """
    try:
        shares = {
            str(name): Backoff(
                int(one["level"]),
                float(one["began"]),
                float(one["until"]),
                str(one["why"]),
                tuple(
                    Sign(float(w), bool(good), str(why)) for w, good, why in one["signs"]
                ),
            )
            for name, one in told["shares"].items()
        }
        return Backoffs(shares, float(told["looked"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FactoryError(f"not the state of a back-off: {error!r}") from error


def sign_of(outcome: Outcome, policy: Policy | None = None) -> Sign | None:
    """Return what a glidein that ended says about the entry; None: nothing."""
    policy = policy or Policy()
    cause = outcome.failed_early(policy.early_s)
    if cause:
        return Sign(outcome.ended, False, cause[:_LONGEST_CAUSE])
    return Sign(outcome.ended, True) if outcome.good else None


def young_running(glideins: Iterable[Glidein], share: str, now: float, early_s: int) -> int:
    """Return how many running glideins of ``share`` have not yet run for ``early_s``."""
    return sum(
        one.share == share and one.since > now - early_s and one.state in RUNNING_STATES
        for one in glideins
    )


def _signs_of_queue(
    glideins: Iterable[Glidein], looked: float, now: float, policy: Policy
) -> Iterable[tuple[str, Sign]]:
    """Yield what happened since ``looked``: holds, and those that have run long enough by now."""
    for one in glideins:
        if one.state is State.HELD:
            if one.since > looked and one.hold_code not in (BY_HAND, SPOOLING):
                # Without the reason: it names hosts and jobs, and no two would be the same.
                cause = f"held with code {one.hold_code}.{one.hold_subcode}"
                yield one.share, Sign(one.since, False, cause)
        elif looked < one.since + policy.early_s <= now and one.state in RUNNING_STATES:
            yield one.share, Sign(one.since + policy.early_s, True)
