"""The Factory daemon: its children live, die, hang and leave each on their own.

The children are stand-ins that obey a file (tests/daemon_stand_ins.py); the processes are real.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.daemon import lock, state_file
from orchestrator.daemon.factory_daemon import LEFT_DOWN, MONITOR, STATUS, VIEWS
from orchestrator.worktree.daemon_settings import Restarts
from tests.daemon_stand_ins import QUICK, write_record

LIMIT_S = 60
_FOLDERS = {VIEWS: "views", MONITOR: "monitor"}


def wait_until(true: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < deadline, f"not after {LIMIT_S} s: {what}"
        time.sleep(0.02)


class Factory:
    """A factory at work on ``work``."""

    def __init__(self, work: Path, stop_s: float = 60) -> None:
        self.work = work
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.daemon_stand_ins", str(work), str(stop_s)],
            stdout=subprocess.PIPE,
            stderr=(work / "stderr").open("ab"),
            text=True,
        )

    def ready(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def said(self) -> str:
        return (self.work / "stderr").read_text()

    def daemons(self) -> dict[str, Any]:
        daemons: dict[str, Any] = state_file.read(self.work / STATUS).get("daemons", {})
        return daemons

    def daemon(self, name: str) -> dict[str, Any]:
        daemon: dict[str, Any] = self.daemons().get(name, {})
        return daemon

    def told(self, name: str) -> list[str]:
        """Return what a child told, last line last."""
        folder = self.work / _FOLDERS.get(name, f"entries/{name}")
        path = folder / "told"
        return path.read_text().splitlines() if path.exists() else []

    def behave(self, name: str, word: str) -> None:
        part = self.work / "behave.part"
        part.write_text(word)
        part.replace(self.work / "entries" / name / "behave")

    def cycles(self, name: str) -> int:
        return self.told(name).count("cycle")

    def pids(self) -> list[int]:
        return [daemon["pid"] for daemon in self.daemons().values() if daemon["pid"]]

    def wait_for_cycles(self, *names: str, more: int = 2) -> None:
        """Wait until each of these children has done ``more`` cycles from now on."""
        before = {name: self.cycles(name) for name in names}
        wait_until(
            lambda: all(self.cycles(name) >= before[name] + more for name in names),
            f"{more} more cycles of {names}: {self.said()}",
        )

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_S)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def wait_until_more(factory: Factory, name: str, before: int) -> None:
    wait_until(
        lambda: factory.cycles(name) > before and factory.daemon(name)["pid"],
        f"another cycle of {name}",
    )


def wait_until_gone(pids: list[int]) -> None:
    wait_until(lambda: not any(map(alive, pids)), "the end of all children")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Factory]]:
    """How to start a factory with these entries; it is gone after the test."""
    made: list[Factory] = []

    def begin(
        *entries: str, restarts: Restarts = QUICK, stop_s: float = LIMIT_S
    ) -> Factory:
        write_record(tmp_path, *entries, restarts=restarts)
        made.append(Factory(tmp_path, stop_s))
        return made[-1]

    yield begin
    for factory in made:
        pids = factory.pids()
        factory.process.kill()
        factory.process.wait()
        for pid in filter(alive, pids):
            os.kill(pid, signal.SIGKILL)
        wait_until_gone(pids)


def test_a_daemon_for_each_entry_and_one_for_views_and_page(
    start: Callable[..., Factory],
) -> None:
    factory = start("north", "south")
    assert factory.ready() == "ready: 2 entries"
    factory.wait_for_cycles("north", "south", VIEWS, MONITOR)
    assert set(factory.daemons()) == {"north", "south", VIEWS, MONITOR}
    assert len(set(factory.pids())) == 4
    assert factory.daemon("north")["glideins"] == 1


def test_sigterm_lets_all_withdraw_and_end(start: Callable[..., Factory]) -> None:
    factory = start("north", "south")
    factory.ready()
    pids = factory.pids()
    assert factory.stop() == 0
    assert not any(map(alive, pids))
    for name in ("north", "south", VIEWS, MONITOR):
        assert factory.told(name)[-1] == "withdrawn"
    status = state_file.read(factory.work / STATUS)
    assert status["state"] == "stopped"
    assert {daemon["state"] for daemon in status["daemons"].values()} == {"ended"}


@pytest.mark.parametrize(("word", "says"), [("die", "exit code 9"), ("hang", "no sign of")])
def test_who_dies_or_hangs_is_restarted_alone(
    start: Callable[..., Factory], word: str, says: str
) -> None:
    factory = start("north", "south")
    factory.ready()
    factory.behave("north", word)
    wait_until(lambda: factory.daemon("north")["accidents"], f"an accident of {word}")
    assert says in factory.daemon("north")["problem"]
    factory.behave("north", "")
    factory.wait_for_cycles("north", "south")
    assert factory.told("south").count("cycle") > 2
    assert sum(line.startswith("start") for line in factory.told("south")) == 1
    assert factory.daemon("south")["accidents"] == 0


def test_killed_by_somebody_else_is_restarted(start: Callable[..., Factory]) -> None:
    factory = start("north")
    factory.ready()
    os.kill(factory.daemon("north")["pid"], signal.SIGKILL)
    wait_until(lambda: "SIGKILL" in factory.daemon("north")["problem"], "noticed")
    factory.wait_for_cycles("north")
    os.kill(factory.daemon("north")["pid"], signal.SIGTERM)
    wait_until(lambda: "somebody else" in factory.daemon("north")["problem"], "noticed")
    factory.wait_for_cycles("north")


def test_left_down_after_too_many_accidents(start: Callable[..., Factory]) -> None:
    factory = start("north", "south")
    factory.ready()
    factory.behave("north", "die")
    wait_until(lambda: factory.daemon("north")["state"] == "left down", "left down")
    assert factory.daemon("north")["accidents"] == QUICK.attempts + 1
    assert state_file.read(factory.work / LEFT_DOWN) == {"north": "ended with exit code 9"}
    factory.wait_for_cycles("south")
    # A new record of it, or a reload, tries it again.
    factory.behave("north", "")
    (factory.work / "entries/north/entry.json").write_text("changed")
    factory.wait_for_cycles("north")
    wait_until(lambda: state_file.read(factory.work / LEFT_DOWN) == {}, "nothing left down")


def test_a_reload_tries_what_was_left_down(start: Callable[..., Factory]) -> None:
    factory = start("north", restarts=Restarts(delay_s=0.1, attempts=1))
    factory.ready()
    factory.behave("north", "die")
    wait_until(lambda: factory.daemon("north")["state"] == "left down", "left down")
    factory.behave("north", "")
    factory.process.send_signal(signal.SIGHUP)
    factory.wait_for_cycles("north")


@pytest.mark.parametrize("name", [VIEWS, MONITOR])
def test_views_and_page_are_never_given_up(
    start: Callable[..., Factory], name: str
) -> None:
    factory = start()
    factory.ready()
    for _ in range(QUICK.attempts + 2):
        before = factory.cycles(name)
        with contextlib.suppress(ProcessLookupError):  # the status is a moment old
            os.kill(factory.daemon(name)["pid"], signal.SIGKILL)
        wait_until_more(factory, name, before)


def test_a_cycle_that_fails_is_not_the_last(start: Callable[..., Factory]) -> None:
    factory = start("north")
    factory.ready()
    factory.behave("north", "fail")
    wait_until(lambda: "as told" in factory.said(), "the fault in the log")
    factory.behave("north", "")
    factory.wait_for_cycles("north")
    assert factory.daemon("north")["accidents"] == 0
    assert "entry=north cycle failed" in factory.said()


@pytest.mark.parametrize(("stop_s", "said"), [(0.5, "once"), (LIMIT_S, "twice")])
def test_who_does_not_leave_is_killed(
    start: Callable[..., Factory], stop_s: float, said: str
) -> None:
    factory = start("north", "south", stop_s=stop_s)
    factory.ready()
    factory.behave("north", "stay")
    pids = factory.pids()
    factory.process.send_signal(signal.SIGTERM)
    wait_until(lambda: factory.told("south")[-1] == "withdrawn", "south has left")
    if said == "twice":  # then it waits no longer
        time.sleep(1.1)  # at once, it would count as the same
        factory.process.send_signal(signal.SIGTERM)
    assert factory.process.wait(LIMIT_S / 2) == 0
    assert not any(map(alive, pids))
    assert factory.told("north")[-1] == "cycle"
    assert factory.told(VIEWS)[-1] == "withdrawn"


def test_children_of_a_killed_factory_end_and_another_may_start(
    start: Callable[..., Factory],
) -> None:
    first = start("north", "south")
    first.ready()
    pids = first.pids()
    first.process.kill()
    second = start("north", "south")
    assert second.ready() == "ready: 2 entries"
    assert not any(map(alive, pids))
    assert "orphaned" in second.told("north")


def test_an_orphan_that_hangs_is_killed(start: Callable[..., Factory]) -> None:
    first = start("north")
    first.ready()
    first.behave("north", "stay")
    orphan = first.daemon("north")["pid"]
    first.process.kill()
    wait_until(lambda: lock.holder(first.work / "factory/lock") is None, "a free lock")
    assert lock.holder(first.work / "entries/north/lock") == orphan
    first.behave("north", "")
    second = start("north", stop_s=0.5)
    assert second.ready() == "ready: 1 entries"
    assert not alive(orphan)


def test_a_second_factory_is_refused(start: Callable[..., Factory]) -> None:
    factory = start("north")
    factory.ready()
    second = Factory(factory.work)
    assert second.process.wait(LIMIT_S) == 1
    assert f"already runs on {factory.work}: process {factory.process.pid}" in second.said()
    factory.wait_for_cycles("north")
    assert factory.stop() == 0


def test_entries_appear_and_retire_while_it_runs(start: Callable[..., Factory]) -> None:
    factory = start("north", "south")
    factory.ready()
    write_record(factory.work, "north", "west")
    entry = factory.work / "entries/south"
    (entry / "entry.json").rename(entry / "retired.json")
    factory.process.send_signal(signal.SIGHUP)
    factory.wait_for_cycles(
        "west", "south"
    )  # the retired one has its glideins to look after
    factory.behave("south", "done")
    wait_until(lambda: "south" not in factory.daemons(), "the end of south")
    assert factory.told("south")[-1] == "withdrawn"
    assert sum(line.startswith("start") for line in factory.told("north")) == 1
    # It comes back, and is as new.
    factory.behave("south", "")
    write_record(factory.work, "north", "west", "south")
    factory.wait_for_cycles("south")


def test_a_retired_entry_is_looked_after_until_it_is_done(
    start: Callable[..., Factory],
) -> None:
    factory = start("north")
    factory.ready()
    factory.stop()
    for name, state in (("old", "running"), ("older", "retired")):
        folder = factory.work / "entries" / name
        folder.mkdir()
        (folder / "retired.json").touch()
        state_file.write(folder / "status.json", {"state": state})
    again = start("north")
    assert again.ready() == "ready: 2 entries"
    assert set(again.daemons()) == {"north", "old", VIEWS, MONITOR}


def test_a_damaged_record_changes_nothing(start: Callable[..., Factory]) -> None:
    factory = start("north")
    factory.ready()
    (factory.work / "factory/factory.json").write_text("{")
    factory.process.send_signal(signal.SIGHUP)
    status = factory.work / STATUS
    wait_until(lambda: "damaged" in state_file.read(status)["problem"], "a problem")
    factory.wait_for_cycles("north")
    write_record(factory.work, "north", "south")
    factory.wait_for_cycles("south")
    assert state_file.read(status)["problem"] == ""
