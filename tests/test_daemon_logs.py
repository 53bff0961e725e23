"""Logs: one line an event, bounded, each process its own file."""

import logging
import os
from pathlib import Path

import pytest

from orchestrator.daemon.logs import Log
from tests.test_state_file import room


@pytest.fixture
def log(tmp_path: Path) -> Log:
    log = Log()
    log.become("entry=north", f"{tmp_path}/log/entries/north.log")
    log.max_bytes, log.keep = 300, 2
    return log


def say(log: Log, text: str, *values: object) -> None:
    log.handle(logging.LogRecord("x", logging.INFO, "", 0, text, values, None))


def test_a_line_says_when_and_who(log: Log, tmp_path: Path) -> None:
    say(log, "submitted=%d", 3)
    say(log, "a traceback\nof two lines with a {who} in it")
    first, second = (tmp_path / "log/entries/north.log").read_text().splitlines()
    assert first[10:].partition("Z ")[2] == "INFO entry=north submitted=3"
    assert second.endswith("a traceback | of two lines with a {who} in it")


def test_files_are_rotated_and_bounded(log: Log, tmp_path: Path) -> None:
    for number in range(50):
        say(log, f"line {number} " + "x" * 50)
    files = sorted((tmp_path / "log/entries").iterdir())
    assert [file.name for file in files] == ["north.log", "north.log.1", "north.log.2"]
    assert all(file.stat().st_size <= 300 for file in files)
    assert "line 49 " in files[0].read_text()
    newest_first = [file.read_text() for file in files]
    assert newest_first == sorted(newest_first, key=lambda t: -int(t.split("line ")[1][:2]))


def test_a_line_that_is_too_long_is_written_all_the_same(log: Log, tmp_path: Path) -> None:
    say(log, "y" * 1000)
    say(log, "z")
    assert (tmp_path / "log/entries/north.log.1").read_text().endswith("y\n")


def test_a_log_that_cannot_be_written_costs_lines_only(tmp_path: Path) -> None:
    log = Log()
    (tmp_path / "file").touch()
    log.become("factory", f"{tmp_path}/file/factory.log")
    say(log, "nobody reads this")


def test_a_child_has_a_file_of_its_own(log: Log, tmp_path: Path) -> None:
    say(log, "mine")
    pid = os.fork()
    if pid == 0:
        try:
            log.become("entry=south", f"{tmp_path}/log/entries/south.log")
            say(log, "its own \udcff")
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    say(log, "mine again")
    assert (tmp_path / "log/entries/north.log").read_text().count("entry=north mine") == 2
    assert "entry=south its own \\udcff" in (tmp_path / "log/entries/south.log").read_text()


def test_lines_that_found_no_room_are_counted_in_the_next_one(
    log: Log, tmp_path: Path
) -> None:
    say(log, "one")
    path = tmp_path / "log/entries/north.log"
    with room(path.stat().st_size + 20):
        say(log, "two")
        say(log, "three")
    say(log, "four")
    lines = path.read_text().splitlines()
    assert "2 lines are lost" in lines[-2]
    assert lines[-1].endswith("four")
