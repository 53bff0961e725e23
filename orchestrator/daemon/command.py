"""How the Factory daemon of a work tree is started and stopped from outside."""

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from orchestrator.daemon import lock
from orchestrator.errors import FactoryError


def program(work: Path, *options: str) -> list[str]:
    """Return the command that runs the daemon in the foreground."""
    return [sys.executable, "-m", "orchestrator.daemon", str(work.absolute()), *options]


def running(work: Path) -> int | None:
    """Return the process id of the Factory daemon, None when there is none."""
    return lock.holder(work / "factory" / "lock")


def start(work: Path, limit_s: float) -> tuple[int, str]:
    """Start the daemon in the background; return its process id and what it said when ready.

    Raises:
        FactoryError: it ended, or it was not ready after ``limit_s``; then it is left running.
    """
    return launch(program(work, "--log-files"), limit_s, f"{work}/log")


def launch(words: list[str], limit_s: float, logs: str) -> tuple[int, str]:
    """Start a program that has ``--ready-fd``; return its process id and what it said there.

    Raises:
        FactoryError: it ended, or was not ready after ``limit_s``; then it is left running.
    """
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile() as stderr, os.fdopen(read_end, "rb") as reader:
        try:
            daemon = subprocess.Popen(
                [*words, "--ready-fd", str(write_end)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=[write_end],
                start_new_session=True,
            )
        finally:
            os.close(write_end)
        if not select.select([reader], [], [], limit_s)[0]:
            raise FactoryError(
                f"process {daemon.pid} is not ready after {limit_s:.0f} s; see {logs}"
            )
        ready = reader.readline().decode().strip()
        if not ready:
            code = daemon.wait()
            stderr.seek(0)
            said = stderr.read().decode(errors="replace").splitlines()
            last = said[-1] if said else f"the daemon ended with exit code {code}"
            raise FactoryError(last.removeprefix("glidein-factory: "))
    daemon.returncode = 0  # it outlives this process, which has nothing to warn of
    return daemon.pid, ready


def stop(work: Path, limit_s: float) -> int | None:
    """Stop the daemon and wait for its end; return what its process id was, None: there is none.

    Raises:
        FactoryError: it still runs after ``limit_s``.
    """
    return end(work / "factory" / "lock", limit_s)


def end(path: Path, limit_s: float) -> int | None:
    """Tell who holds the lock ``path`` to end, and wait; None: nobody held it.

    Raises:
        FactoryError: the process still runs after ``limit_s``.
    """
    pid = lock.holder(path)
    if pid is None:
        return None
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return pid
    try:
        if lock.holder(path) == pid:  # the number has not gone to another process meanwhile
            signal.pidfd_send_signal(process, signal.SIGTERM)
        deadline = time.monotonic() + limit_s
        while lock.holder(path) == pid:
            if time.monotonic() > deadline:
                raise FactoryError(f"process {pid} still runs after {limit_s:.0f} s")
            select.select([process], [], [], 0.2)
    finally:
        os.close(process)
    return pid
