"""A period in numbers: how glideins ended, why they failed and where, where their time went.

What a glidein did not tell is not in a sum, and each sum says of how many glideins it is.
"""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from orchestrator.explain.failures import is_early, verdict
from orchestrator.outputs import recent

# Seconds of batch slots: in all; until HTCondor was launched; until the first job (or the end, where
# none came); with HTCondor and no job; with jobs; with jobs that ended well.
TIMES = ("total_s", "validation_s", "before_job_s", "idle_s", "job_s", "good_job_s")
EARLY_S = 1_200.0
_BLACK_HOLE = 5  # early failures on one node, and hardly anything else there
_BLACK_PERCENT = 80


class SumRecord(TypedDict):
    """Glideins that ended; of ``seconds`` only those that ``measured`` counts told theirs."""

    ended: int
    good: int
    failed: int
    early: int  # of the failed ones
    removed: int
    stopped: int
    jobs: int
    jobs_known: int  # glideins that told how many jobs they ran
    seconds: dict[str, float]
    measured: dict[str, int]
    causes: dict[str, int]  # of failures, the most frequent first


class NodeRecord(TypedDict):
    """A worker node on which glideins failed; ``black_hole``: hardly anything else happens there."""

    node: str
    entry: str
    ended: int
    failed: int
    early: int
    cause: str  # the most frequent
    black_hole: bool


class AnalysisRecord(TypedDict):
    """The period from ``since`` to ``until`` (epoch seconds)."""

    since: float
    until: float
    total: SumRecord
    entries: dict[str, SumRecord]
    frontends: dict[str, SumRecord]
    nodes: list[NodeRecord]  # those with failures, black holes first
    nodes_unknown: int  # failed glideins that did not tell where they were


@dataclass
class _Sum:
    counts: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    measured: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)

    def add(self, told: dict[str, Any], how: str, early: bool) -> None:
        self.counts["ended"] += 1
        self.counts[how] += 1
        self.counts["early"] += early
        if isinstance(told.get("jobs"), int):
            self.counts["jobs"] += told["jobs"]
            self.counts["jobs_known"] += 1
        for name in TIMES:
            value = told.get(name)
            if isinstance(value, int | float):
                self.seconds[name] += value  # type: ignore[assignment]
                self.measured[name] += 1
        if how == "failed":
            self.causes[str(told.get("cause", ""))] += 1

    def record(self) -> SumRecord:
        counts = self.counts
        return {
            "ended": counts["ended"],
            "good": counts["good"],
            "failed": counts["failed"],
            "early": counts["early"],
            "removed": counts["removed"],
            "stopped": counts["stopped"],
            "jobs": counts["jobs"],
            "jobs_known": counts["jobs_known"],
            "seconds": {name: float(self.seconds[name]) for name in TIMES},
            "measured": {name: self.measured[name] for name in TIMES},
            "causes": dict(self.causes.most_common()),
        }


def analyze(
    work: Path,
    entries: Iterable[str],
    since: float,
    until: float | None = None,
    frontend: str = "",
) -> AnalysisRecord:
    """Return the period in numbers; with ``frontend``, of this Frontend's glideins alone.

    Args:
        frontend: Its name, FRONTEND:CLASS, or a client.
    """
    until = time.time() if until is None else until
    total = _Sum()
    by_entry: dict[str, _Sum] = {}
    by_frontend: dict[str, _Sum] = {}
    nodes: dict[tuple[str, str], _Sum] = {}
    for entry in entries:
        folder = work / "entries" / entry
        for told in recent.lines(folder, since, until):
            share = str(told.get("share", ""))
            name = share.rpartition(":")[0]
            if frontend not in ("", name, share, told.get("client")):
                continue
            how, early = verdict(told), is_early(told, EARLY_S)
            node = str(told.get("node", ""))
            for one in (
                total,
                by_entry.setdefault(entry, _Sum()),
                by_frontend.setdefault(name, _Sum()),
                nodes.setdefault((node, entry), _Sum()),
            ):
                one.add(told, how, early)
    return {
        "since": since,
        "until": until,
        "total": total.record(),
        "entries": {name: one.record() for name, one in sorted(by_entry.items())},
        "frontends": {name: one.record() for name, one in sorted(by_frontend.items())},
        "nodes": sorted(
            (
                _node(*key, one)
                for key, one in nodes.items()
                if key[0] and one.counts["failed"]
            ),
            key=lambda one: (not one["black_hole"], -one["failed"], one["node"]),
        ),
        "nodes_unknown": sum(
            one.counts["failed"] for (node, _), one in nodes.items() if not node
        ),
    }


def _node(node: str, entry: str, one: _Sum) -> NodeRecord:
    counts = one.counts
    judged = counts["good"] + counts["failed"]
    return {
        "node": node,
        "entry": entry,
        "ended": counts["ended"],
        "failed": counts["failed"],
        "early": counts["early"],
        "cause": one.causes.most_common(1)[0][0],
        "black_hole": counts["early"] >= _BLACK_HOLE
        and counts["early"] * 100 >= _BLACK_PERCENT * judged,
    }
