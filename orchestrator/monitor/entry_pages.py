"""Each entry for the page: read when its daemon told something new, written as JSON, kept as a row.

What costs most is reading how glideins ended; a bound on the time of a cycle keeps that from
growing with the number of busy entries. Who did not get a turn is first in the next cycle.
"""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from orchestrator.daemon.stamp import Stamp, stamp
from orchestrator.errors import FactoryError
from orchestrator.explain import entry as explain_entry
from orchestrator.explain.daemons import Daemons
from orchestrator.explain.records import EntryRecord, EntrySummary, SampleRecord
from orchestrator.monitor import glideins, metrics, overview
from orchestrator.monitor.frontend_pages import by_frontend
from orchestrator.monitor.published import Published
from orchestrator.monitor.scrub import scrub
from orchestrator.monitor.series import COUNTERS, GAUGES
from orchestrator.monitor.timeless import timeless
from orchestrator.outputs import outcomes
from orchestrator.outputs.outcomes import Totals
from orchestrator.outputs.recent import recent
from orchestrator.queue.queue_view import KINDS
from orchestrator.worktree.entry_record import read_entry

log = logging.getLogger(__name__)

_RECENT_BYTES = 128 * 1024  # of outcomes, for the last glideins
_DAY_S = 86_400
_HOUR_S = 3_600.0
_AGAIN_S = 300.0  # so soon a record is read again of which only the numbers changed
DAEMON = ("state", "silent_s", "cycle_s", "accidents", "problem")


@dataclass
class EntryPage:
    """What is kept of an entry from one cycle to the next.

    ``values`` are those of its history, None where they are not known, ``asked`` what is asked of
    it by its last decision; ``clients`` what each client asks of it and has; ``counters`` what
    ended of each Frontend ("": of none that is known), None while it was never read; ``ended``
    how, in the last day; ``samples`` its metrics.
    """

    name: str
    status: Stamp = None
    others: tuple[Any, ...] = ()
    read: float = 0.0  # monotonic
    about: dict[str, Any] = field(default_factory=dict)
    values: dict[str, float | None] = field(default_factory=dict)
    asked: dict[str, float | None] = field(default_factory=dict)
    clients: dict[str, dict[str, Any]] = field(default_factory=dict)
    counters: dict[str, dict[str, float]] | None = None
    ended: dict[str, Any] = field(default_factory=dict)
    samples: dict[str, str] = field(default_factory=dict)

    @property
    def ever(self) -> dict[str, float] | None:
        """What ended of all Frontends; None: it was never read."""
        if self.counters is None:
            return None
        known = {name: self.values.get(name) for name in COUNTERS}
        return {name: value for name, value in known.items() if value is not None} or None

    def note(self, summary: EntrySummary, *, heard: bool) -> None:
        """Take over what changes often, though the whole record is not read again.

        ``heard`` says that the view of the requests of all entries can be trusted. An entry at
        work decides again when it cannot, and says whether its own can; one at rest does not.
        """
        known = summary["daemon"] == "running" and summary["known"]
        for name in (*KINDS, "unseen"):
            self.values[name] = summary[name] if known else None  # type: ignore[literal-required]
        asked = summary["daemon"] == "running" and (heard or summary["state"] == "working")
        for name in ("asked_idle", "asked_max"):
            self.values[name] = self.asked.get(name) if asked else None


class _Stamps(NamedTuple):
    status: Stamp
    others: tuple[Any, ...]


