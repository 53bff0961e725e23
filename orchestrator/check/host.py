"""The host: room on its disks, descriptors and processes for the daemons, and whether they run."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

from orchestrator.check.finding import fail, ok, warn
from orchestrator.explain.daemons import Daemons
from orchestrator.explain.records import Finding
from orchestrator.worktree.factory_record import FactoryRecord

DISK_WARN, DISK_FAIL = 2 << 30, 200 << 20  # bytes that are free
INODES_WARN, INODES_FAIL = 100_000, 5_000
_FILES_EACH, _FILES = (
    3,
    256,
)  # descriptors of the Factory daemon: for each entry, and besides
_PROCESSES_EACH, _PROCESSES = 2, 50  # a daemon, and the process of its cycle


def host(work: Path, record: FactoryRecord, daemons: Daemons) -> Iterator[Finding]:
    """Look at the host."""
    yield _running(daemons)
    seen = set()
    for what, path in (("work tree", work), ("web area", Path(record.web.stage))):
        try:
            device = path.stat().st_dev
        except OSError as error:
            yield fail(what, f"{path}: {error.strerror}", "glidein-factory reconfig")
            continue
        if device not in seen:
            seen.add(device)
            yield from _disk(what, path)
    entries = len(record.entries)
    need = {
        "open files": _FILES + _FILES_EACH * entries,
        "processes": _PROCESSES + _PROCESSES_EACH * entries,
    }
    for what, limit in _limits(daemons.pid).items():
        yield _limit(what, limit, need[what], daemons.pid, entries)


def _running(daemons: Daemons) -> Finding:
    if daemons.pid is None:
        return fail("factory", "the factory does not run", "glidein-factory start")
    if daemons.silent:
        return fail(
            "factory",
            f"the Factory daemon (process {daemons.pid}) has not told of itself for a minute",
            "glidein-factory logs --factory",
        )
    return ok("factory", f"runs, process {daemons.pid}, {len(daemons.entries)} entries")


def _disk(what: str, path: Path) -> Iterator[Finding]:
    about = os.statvfs(path)
    free, inodes = about.f_bavail * about.f_frsize, about.f_favail
    words = f"{free / (1 << 30):.1f} GiB free at {path}"
    mend = f"df -h {path}; du -xsh {path}/*"
    yield _judged(f"disk of {what}", words, free, DISK_WARN, DISK_FAIL, mend)
    if about.f_files:  # some file systems make inodes as they need them
        words = f"{inodes} inodes free at {path}"
        mend = f"df -i {path}; du -x --inodes {path} | sort -n | tail"
        yield _judged(f"inodes of {what}", words, inodes, INODES_WARN, INODES_FAIL, mend)


def _judged(
    what: str, words: str, has: int, least: int, too_few: int, mend: str
) -> Finding:
    if has < too_few:
        return fail(what, words, mend)
    return warn(what, words, mend) if has < least else ok(what, words)


def _limits(pid: int | None) -> dict[str, float]:
    """Return the soft limits of the Factory daemon, or of this process when it does not run."""
    if pid is not None:
        try:
            text = Path(f"/proc/{pid}/limits").read_text()
        except OSError:
            pass
        else:
            rows = {line[:26].strip(): line[26:].split() for line in text.splitlines()[1:]}
            found = {"open files": "Max open files", "processes": "Max processes"}
            return {what: _number(rows[name][0]) for what, name in found.items()}
    return {
        "open files": _soft(resource.RLIMIT_NOFILE),
        "processes": _soft(resource.RLIMIT_NPROC),
    }


def _soft(which: int) -> float:
    soft = resource.getrlimit(which)[0]
    return float("inf") if soft == resource.RLIM_INFINITY else soft


def _number(text: str) -> float:
    return float("inf") if text == "unlimited" else float(text)


def _limit(what: str, limit: float, need: int, pid: int | None, entries: int) -> Finding:
    whose = "this shell" if pid is None else f"process {pid}"
    has = "no limit" if limit == float("inf") else f"{limit:.0f}"
    words = f"{whose} may have {has} {what}; {entries} entries need about {need}"
    if limit >= need:
        return ok(what, words)
    name = {"open files": "LimitNOFILE", "processes": "LimitNPROC"}[what]
    option = {"open files": "-n", "processes": "-u"}[what]
    return fail(
        what, words, f"ulimit {option} {need}, or {name}={need} in the unit of systemd"
    )
