"""Calls in a child process: results, errors and limits come back, children do not stay."""

import os
import signal
import time
from pathlib import Path

import pytest

from orchestrator.errors import ScheddError
from orchestrator.limited import NoAnswer, limited


class Odd(Exception):
    """Cannot be made again from its arguments."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def children() -> list[int]:
    me = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(pid) for pid in me.split()]


def test_the_result_comes_back_whatever_its_size() -> None:
    large = "x" * 3_000_000
    assert limited(lambda: (os.getppid(), large), 60) == (os.getpid(), large)


def test_errors_come_back() -> None:
    def fail() -> None:
        raise ScheddError("gone")

    with pytest.raises(ScheddError, match="gone"):
        limited(fail, 60)


def test_an_error_that_cannot_travel_comes_back_as_its_words() -> None:
    def fail() -> None:
        raise Odd("very", "odd")

    with pytest.raises(RuntimeError, match=r"^very odd$"):
        limited(fail, 60)


def test_at_the_limit_the_child_is_killed() -> None:
    before = children()
    with pytest.raises(NoAnswer, match=r"no answer after 0\.2 s"):
        limited(lambda: time.sleep(600), 0.2)
    assert children() == before


def test_a_child_that_dies_is_told() -> None:
    with pytest.raises(NoAnswer, match="ended with -9"):
        limited(lambda: os.kill(os.getpid(), signal.SIGKILL), 60)


def test_a_child_dies_with_its_parent() -> None:
    def parent() -> int:
        """Start a child that hangs, tell who it is, and die."""
        ours, theirs = os.pipe()
        if os.fork() == 0:

            def hang() -> None:
                os.write(theirs, str(os.getpid()).encode())
                time.sleep(600)

            limited(hang, 600)
        pid = int(os.read(ours, 20))
        os.kill(children()[0], signal.SIGKILL)
        return pid

    pid = limited(parent, 60)
    deadline = time.monotonic() + 60
    while running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")
