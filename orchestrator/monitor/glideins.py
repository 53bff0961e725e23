"""The glideins of an entry that ended last: how, where their time went, and their logs.

A log is published for the last few only, cut to its end, and without what may be a secret (see
:mod:`orchestrator.monitor.scrub`).
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import FactoryError
from orchestrator.monitor.published import Published
from orchestrator.monitor.scrub import scrub
from orchestrator.outputs.glidein_output import (
    LOG_MARK,
    REPORT_BEGIN,
    REPORT_END,
    read_output,
)
from orchestrator.outputs.outcome import Ended, output_files

SHOWN = 50  # glideins of an entry
FAILED_LOGS = 8  # of these, published with their logs
OTHER_LOGS = 4
OUTPUT_BYTES = 16 * 1024  # the end of what standard output or error says
LOG_BYTES = 8 * 1024  # and of each of HTCondor's logs
LOGS = 5
_READ = 1024 * 1024  # bytes of a file that are looked at, its end
_LINE = 500  # characters
_ID = re.compile(r"\d{1,12}\.\d{1,9}")  # CLUSTER.PROCESS; a file is named after it
_TOLD = (
    *("glidein", "client", "share", "ended", "cause", "good", "removed", "code", "detail"),
    *("node", "jobs", "total_s", "validation_s", "condor_s", "job_s", "idle_s", "waste_s"),
    *("before_job_s", "phases_ms"),
)


def shown(lines: Iterable[Mapping[str, Any]], published: str) -> list[dict[str, Any]]:
    """Return the last glideins of outcomes, the newest first; ``log`` says whose is published.

    ``published`` is "all", "failed" or "none".
    """
    found = []
    left = {"none": (0, 0), "failed": (FAILED_LOGS, 0), "all": (FAILED_LOGS, OTHER_LOGS)}
    failed, others = left[published]
    for told in sorted(lines, key=lambda one: -one["ended"])[:SHOWN]:
        if not _ID.fullmatch(str(told.get("glidein"))):
            continue
        one = {name: told[name] for name in _TOLD if name in told}
        one["detail"] = scrub(str(told.get("detail", "")))
        if told.get("good") or told.get("removed"):
            others -= 1
            one["log"] = others >= 0
        else:
            failed -= 1
            one["log"] = failed >= 0
        found.append(one)
    return found


def publish_logs(
    entry: Path, published: Published, glideins: Iterable[dict[str, Any]]
) -> None:
    """Bring the published logs of an entry up to date with those of ``glideins`` to publish.

    ``entry`` is the entry's folder in the work tree. One whose output is not there, or no longer,
    is noted as having no log.
    """
    folder = f"glidein/{entry.name}"
    wanted = {f"{one['glidein']}.json": one for one in glideins if one["log"]}
    published.keep(folder, wanted)
    for name, one in wanted.items():
        if (published.root / folder / name).exists():
            continue
        logs = _logs(entry, one)
        one["log"] = bool(logs)
        if logs:
            text = json.dumps({"glidein": one["glidein"], "logs": logs}).encode()
            published.put_new(f"{folder}/{name}", text)


def _logs(entry: Path, told: Mapping[str, Any]) -> dict[str, str]:
    """Return a glidein's logs by name, cut and scrubbed."""
    cluster, _, process = str(told["glidein"]).partition(".")
    ended = Ended(int(cluster), int(process), str(told["client"]), "", 0)
    found: dict[str, str] = {}
    for name, path in zip(
        ("stdout", "stderr"), output_files(entry / "glideins", ended), strict=True
    ):
        text = _end(path)
        if not text:
            continue
        found[name] = _cut(scrub(_talk(text)), OUTPUT_BYTES)
        try:
            logs = read_output(text, limit=_READ).logs
        except FactoryError:
            continue
        for log, said in list(logs.items())[:LOGS]:
            found[scrub(log)[:80]] = _cut(scrub(said[-_READ:]), LOG_BYTES)
    return {name: text for name, text in found.items() if text}


def _end(path: Path) -> str:
    """Return the end of a file that a glidein left; "" when it is not there, or not a file."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        start = max(0, os.fstat(file).st_size - _READ)
        return os.pread(file, _READ, start).decode(errors="replace")
    except OSError:
        return ""
    finally:
        os.close(file)


def _talk(text: str) -> str:
    """Return what is neither the report nor a log that was encoded."""
    kept: list[str] = []
    skipped = ""
    for line in text.splitlines():
        if skipped:
            if line == skipped:
                skipped = ""
        elif line == REPORT_BEGIN:
            skipped = REPORT_END
        elif line == LOG_MARK:
            skipped = "===="
            if kept:
                kept.pop()  # the name of the log
        else:
            kept.append(line if len(line) <= _LINE else f"{line[:_LINE]} […]")
    return "\n".join(kept)


def _cut(text: str, size: int) -> str:
    """Return whole lines from the end of a text."""
    if len(text) <= size:
        return text
    return f"[…]\n{text[-size:].partition(chr(10))[2]}"
