"""What an entry does next, and why: from requests, queue, limits and downtimes to numbers.

:func:`decide` is pure: no file, no network, no clock. Its result is what is acted on, what the
log says, and what ``status``, ``why`` and the page show.

Submission follows protocol 9.1: what a request lacks of the idle glideins it asks for, within
its maximum and within all limits. Requests that meet a common limit take turns, a glidein each
(:mod:`orchestrator.deciding.turns`). Then, where this differs from the reference on purpose:

* A downtime or a permit that is missing concerns that request alone.
* What a site says is running is running, also in words that nobody knows.
* A limit of a share that is reached by held glideins stops its submissions, not its removals.
* A request's numbers are about the glideins of its own credential, in all that is done for it.
* Released glideins count as idle at once, and limits bound releases as well as submissions.
* The limits of a cycle are for the entry, whoever asks.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from orchestrator.deciding.backoff import Backoffs, Policy, young_running
from orchestrator.deciding.bounds import Bound, Rule, room
from orchestrator.deciding.excess import Surplus, surplus, too_many
from orchestrator.deciding.freshness import queue_unusable, requests_unusable
from orchestrator.deciding.queue_counts import Counts, Key, Tally, key_of, tally
from orchestrator.deciding.request import Removal, Request, RequestsView
from orchestrator.deciding.sanitize import Target, hopeless, releasable
from orchestrator.deciding.turns import Taker, deal
from orchestrator.deciding.verdict import Decision, Submission, Turns, Verdict
from orchestrator.queue.queue_view import Freshness, Glidein, QueueView
from orchestrator.span import span
from orchestrator.worktree.downtimes import Downtimes, written
from orchestrator.worktree.entry_limits import Limits
from orchestrator.worktree.permits import Permits, class_permitted, frontend_permitted


def decide(
    requests: RequestsView,
    queue: QueueView,
    limits: Limits,
    *,
    entry: str,
    now: float,
    factory_room: int,
    factory_unseen_room: int | None = None,
    permits: Permits | None = None,
    downtimes: Downtimes | None = None,
    backoffs: Backoffs | None = None,
    policy: Policy | None = None,
    turns: Turns | None = None,
    moving: str = "",
) -> Decision:
    """Decide for one entry what to submit, to remove and to release.

    Args:
        entry: Its name.
        now: Epoch seconds.
        factory_room: How many glideins the whole factory may still add; 0 when unknown.
        factory_unseen_room: How many of them it may submit before others were seen; None
            leaves that bound to the entry's own.
        permits: Classes by Frontend; without any, everybody is served.
        downtimes: All there are, of whatever time.
        backoffs: The state after this queue view.
        turns: From the last decision.
        moving: Why nothing may be submitted to the schedd that the entry is about to leave.
    """
    turns = turns or Turns()
    down = _Down(downtimes or Downtimes(), entry, now)
    policy = policy or Policy()
    bad_queue = queue_unusable(queue, limits, now)
    bad_requests = requests_unusable(requests, limits, now)
    counts = tally(queue)
    hopeless_ones, curable = [], []
    if not bad_queue:
        hopeless_ones = hopeless(queue.glideins, limits, now)
        curable = releasable(queue.glideins, limits, now) if counts.entry.held else []
    release = _within_limits(curable, counts, limits, down, factory_room)
    coming = Counter(_key(one.glidein) for one in release)

    asks: list[_Ask] = []
    taken: dict[Key, str] = {}
    by_name = {one.name: one for one in requests.requests}  # as the collector has them
    for _, request in sorted(by_name.items()):
        shut = _shut(
            request, bad_queue, bad_requests, permits or {}, down, moving, taken, now
        )
        asks.append(_ask(request, shut, counts, coming))
        taken.setdefault(asks[-1].key, request.name)

    of_entry = _entry_bounds(
        counts.entry, coming.total(), limits, factory_room, factory_unseen_room
    )
    shares = {
        name: _share_bounds(name, counts, coming, limits, backoffs, policy, queue, now)
        for name in {one.request.share for one in asks}
    }
    given, served = deal(
        room(of_entry) or 0,
        [Taker(one.request.name, room(one.bounds) or 0, one.request.share) for one in asks],
        {name: room(bounds) or 0 for name, bounds in shares.items()},
        turns.submit,
    )
    by_share: Counter[str] = Counter()
    for one in asks:
        by_share[one.request.share] += given.get(one.request.name, 0)
    of_entry = _with(of_entry, by_share.total())
    shares = {name: _with(bounds, by_share[name]) for name, bounds in shares.items()}

    surpluses = _surpluses(asks, queue, {one.glidein.id for one in hopeless_ones})
    remove, chosen, removed = _removals(hopeless_ones, surpluses, limits, turns.remove)
    verdicts = _verdicts(asks, given, of_entry, shares, surpluses, chosen, limits)
    return Decision(
        now=now,
        queue_freshness=bad_queue or str(Freshness.FRESH),
        requests_freshness=bad_requests or str(Freshness.FRESH),
        queue_taken=queue.taken,
        requests_taken=requests.taken,
        submit=tuple(
            Submission(one.request, one.clusters) for one in verdicts if one.submit
        ),
        remove=remove,
        release=release,
        verdicts=verdicts,
        refusals=requests.refusals,
        down=down.why(),
        backoffs={
            share: one
            for share, one in (backoffs or Backoffs({})).shares.items()
            if one.until
        },
        bounds=of_entry,
        share_bounds=shares,
        counts=counts,
        to_remove=len(hopeless_ones) + sum(len(one.glideins) for one in surpluses.values()),
        to_release=len(curable),
        turns=Turns(served, removed),
    )


# --- what a request may have -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Down:
    """The downtimes as they concern one entry now."""

    downtimes: Downtimes
    entry: str
    now: float

    def why(self, frontend: str | None = None, security_class: str | None = None) -> str:
        """Return why this Frontend's class gets nothing, "" when it may; of None: why nobody."""
        found = self.downtimes.of(self.entry, frontend, security_class, self.now)
        if not found:
            return ""
        end = "somebody ends it" if found.end is None else written(found.end)
        return f"down until {end}, {' '.join(found.scope)}: {found.comment or 'no comment'}"


