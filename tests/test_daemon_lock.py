"""The lock of a work tree: the kernel's alone, so no file is ever stale."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.daemon.lock import Held, Lock, holder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@pytest.fixture
def other(path: Path) -> Iterator[int]:
    """A process that holds the lock."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            Lock(str(path)).take()
            os.write(write, b"x")
            signal.pause()
        finally:
            os._exit(0)
    os.read(read, 1)
    yield pid
    os.close(read)
    os.close(write)
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def test_it_names_its_holder(path: Path, other: int) -> None:
    assert holder(path) == other
    with pytest.raises(Held, match=f"lock: held by process {other}"):
        Lock(str(path)).take()


def test_it_ends_with_its_holder(path: Path, other: int) -> None:
    os.kill(other, signal.SIGKILL)
    os.waitpid(other, 0)
    assert holder(path) is None
    Lock(str(path)).take(wait_s=5)
    assert path.read_text() == f"{os.getpid()}\n"


def test_what_a_file_says_alone_means_nothing(path: Path) -> None:
    path.write_text("1\n")
    assert holder(path) is None
    Lock(str(path)).take()


def test_it_is_wrested_from_a_hanging_process(path: Path, other: int) -> None:
    Lock(str(path)).wrest(wait_s=0.2)
    assert os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]) == -signal.SIGKILL
    assert holder(path) == os.getpid()


def test_nobody_else_is_killed_for_it(path: Path, other: int, tmp_path: Path) -> None:
    path.write_text(f"{os.getppid()}\n")  # a number that has gone to another process
    with pytest.raises(Held):
        Lock(str(path)).wrest(wait_s=0.1)


def test_a_child_may_leave_it_to_its_parent(path: Path) -> None:
    lock = Lock(str(path))
    lock.take()
    pid = os.fork()
    if pid == 0:
        try:
            lock.abandon()
            signal.pause()
        finally:
            os._exit(0)
    try:
        assert holder(path) == os.getpid()
        lock.abandon()  # as the end of the holder would
        deadline = 100
        while holder(path) is not None and deadline:
            deadline -= 1
            os.sched_yield()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert deadline
