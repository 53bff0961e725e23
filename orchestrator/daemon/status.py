"""How a factory is, from the files of its work tree alone."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.daemon import command, state_file
from orchestrator.daemon.children import State
from orchestrator.daemon.factory_daemon import MONITOR, STATUS, VIEWS
from orchestrator.worktree.factory_record import read_factory

_STALE_S = 60.0  # the Factory daemon writes four times as often


@dataclass(frozen=True)
class Status:
    """``factory`` and ``views`` are the daemons; ``entries`` by name: the daemon, and what the
    entry decided last; ``problems`` is all that is wrong, in words.
    """

    running: bool
    factory: dict[str, Any]
    views: dict[str, Any]
    entries: dict[str, dict[str, Any]]
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        return {
            "running": self.running,
            "problems": list(self.problems),
            "factory": self.factory,
            "views": self.views,
            "entries": self.entries,
        }


def read(work: Path) -> Status:
    """Return how the factory of the work tree ``work`` is.

    Raises:
        FactoryError: there is no work tree.
    """
    record = read_factory(work)
    told = state_file.read(work / STATUS)
    daemons: dict[str, Any] = told.pop("daemons", {})
    pid = command.running(work)
    running = pid is not None
    problems = []
    factory = {"name": record.ad_name, **told, "pid": pid}
    if not running:
        factory["state"] = "not running"
        daemons = {}
    elif time.time() - told.get("written", 0) > _STALE_S:
        problems.append("the Factory daemon has not told of itself for a minute")
    if running and told.get("problem"):
        problems.append(str(told["problem"]))
    views = {"daemon": daemons.pop(VIEWS, None), **_views(work)}
    monitor = daemons.pop(MONITOR, None)
    if running:
        problems += [f"{what}: {text}" for what, text in views["problems"].items()]
        problems += _of_daemon("views", views["daemon"])
        problems += _of_daemon("monitor", monitor)
    entries = {}
    for name in sorted({*record.entries, *daemons}):
        about = state_file.read(work / "entries" / name / "status.json")
        entries[name] = {"daemon": daemons.get(name), **about}
        if running:
            problems += _of_daemon(name, daemons.get(name))
            wrong = about.get("problems", {})
            problems += [f"{name}: {step}: {text}" for step, text in wrong.items()]
    return Status(running, factory, views, entries, tuple(problems))


def _of_daemon(name: str, daemon: dict[str, Any] | None) -> list[str]:
    if daemon is None:
        return [f"{name}: has no daemon yet"]
    if daemon["state"] == State.RUNNING or not daemon["problem"]:
        return []
    return [f"{name}: daemon {daemon['state']}: {daemon['problem']}"]


def _views(work: Path) -> dict[str, Any]:
    """Return when the shared views were taken, and what was wrong the last time."""
    requests = state_file.read(work / "views" / "requests.json")
    stamp = state_file.read(work / "views" / "queue" / "stamp.json")
    schedds: dict[str, Any] = stamp.get("schedds", {})
    problems = {}
    if requests.get("problem"):
        problems["requests"] = requests["problem"]
    for name, look in schedds.items():
        if look.get("problem"):
            problems[f"queue of {name}"] = look["problem"]
    return {
        "requests_taken": requests.get("taken"),
        "heard": requests.get("heard", {}),
        "refusals": requests.get("refusals", []),
        "queue_taken": {name: look.get("taken") for name, look in schedds.items()},
        "problems": problems,
    }
