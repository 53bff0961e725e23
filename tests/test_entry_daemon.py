"""When an Entry daemon has a cycle done, and what one cycle leaves for the next."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.daemon import state_file
from orchestrator.daemon.board import Board
from orchestrator.daemon.children import DONE
from orchestrator.daemon.entry_cycle import EntryCycle, Next
from orchestrator.daemon.entry_daemon import EntryDaemon, Round
from orchestrator.daemon.entry_memory import recall, remember
from orchestrator.daemon.stamp import stamp
from orchestrator.outputs import outcomes
from orchestrator.outputs.outcome import Ended
from orchestrator.protocol.keys import Keyring
from orchestrator.queue.journal import Journal
from orchestrator.queue.queue_reader import QueueReader
from orchestrator.queue.queue_view import Freshness, Glidein, QueueView, State, Unseen
from orchestrator.worktree.entry_record import read_entry
from orchestrator.worktree.told import Told
from tests.configured import Configured
from tests.test_state_file import room

GLIDEIN = Glidein(7, 0, State.WAIT, "vo.main", "vo:frontend", "ABCDEFGH", 1, 1)


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring.start(tmp_path_factory.mktemp("key"))


@pytest.fixture
def work(configured: Configured, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The work tree of a factory whose collector and schedd answer nobody."""
    monkeypatch.setenv("CONDOR_CONFIG", os.devnull)
    configured.change("factory.toml", "\n\n[web]", '\ncollector = ["127.0.0.1:1"]\n\n[web]')
    configured.reconfig()
    (configured.work / "entries/north/glideins").mkdir()
    return configured.work


def test_a_cycle_goes_on_from_what_the_last_one_knew(work: Path, keyring: Keyring) -> None:
    slot = Board().take()
    folder = work / "entries/north"
    with Journal(folder) as journal:
        first = EntryCycle(work, "north", slot, journal, keyring, 0)
        first._reader.known.glideins[7, 0] = GLIDEIN
        first._words = "as decided"
        memory = remember(first)
    assert b"PRIVATE" not in memory
    with Journal(folder) as journal:
        again = recall(memory, slot, journal, keyring)
        assert again.record == first.record
        assert again._words == "as decided"
        assert again._reader._journal is again._submitter._journal is journal
        assert again._slot is slot
        # And it works: nobody answers, so nothing is done, and the glideins are not forgotten.
        assert again.cycle() in (Next.SOON, Next.GO_ON)
    told = state_file.read(folder / "status.json")
    assert (told["glideins"], told["queue"]) == (1, "failed")
    assert told["decision"]["submit"] == 0
    assert slot.glideins == 1
    assert slot.blind


