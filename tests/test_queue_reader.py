"""The queue view: when it is fresh, what it costs, and what it is made of; the schedd is played."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from orchestrator.errors import ScheddError
from orchestrator.queue import shared_queue
from orchestrator.queue.event_log import log_name
from orchestrator.queue.journal import Begun, Journal, new_id
from orchestrator.queue.queue_reader import QueueReader
from orchestrator.queue.queue_view import Freshness, Glidein, QueueView, State
from orchestrator.queue.schedd import Ours, Queued
from orchestrator.worktree.daemon_settings import Cycle
from orchestrator.worktree.entry_record import EntryRecord
from tests.factory_user import RECORD

NOW = 1_795_559_374.0
RECORD_1 = replace(RECORD, cycle=Cycle(full_query_s=1000))


@dataclass
class Played:
    """A schedd whose queue is a list; ``problem`` when it is away."""

    queue: list[Queued] = field(default_factory=list)
    problem: str = ""
    asked: int = 0

    def query(self, ours: Ours) -> list[Queued]:
        self.asked += 1
        entry, part = ours.entry, ours.part
        assert (ours.factory, ours.glidein) == ("Example", "first")
        if self.problem:
            raise ScheddError(self.problem)
        copies = [one._replace(glidein=replace(one.glidein)) for one in self.queue]
        mine = [one for one in copies if entry in (None, one.entry)]
        return [one for one in mine if one.glidein.cluster % part[1] == part[0]]


@dataclass
class Clock:
    """The clock that is never set back, in our hands."""

    now: float = 5000.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@dataclass
class Bench:
    """A reader and all it reads."""

    work: Path
    schedd: Played
    clock: Clock
    journal: Journal
    record: EntryRecord = RECORD_1
    shared_s: float = 0.0

    def reader(self) -> QueueReader:
        return QueueReader(self.work, self.record, self.schedd, self.journal, self.shared_s)

    @property
    def folder(self) -> Path:
        return self.work / "entries" / "north"

    def submit(self, reader: QueueReader, count: int = 2, cluster: int = 7) -> Begun:
        """Submit so that the queue has them and the log does not."""
        begun = self.journal.begin(new_id(), "F.main", "F:frontend", "ABC", count, NOW)
        for process in range(count):
            self.schedd.queue.append(queued(cluster, process, begun.id))
        self.journal.done(begun, cluster)
        reader.submitted(begun)
        return begun

    def write(self, *events: str) -> None:
        with (self.folder / "glideins" / log_name(NOW)).open("a") as log:
            for event in events:
                log.write(f"{event}\n...\n")

    def take_shared(self) -> dict[str, str]:
        schedds = {RECORD.schedd: self.schedd}
        # In this process, for the schedd and the clock are played.
        entries = {"north": RECORD.schedd}
        return shared_queue._take(self.work, schedds, "Example", "first", entries)


def queued(
    cluster: int, process: int, submission: str = "", entry: str = "north"
) -> Queued:
    state = State.WAIT
    at = int(NOW)
    glidein = Glidein(cluster, process, state, "F.main", "F:frontend", "ABC", at, at)
    return Queued(glidein, entry, submission)


def submitted(cluster: int, process: int, submission: str) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(NOW))
    head = f"000 ({cluster:03}.{process:03}.000) {when} Job submitted from host: <x>"
    return f"{head}\n    glidein {submission}"


def event(number: int, cluster: int, process: int, text: str) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(NOW + 60))
    return f"{number:03} ({cluster:03}.{process:03}.000) {when} {text}"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    folder = tmp_path / "entries" / "north"
    (folder / "glideins").mkdir(parents=True)
    return Bench(tmp_path, Played(), clock, Journal(folder))


def counts(view: QueueView) -> tuple[Freshness, int, int]:
    return view.freshness, len(view.glideins), sum(one.count for one in view.unseen)


def test_after_a_start_the_queue_itself_is_asked_and_then_no_more(bench: Bench) -> None:
    bench.schedd.queue = [queued(3, 0), queued(3, 1), queued(4, 0, entry="south")]
    reader = bench.reader()
    view = reader.view(NOW)
    assert counts(view) == (Freshness.FRESH, 2, 0)
    assert view.taken == NOW
    for second in range(1, 900):
        bench.clock.now += 1
        assert reader.view(NOW + second).taken == NOW + second
    assert bench.schedd.asked == 1


def test_the_full_look_is_repeated(bench: Bench) -> None:
    reader = bench.reader()
    reader.view(NOW)
    bench.clock.now += 1001
    assert reader.view(NOW + 1001).freshness is Freshness.FRESH
    assert bench.schedd.asked == 2


def test_a_schedd_that_is_away_and_comes_back(bench: Bench) -> None:
    bench.schedd.queue = [queued(3, 0)]
    reader = bench.reader()
    bench.schedd.problem = "schedd@x: queue: connection refused"
    view = reader.view(NOW)
    assert counts(view) == (Freshness.FAILED, 0, 0)
    assert (view.problem, view.taken) == (bench.schedd.problem, 0)
    bench.schedd.problem = ""
    assert counts(reader.view(NOW + 60)) == (Freshness.FRESH, 1, 0)
    bench.clock.now += 1001
    bench.schedd.problem = "away again"
    view = reader.view(NOW + 1001)
    # What was known is still shown.
    assert counts(view) == (Freshness.FAILED, 1, 0)
    assert (view.problem, view.taken) == ("away again", NOW + 60)
    bench.schedd.problem = ""
    assert reader.view(NOW + 1061).freshness is Freshness.FRESH


def test_a_submission_is_unseen_until_the_log_tells(bench: Bench) -> None:
    reader = bench.reader()
    reader.view(NOW)
    begun = bench.submit(reader)
    assert counts(reader.view(NOW)) == (Freshness.FRESH, 0, 2)
    bench.write(submitted(7, 0, begun.id))
    view = reader.view(NOW)
    assert counts(view) == (Freshness.FRESH, 1, 1)
    assert view.unseen[0].share == "F:frontend"
    bench.write(submitted(7, 1, begun.id))
    assert counts(reader.view(NOW)) == (Freshness.FRESH, 2, 0)
    assert bench.journal.open == ()
    assert bench.schedd.asked == 1


def test_a_submission_that_does_not_show_in_the_log_is_asked_for(bench: Bench) -> None:
    reader = bench.reader()
    reader.view(NOW)
    bench.submit(reader)
    bench.clock.now += 200
    assert counts(reader.view(NOW + 200)) == (Freshness.FRESH, 0, 2)
    bench.clock.now += 101
    assert counts(reader.view(NOW + 301)) == (Freshness.FRESH, 2, 0)
    assert bench.schedd.asked == 2


def test_a_submission_whose_end_is_not_known(bench: Bench) -> None:
    reader = bench.reader()
    reader.view(NOW)
    begun = bench.journal.begin(new_id(), "F.main", "F:frontend", "ABC", 2, NOW)
    reader.submitted(begun, "no answer after 60 s")
    bench.schedd.problem = "away"
    view = reader.view(NOW)
    assert counts(view) == (Freshness.FAILED, 0, 2)
    bench.schedd.problem = ""
    bench.schedd.queue.append(queued(7, 0, begun.id))
    assert counts(reader.view(NOW)) == (Freshness.FRESH, 1, 0)
    assert bench.journal.open == ()


def test_a_submission_that_is_still_going_on_is_not_settled(bench: Bench) -> None:
    """Somebody else's look may come while we ask."""
    reader = bench.reader()
    reader.view(NOW)
    bench.journal.begin(new_id(), "F.main", "F:frontend", "ABC", 2, NOW)
    reader.doubt("test")
    assert counts(reader.view(NOW)) == (Freshness.FRESH, 0, 2)


