"""One glidein, measured from the exec of its script to the launch of condor_master."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from orchestrator.worktree import reconfig
from tests.bench.requests import Request
from tests.bench.site import USER, Front, Place, as_user, group

LAUNCH_S = 120.0  # a glidein that has not launched HTCondor by then has failed
SAMPLE_S = 0.01  # between two looks at memory
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20

_PHASE = re.compile(r" phase=(\w+) verdict=ok ms=(\d+)")
_LAUNCHED = re.compile(r"started condor_master pid=(\d+)")
_BORN = re.compile(r"(?:v?fork|clone3?)\b.* = \d+$")
# The node is a cold one that never failed.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "GLIDEIN_CACHE": "none", "BACKOFF_MAX_S": "0"}


@dataclass
class Start:
    """What was measured; ``processes`` and ``peak_rss_mb`` only of a traced start."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    processes: int = 0
    peak_rss_mb: float = 0.0
    requests: list[Request] = field(default_factory=list)
    phases: dict[str, int] = field(default_factory=dict)  # milliseconds


def start(place: Place, front: Front, traced: bool = False) -> Start:
    """Run one glidein up to the launch of HTCondor, and end it.

    ``traced`` runs it under strace, which makes its times meaningless.

    Raises:
        TimeoutError: it ended, or LAUNCH_S passed, without a launch; the message is its log.
    """
    slot = Path(tempfile.mkdtemp(prefix="slot.", dir=place.home))
    trace = slot.with_name(slot.name + ".trace")
    for path in (slot, trace):
        path.touch()
        shutil.chown(path, USER, group(USER))
    front.forget()
    # The script is executed when a line comes in: what stands before it is not measured.
    gate = [
        "bash",
        "-c",
        'read -r _; exec "$@" </dev/null',
        "gate",
        *place.glidein(front.proxy),
    ]
    if traced:
        calls = "trace=fork,vfork,clone,clone3,execve"
        words = [
            "-f",
            "-q",
            "-s",
            "4096",
            "-e",
            calls,
            "-e",
            "signal=none",
            "-o",
            str(trace),
        ]
        gate = ["strace", *words, *gate]
    with (slot / "out").open("wb") as out:
        process = subprocess.Popen(
            place.near([*as_user(), *gate]),
            cwd=slot,
            env=_ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    assert process.stdin is not None
    assert process.stderr is not None
    done = Start()
    try:
        _await_gate(process.pid)
        begin = time.monotonic()
        process.stdin.write(b"go\n")
        process.stdin.close()
        _watch(process.stderr, process.pid, begin, done, traced)
        time.sleep(0.1)  # the last lines of the access log
        done.requests = front.asked()
    finally:
        _stop(process)
    if traced:
        done.processes = count_processes(trace.read_text(errors="replace"))
    return done


def _await_gate(pid: int) -> None:
    """Wait until the gate, a bash, waits for its line."""
    for _ in range(500):
        for one in (pid, *_descendants(pid)):
            if _words(one)[:2] == [b"bash", b"-c"]:
                time.sleep(0.05)
                return
        time.sleep(0.01)
    raise TimeoutError("the gate did not come up")


def _watch(stderr: IO[bytes], pid: int, begin: float, done: Start, sample: bool) -> None:
    """Follow the glidein's log until HTCondor is launched; fill in ``done``."""
    os.set_blocking(stderr.fileno(), False)
    text = ""
    while time.monotonic() - begin < LAUNCH_S:
        data = stderr.read()
        if data == b"":
            break
        text += (data or b"").decode(errors="replace")
        if found := _LAUNCHED.search(text):
            _await_exe(int(found[1]), "condor_master")
            done.wall_s = time.monotonic() - begin
            done.cpu_s = _cpu_s(pid)
            done.phases = {name: int(ms) for name, ms in _PHASE.findall(text)}
            return
        if sample:
            done.peak_rss_mb = max(done.peak_rss_mb, _rss_mb(pid))
        time.sleep(SAMPLE_S if sample else 0.001)
    raise TimeoutError(f"no launch of HTCondor; the glidein said:\n{text}")


def _await_exe(pid: int, name: str) -> None:
    """Wait until a process has executed a program."""
    path = Path(f"/proc/{pid}/exe")
    for _ in range(5000):
        with contextlib.suppress(OSError):
            if path.readlink().name == name:
                return
        time.sleep(0.001)
    raise TimeoutError(f"process {pid} is no {name}")


def _words(pid: int) -> list[bytes]:
    """Return a process's command line; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _descendants(pid: int) -> list[int]:
    """Return the process ids below ``pid``."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdecimal() and (fields := _stat(int(path.name))):
            children.setdefault(int(fields[1]), []).append(int(path.name))
    found: list[int] = []
    todo = [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process, its living descendants and all they waited for."""
    every = (_stat(one) for one in (pid, *_descendants(pid)))
    return TICK_S * sum(int(ticks) for fields in every for ticks in fields[11:15])


def _rss_mb(pid: int) -> float:
    """Return the sum of the resident sizes below ``pid``, which is strace."""
    every = (_stat(one) for one in _descendants(pid))
    return PAGE_MB * sum(int(fields[21]) for fields in every if fields)


def count_processes(trace: str) -> int:
    """Return how many processes strace saw up to the launch: the script, and every fork.

    Raises:
        ValueError: condor_master was not launched.
    """
    count = 1
    for line in trace.splitlines():
        if "execve(" in line and '/sbin/condor_master", ["' in line and '"-f"]' in line:
            return count
        if _BORN.search(line) and "CLONE_THREAD" not in line:
            count += 1
    raise ValueError("the trace shows no launch of condor_master")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End a glidein: politely, then fast, then by force and with everything below it."""
    everyone = [process.pid, *_descendants(process.pid)]
    startup = reconfig.STARTUP.encode()
    scripts = [
        pid
        for pid in everyone
        if (words := _words(pid))[:1] == [b"bash"] and words[1].endswith(startup)
    ][:1]
    assert process.stderr is not None
    for _ in range(3):
        for pid in scripts:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + 5
        while process.poll() is None and time.monotonic() < until:
            process.stderr.read()  # or it would wait for us
            time.sleep(0.02)
    for pid in {*everyone, *_descendants(process.pid)}:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()
