"""Who is on the stop list, and how many glideins have obeyed."""

import time
from functools import lru_cache
from pathlib import Path
from typing import Any, TypedDict

from orchestrator.daemon.entry_cycle import STATUS
from orchestrator.explain import files
from orchestrator.outputs.outcome import STOPPED
from orchestrator.outputs.recent import recent
from orchestrator.stage import stop_list
from orchestrator.stage.stop_list import Stop
from orchestrator.worktree.factory_record import FactoryRecord, read_factory

LOCK = "factory/stop_list.lock"
SINCE = "factory/stopped.json"  # of the work tree: since when each is on the list (epoch)


class StopRecord(TypedDict):
    """One line of the stop list; ``since`` is None where nobody knows when it was written.

    ``obeyed`` counts glideins that told the list had ended them, since then (or in the last
    day); ``idle``, ``running`` and ``held`` are still there, as the entries know.
    """

    what: str
    name: str
    now: bool
    why: str
    since: float | None
    obeyed: int
    idle: int
    running: int
    held: int
    untold: int  # entries concerned that have told nothing


def path_of(record: FactoryRecord) -> Path:
    """Return where the published list is."""
    return Path(record.web.stage) / record.web.stop_list


def concerning(work: Path, entry: str) -> list[str]:
    """Return the lines of the list that mean ``entry`` as a whole, or the factory.

    Raises:
        FactoryError: something of the work tree may not be read.
    """
    about = (work / "factory" / "factory.json").stat()
    record = _factory(work, about.st_mtime_ns)
    stops = stop_list.read(path_of(record))
    return [str(one) for one in stops if one.scope in ("factory", f"entry {entry}")]


@lru_cache(maxsize=1)
def _factory(work: Path, changed: int) -> FactoryRecord:
    """Return the record, which who explains all entries would else read for each."""
    return read_factory(work)


def explain(work: Path, *, now: float | None = None) -> list[StopRecord]:
    """Return who is on the list.

    Raises:
        FactoryError: there is no work tree, or something of it may not be read.
    """
    now = time.time() if now is None else now
    record = read_factory(work)
    since = files.read(work / SINCE)
    stops = stop_list.read(path_of(record))
    return [_record(work, record, one, since.get(one.scope), now) for one in stops]


def _record(
    work: Path, record: FactoryRecord, one: Stop, since: float | None, now: float
) -> StopRecord:
    told: StopRecord = {
        "what": one.what,
        "name": one.name,
        "now": one.now,
        "why": one.why,
        "since": since,
        "obeyed": 0,
        "idle": 0,
        "running": 0,
        "held": 0,
        "untold": 0,
    }
    for name in [one.name] if one.what == "entry" else record.entries:
        folder = work / "entries" / name
        _add_queue(told, one, files.read(folder / STATUS))
        ended, _, _ = recent(folder, since or now - 86_400)
        told["obeyed"] += sum(
            line.get("code") == STOPPED and _means(one, str(line.get("client", "")))
            for line in ended
        )
    return told


def _add_queue(told: StopRecord, one: Stop, status: dict[str, Any]) -> None:
    decision = status.get("decision")
    if decision is None:
        told["untold"] += 1
        return
    parts = [decision["has"]]
    if one.what == "frontend":
        # By request, as the list means clients, and shares are of security names.
        parts = [
            verdict["has"]
            for verdict in decision["requests"]
            if _means(one, verdict["client"])
        ]
    for has in parts:
        told["idle"] += has["idle"]
        told["running"] += has["running"]
        told["held"] += has["held"]


def _means(one: Stop, client: str) -> bool:
    """Return whether the line means glideins of a client, as ``stop_list.sh`` does."""
    return one.what != "frontend" or one.name in (client, client.partition(".")[0])
