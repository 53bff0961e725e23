"""How an entry's glideins ended lately, the failed ones grouped by cause, with one to look at."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.explain.records import CauseRecord, EndedRecord, SampleRecord
from orchestrator.outputs.outcome import STOPPED, Ended, output_files
from orchestrator.outputs.recent import recent

NODES = 5  # named for a cause
CAUSES = 20  # named; there are few more
VERDICTS = ("ended", "good", "removed", "stopped", "failed", "early")


@dataclass
class _Cause:
    count: int = 0
    early: int = 0
    last: float = 0.0
    shares: Counter[str] = field(default_factory=Counter)
    hours: dict[str, Counter[str]] = field(default_factory=dict)
    nodes: Counter[str] = field(default_factory=Counter)
    sample: dict[str, Any] = field(default_factory=dict)


def ended(folder: Path, since: float, early_s: float) -> EndedRecord:
    """Return how the glideins of the entry in ``folder`` ended since ``since`` (epoch).

    Of an entry with very many, only the last ones are looked at: ``since`` is then later.
    """
    lines, since, whole = recent(folder, since)
    causes: dict[str, _Cause] = {}
    counts: Counter[str] = Counter()
    shares: dict[str, Counter[str]] = {}
    for told in lines:
        sums = (counts, shares.setdefault(str(told.get("share", "")), Counter()))
        what = verdict(told)
        early = is_early(told, early_s)
        for one in sums:
            one.update(("ended", what, "early") if early else ("ended", what))
        if what == "failed":
            cause = causes.setdefault(str(told.get("cause", "")), _Cause())
            _count(cause, told, early)
    ranked = sorted(causes.items(), key=lambda one: (-one[1].count, one[0]))[:CAUSES]
    return {
        "since": since,
        "whole": whole,
        "ended": counts["ended"],
        "good": counts["good"],
        "removed": counts["removed"],
        "stopped": counts["stopped"],
        "failed": counts["failed"],
        "early": counts["early"],
        "shares": {
            share: {name: sums[name] for name in VERDICTS}
            for share, sums in sorted(shares.items())
        },
        "causes": [_record(folder, name, one) for name, one in ranked],
    }


def is_early(told: dict[str, Any], early_s: float) -> bool:
    """Return what ``Outcome.failed_early`` would of the outcome in a line."""
    if verdict(told) != "failed":
        return False
    total = told.get("total_s")
    return told.get("launched") is False or total is None or total < early_s


def verdict(told: dict[str, Any]) -> str:
    """Return good, removed, stopped (by the stop list) or failed, of the outcome in a line."""
    if told.get("good"):
        return "good"
    if told.get("removed"):
        return "removed"
    return "stopped" if told.get("code") == STOPPED else "failed"


def _count(cause: _Cause, told: dict[str, Any], early: bool) -> None:
    cause.count += 1
    cause.early += early
    share, when = str(told.get("share", "")), float(told.get("ended", 0))
    cause.shares[share] += 1
    cause.hours.setdefault(share, Counter())[str(int(when // 3_600))] += 1
    cause.nodes[str(told.get("node", ""))] += 1
    if when >= cause.last:
        cause.last, cause.sample = when, told


def _record(folder: Path, name: str, cause: _Cause) -> CauseRecord:
    return {
        "cause": name,
        "count": cause.count,
        "early": cause.early,
        "last": cause.last,
        "shares": dict(cause.shares.most_common()),
        "hours": {share: dict(hours) for share, hours in cause.hours.items()},
        "nodes": dict(cause.nodes.most_common(NODES)),
        "sample": sample(folder, cause.sample),
    }


def sample(folder: Path, told: dict[str, Any]) -> SampleRecord:
    """Return where to look at the glidein of an outcome."""
    ident, client = str(told.get("glidein", "0.0")), str(told.get("client", ""))
    cluster, _, process = ident.partition(".")
    glidein = Ended(int(cluster), int(process or 0), client, "", 0)
    out, err = output_files(folder / "glideins", glidein)
    return {
        "glidein": ident,
        "client": client,
        "node": str(told.get("node", "")),
        "ended": float(told.get("ended", 0)),
        "code": told.get("code"),
        "detail": str(told.get("detail", "")),
        "out": str(out),
        "err": str(err),
        "there": out.exists(),
        "look": f"glidein-factory logs {folder.name} {ident}",
    }