def test_what_a_process_before_us_began(bench: Bench) -> None:
    begun = bench.journal.begin(new_id(), "F.main", "F:frontend", "ABC", 2, NOW)
    reader = bench.reader()
    bench.schedd.problem = "away"
    assert counts(reader.view(NOW)) == (Freshness.FAILED, 0, 2)
    bench.schedd.problem = ""
    bench.schedd.queue = [queued(7, 0, begun.id), queued(7, 1, begun.id)]
    assert counts(reader.view(NOW)) == (Freshness.FRESH, 2, 0)
    assert bench.journal.open == ()


def test_it_knows_after_a_restart_what_it_knew(bench: Bench) -> None:
    reader = bench.reader()
    reader.view(NOW)
    begun = bench.submit(reader)
    bench.write(submitted(7, 0, begun.id), submitted(7, 1, begun.id))
    bench.write(event(1, 7, 0, "Job executing on host: x"))
    bench.write(event(9, 7, 1, "Job was aborted."))
    before = reader.view(NOW)
    assert [one.state for one in before.glideins] == [State.RUNNING]
    again = bench.reader()
    bench.schedd.problem = "away"
    view = again.view(NOW + 60)
    assert (view.freshness, view.glideins) == (Freshness.FAILED, before.glideins)
    assert view.taken == NOW
    (ended,) = again.ended
    assert (ended.cluster, ended.process, ended.removed) == (7, 1, True)


