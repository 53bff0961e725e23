"""A real schedd: asked, told, stopped, gone; each call ends, and says what is certain."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import (
    JournalError,
    ScheddError,
    SubmissionError,
    SubmitFailed,
    SubmitUncertain,
)
from orchestrator.limited import NoAnswer
from orchestrator.queue import event_log, shared_queue
from orchestrator.queue.journal import Journal
from orchestrator.queue.queue_view import Freshness, Glidein, QueueView, State
from orchestrator.queue.schedd import Ours, Schedd
from orchestrator.trial.pool import Pool
from tests.factory_user import REQUEST, Daemon, Entry

COUNT = 3


def schedd_pid(pool: Pool) -> int:
    """Return the process id of the pool's schedd."""
    for pid in pool._processes():
        if "condor_schedd" in Path(f"/proc/{pid}/cmdline").read_text():
            return pid
    raise AssertionError("no schedd")


@contextmanager
def stopped(pool: Pool) -> Iterator[None]:
    """Let the schedd hang meanwhile."""
    pid = schedd_pid(pool)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def looked(daemon: Daemon) -> QueueView:
    return daemon.reader.view(time.time())


def filled(daemon: Daemon) -> int:
    """Do what a daemon does that wants COUNT glideins; return how many it submitted."""
    view = looked(daemon)
    there = len(view.glideins) + sum(one.count for one in view.unseen)
    if view.freshness is not Freshness.FRESH or there >= COUNT:
        return 0
    daemon.submitter.submit(REQUEST, [COUNT - there], time.time())
    return COUNT - there


def test_a_schedd_that_hangs_holds_nobody_up(entry: Entry) -> None:
    def run() -> list[Any]:
        daemon = entry.daemon(limit_s=2)
        looked(daemon)
        began = time.monotonic()
        with stopped(entry.pool):
            with pytest.raises(SubmitUncertain, match="no answer after 2 s"):
                daemon.submitter.submit(REQUEST, [COUNT, 1], time.time())
            view = looked(daemon)
        # Generous: the machine may be busy. HTCondor itself would wait for ever.
        assert time.monotonic() - began < 60
        return [view, filled(daemon), looked(daemon)]

    view, submitted, after = entry.as_user(run)
    assert view.freshness is Freshness.FAILED
    assert sum(one.count for one in view.unseen) == COUNT
    assert submitted in (0, COUNT)
    assert (after.freshness, len(after.glideins), after.unseen) == (
        Freshness.FRESH,
        COUNT,
        (),
    )
    assert len(entry.jobs()) == COUNT


def test_nobody_asks_on_for_a_daemon_that_was_killed(entry: Entry) -> None:
    hang = schedd_pid(entry.pool)

    def first() -> None:
        daemon = entry.daemon()
        looked(daemon)
        os.kill(hang, signal.SIGSTOP)
        daemon.submitter.submit(REQUEST, [COUNT], time.time())

    def again() -> list[Any]:
        daemon = entry.daemon()
        return [filled(daemon), looked(daemon)]

    journal = entry.folder / "journal.jsonl"
    kill = threading.Thread(target=kill_once_begun, args=(journal,))
    kill.start()
    try:
        with pytest.raises(NoAnswer, match="ended with -9"):
            entry.as_user(first)
    finally:
        os.kill(hang, signal.SIGCONT)
    kill.join()
    deadline = time.monotonic() + 60
    while True:
        try:
            _, view = entry.as_user(again)
            break
        except JournalError:  # somebody still asks
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert (view.freshness, len(view.glideins), view.unseen) == (Freshness.FRESH, COUNT, ())
    assert len(entry.jobs()) == COUNT


def kill_once_begun(journal: Path) -> None:
    """Kill who holds the journal open, once a submission is on its way."""
    deadline = time.monotonic() + 60
    while not (journal.exists() and "begin" in journal.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.2)  # whoever asks is now waiting for the schedd, or about to
    holders = [
        pid
        for pid in (int(one.name) for one in Path("/proc").glob("[0-9]*"))
        if holds(pid, journal)
    ]
    os.kill(min(holders), signal.SIGKILL)  # the child that asks is younger


