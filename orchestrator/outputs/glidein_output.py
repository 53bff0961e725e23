"""What a glidein wrote: its report, one JSON object, and HTCondor's logs, encoded.

Both stand between lines that mark them (``glidein/lib/report.sh`` writes them), so they are
found in whatever a batch system made of standard output and standard error.
"""

import base64
import binascii
import gzip
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import FactoryError

REPORT_BEGIN = "=== glidein report ==="
REPORT_END = "=== end of glidein report ==="
LOG_MARK = "======== gzip | uuencode ============="
LOG_BEGIN = "begin-base64 "
LOG_END = "===="
REPORTS_LIMIT = 999  # in one output, as -multiglidein allows
LOG_LIMIT = 64 * 1024 * 1024  # bytes: what one decoded log may hold


@dataclass(frozen=True)
class GlideinOutput:
    """The parts found; ``report`` is None where there was none, ``damaged`` says what was unreadable.

    Where several glideins shared a batch slot each wrote its own: ``report`` is the last one,
    ``reports`` are all of them.
    """

    report: dict[str, Any] | None
    logs: dict[str, str] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)


def read_output(
    text: str, only: str | None = None, limit: int = LOG_LIMIT
) -> GlideinOutput:
    """Find report and logs in what a glidein wrote; stdout, stderr or both one after the other.

    Args:
        only: Decode this log and no other.
        limit: Bytes that one decoded log may hold.

    Raises:
        FactoryError: there is neither a report nor a log in ``text``.
    """
    lines = text.splitlines()
    damaged: list[str] = []
    reports = _find_reports(lines, damaged)
    logs = _find_logs(lines, damaged, only, limit)
    if not reports and not logs and not damaged:
        raise FactoryError("neither a glidein's report nor its logs in this file")
    last = reports[-1] if reports else None
    return GlideinOutput(last, logs, damaged, [one for one in reports if one is not None])


def _find_reports(lines: list[str], damaged: list[str]) -> list[dict[str, Any] | None]:
    """Return the reports, None for one that cannot be read."""
    found = [
        "".join(lines[number + 1 : number + 2])
        for number, line in enumerate(lines)
        if line == REPORT_BEGIN
    ]
    if not found and len(lines) == 1 and lines[0].startswith("{"):
        found = lines  # --json: the report is all there is
    return [_report(text, damaged) for text in found[-REPORTS_LIMIT:]]


def _report(text: str, damaged: list[str]) -> dict[str, Any] | None:
    try:
        report = json.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits
        damaged.append(f"report: {error}")
        return None
    if not isinstance(report, dict):
        damaged.append("report: not a JSON object")
        return None
    return report


def _find_logs(
    lines: list[str], damaged: list[str], only: str | None, limit: int
) -> dict[str, str]:
    logs: dict[str, str] = {}
    for number, line in enumerate(lines):
        if line != LOG_MARK or number == 0:
            continue
        name = lines[number - 1].strip() or "unnamed"
        if only is not None and name != only:
            continue
        body: list[str] = []
        ended = False
        for encoded in lines[number + 2 :]:
            if encoded == LOG_END:
                ended = True
                break
            body.append(encoded)
        try:
            raw = base64.b64decode("".join(body), validate=True)
            logs[name] = _gunzip(raw, limit).decode(errors="replace")
        except (binascii.Error, OSError, EOFError, zlib.error) as error:
            damaged.append(f"{name}: {error}")
            continue
        if not ended:
            damaged.append(f"{name}: its end is missing")
    return logs


def _gunzip(raw: bytes, limit: int) -> bytes:
    """Unpack at most ``limit`` bytes; more is cut off rather than held in memory."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: a gzip header
    text = unpacker.decompress(raw, limit)
    if not unpacker.eof and len(text) < limit:
        raise gzip.BadGzipFile("the compressed log is cut off")
    return text
