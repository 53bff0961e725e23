"""What holds for every decision, whatever the situation: hypothesis looks for one where not."""

import json
from collections import Counter
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.deciding.backoff import Backoff, Backoffs
from orchestrator.deciding.bounds import Rule
from orchestrator.deciding.decision import decide
from orchestrator.deciding.monitor_counts import adjusted_idle, monitor_counts
from orchestrator.deciding.queue_counts import Counts, key_of, tally
from orchestrator.deciding.request import Credentials, Removal, Request, RequestsView
from orchestrator.deciding.verdict import Decision, Turns
from orchestrator.queue.queue_view import Freshness, Glidein, QueueView, State, Unseen
from orchestrator.worktree.downtimes import Downtimes
from orchestrator.worktree.entry_limits import HoldRule, Limit, Limits
from tests.deciding import NOW, UNHURRIED, WEB, downtimes

WHOSE = st.tuples(
    st.sampled_from(["a.main", "b.main"]),
    st.sampled_from(["a:x", "a:y", "b:x"]),
    st.sampled_from(["1", "2"]),
)
FEW = st.integers(0, 12)
AGES = st.sampled_from([0, 30, 400, 4_000, 8 * 86_400, 32 * 86_400])


@st.composite
def glideins(draw: st.DrawFn) -> tuple[Glidein, ...]:
    groups = draw(
        st.lists(
            st.tuples(
                WHOSE,
                st.sampled_from([*State, State.HELD, State.HELD]),
                AGES,
                st.integers(1, 5),
                st.sampled_from([1, 11, 21]),
            ),
            max_size=8,
        )
    )
    return tuple(
        Glidein(
            *(cluster, process, state, *whose, int(NOW) - age, int(NOW) - age),
            hold_code=12 if state is State.HELD else 0,
            holds=holds if state is State.HELD else 0,
        )
        for cluster, (whose, state, age, number, holds) in enumerate(groups)
        for process in range(number)
    )


@st.composite
def requests(draw: st.DrawFn) -> tuple[Request, ...]:
    asked: list[Request] = []
    for number in range(draw(st.integers(0, 5))):
        client, share, credential = draw(WHOSE)
        frontend, _, security_class = share.partition(":")
        asked.append(
            Request(
                *(
                    f"r{number}",
                    "site",
                    client,
                    frontend,
                    security_class,
                    f"{frontend}@test",
                ),
                idle=draw(st.integers(-3, 40)),
                max_glideins=draw(st.integers(-3, 60)),
                removal=draw(st.sampled_from(Removal)),
                margin=draw(st.integers(-1, 4)),
                idle_lifetime_s=0,
                parameters={},
                web=WEB,
                credentials=Credentials(
                    credential,
                    expires=draw(st.sampled_from([None, int(NOW) - 5, int(NOW) + 5])),
                ),
            )
        )
    return tuple(asked)


LIMIT = st.builds(Limit, st.integers(0, 30), st.integers(0, 20), st.integers(0, 8))
LIMITS = st.builds(
    Limits,
    entry=LIMIT,
    share_default=LIMIT,
    shares=st.dictionaries(st.sampled_from(["a:x", "b:x"]), LIMIT),
    submit_cluster=st.integers(1, 7),
    submit_cycle=st.integers(0, 30),
    remove_cycle=st.integers(0, 6),
    release_cycle=st.integers(0, 6),
    recoverable=st.sampled_from([(), (HoldRule(12),), (HoldRule(12),)]),
    unseen=st.integers(0, 20),
)
UNSEEN = st.builds(
    lambda whose, number: Unseen(whose[0], whose[1], whose[2], number, int(NOW)), WHOSE, FEW
)
VIEWS = st.builds(
    QueueView,
    st.sampled_from([Freshness.FRESH] * 4 + [Freshness.STALE, Freshness.FAILED]),
    st.sampled_from([NOW] * 4 + [NOW - 1_000, NOW + 1_000, 0.0]),
    glideins(),
    st.lists(UNSEEN, max_size=2).map(tuple),
)
ASKED = st.builds(
    RequestsView,
    st.sampled_from([NOW] * 4 + [NOW - 2_000, NOW + 1_000, 0.0]),
    requests(),
    problem=st.sampled_from([""] * 4 + ["no collector"]),
)
DOWNTIMES = st.builds(
    downtimes,
    st.sampled_from(["", "", "", "down"]),
    st.dictionaries(st.sampled_from(["a:x", "b:All", "All:y"]), st.just("down")),
)
BACKOFFS = st.dictionaries(
    st.sampled_from(["a:x", "b:x"]),
    st.sampled_from(
        [Backoff(1, NOW - 9, NOW + 9), Backoff(1, NOW - 9, NOW - 3), Backoff()]
    ),
).map(Backoffs)
PERMITS = st.sampled_from([{}, {"a": ["All"]}, {"a": ["x"], "b": ["x", "y"]}])
ROOM = st.integers(-5, 60)
UNSEEN_ROOM = st.none() | st.integers(-5, 30)
LAST = st.builds(
    Turns, st.sampled_from(["", "r1", "zz"]), st.sampled_from(["", "r1", "zz"])
)


