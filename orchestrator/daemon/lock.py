"""Who may work here: a lock that ends with its holder, and the holder's process id in its file.

The file stays and means nothing by itself: only the kernel's lock on it counts, so there is no
stale file to remove after a crash.
"""

import contextlib
import fcntl
import os
import signal
from pathlib import Path

from orchestrator import disk
from orchestrator.errors import FactoryError


class Held(FactoryError):
    """Another process holds the lock; ``pid`` is what it wrote, 0 if that cannot be read."""

    def __init__(self, path: str, pid: int) -> None:
        super().__init__(f"{path}: held by process {pid or 'unknown'}")
        self.path = path
        self.pid = pid


class Lock:
    """The lock ``path``, not yet taken; its folder is there."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = -1

    def take(self, wait_s: float = 0) -> None:
        """Take the lock, waiting up to ``wait_s`` for its holder to end.

        Raises:
            Held: somebody else has it.
        """
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if not disk.lock(file, wait_s):
            pid = _number(os.pread(file, 20, 0))
            os.close(file)
            raise Held(self.path, pid)
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file

    def wrest(self, wait_s: float) -> None:
        """Take the lock of an orphan: wait up to ``wait_s`` for it to leave, then kill it.

        To be called only by who knows that nobody may hold the lock any more.

        Raises:
            Held: it cannot be killed.
        """
        try:
            self.take(wait_s)
        except Held as held:
            if not held.pid or not _has_open(held.pid, self.path):
                raise
            with contextlib.suppress(ProcessLookupError):
                os.kill(held.pid, signal.SIGKILL)
            self.take(wait_s=10)

    def abandon(self) -> None:
        """Close the lock without giving it up: for a child that was forked by its holder."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def holder(path: Path) -> int | None:
    """Return the process id of who holds the lock ``path``; None: nobody does."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _number(os.pread(file, 20, 0))
    finally:
        os.close(file)
    return None


def _number(text: bytes) -> int:
    word = text.strip()
    return int(word) if word.isdigit() else 0


def _has_open(pid: int, path: str) -> bool:
    """Return whether a process has the file open: its number may have gone to another one."""
    try:
        files = list(Path(f"/proc/{pid}/fd").iterdir())
        return any(os.path.realpath(file) == os.path.realpath(path) for file in files)
    except OSError:
        return False