def test_what_ended_is_known_until_it_is_settled(bench: Bench) -> None:
    reader = bench.reader()
    reader.view(NOW)
    begun = bench.submit(reader)
    for process in (0, 1):
        bench.write(submitted(7, process, begun.id))
        bench.write(event(9, 7, process, "Job was aborted."))
    reader.view(NOW)
    assert len(reader.ended) == 2
    assert bench.reader().ended == reader.ended
    reader.settled(reader.ended[1:])
    assert bench.reader().ended == reader.ended
    assert [one.process for one in reader.ended] == [1]
    reader.settled()
    assert not reader.ended
    assert not bench.reader().ended


@pytest.mark.parametrize(
    "damage", ["", "{}", '{"format": 9}', '{"format": 1, "glideins": 3}']
)
def test_a_damaged_memory_is_no_memory(bench: Bench, damage: str) -> None:
    (bench.folder / "queue.json").write_text(damage)
    bench.schedd.queue = [queued(3, 0)]
    assert counts(bench.reader().view(NOW)) == (Freshness.FRESH, 1, 0)
    assert json.loads((bench.folder / "queue.json").read_text())["format"] == 1


@pytest.mark.parametrize(
    "line",
    [
        "001 (009.000.000) nonsense\n...\n",
        "000 (009.000.000) 2026-11-24 22:00:08 Job submitted from host: <x>\n    a note\n...\n",
    ],
)
def test_a_log_that_makes_no_sense_is_a_reason_to_ask(bench: Bench, line: str) -> None:
    reader = bench.reader()
    reader.view(NOW)
    (bench.folder / "glideins" / log_name(NOW)).write_text(line)
    bench.schedd.queue = [queued(9, 0)]
    assert counts(reader.view(NOW)) == (Freshness.FRESH, 1, 0)
    assert bench.schedd.asked == 2


def test_logs_of_living_glideins_are_followed_and_no_others(bench: Bench) -> None:
    old = queued(3, 0)
    old.glidein.queued = int(NOW) - 9 * 86_400
    bench.schedd.queue = [old]
    reader = bench.reader()
    reader.view(NOW)
    reader.view(NOW)
    followed = set(reader._logs._followed)
    assert followed == {log_name(NOW + day * 86_400) for day in (-10, -9, -8, -1, 0, 1)}
    with (bench.folder / "glideins" / log_name(NOW - 9 * 86_400)).open("w") as log:
        log.write(event(9, 3, 0, "Job was aborted.") + "\n...\n")
    assert counts(reader.view(NOW)) == (Freshness.FRESH, 0, 0)
    reader.view(NOW)
    assert set(reader._logs._followed) == {
        log_name(NOW + day * 86_400) for day in (-1, 0, 1)
    }


def test_a_view_of_nothing_new_touches_nothing(bench: Bench) -> None:
    reader = bench.reader()
    reader.view(NOW)
    before = {path: path.stat() for path in bench.folder.rglob("*")}
    reader.view(NOW + 60)
    assert {path: path.stat() for path in bench.folder.rglob("*")} == before