@dataclass(frozen=True)
class Situation:
    """All that a decision depends on."""

    requests: RequestsView
    queue: QueueView
    limits: Limits
    downtimes: Downtimes
    backoffs: Backoffs
    permits: dict[str, list[str]]
    room: int
    unseen_room: int | None
    turns: Turns

    def decide(self) -> Decision:
        return decide(
            self.requests,
            self.queue,
            self.limits,
            entry="site",
            now=NOW,
            factory_room=self.room,
            factory_unseen_room=self.unseen_room,
            permits=self.permits,
            downtimes=self.downtimes,
            backoffs=self.backoffs,
            turns=self.turns,
        )

    @property
    def queue_usable(self) -> bool:
        """Say it again in other words than the code: fresh, and of a possible age."""
        age = NOW - self.queue.taken
        return self.queue.freshness is Freshness.FRESH and -60 <= age <= 300

    @property
    def requests_usable(self) -> bool:
        age = NOW - self.requests.taken
        return not self.requests.problem and -60 <= age <= 900


SITUATIONS = st.builds(
    Situation, ASKED, VIEWS, LIMITS, DOWNTIMES, BACKOFFS, PERMITS, ROOM, UNSEEN_ROOM, LAST
)
many = settings(UNHURRIED, max_examples=100)


def check_limit(has: Counts, more: int, limit: Limit) -> None:
    """No more than the limit after ``more`` idle ones, unless there were more before."""
    assert more >= 0
    if more:
        assert has.idle + more <= limit.idle
        assert has.idle + has.running + more <= limit.glideins


@many
@given(SITUATIONS)
def test_never_above_a_limit(situation: Situation) -> None:
    decision, limits = situation.decide(), situation.limits
    counts = tally(situation.queue)
    released = Counter(one.glidein.share for one in decision.release)
    submitted: Counter[str] = Counter()
    for one in decision.submit:
        submitted[one.request.share] += one.count
        has = counts.of(key_of(one.request))
        assert has.idle + one.count <= one.request.idle
        assert has.glideins + one.count <= one.request.max_glideins
        assert counts.share(one.request.share).held < limits.share(one.request.share).held
    for share in {*released, *submitted}:
        more = released[share] + submitted[share]
        check_limit(counts.share(share), more, limits.share(share))
    check_limit(counts.entry, released.total() + submitted.total(), limits.entry)
    assert released.total() + submitted.total() <= max(0, situation.room)
    if submitted:
        assert counts.entry.held < limits.entry.held
        assert situation.unseen_room is None or submitted.total() <= situation.unseen_room
        assert counts.entry.unseen + submitted.total() <= limits.unseen


@many
@given(SITUATIONS)
def test_never_more_than_the_rates(situation: Situation) -> None:
    decision, limits = situation.decide(), situation.limits
    assert sum(one.count for one in decision.submit) <= limits.submit_cycle
    assert len(decision.remove) <= limits.remove_cycle
    assert len(decision.release) <= limits.release_cycle
    for one in decision.submit:
        assert all(0 < size <= limits.submit_cluster for size in one.clusters)
    assert decision.to_remove >= len(decision.remove)
    assert decision.to_release >= len(decision.release)


@many
@given(SITUATIONS)
def test_only_fresh_views_are_acted_on(situation: Situation) -> None:
    decision = situation.decide()
    if not situation.queue_usable:
        assert (decision.submit, decision.remove, decision.release) == ((), (), ())
    if not situation.requests_usable:
        assert not decision.submit
        assert all(one.rule != "excess" for one in decision.remove)


@many
@given(SITUATIONS)
def test_nobody_gets_what_is_closed_to_them(situation: Situation) -> None:
    permits = situation.permits
    for one in situation.decide().submit:
        asks = one.request
        whose = asks.frontend, asks.security_class
        assert situation.downtimes.of("site", *whose, NOW) is None
        if permits:
            assert {"All", asks.security_class} & set(permits[asks.frontend])
        assert asks.credentials.expires is None or asks.credentials.expires > NOW
        state = situation.backoffs.shares.get(asks.share, Backoff())
        assert not state.until or (state.until <= NOW and one.count <= 3)


@many
@given(SITUATIONS)
def test_only_glideins_of_those_who_ask_go_and_never_one_twice(
    situation: Situation,
) -> None:
    decision = situation.decide()
    there = set(map(id, situation.queue.glideins))
    assert {id(one.glidein) for one in (*decision.remove, *decision.release)} <= there
    acted = [one.glidein.id for one in (*decision.remove, *decision.release)]
    assert len(acted) == len(set(acted))
    permits = situation.permits
    askers = {
        key_of(one)
        for one in situation.requests.requests
        if one.removal is not Removal.NO
        # Not served at all is like a downtime; not served in this class is like no request.
        and {"All", one.security_class} & set(permits.get(one.frontend, ["All"]))
    }
    for one in decision.remove:
        if one.rule == "excess":
            assert (one.glidein.client, one.glidein.share, one.glidein.credential) in askers