@dataclass(frozen=True, slots=True)
class _Ask:
    """A request, whose glideins it is about, and what bounds it alone."""

    request: Request
    key: Key
    has: Counts
    bounds: tuple[Bound, ...]

    @property
    def removes(self) -> bool:
        """Whether what it says of removal is to be obeyed."""
        return self.bounds[0].rule not in _DEAF


# A request that meets one of these is not acted on at all.
_DEAF = frozenset((Rule.QUEUE_VIEW, Rule.REQUESTS_VIEW, Rule.DUPLICATE, Rule.CLASS))


def _ask(request: Request, shut: Bound | None, counts: Tally, coming: Counter[Key]) -> _Ask:
    key = key_of(request)
    has = counts.of(key)
    if shut:
        return _Ask(request, key, has, (shut,))
    return _Ask(
        request,
        key,
        has,
        (
            Bound(Rule.ASKED_IDLE, max(0, request.idle), has.idle + coming[key]),
            Bound(Rule.ASKED_MAX, max(0, request.max_glideins), has.glideins + coming[key]),
        ),
    )


def _shut(
    request: Request,
    bad_queue: str,
    bad_requests: str,
    permits: Permits,
    down: _Down,
    moving: str,
    taken: Mapping[Key, str],
    now: float,
) -> Bound | None:
    """Return what shuts a request out altogether."""
    frontend, security_class = request.frontend, request.security_class
    expires = request.credentials.expires
    why: tuple[tuple[Rule, str], ...] = (
        (Rule.QUEUE_VIEW, bad_queue),
        (Rule.REQUESTS_VIEW, bad_requests),
    )
    if first := taken.get(key_of(request)):
        why += ((Rule.DUPLICATE, f"{first} asks for the same client and credential"),)
    if not frontend_permitted(permits, frontend):
        why += ((Rule.FRONTEND, f"the entry does not serve the Frontend {frontend}"),)
    elif not class_permitted(permits, frontend, security_class):
        why += ((Rule.CLASS, f"the entry does not serve the class {security_class}"),)
    why += ((Rule.DOWNTIME, down.why(frontend, security_class)), (Rule.MOVING, moving))
    if expires is not None and expires <= now:
        why += ((Rule.CREDENTIAL, f"a credential expired {span(now - expires)} ago"),)
    return next((Bound(rule, None, why=text) for rule, text in why if text), None)


def _entry_bounds(
    has: Counts, coming: int, limits: Limits, factory_room: int, unseen_room: int | None
) -> tuple[Bound, ...]:
    bounds: tuple[Bound, ...] = (
        Bound(Rule.ENTRY_HELD, limits.entry.held, has.held),
        Bound(Rule.ENTRY_IDLE, limits.entry.idle, has.idle + coming),
        Bound(Rule.ENTRY_GLIDEINS, limits.entry.glideins, has.glideins + coming),
        Bound(Rule.UNSEEN, limits.unseen, has.unseen),
        Bound(Rule.FACTORY, max(0, factory_room), coming),
        Bound(Rule.CYCLE, limits.submit_cycle),
    )
    if unseen_room is not None:
        bounds += (Bound(Rule.FACTORY_UNSEEN, max(0, unseen_room)),)
    return bounds


def _share_bounds(
    name: str,
    counts: Tally,
    coming: Counter[Key],
    limits: Limits,
    backoffs: Backoffs | None,
    policy: Policy,
    queue: QueueView,
    now: float,
) -> tuple[Bound, ...]:
    has, limit = counts.share(name), limits.share(name)
    used = sum(count for key, count in coming.items() if key.share == name)
    bounds: tuple[Bound, ...] = (
        Bound(Rule.SHARE_HELD, limit.held, has.held),
        Bound(Rule.SHARE_IDLE, limit.idle, has.idle + used),
        Bound(Rule.SHARE_GLIDEINS, limit.glideins, has.glideins + used),
    )
    backoff = backoffs.shares.get(name) if backoffs else None
    if backoff and backoff.until:
        young = young_running(queue.glideins, name, now, policy.early_s)
        bound = backoff.bound(has, young, now, policy)
        bounds += (bound,) if bound else ()
    return bounds