class TestShared:
    """One look for all entries."""

    @pytest.fixture
    def bench(self, bench: Bench) -> Bench:
        bench.shared_s = 20.0
        return bench

    def test_it_spares_the_look_of_our_own(self, bench: Bench) -> None:
        bench.schedd.queue = [
            queued(3, 0),
            queued(4, 0, entry="gone"),
            queued(4, 1, entry="gone"),
        ]
        reader = bench.reader()
        assert counts(reader.view(NOW)) == (Freshness.STALE, 0, 0)
        assert bench.take_shared() == {}
        assert counts(reader.view(NOW)) == (Freshness.FRESH, 1, 0)
        for _ in range(5):
            bench.clock.now += 900
            bench.take_shared()
            assert counts(reader.view(NOW)) == (Freshness.FRESH, 1, 0)
        assert bench.schedd.asked == 6
        stamp = json.loads((bench.work / "views/queue/stamp.json").read_text())
        assert stamp["schedds"][RECORD.schedd]["others"] == {"gone": 2}

    def test_one_from_before_our_start_is_not_enough(self, bench: Bench) -> None:
        bench.take_shared()
        assert bench.reader().view(NOW).freshness is Freshness.STALE

    def test_where_nobody_takes_it_we_take_our_own(self, bench: Bench) -> None:
        reader = bench.reader()
        assert reader.view(NOW).freshness is Freshness.STALE
        bench.clock.now += 21
        assert reader.view(NOW).freshness is Freshness.FRESH
        bench.clock.now += 1400
        assert reader.view(NOW).freshness is Freshness.FRESH
        assert bench.schedd.asked == 1
        bench.clock.now += 101
        reader.view(NOW)
        assert bench.schedd.asked == 2

    def test_it_does_not_forget_what_was_submitted_meanwhile(self, bench: Bench) -> None:
        reader = bench.reader()
        bench.take_shared()
        reader.view(NOW)
        # It looks, we submit and see, and then it leaves what it saw.
        begun_at = bench.clock()
        begun = bench.submit(reader)
        bench.write(submitted(7, 0, begun.id))
        assert counts(reader.view(NOW)) == (Freshness.FRESH, 1, 1)
        there, bench.schedd.queue = bench.schedd.queue, []
        bench.take_shared()
        self.antedate(bench, begun_at)
        assert counts(reader.view(NOW)) == (Freshness.FRESH, 1, 1)
        bench.schedd.queue = there
        bench.take_shared()
        assert counts(reader.view(NOW)) == (Freshness.FRESH, 2, 0)

    def test_it_cannot_settle_what_is_not_known(self, bench: Bench) -> None:
        reader = bench.reader()
        bench.take_shared()
        reader.view(NOW)
        begun_at = bench.clock()
        begun = bench.journal.begin(new_id(), "F.main", "F:frontend", "ABC", 2, NOW)
        reader.submitted(begun, "no answer")
        bench.take_shared()
        self.antedate(bench, begun_at)
        bench.schedd.queue.append(queued(7, 0, begun.id))
        # So it asks itself.
        assert counts(reader.view(NOW)) == (Freshness.FRESH, 1, 0)
        assert bench.schedd.asked == 3

    def test_what_is_away_for_it_is_away_for_all(self, bench: Bench) -> None:
        reader = bench.reader()
        bench.take_shared()
        reader.view(NOW)
        bench.schedd.problem = "connection refused"
        assert bench.take_shared() == {RECORD.schedd: "connection refused"}
        for _ in range(20):
            bench.clock.now += 60
            view = reader.view(NOW)
            assert (view.freshness, view.problem) == (
                Freshness.FAILED,
                "connection refused",
            )
            bench.take_shared()
        assert bench.schedd.asked == 22
        bench.schedd.problem = ""
        bench.take_shared()
        assert reader.view(NOW).freshness is Freshness.FRESH

    def test_files_of_entries_that_did_not_change_are_left_alone(
        self, bench: Bench
    ) -> None:
        bench.schedd.queue = [queued(3, 0)]
        bench.take_shared()
        path = bench.work / "views/queue/north.json"
        before = path.stat()
        bench.take_shared()
        assert path.stat() == before
        bench.schedd.queue = [queued(3, 0), queued(3, 1)]
        bench.take_shared()
        assert path.stat().st_ino != before.st_ino

    def test_files_of_entries_that_are_no_more_go(self, bench: Bench) -> None:
        bench.take_shared()
        stray = bench.work / "views/queue/retired.json"
        stray.write_text("{}")
        bench.take_shared()
        assert not stray.exists()

    @pytest.mark.parametrize(
        "damage",
        [
            lambda folder: (folder / "north.json").write_text("{}"),
            lambda folder: (folder / "north.json").unlink(),
            lambda folder: (folder / "stamp.json").write_text("{"),
            lambda folder: (folder / "stamp.json").write_text('{"format": 9}'),
        ],
    )
    def test_damaged_files_are_no_empty_queue(
        self, bench: Bench, damage: Callable[[Path], object]
    ) -> None:
        bench.schedd.queue = [queued(3, 0)]
        reader = bench.reader()
        bench.take_shared()
        damage(bench.work / "views/queue")
        assert reader.view(NOW).freshness is Freshness.STALE

    def test_another_boot_has_another_clock(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reader = bench.reader()
        monkeypatch.setattr(shared_queue, "boot_id", lambda: "before")
        bench.take_shared()
        monkeypatch.undo()
        monkeypatch.setattr(time, "monotonic", bench.clock)
        assert reader.view(NOW).freshness is Freshness.STALE

    def antedate(self, bench: Bench, begun: float) -> None:
        """Let the last shared look have begun earlier."""
        path = bench.work / "views/queue/stamp.json"
        said = json.loads(path.read_text())
        said["schedds"][RECORD.schedd] |= {"begun": begun, "tried": begun}
        path.write_text(json.dumps(said))

    def test_a_look_for_all_that_is_older_than_our_own_is_not_taken_in(
        self, bench: Bench
    ) -> None:
        bench.shared_s = 0.0
        reader = bench.reader()
        bench.take_shared()  # nothing is there yet
        assert counts(reader.view(NOW)) == (Freshness.FRESH, 0, 0)
        begun = bench.submit(reader)
        bench.write(submitted(7, 0, begun.id), submitted(7, 1, begun.id))
        assert counts(reader.view(NOW)) == (Freshness.FRESH, 2, 0)
        again = bench.reader()  # after kill -9
        for _ in range(3):
            assert counts(again.view(NOW)) == (Freshness.FRESH, 2, 0)