@many
@given(SITUATIONS)
def test_the_excess_that_goes_leaves_what_is_asked_for(situation: Situation) -> None:
    decision = situation.decide()
    gone = Counter(
        (one.glidein.client, one.glidein.share, one.glidein.credential)
        for one in decision.remove
        if one.rule == "excess" and one.glidein.state is not State.HELD
    )
    for verdict in decision.verdicts:
        asks, has = verdict.request, verdict.has
        key = key_of(asks)
        if not verdict.remove or not gone[key]:
            continue
        margin = max(0, asks.margin)
        idle, total = has.idle_seen, has.idle_seen + has.running
        enough_idle = idle - gone[key] >= max(0, asks.idle) + margin
        at_most = total - gone[key] >= max(0, asks.max_glideins) + margin
        assert enough_idle or (asks.removal is Removal.ALL and at_most)
        states = {
            one.glidein.state
            for one in decision.remove
            if one.rule == "excess"
            and (one.glidein.client, one.glidein.share, one.glidein.credential) == key
        }
        if asks.removal is Removal.WAIT:
            assert states == {State.WAIT}
        if asks.removal is Removal.IDLE:
            assert states <= {State.WAIT, State.PENDING, State.STAGE_IN, State.IDLE_OTHER}


@many
@given(SITUATIONS)
def test_every_number_has_its_reason(situation: Situation) -> None:
    decision = situation.decide()
    assert len(decision.verdicts) == len(situation.requests.requests)
    for one in decision.verdicts:
        bounds = (
            *one.bounds,
            *decision.bounds,
            *decision.share_bounds[one.request.share],
        )
        assert one.binds in bounds
        assert one.binds.left == 0
        assert one.binds.words
        assert all(bound.left is None or bound.left >= 0 for bound in bounds)
        earlier = [bound for bound in bounds if bound.left == 0]
        assert one.binds.rule == min(
            (bound.rule for bound in earlier), key=list(Rule).index
        )
        assert one.submit == sum(one.clusters)
        assert f"submits {one.submit} [{one.binds.rule}]" in one.words
    assert decision.submitted == sum(one.count for one in decision.submit)
    cycle = next(one for one in decision.bounds if one.rule is Rule.CYCLE)
    assert cycle.given == decision.submitted
    excess = sum(one.rule == "excess" for one in decision.remove)
    assert sum(one.remove for one in decision.verdicts) == excess
    told = decision.as_json()
    assert json.loads(json.dumps(told)) == told
    assert told["submit"] == sum(one["submit"] for one in told["requests"])


@many
@given(SITUATIONS)
def test_the_same_situation_is_decided_the_same_way(situation: Situation) -> None:
    turned = replace(
        situation,
        requests=replace(situation.requests, requests=situation.requests.requests[::-1]),
    )
    assert turned.decide().as_json() == situation.decide().as_json()


@many
@given(SITUATIONS)
def test_the_numbers_of_the_ads_add_up(situation: Situation) -> None:
    decision = situation.decide()
    numbers = monitor_counts(decision, 8)
    totals = numbers.totals
    assert all(type(value) is int and value >= 0 for value in totals.values())
    for item in ("StatusIdle", "StatusRunning", "StatusHeld", "RequestedAdjustedIdle"):
        by_share = sum(one[f"GlideinMonitor{item}"] for one in numbers.shares.values())
        assert totals[f"GlideinMonitorTotal{item}"] == by_share
    for one in decision.verdicts:
        assert 0 <= adjusted_idle(one, decision) <= max(0, one.request.idle)
        if one.submit:
            assert adjusted_idle(one, decision) >= one.submit


@many
@given(SITUATIONS, st.integers(2, 5))
def test_with_an_act_done_the_next_decision_goes_on(
    situation: Situation, cycles: int
) -> None:
    """As many cycles as it takes end at the limits, not beyond: nothing is forgotten between."""
    for _ in range(cycles):
        decision = situation.decide()
        unseen = tuple(
            Unseen(*key_of(one.request), one.count, int(NOW)) for one in decision.submit
        )
        queue = replace(situation.queue, unseen=(*situation.queue.unseen, *unseen))
        spent = decision.submitted + len(decision.release)
        situation = replace(
            situation, queue=queue, room=situation.room - spent, turns=decision.turns
        )
    last, counts = situation.decide(), tally(situation.queue)
    for share in counts.by_share:
        more = sum(one.count for one in last.submit if one.request.share == share)
        released = sum(one.glidein.share == share for one in last.release)
        check_limit(counts.share(share), more + released, situation.limits.share(share))
