"""A factory without daemons that the monitor watches: for tests of page and metrics."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from orchestrator.daemon import state_file
from orchestrator.daemon.lock import Lock
from orchestrator.deciding.backoff import Backoff, Backoffs
from orchestrator.deciding.request import Credentials, Refusal
from orchestrator.monitor.monitor import Monitor
from orchestrator.worktree import downtimes_edit
from orchestrator.worktree.downtimes import Downtime
from orchestrator.worktree.factory_record import read_factory
from tests.configured import Configured
from tests.decided import Decided, failed, useful
from tests.deciding import NOW

RUNNING = {
    "state": "running",
    "pid": 4711,
    "silent_s": 1.0,
    "cycles": 7,
    "cycle_s": 0.02,
    "glideins": 0,
    "accidents": 0,
    "problem": "",
}


@dataclass
class Watched:
    """The work tree, and the stage below which the page is."""

    decided: Decided
    stage: Path
    daemons: dict[str, dict[str, Any]] = field(default_factory=dict)
    monitor: Monitor = field(init=False)

    def __post_init__(self) -> None:
        self.begin_anew()

    @property
    def work(self) -> Path:
        return self.decided.work

    def begin_anew(self) -> None:
        """Have another monitor process."""
        self.monitor = Monitor(self.work, self.stage)

    def look(self, now: float = NOW, **states: dict[str, Any]) -> None:
        """Have the monitor do a cycle; ``states`` are what differs of the entries' daemons."""
        record = read_factory(self.work)
        names = ("@views", "@monitor", *record.entries)
        self.daemons = {name: {**RUNNING, **states.get(name, {})} for name in names}
        told = {
            "written": time.time(),
            "started": NOW - 86_400,
            "state": "running",
            "problem": "",
            "daemons": self.daemons,
        }
        state_file.write(self.work / "factory/status.json", told)
        self.monitor.cycle(record, now)

    def told(self, file: str) -> Any:
        """Return a JSON file of the page."""
        return json.loads((self.stage / "monitor" / file).read_text())

    def row(self, entry: str) -> dict[str, Any]:
        """Return an entry's row of the overview."""
        rows = self.told("overview.json")["entries"]
        found: dict[str, Any] = next(one for one in rows if one["name"] == entry)
        return found

    @property
    def metrics(self) -> str:
        return (self.stage / "monitor/metrics.prom").read_text()


def everything(watched: Watched) -> None:
    """Have the page show whatever there may be of an entry, a Frontend and the factory."""
    decided = watched.decided
    backoffs = Backoffs({"cms:frontend": Backoff(3, NOW - 60, NOW + 777, "why")})
    credentials = Credentials("cms-1", {"scitoken": "x"}, expires=int(NOW) + 3_600)
    down = Downtime(int(NOW) - 55, int(NOW) + 66, "north", "atlas", comment="disks")
    downtimes_edit.begin(decided.work, down)
    refusals = [Refusal(f"r{n}", "north", "x", "x@vo.test", "no") for n in range(13)]
    decided.decide(
        "north",
        {"cms": "50 idle of 100", "atlas": "2 idle of 9"},
        {"cms": "3 pending, 2 waiting, 14 running, 2 held code 12.2", "atlas": "7 running"},
        backoffs=backoffs,
        credentials=credentials,
        refusals=refusals,
    )
    decided.ended("north", [failed(f"1.{n}", "x", at=NOW - 400) for n in range(5)])
    decided.ended("north", [failed("3.0", "stopped", code=3), failed("4.0", "y")])
    decided.ended("north", [useful(f"2.{n}") for n in range(3)])
    watched.look(NOW - 9)
    watched.look()


FRONTENDS = """
[frontends.cms]
identity = "cms@vo.test"
classes = { frontend = "cms" }

[frontends.atlas]
identity = "atlas@vo.test"
classes = { frontend = "atlas" }
"""


@pytest.fixture
def watched(configured: Configured, decided: Decided) -> Iterator[Watched]:
    """The entries north and south, whose daemons seem to run, of the Frontends cms and atlas."""
    toml = configured.folder / "factory.toml"
    configured.write("factory.toml", toml.read_text() + FRONTENDS)
    configured.reconfig()
    lock = Lock(f"{decided.work}/factory/lock")
    lock.take()
    yield Watched(decided, decided.work.parent / "stage")
    lock.abandon()
