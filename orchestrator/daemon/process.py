"""What the daemons ask of the kernel: to fork, to end with the parent, to sleep until a signal.

A child shares its parent's memory until one of the two writes to it, and Python writes to every
object that it uses. So what a child runs first is written with few functions: each costs every
one of hundreds of children 10 to 20 kB.
"""

import ctypes
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

# Blocked in all daemons: they are taken by :func:`sleep`, between steps.
BLOCKED = frozenset((signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD))
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_SIGTERM = int(signal.SIGTERM)
_prctl = ctypes.CDLL(None).prctl


def block(signals: Iterable[signal.Signals] = BLOCKED) -> None:
    """Keep signals pending until :func:`sleep` takes them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)


def sleep(seconds: float, wake: Iterable[int]) -> int | None:
    """Sleep, and return which of the (blocked) signals ended it; None: the time is over."""
    got = signal.sigtimedwait(wake, max(0.0, seconds))
    return got.si_signo if got else None


def fork(mains: Iterable[tuple[bytes, Callable[[], int]]]) -> list[int]:
    """Start a child for each of ``mains``, a name and what it runs; return their process ids.

    A child ends with what its function returns, and gets SIGTERM when this process ends,
    however it does. It never comes back here. The name is what ps shows of it, 15 bytes of it.
    """
    parent = os.getpid()
    pids = []
    for name, main in mains:  # what this loop writes to between two forks, no child shares
        pid = os.fork()
        if pid == 0:
            _be_child(name, main, parent)
        pids.append(pid)
    return pids


def _be_child(name: bytes, main: Callable[[], int], parent: int) -> NoReturn:
    code = os.EX_SOFTWARE
    try:
        _prctl(_PR_SET_PDEATHSIG, _SIGTERM)
        _prctl(_PR_SET_NAME, name)
        code = main() if os.getppid() == parent else 0
    finally:
        os._exit(code)


def pss_mb(pid: int) -> float | None:
    """Return the proportional set size of a process; None: it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return None
