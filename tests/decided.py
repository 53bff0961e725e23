"""A work tree in which an entry has decided, without any daemon: for tests of what is shown.

Situations are said in the words of :mod:`tests.deciding`; files are written by the code that
daemons write them with.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from orchestrator.daemon import state_file
from orchestrator.deciding.backoff import Backoffs
from orchestrator.deciding.decision import decide
from orchestrator.deciding.request import Refusal, RequestsView
from orchestrator.deciding.verdict import Decision
from orchestrator.outputs import outcomes
from orchestrator.outputs.outcome import Outcome
from orchestrator.protocol.requests_view import Taken, Writer
from orchestrator.queue.queue_reader import FORMAT as QUEUE_FORMAT
from orchestrator.worktree.downtimes import DowntimesFile
from orchestrator.worktree.entry_record import FORMAT, read_entry
from tests import deciding
from tests.configured import Configured
from tests.deciding import NOW


@dataclass
class Decided:
    """The work tree; ``limits`` are as :func:`tests.deciding.limits` reads them."""

    work: Path
    views: dict[str, RequestsView] = field(default_factory=dict)

    def decide(
        self,
        entry: str,
        asks: Mapping[str, str],
        has: Mapping[str, str] | None = None,
        *,
        limits: Mapping[str, Any] | None = None,
        queue: str = "fresh",
        requests: str = "fresh",
        backoffs: Backoffs | None = None,
        refusals: Iterable[Refusal] = (),
        now: float = NOW,
        **changes: Any,
    ) -> Decision:
        """Have an entry see and decide, and write all that its daemon would."""
        folder = self.work / "entries" / entry
        record = read_entry(self.work, entry)
        bounds = deciding.limits(limits or {})
        seen = deciding.queue(has or {}, queue)
        view = deciding.requests(asks, requests, entry=entry, **changes)
        heard = {one.client: int(now) - 30 for one in view.requests}
        view = dataclasses.replace(view, refusals=tuple(refusals), heard=heard)
        decision = decide(
            view,
            seen,
            bounds,
            entry=entry,
            now=now,
            factory_room=10_000,
            downtimes=DowntimesFile(self.work).read(),
            backoffs=backoffs,
            policy=record.backoff,
        )
        status = {
            "written": now,
            "decided": now,
            "state": "working" if asks or has else "idle",
            "glideins": len(seen.glideins),
            "unseen": sum(one.count for one in seen.unseen),
            "queue": str(seen.freshness),
            "problems": {},
            "advertised": now,
            "words": decision.words,
            "decision": decision.as_json(),
        }
        state_file.write(folder / "status.json", status)
        rows = [[0, 0, *dataclasses.astuple(one)] for one in seen.glideins]
        known = {"format": QUEUE_FORMAT, "taken": seen.taken, "logs": {}, "ended": []}
        (folder / "queue.json").write_text(json.dumps({**known, "glideins": rows}))
        self._rewrite(folder / "entry.json", bounds)
        if backoffs is not None:
            state_file.write(folder / "backoff.json", backoffs.as_json())
        self.views[entry] = view
        Writer(self.work).write(Taken(view.taken, self.views, (), self._heard()))
        return decision

    def ended(self, entry: str, found: Iterable[Outcome]) -> None:
        """Have glideins of an entry end."""
        folder = self.work / "entries" / entry
        found = list(found)
        outcomes.append(folder, found)
        statistics = outcomes.load(folder)
        statistics.add(found)
        outcomes.save(folder, statistics)

    def _heard(self) -> dict[str, int]:
        return {name: at for view in self.views.values() for name, at in view.heard.items()}

    @staticmethod
    def _rewrite(record: Path, bounds: Any) -> None:
        told = json.loads(record.read_text())
        assert told["format"] == FORMAT
        told["limits"] = dataclasses.asdict(bounds)
        record.write_text(json.dumps(told))


@pytest.fixture
def decided(configured: Configured) -> Decided:
    """The work tree of the entries north and south, which have not decided yet."""
    configured.reconfig()
    for name in ("north", "south"):
        (configured.work / "entries" / name / "glideins").mkdir(exist_ok=True)
    return Decided(configured.work)


def failed(ident: str, cause: str, *, at: float = NOW - 600, **told: Any) -> Outcome:
    """Return a glidein of cms that failed at once."""
    facts: dict[str, Any] = {
        "share": "cms:frontend",
        "node": "node1",
        "total_s": 30.0,
        "code": 40,
    }
    facts |= told
    return Outcome(ident, "cms.main", ended=at, cause=cause, source="report", **facts)


def useful(ident: str, *, at: float = NOW - 600, **told: Any) -> Outcome:
    """Return a glidein of cms that ran jobs and ended well."""
    facts: dict[str, Any] = {
        "share": "cms:frontend",
        "node": "node2",
        "jobs": 3,
        "launched": True,
        "total_s": 7_200.0,
        "validation_s": 10.0,
        "condor_s": 7_100.0,
        "job_s": 6_000.0,
        "good_job_s": 5_000.0,
        "code": 0,
    }
    facts |= told
    return Outcome(
        ident, "cms.main", ended=at, cause="ended", source="report", good=True, **facts
    )
