"""What is known of a queue: events and full queries in any order come to the same truth."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.queue import event_log
from orchestrator.queue.event_log import Event
from orchestrator.queue.journal import Begun
from orchestrator.queue.known_queue import Key, KnownQueue
from orchestrator.queue.queue_states import state_of
from orchestrator.queue.queue_view import IDLE_STATES, RUNNING_STATES, Glidein, State
from orchestrator.queue.schedd import Queued

BEGUN = Begun("s1", 100.0, "Frontend.main", "Frontend:frontend", "ABC", 5)


def glidein(process: int, state: State = State.WAIT, since: int = 100) -> Glidein:
    return Glidein(
        7, process, state, "Frontend.main", "Frontend:frontend", "ABC", 100, since
    )


def queued(*glideins: Glidein, submission: str = "s1") -> list[Queued]:
    return [Queued(replace(one), "north", submission) for one in glideins]


def submission(ident: str) -> Begun | None:
    return BEGUN if ident == BEGUN.id else None


def told(known: KnownQueue, number: int, time: int, at: float, process: int = 0) -> None:
    note = "s1" if number == event_log.SUBMIT else ""
    known.apply(Event(number, 7, process, time, note), submission, at)


def states(known: KnownQueue) -> dict[int, State]:
    return {one.process: one.state for one in known.glideins.values()}


def test_events_alone_tell_the_life_of_a_glidein() -> None:
    known = KnownQueue()
    told(known, event_log.SUBMIT, 100, 0.0)
    assert states(known) == {0: State.WAIT}
    assert known.seen("s1") == 1
    told(known, event_log.GRID_SUBMIT, 110, 10.0)
    assert states(known) == {0: State.PENDING}
    told(known, event_log.EXECUTE, 120, 20.0)
    assert states(known) == {0: State.RUNNING}
    known.apply(
        Event(event_log.HELD, 7, 0, 130, reason="no", code=26, subcode=1), submission, 30
    )
    (held,) = known.glideins.values()
    assert (held.state, held.since, held.holds) == (State.HELD, 130, 1)
    assert (held.hold_code, held.hold_subcode, held.hold_reason) == (26, 1, "no")
    told(known, event_log.RELEASED, 140, 40.0)
    assert (held.state, held.hold_code, held.hold_reason, held.holds) == (
        State.WAIT,
        0,
        "",
        1,
    )
    told(known, event_log.EXECUTE, 150, 50.0)
    known.apply(Event(event_log.TERMINATED, 7, 0, 160, code=3), submission, 60.0)
    assert states(known) == {}
    (ended,) = known.ended
    assert (ended.started, ended.ended, ended.exit_code, ended.removed) == (
        150,
        160,
        3,
        False,
    )
    assert (known.seen("s1"), known.incomplete) == (1, "")


def test_removed_glideins_are_told_as_such() -> None:
    known = KnownQueue()
    told(known, event_log.SUBMIT, 100, 0.0)
    told(known, event_log.ABORTED, 130, 30.0)
    (ended,) = known.ended
    assert (ended.removed, ended.started, ended.exit_code) == (True, None, None)


@pytest.mark.parametrize(("direct", "code"), [(True, 0), (False, None)])
def test_a_success_that_nobody_has_seen_is_none(direct: bool, code: int | None) -> None:
    known = KnownQueue(direct=direct)
    told(known, event_log.SUBMIT, 100, 0.0)
    known.apply(Event(event_log.TERMINATED, 7, 0, 160, code=0), submission, 60.0)
    assert known.ended[0].exit_code == code


def test_a_query_does_not_forget_what_was_submitted_after_it_began() -> None:
    known = KnownQueue()
    told(known, event_log.SUBMIT, 100, 10.0)
    known.correct([], begun=9.0, now=11.0, wall=111)
    assert states(known) == {0: State.WAIT}
    known.correct([], begun=10.5, now=11.0, wall=111)
    assert states(known) == {}
    assert known.ended[0].ended == 111


def test_a_query_does_not_bring_back_what_ended() -> None:
    """The queue is told later than the log."""
    known = KnownQueue()
    told(known, event_log.SUBMIT, 100, 0.0)
    told(known, event_log.TERMINATED, 160, 60.0)
    known.correct(queued(glidein(0, State.RUNNING)), begun=61.0, now=62.0, wall=162)
    assert states(known) == {}
    known.correct(queued(glidein(0, State.RUNNING)), begun=600.0, now=601.0, wall=700)
    assert states(known) == {0: State.RUNNING}, "after five minutes it is no delay"


@pytest.mark.parametrize(
    ("entered", "state"),
    [
        pytest.param(110, State.RUNNING, id="the query is from before the event"),
        pytest.param(125, State.HELD, id="the query saw what came after"),
    ],
)
def test_the_later_of_query_and_event_holds(entered: int, state: State) -> None:
    known = KnownQueue()
    told(known, event_log.SUBMIT, 100, 0.0)
    told(known, event_log.EXECUTE, 120, 20.0)
    known.correct(queued(glidein(0, State.HELD, entered)), begun=19.0, now=21.0, wall=121)
    assert states(known) == {0: state}


def test_an_event_that_a_query_has_overtaken_changes_nothing() -> None:
    known = KnownQueue()
    known.correct(queued(glidein(0, State.HELD, 130)), begun=30.0, now=31.0, wall=131)
    told(known, event_log.EXECUTE, 120, 32.0)
    assert states(known) == {0: State.HELD}
    told(known, event_log.RELEASED, 131, 33.0)
    assert states(known) == {0: State.WAIT}


def test_only_a_query_says_where_at_the_site_a_glidein_is() -> None:
    known = KnownQueue()
    told(known, event_log.SUBMIT, 100, 0.0)
    told(known, event_log.GRID_SUBMIT, 105, 5.0)
    known.correct(queued(glidein(0, State.STAGE_IN)), begun=6.0, now=6.5, wall=107)
    assert states(known) == {0: State.STAGE_IN}


@pytest.mark.parametrize(
    "event",
    [
        Event(event_log.SUBMIT, 8, 0, 100, "somebody's"),
        Event(event_log.EXECUTE, 8, 0, 100),
        Event(event_log.HELD, 8, 0, 100, code=1),
    ],
)
def test_what_nobody_knows_only_a_query_can_tell(event: Event) -> None:
    known = KnownQueue()
    known.apply(event, submission, 0.0)
    assert "8.0" in known.incomplete
    known.correct([], begun=1.0, now=1.0, wall=101)
    assert known.incomplete == ""
    known.apply(Event(event_log.TERMINATED, 9, 0, 100), submission, 2.0)
    known.apply(Event(event_log.HELD, 9, 0, 100), submission, 2.0)
    assert known.incomplete == "", "it had ended"


def test_seen_are_also_those_that_a_query_saw() -> None:
    known = KnownQueue()
    known.correct(queued(glidein(0), glidein(1)), begun=1.0, now=1.0, wall=101)
    assert known.seen("s1") == 2
    told(known, event_log.SUBMIT, 100, 2.0, process=1)
    told(known, event_log.SUBMIT, 100, 2.0, process=2)
    assert known.seen("s1") == 3
    known.keep_seen([])
    assert known.seen("s1") == 0


@pytest.mark.parametrize(
    ("status", "grid", "state"),
    [
        (1, None, State.WAIT),
        (1, "PENDING", State.PENDING),
        (1, "INLRMS:Q", State.PENDING),
        (1, "IDLE", State.PENDING),
        (1, "accepting", State.STAGE_IN),
        (1, "NONSENSE", State.IDLE_OTHER),
        (2, None, State.RUNNING),
        (2, "REALLY-RUNNING", State.RUNNING),
        (2, "FINISHING", State.STAGE_OUT),
        (2, "NONSENSE", State.RUNNING_OTHER),
        (5, "PENDING", State.HELD),
        (6, None, State.STAGE_OUT),
        (7, None, State.RUNNING),
        (3, None, None),
        (4, "RUNNING", None),
    ],
)
def test_states(status: int, grid: str | None, state: State | None) -> None:
    assert state_of(status, grid) == state


@dataclass
class World:
    """A schedd, its event log and its queue, and a reader who sees both late."""

    clock: int = 100
    jobs: dict[Key, Glidein] = field(default_factory=dict)
    log: list[Event] = field(default_factory=list)
    read: int = 0
    known: KnownQueue = field(default_factory=KnownQueue)

    def write(self, number: int, key: Key) -> None:
        note = "s1" if number == event_log.SUBMIT else ""
        self.log.append(Event(number, *key, self.clock, note))

    def act(self, number: int, key: Key) -> None:
        """Let something happen to a job, if it can."""
        self.clock += 1
        job = self.jobs.get(key)
        if number == event_log.SUBMIT:
            if job is None and not any(
                (one.cluster, one.process) == key for one in self.log
            ):
                self.jobs[key] = glidein(key[1], since=self.clock)
                self.write(number, key)
            return
        if job is None:
            return
        idle, running = job.state in IDLE_STATES, job.state in RUNNING_STATES
        allowed = {
            event_log.EXECUTE: idle,
            event_log.EVICTED: running,
            event_log.HELD: idle or running,
            event_log.RELEASED: job.state is State.HELD,
            event_log.TERMINATED: running,
            event_log.ABORTED: True,
        }
        if not allowed[number]:
            return
        self.write(number, key)
        if number in (event_log.TERMINATED, event_log.ABORTED):
            del self.jobs[key]
            return
        job.state = {
            event_log.EXECUTE: State.RUNNING,
            event_log.HELD: State.HELD,
        }.get(number, State.WAIT)
        job.since = self.clock

    def look(self, upto: int) -> None:
        for event in self.log[self.read : upto]:
            self.known.apply(event, submission, float(self.clock))
        self.read = max(self.read, upto)


NUMBERS = [
    *(event_log.SUBMIT, event_log.EXECUTE, event_log.EVICTED, event_log.HELD),
    *(event_log.RELEASED, event_log.TERMINATED, event_log.ABORTED),
]
STEP = st.one_of(
    st.tuples(st.just("act"), st.sampled_from(NUMBERS), st.integers(0, 2)),
    st.tuples(st.just("look"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("ask"), st.just(0), st.just(0)),
    st.tuples(st.just("answer"), st.just(0), st.just(0)),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(STEP, max_size=40))
def test_in_whatever_order_they_are_looked_at(steps: list[tuple[str, int, int]]) -> None:
    """The log is read some events late, answers of queries are taken in late."""
    world = World()
    answer: tuple[float, list[Queued]] | None = None
    for what, number, process in steps:
        world.clock += 1
        match what:
            case "act":
                world.act(number, (7, process))
            case "look":
                world.look(max(world.read, len(world.log) - number))
            case "ask":
                answer = (float(world.clock), queued(*world.jobs.values()))
            case "answer" if answer is not None:
                begun, found = answer
                world.known.correct(found, begun, float(world.clock), world.clock)
                answer = None
        # Nothing that was read of is ever forgotten while it lives.
        submitted = {
            (one.cluster, one.process)
            for one in world.log[: world.read]
            if one.number == event_log.SUBMIT
        }
        assert submitted & world.jobs.keys() <= world.known.glideins.keys()
    world.look(len(world.log))
    kinds = {key: _kind(one.state) for key, one in world.known.glideins.items()}
    assert kinds == {key: _kind(one.state) for key, one in world.jobs.items()}


def _kind(state: State) -> str:
    return "idle" if state in IDLE_STATES else "held" if state is State.HELD else "running"
