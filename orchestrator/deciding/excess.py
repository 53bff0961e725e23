"""Which glideins a request has too many of, when its Frontend wants them removed.

The arithmetic of protocol 9.2, with one set of glideins for thresholds and choice alike: those
of the request's own client, class and credential. (The reference compares the sum over all
credentials of a class with what one credential asked for, and then removes of the latter.)
Only glideins that were seen count here: what may be on its way is no reason to remove another.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from orchestrator.deciding.queue_counts import Counts
from orchestrator.deciding.request import Removal, Request
from orchestrator.queue.queue_view import IDLE_STATES, RUNNING_STATES, Glidein, State


class _Kind(NamedTuple):
    states: frozenset[State]
    words: str


_WAITING = _Kind(frozenset({State.WAIT}), "not yet sent to the site")
_AT_SITE = _Kind(IDLE_STATES - {State.WAIT}, "waiting at the site")
_RUNNING = _Kind(RUNNING_STATES, "running, and all that are held")
_KINDS = {
    Removal.WAIT: (_WAITING,),
    Removal.IDLE: (_WAITING, _AT_SITE),
    Removal.ALL: (_WAITING, _AT_SITE, _RUNNING),
}


@dataclass(frozen=True, slots=True)
class Surplus:
    """How many glideins of one request may go, in words, and the ones to choose, in order."""

    words: str
    glideins: tuple[Glidein, ...] = ()


def too_many(request: Request, counts: Counts) -> int:
    """Return how many of its glideins are beyond what ``request`` asks for; 0: none.

    Held ones do not count; see :func:`surplus` for them.
    """
    idle, running = counts.idle_seen, counts.running
    wanted, most, margin = (
        max(0, request.idle),
        max(0, request.max_glideins),
        _margin(request),
    )
    everything = request.removal is Removal.ALL
    beyond_max = everything and running + idle > most + margin
    if not beyond_max and idle <= wanted + margin:
        return 0
    if beyond_max and running + wanted > most:
        return running + idle - most - margin
    return idle - wanted - margin


def surplus(
    request: Request, counts: Counts, mine: Sequence[Glidein], going: Collection[str]
) -> Surplus:
    """Choose what goes of ``mine``, the glideins of the request's key.

    One kind a time: those that never left our queue; else those that wait at the site; else
    running ones and with them all held ones. The youngest first: they have done the least.

    Args:
        counts: Those of the key.
        going: Ids of glideins that are removed for another reason; they count as removed.
    """
    if request.removal is Removal.NO:
        return Surplus("removal is not asked for")
    number = too_many(request, counts)
    everything = request.removal is Removal.ALL
    asked = (
        f"{request.removal}: {counts.idle_seen} idle and {counts.running} running for"
        f" {request.idle} idle, {request.max_glideins} at most, margin {_margin(request)}"
    )
    held = [one for one in mine if one.state is State.HELD and one.id not in going]
    if number == 0:
        if everything and request.max_glideins <= 0 and held:
            return Surplus(f"{asked}: nothing is wanted, all held may go", _youngest(held))
        return Surplus(f"{asked}: none too many")
    number -= sum(one.state is not State.HELD and one.id in going for one in mine)
    if number <= 0:
        return Surplus(f"{asked}: those too many go already")
    stay = [one for one in mine if one.id not in going]
    for kind in _KINDS[request.removal]:
        there = [one for one in stay if one.state in kind.states]
        if there and kind is not _RUNNING:
            chosen = _youngest(there)[:number]
            return Surplus(f"{asked}: {number} too many, {kind.words}", chosen)
    if everything and stay:
        running = [one for one in stay if one.state in RUNNING_STATES]
        chosen = _youngest(running)[:number] + _youngest(held)
        return Surplus(f"{asked}: {number} too many, {_RUNNING.words}", chosen)
    return Surplus(f"{asked}: {number} too many, none of a kind that may go")


def _margin(request: Request) -> int:
    return max(0, request.margin)


def _youngest(glideins: Sequence[Glidein]) -> tuple[Glidein, ...]:
    return tuple(
        sorted(
            glideins, key=lambda one: (one.since, one.cluster, one.process), reverse=True
        )
    )