def test_without_room_no_outcome_is_lost_and_none_told_twice(
    work: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = work / "entries/north"
    with Journal(folder) as journal:
        cycle = EntryCycle(work, "north", Board().take(), journal, keyring, 0)
        now = time.time()
        gone = [Ended(7, n, "vo.main", "vo:frontend", now, removed=True) for n in range(3)]
        cycle._reader.known.ended = gone
        with room(300):  # for one line of three
            cycle.cycle()
        assert "File too large" in cycle._problems["outcomes"]
        assert not [*outcomes.read(folder)]
        with monkeypatch.context() as patched:  # for the lines, and not for the sums
            patched.setattr(outcomes, "save", lambda *_: os.truncate("/no/room", 0))
            cycle.cycle()
        assert "/no/room" in cycle._problems["statistics"]
        for _ in range(2):
            cycle.cycle()
    told = [one["glidein"] for one in outcomes.read(folder)]
    assert sorted(told) == ["7.0", "7.1", "7.2"]
    assert outcomes.load(folder).ever.ended == 3


def test_an_entry_moves_to_another_schedd_when_it_has_no_glideins(
    work: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, slot = work / "entries/north", Board().take()
    record = read_entry(work, "north")
    old = replace(record, pilot=replace(record.pilot, schedd="old@example.org"))
    Told(folder).add(old, [], time.time())
    new = replace(GLIDEIN, queued=int(time.time()), since=int(time.time()))
    views = [
        QueueView(Freshness.STALE, time.time()),
        QueueView(Freshness.FRESH, time.time(), (new,)),
        QueueView(Freshness.FRESH, time.time(), (), (Unseen("c", "f:c", "A", 1, since=1),)),
        *[QueueView(Freshness.FRESH, time.time())] * 2,
    ]
    monkeypatch.setattr(QueueReader, "view", lambda self, now: views.pop(0))
    with Journal(folder) as journal:
        cycle = EntryCycle(work, "north", slot, journal, keyring, 0)
        for _ in range(3):
            assert cycle.cycle() in (Next.SOON, Next.GO_ON)
            assert cycle._reader.record.schedd == "old@example.org"
            assert Told(folder).schedd == "old@example.org"
        assert "no glidein is left in old@example.org; there are 1" in cycle._moving(
            QueueView(Freshness.FRESH, 1.0, (GLIDEIN,))
        )
        cycle.cycle()
        assert cycle.record == cycle._reader.record == record
        assert cycle._schedd.name == record.schedd
        assert Told(folder).schedd == ""


@pytest.fixture
def daemon(
    work: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Next, float], EntryDaemon]:
    """How to make a daemon whose cycles write down the memory they get, and end as said."""
    (work / "views").mkdir()
    (work / "views/requests.json").touch()

    def make(following: Next, due: float) -> EntryDaemon:
        daemon = EntryDaemon(str(work), "north", Board().take(), keyring, 0)
        watched = work / "watched"

        def cycle(memory: bytes, seen: list[str]) -> Round:
            with (work / "cycles").open("a") as told:
                told.write(memory.decode() + "\n")
            if (work / "die").exists():
                os._exit(1)
            seen_now = ((str(watched), stamp(str(watched))),)
            return Round(following.value, memory + b"x", seen_now, due, 9.0, 0.0)

        monkeypatch.setattr(daemon, "_cycle", cycle)
        return daemon

    return make


def memories(work: Path) -> list[str]:
    """Return what the cycles so far were given."""
    return (work / "cycles").read_text().splitlines()


LATER = time.time() + 3600


def test_without_news_no_cycle_is_done(
    daemon: Callable[[Next, float], EntryDaemon], work: Path
) -> None:
    rests = daemon(Next.NEWS, LATER)
    for _ in range(3):
        assert rests.cycle() is None
    assert memories(work) == [""]
    assert rests.delay_s == 9
    assert not rests.news()
    (work / "watched").touch()
    assert rests.news()
    rests.cycle()
    assert memories(work) == ["", "x"]
    assert not rests.news()


@pytest.mark.parametrize(
    ("following", "due"),
    [
        pytest.param(Next.GO_ON, LATER, id="work was left"),
        pytest.param(Next.SOON, LATER, id="the queue is not known yet"),
        pytest.param(Next.NEWS, time.time() - 1, id="it is time to advertise"),
        pytest.param(Next.NEWS, time.time() + 1e6, id="the clock was set back"),
    ],
)
def test_what_needs_a_cycle_all_the_same(
    daemon: Callable[[Next, float], EntryDaemon], work: Path, following: Next, due: float
) -> None:
    works = daemon(following, due)
    for _ in range(3):
        works.cycle()
    assert memories(work) == ["", "x", "xx"]
    assert (works.again_s is not None) == (following is Next.SOON)


def test_nobody_takes_the_requests_of_all(
    daemon: Callable[[Next, float], EntryDaemon], work: Path
) -> None:
    rests = daemon(Next.NEWS, LATER)
    rests.cycle()
    long_ago = time.time() - 3600
    os.utime(work / "views/requests.json", (long_ago, long_ago))
    rests.cycle()
    assert memories(work) == ["", "x"]


def test_a_cycle_that_dies_leaves_no_memory(
    daemon: Callable[[Next, float], EntryDaemon],
    work: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rests = daemon(Next.NEWS, LATER)
    rests.cycle()
    (work / "watched").touch()
    (work / "die").touch()
    assert rests.cycle() is None
    assert "a cycle failed" in caplog.text
    (work / "die").unlink()
    rests.cycle()
    assert memories(work) == ["", "x", ""]


def test_a_retired_entry_is_done(
    daemon: Callable[[Next, float], EntryDaemon],
) -> None:
    assert daemon(Next.RETIRED, LATER).cycle() == DONE


def test_a_damaged_record_is_not_the_end(
    work: Path, keyring: Keyring, caplog: pytest.LogCaptureFixture
) -> None:
    record = work / "entries/north/entry.json"
    good = record.read_text()
    record.write_text("{")
    daemon = EntryDaemon(str(work), "north", Board().take(), keyring, 0)
    assert daemon.cycle() is None
    assert "entry.json: damaged" in caplog.text
    record.write_text(good)
    assert daemon.cycle() is None
    assert daemon._memory
