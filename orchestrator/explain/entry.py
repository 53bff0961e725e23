"""One entry: what was asked, what was seen, what was decided, and why."""

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.daemon import state_file
from orchestrator.daemon.children import State
from orchestrator.daemon.entry_cycle import BACKOFF, STATUS
from orchestrator.deciding import backoff
from orchestrator.deciding.request import RequestsView
from orchestrator.errors import FactoryError
from orchestrator.explain import files, stopped
from orchestrator.explain.daemons import Daemons
from orchestrator.explain.downtimes import concerning
from orchestrator.explain.failures import ended
from orchestrator.explain.findings import findings
from orchestrator.explain.holds import held
from orchestrator.explain.records import (
    BackoffRecord,
    EntryRecord,
    LookRecord,
    ViewRecord,
)
from orchestrator.explain.refusals import grouped
from orchestrator.explain.requests import requests_of
from orchestrator.protocol import requests_view
from orchestrator.queue import queue_file, shared_queue
from orchestrator.worktree import entry_record
from orchestrator.worktree.downtimes import DowntimesFile

HOURS = 24  # of outcomes that are looked at, unless somebody wants another time


def explain(
    work: Path,
    name: str,
    *,
    now: float | None = None,
    hours: float = HOURS,
    daemons: Daemons | None = None,
) -> EntryRecord:
    """Return all that is known of entry ``name``.

    Args:
        now: Epoch seconds.
        hours: How far back the outcomes of glideins are looked at.
        daemons: What :func:`orchestrator.explain.daemons.read` told, for who explains many.

    Raises:
        FactoryError: there is no such entry, or something of it may not be read.
    """
    now = time.time() if now is None else now
    folder = work / "entries" / name
    record = _record(work, name)
    status = files.read(folder / STATUS)
    decision = status.get("decision", {})
    daemons = daemons or Daemons.of(work)
    view = requests_view.read(work, name)
    known = queue_file.read(folder)
    daemon = daemons.entries.get(name)
    told: EntryRecord = {
        "entry": name,
        "now": now,
        "findings": [],
        "state": status.get("state", "unknown"),
        "daemon": daemon,
        "alive": daemon is not None and daemon["state"] == State.RUNNING,
        "decided": status.get("decided"),
        "age_s": files.age(status.get("decided"), now),
        "words": decision.get("words", "nothing was decided yet"),
        "problems": status.get("problems", {}),
        "views": {
            which: _view(decision.get("views", {}).get(which, {}), now)
            for which in ("queue", "requests")
        },
        "looks": _looks(work, record.schedd, view, now),
        "schedd": record.schedd,
        "glideins": decision.get("has"),
        "unseen": status.get("unseen"),
        "advertised": status.get("advertised"),
        "down": decision.get("down", ""),
        "stopped": stopped.concerning(work, name),
        "downtimes": concerning(DowntimesFile(work).read(), name, now),
        "bounds": decision.get("bounds", []),
        "shares": decision.get("shares", {}),
        "backoffs": _backoffs(folder, now),
        "requests": requests_of(view, decision, now),
        "refused": len(view.refusals),
        "refusals": grouped(view.refusals),
        "submit": decision.get("submit"),
        "remove": decision.get("remove"),
        "to_remove": decision.get("to_remove"),
        "release": decision.get("release"),
        "to_release": decision.get("to_release"),
        "removals": _by_words(decision.get("removals", [])),
        "releases": _by_words(decision.get("releases", [])),
        "held": held(known.glideins, record.limits),
        "ended": ended(folder, now - hours * 3_600, record.backoff.early_s),
    }
    told["findings"] = findings(told, daemons, work)
    return told


def _record(work: Path, name: str) -> entry_record.EntryRecord:
    """Return the record of an entry, also of one that is retired."""
    folder = work / "entries" / name
    retired = not (folder / "entry.json").exists() and (folder / "retired.json").exists()
    return entry_record.read_entry(work, name, retired=retired)


def _view(told: Mapping[str, Any], now: float) -> ViewRecord:
    taken = float(told.get("taken", 0))
    return {
        "taken": taken,
        "age_s": files.age(taken, now),
        "freshness": told.get("freshness", "not known"),
    }


def _looks(
    work: Path, schedd: str, view: RequestsView, now: float
) -> dict[str, LookRecord]:
    stamp = files.read(shared_queue.queue_folder(work) / shared_queue.STAMP)
    queue = stamp.get("schedds", {}).get(schedd, {})
    taken = queue.get("taken") or None
    return {
        "requests": {
            "taken": view.taken or None,
            "age_s": files.age(view.taken, now),
            "problem": view.problem,
        },
        "queue": {
            "taken": taken,
            "age_s": files.age(taken, now),
            "problem": queue.get("problem", ""),
        },
    }


def _backoffs(folder: Path, now: float) -> list[BackoffRecord]:
    try:
        found = backoff.from_json(
            state_file.read(folder / BACKOFF) or {"shares": {}, "looked": 0}
        )
    except FactoryError:
        return []
    return [
        {
            "share": share,
            "phase": one.phase(now),
            "level": one.level,
            "until": one.until,
            "remaining_s": max(0.0, one.until - now),
            "why": one.why,
        }
        for share, one in sorted(found.shares.items())
        if one.until
    ]


def _by_words(told: list[dict[str, Any]]) -> dict[str, int]:
    return dict(Counter(str(one.get("words", "")) for one in told).most_common())