def holds(pid: int, path: Path) -> bool:
    try:
        return any(one.resolve() == path for one in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def copied(daemon: Daemon, *states: State) -> list[Glidein]:
    """Look until the glideins are in these states, or it takes too long; return them as they
    are then: the next look changes them.
    """
    deadline = time.monotonic() + 60
    while True:
        there = [replace(one) for one in looked(daemon).glideins]
        there.sort(key=lambda one: one.process)
        if [one.state for one in there] == list(states) or time.monotonic() > deadline:
            return there
        time.sleep(0.05)


def test_held_released_and_removed(entry: Entry) -> None:
    def run() -> list[Any]:
        daemon = entry.daemon()
        looked(daemon)
        (cluster,) = daemon.submitter.submit(REQUEST, [4], time.time())
        wait, held = State.WAIT, State.HELD
        views = [copied(daemon, wait, wait, wait, wait)]
        ids = [f"{cluster}.{process}" for process in range(4)]
        entry.pool.tool("condor_hold", *ids[:2], "-reason", "a test")
        views.append(copied(daemon, held, held, wait, wait))
        daemon.reader.doubt("test")
        views.append(copied(daemon, held, held, wait, wait))
        done = [daemon.schedd.release(ids[:1], "a test")]
        views.append(copied(daemon, wait, held, wait, wait))
        done.append(daemon.schedd.remove([ids[0], ids[3], "99999.0"], 'not "wanted"'))
        done.append(daemon.schedd.remove(ids[1:2], "not wanted", force=True))
        done.append(daemon.schedd.remove([], "nothing"))
        views.append(copied(daemon, wait))
        daemon.reader.doubt("test")
        views.append(copied(daemon, wait))
        log = (entry.folder / "glideins" / event_log.log_name(time.time())).read_text()
        assert "not 'wanted' (by user" in log
        return [views, done, list(daemon.reader.ended)]

    # The tool runs as the pool's user here, and not as root.
    views, done, ended = entry.as_user(run)
    states = [{one.process: one.state for one in view} for view in views]
    wait, held = State.WAIT, State.HELD
    assert states[0] == {0: wait, 1: wait, 2: wait, 3: wait}
    assert states[1] == states[2] == {0: held, 1: held, 2: wait, 3: wait}
    one = next(one for one in views[2] if one.state is held)
    assert (one.hold_code, one.hold_reason, one.holds) == (
        1,
        "a test (by user nobody)",
        0,
    )
    assert states[3] == {0: wait, 1: held, 2: wait, 3: wait}
    assert done == [1, 2, 1, 0]
    assert states[4] == states[5] == {2: wait}
    assert {(one.process, one.removed) for one in ended} == {
        (0, True),
        (1, True),
        (3, True),
    }


def test_one_look_for_all_entries(entry: Entry) -> None:
    def run() -> list[Any]:
        daemon = entry.daemon(shared_s=60)
        schedds = {entry.record.schedd: entry.schedd()}
        entries = {entry.record.name: entry.record.schedd, "empty": entry.record.schedd}
        waits = looked(daemon)
        problems = [shared_queue.take(entry.work, schedds, "Example", "first", entries)]
        before = looked(daemon)
        daemon.submitter.submit(REQUEST, [COUNT], time.time())
        problems.append(shared_queue.take(entry.work, schedds, "Example", "first", entries))
        return [problems, waits, before, looked(daemon)]

    problems, waits, before, after = entry.as_user(run)
    assert problems == [{}, {}]
    assert (waits.freshness, before.freshness) == (Freshness.STALE, Freshness.FRESH)
    assert len(after.glideins) == COUNT
    folder = entry.work / "views/queue"
    assert {path.name for path in folder.iterdir()} == {
        f"{entry.record.name}.json",
        "empty.json",
        "stamp.json",
    }


def test_a_schedd_nobody_knows(entry: Entry) -> None:
    def run() -> None:
        Schedd("nobody@localhost", [entry.pool.collector], 30).query(
            Ours("Example", "first")
        )

    with pytest.raises(
        ScheddError, match=r"nobody@localhost: queue: not found: 127.*does not know it"
    ):
        entry.as_user(run)


def test_a_collector_nobody_reaches(entry: Entry) -> None:
    def run() -> None:
        daemon = entry.daemon()
        daemon.schedd._collectors = ("127.0.0.1:1",)
        daemon.submitter.submit(REQUEST, [1], time.time())

    with pytest.raises(
        SubmitFailed, match=r"schedd@localhost: submit: not found: 127\.0\.0\.1:1: "
    ):
        entry.as_user(run)
    with Journal(entry.folder) as journal:
        assert journal.open == ()


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        ({"periodic_hold": "((("}, SubmitFailed),
        ({"request_memory": "${nonsense"}, None),
        ({"queue": "7"}, SubmissionError),
    ],
)
def test_what_the_schedd_refuses(
    entry: Entry, own: dict[str, str], problem: type[Exception] | None
) -> None:
    record = replace(entry.record, submit_attributes=own)

    def run() -> list[Any]:
        daemon = entry.daemon()
        daemon.submitter.record = record
        looked(daemon)
        said = None
        try:
            daemon.submitter.submit(REQUEST, [1], time.time())
        except (SubmitFailed, SubmitUncertain, SubmissionError) as error:
            said = error
        return [said, looked(daemon), daemon.journal.open]

    said, view, still_open = entry.as_user(run)
    if problem is not None:
        assert isinstance(said, problem), said
    assert (view.freshness, still_open) == (Freshness.FRESH, ())