class EntryPages:
    """The pages of all entries of the work tree ``work``."""

    def __init__(self, work: Path, published: Published) -> None:
        self._work = work
        self._published = published
        self.pages: dict[str, EntryPage] = {}

    def update(
        self,
        summaries: Mapping[str, EntrySummary],
        daemons: Daemons,
        logs: str,
        now: float,
        budget_s: float,
        *,
        heard: bool,
        shared: tuple[Stamp, ...] = (),
    ) -> None:
        """Bring the pages of these entries up to date, and forget all others.

        Args:
            summaries: What the record of the factory says of each.
            logs: Whose logs are published: "all", "failed" or "none".
            budget_s: So much processor time is spent, and a little more.
            heard: Whether the view of all requests can be trusted.
            shared: Of files that may be about every entry.
        """
        if self.pages.keys() != summaries.keys():
            self.pages = {
                name: self.pages.get(name) or EntryPage(name) for name in summaries
            }
        changed = []
        for name, summary in summaries.items():
            page = self.pages[name]
            page.note(summary, heard=heard)
            stamps = self._stamps(summary, shared)
            age_s = time.monotonic() - page.read
            old = age_s > _AGAIN_S and page.status != stamps.status
            # What failed a day ago is no longer of the last day.
            old |= age_s > _HOUR_S and bool(page.about.get("ended"))
            if stamps.others != page.others or old:
                changed.append((page, stamps, summary))
        changed.sort(key=lambda one: one[0].read)
        began = time.process_time()
        for page, stamps, summary in changed:
            if time.process_time() - began > budget_s:
                break
            page.status, page.others = stamps
            page.read = time.monotonic()
            try:
                self._read(page, daemons, logs, now)
                page.note(summary, heard=heard)
            except Exception as error:  # whatever is wrong with one hurts no other
                if not isinstance(error, FactoryError | OSError):
                    log.exception("entry=%s is not shown anew", page.name)
                else:
                    log.warning("entry=%s is not shown anew: %s", page.name, error)
                page.values, page.asked, page.clients, page.samples = {}, {}, {}, {}

    def _stamps(self, summary: EntrySummary, shared: tuple[Stamp, ...]) -> "_Stamps":
        """Return what differs when the entry's page has to be made anew.

        The status of an entry at work is another one each minute, though it says the same.
        """
        name = summary["entry"]
        folder = f"{self._work}/entries/{name}"
        files = (
            *shared,
            stamp(f"{folder}/statistics.json"),
            stamp(f"{folder}/backoff.json"),
            stamp(f"{folder}/entry.json"),
            stamp(f"{self._work}/views/requests/{name}.json"),
        )
        said = (summary["daemon"], summary["state"], summary["words"], *summary["problems"])
        return _Stamps(stamp(f"{folder}/status.json"), (*files, *said))

    def _read(self, page: EntryPage, daemons: Daemons, logs: str, now: float) -> None:
        """Read an entry, write its JSON, and keep what others need of it.

        Raises:
            FactoryError: it cannot be read.
            OSError: the JSON cannot be written.
        """
        name = page.name
        folder = self._work / "entries" / name
        record = explain_entry.explain(self._work, name, now=now, daemons=daemons)
        statistics = outcomes.load(folder)
        lines, _, _ = recent(folder, now - 7 * _DAY_S, _RECENT_BYTES)
        shown = glideins.shown(lines, logs)
        glideins.publish_logs(folder, self._published, shown)
        site = _site(self._work, name)
        page.about = overview.about(record, site)
        page.values = values_of(record, statistics.ever)
        page.asked = {name: page.values[name] for name in ("asked_idle", "asked_max")}
        page.clients = metrics.clients(record, page.values)
        page.counters = {
            name: counters(totals) for name, totals in statistics.frontends.items()
        }
        page.ended = by_frontend(record["ended"])
        samples = metrics.of_entry(record, statistics, page.values, page.clients)
        page.samples = samples.lines
        told = {
            **public(record),
            "site": site,
            "totals": vars(statistics.ever),
            "glideins_ended": shown,
        }
        text = json.dumps(told, separators=(",", ":")).encode()
        self._published.put(f"entry/{name}.json", text)


def values_of(record: EntryRecord, totals: Totals) -> dict[str, float | None]:
    """Return the values of an entry's history; None where they cannot be known now."""
    values: dict[str, float | None] = dict.fromkeys((*GAUGES, *COUNTERS))
    has = record["glideins"]
    if has is not None and record["alive"] and _fresh(record, "queue"):
        values |= {name: has[name] for name in KINDS}
        values["unseen"] = record["unseen"]
    if record["alive"] and _fresh(record, "requests"):
        values["asked_idle"] = sum(one["asked"]["idle"] for one in record["requests"])
        values["asked_max"] = sum(one["asked"]["max"] for one in record["requests"])
    values |= counters(totals)
    return values


def counters(totals: Totals) -> dict[str, float]:
    """Return the values of a history that only grow."""
    return {
        "ended": totals.ended,
        "failed": sum(totals.failed.values()),
        "removed": totals.removed,
        "jobs": totals.jobs,
        **{name: totals.seconds.get(name, 0.0) for name in COUNTERS if name.endswith("_s")},
    }


def public(record: EntryRecord) -> dict[str, Any]:
    """Return what everybody may read of a record: no paths of this machine, and nothing that a
    site wrote as it came.
    """
    ended = record["ended"]
    daemon = record["daemon"]
    if daemon is not None:
        daemon = {key: value for key, value in daemon.items() if key in DAEMON}
    requests = []
    for one in record["requests"]:
        has = one["has"]
        shown = {key: value for key, value in one.items() if key != "bounds"}  # of shares
        shown["has"] = None if has is None else {name: has[name] for name in KINDS}
        requests.append(shown)
    causes = [{**cause, "sample": _sample(cause["sample"])} for cause in ended["causes"]]
    findings = [{**one, "words": scrub(one["words"])} for one in record["findings"]]
    acts = {
        name: {scrub(words): count for words, count in dict(record)[name].items()}  # type: ignore[attr-defined]
        for name in ("removals", "releases")
    }
    held = [{**one, "reason": scrub(one["reason"])} for one in record["held"]]
    told: dict[str, Any] = timeless(
        {
            **record,
            "daemon": daemon,
            "requests": requests,
            **acts,
            "findings": findings,
            "held": held,
            "ended": {**ended, "causes": causes},
        }
    )
    return told


def _sample(told: SampleRecord) -> dict[str, Any]:
    kept = {name: told[name] for name in ("glidein", "client", "node", "ended", "code")}
    return {**kept, "detail": scrub(told["detail"])}


def _fresh(record: EntryRecord, which: str) -> bool:
    return record["views"][which]["freshness"] == "fresh"


def _site(work: Path, name: str) -> str:
    """Return the site that an entry says it is at; "" when it says nothing."""
    try:
        said: Mapping[str, Any] = read_entry(work, name).attributes
    except FactoryError:  # it is retired
        return ""
    return str(said.get("GLIDEIN_Site", ""))