def _with(bounds: Iterable[Bound], given: int) -> tuple[Bound, ...]:
    """Return ``bounds`` after ``given`` glideins more; those of held ones stay as they are."""
    return tuple(
        one
        if one.rule in (Rule.ENTRY_HELD, Rule.SHARE_HELD) or one.limit is None
        else one._replace(given=given)
        for one in bounds
    )


def _verdicts(
    asks: Sequence[_Ask],
    given: Mapping[str, int],
    entry: tuple[Bound, ...],
    shares: Mapping[str, tuple[Bound, ...]],
    surpluses: Mapping[str, Surplus],
    chosen: Mapping[str, int],
    limits: Limits,
) -> tuple[Verdict, ...]:
    full = {
        name: next(
            (one for one in sorted((*entry, *bounds), key=_place) if one.left == 0), None
        )
        for name, bounds in shares.items()
    }
    verdicts: list[Verdict] = []
    for one in asks:
        name = one.request.name
        count = given.get(name, 0)
        own = _with(one.bounds, count)
        binds = next((bound for bound in own if bound.left == 0), full[one.request.share])
        assert binds is not None, f"{name}: nothing keeps it from more than {count}"
        surplus_words = surpluses[name].words if name in surpluses else ""
        verdicts.append(
            Verdict(
                one.request,
                one.has,
                count,
                clusters(count, limits.submit_cluster),
                own,
                binds,
                chosen.get(name, 0),
                surplus_words,
            )
        )
    return tuple(verdicts)


_PLACES = {rule: place for place, rule in enumerate(Rule)}


def _place(bound: Bound) -> int:
    return _PLACES[bound.rule]


def clusters(count: int, size: int) -> tuple[int, ...]:
    """Split ``count`` glideins into submissions of at most ``size`` (at least 1)."""
    size = max(1, size)
    whole, rest = divmod(count, size)
    return (size,) * whole + ((rest,) if rest else ())


# --- what goes, what is released -------------------------------------------------------------


def _within_limits(
    curable: Sequence[Target],
    counts: Tally,
    limits: Limits,
    down: _Down,
    factory_room: int,
) -> tuple[Target, ...]:
    """Return what may be released now: it will be idle, and limits bound the idle."""
    has = counts.entry
    most = min(
        limits.release_cycle,
        limits.entry.idle - has.idle,
        limits.entry.glideins - has.glideins,
        factory_room,
    )
    left: dict[str, int] = {}
    chosen: list[Target] = []
    for target in curable:
        share = target.glidein.share
        if share not in left:
            limit, there = limits.share(share), counts.share(share)
            left[share] = min(limit.idle - there.idle, limit.glideins - there.glideins)
            if down.why(*share.partition(":")[::2]):
                left[share] = 0  # it would be held again
        if len(chosen) < most and left[share] > 0:
            left[share] -= 1
            chosen.append(target)
    return tuple(chosen)


def _surpluses(
    asks: Sequence[_Ask], queue: QueueView, going: set[str]
) -> dict[str, Surplus]:
    """Return by request what its Frontend wants removed; only where there is something."""
    wanted = {
        one.key: one
        for one in asks
        if one.removes and _may_have_surplus(one.request, one.has)
    }
    if not wanted:
        return {}
    mine: dict[Key, list[Glidein]] = {key: [] for key in wanted}
    for glidein in queue.glideins:
        key = _key(glidein)
        if key in mine:
            mine[key].append(glidein)
    return {
        one.request.name: surplus(one.request, one.has, mine[key], going)
        for key, one in wanted.items()
    }


def _may_have_surplus(request: Request, has: Counts) -> bool:
    if request.removal is Removal.NO:
        return False
    nothing_wanted = request.removal is Removal.ALL and request.max_glideins <= 0
    return too_many(request, has) > 0 or (nothing_wanted and has.held > 0)


_HOPELESS = "(hopeless)"  # takes part in the turns; no ad has such a name


def _removals(
    hopeless_ones: Sequence[Target],
    surpluses: Mapping[str, Surplus],
    limits: Limits,
    last: str,
) -> tuple[tuple[Target, ...], dict[str, int], str]:
    """Return what goes in this cycle, how many of each request, and who was served last."""
    takers = [Taker(_HOPELESS, len(hopeless_ones))]
    takers += [Taker(name, len(one.glideins)) for name, one in surpluses.items()]
    got, last = deal(limits.remove_cycle, takers, {}, last)
    chosen = list(islice(hopeless_ones, got.pop(_HOPELESS, 0)))
    for name, count in got.items():
        one = surpluses[name]
        chosen += [Target(glidein, "excess", one.words) for glidein in one.glideins[:count]]
    return tuple(chosen), got, last


def _key(glidein: Glidein) -> Key:
    return Key(glidein.client, glidein.share, glidein.credential)
