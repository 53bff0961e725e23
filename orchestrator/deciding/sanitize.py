"""Which glideins of an entry are beyond hope, and which held ones deserve another try.

The arithmetic of protocol 9.3. What counts is the queue view alone: nobody has to ask.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from orchestrator.queue.queue_view import IDLE_STATES, RUNNING_STATES, Glidein, State
from orchestrator.span import span
from orchestrator.worktree.entry_limits import Limits

BY_HAND = 1  # HoldReasonCode: somebody held it, and may want to look at it
SPOOLING = 16  # HoldReasonCode: its files are still on their way into the schedd
SPOOLING_S = 3_600  # so long that may take

# How urgent a removal is, the most urgent first.
FORCED = "forced"
HELD = "held"
STALE_RUNNING = "stale running"
STALE_IDLE = "stale idle"
_ORDER = (FORCED, HELD, STALE_RUNNING, STALE_IDLE)


@dataclass(frozen=True, slots=True)
class Target:
    """A glidein to remove or to release, and why.

    With ``force``, a removal is followed by one that does not wait for the site (condor_rm
    -forcex): the site has not let go of it many times.
    """

    glidein: Glidein
    rule: str
    words: str
    force: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the record as the work tree keeps it."""
        told = {"id": self.glidein.id, "rule": self.rule, "words": self.words}
        return {**told, "force": True} if self.force else told


def hopeless(glideins: Iterable[Glidein], limits: Limits, now: float) -> list[Target]:
    """Return all that should go: the most urgent first, and of these the oldest."""
    found: list[Target] = []
    idle_before = now - limits.stale_idle_s
    running_before = now - limits.stale_running_s
    either = max(idle_before, running_before)
    for glidein in glideins:
        if glidein.since >= either and glidein.state is not State.HELD:
            continue  # nearly all, and there may be tens of thousands
        if glidein.state is State.HELD:
            target = _final_hold(glidein, limits, now)
            if target:
                found.append(target)
        elif glidein.state in IDLE_STATES:
            if glidein.since < idle_before:
                found.append(_stale(glidein, STALE_IDLE, limits.stale_idle_s, now))
        elif glidein.since < running_before and glidein.state in RUNNING_STATES:
            found.append(_stale(glidein, STALE_RUNNING, limits.stale_running_s, now))
    return sorted(found, key=lambda one: (_ORDER.index(one.rule), *_by_age(one.glidein)))


def releasable(glideins: Iterable[Glidein], limits: Limits, now: float) -> list[Target]:
    """Return the held glideins that may be released now, the longest held first."""
    found = [
        glidein
        for glidein in glideins
        if glidein.state is State.HELD
        and not _spooling(glidein, now)
        and recoverable(glidein, limits)
        and now - glidein.since >= max(1, glidein.holds) * limits.release_after_s
    ]
    return [
        Target(
            glidein,
            "release",
            f"held {span(now - glidein.since)} ago for the {_ordinal(glidein.holds)} time with"
            f" code {glidein.hold_code}.{glidein.hold_subcode}, which a release may cure",
        )
        for glidein in sorted(found, key=_by_age)
    ]


def recoverable(glidein: Glidein, limits: Limits) -> bool:
    """Return whether the configuration calls this hold one that a release may cure."""
    return glidein.holds <= limits.max_holds and any(
        rule.code == glidein.hold_code
        and (not rule.subcodes or glidein.hold_subcode in rule.subcodes)
        for rule in limits.recoverable
    )


def _final_hold(glidein: Glidein, limits: Limits, now: float) -> Target | None:
    if recoverable(glidein, limits) or _spooling(glidein, now):
        return None
    if glidein.hold_code == BY_HAND:
        return None  # who held it releases or removes it
    force = glidein.holds > limits.forget_holds
    code = f"{glidein.hold_code}.{glidein.hold_subcode}"
    why = f"held {span(now - glidein.since)} ago with code {code}: {glidein.hold_reason}"
    if glidein.holds > limits.max_holds:
        why += f"; for the {_ordinal(glidein.holds)} time, after {limits.max_holds} it is final"
    return Target(glidein, FORCED if force else HELD, why, force)


def _spooling(glidein: Glidein, now: float) -> bool:
    return glidein.hold_code == SPOOLING and now - glidein.since < SPOOLING_S


def _stale(glidein: Glidein, rule: str, limit_s: int, now: float) -> Target:
    state = "idle" if rule == STALE_IDLE else "running"
    return Target(
        glidein, rule, f"{state} for {span(now - glidein.since)}, more than {span(limit_s)}"
    )


def _by_age(glidein: Glidein) -> tuple[int, int, int]:
    return (glidein.since, glidein.cluster, glidein.process)


def _ordinal(number: int) -> str:
    last = number % 10 if number // 10 % 10 != 1 else 0
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"
