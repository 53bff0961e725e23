"""Watch a factory: note its history, write the page's JSON and the metrics.

Reads what the daemons leave in the work tree, through :mod:`orchestrator.explain`, so that the
page, the metrics and ``why`` say the same. Writes below ``monitor/`` of the stage and of the work
tree, and nothing that anybody decides from.
"""

import json
import logging
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import FactoryError
from orchestrator.explain import factory as explain_factory
from orchestrator.explain.daemons import Daemons
from orchestrator.explain.records import FactoryRecord, FrontendRecord
from orchestrator.limited import NoAnswer, limited
from orchestrator.monitor import metrics, overview
from orchestrator.monitor.entry_pages import EntryPage, EntryPages
from orchestrator.monitor.histories import FACTORY, Histories
from orchestrator.monitor.history import RANGES
from orchestrator.monitor.openmetrics import page as metrics_page
from orchestrator.monitor.published import FOLDER, Published
from orchestrator.monitor.series import COUNTERS, GAUGES
from orchestrator.worktree.factory_record import FactoryRecord as Settings

log = logging.getLogger(__name__)

_READ_SHARE = 0.03  # of the time between two cycles, for reading entries
_PLOT_SHARE = 0.01  # and for plots
_LIMIT_S = 120.0  # for reading what all entries decided
_PROBLEMS = 100  # told one by one


class Monitor:
    """All that is kept between two cycles; ``work`` is the work tree, ``stage`` what is served."""

    def __init__(self, work: Path, stage: Path) -> None:
        self._work = work
        self.stage = stage
        self.published = Published(stage / FOLDER)
        self._pages = EntryPages(work, self.published)
        self._histories = Histories(work / FOLDER, self.published)
        self._page_there = False

    def cycle(self, settings: Settings, now: float) -> None:
        """Bring all of it up to date; ``now`` is in epoch seconds.

        Raises:
            FactoryError: the work tree cannot be read.
            OSError: something cannot be written.
        """
        began = time.monotonic()
        delay_s = max(1.0, settings.cycle.delay_s)
        if not self._page_there:
            self.published.put_page()
            self._page_there = True
        daemons = Daemons.of(self._work)
        record = self._factory(now)
        self._pages.update(
            record["entries"], daemons, settings.page.logs, now, delay_s * _READ_SHARE
        )
        pages = self._pages.pages
        frontends = [one for one in record["frontends"] if one["frontend"]]
        self._histories.add(_values(pages, frontends), now)
        samples = [metrics.of_factory(record, settings.max_glideins).lines]
        samples += [one.samples for one in pages.values()]
        text = metrics_page(metrics.FAMILIES, samples).encode()
        self.published.put_new("metrics.prom", text)
        for one in frontends:
            told = frontend_page(one, pages, now)
            self.published.put(f"frontend/{one['frontend']}.json", _json(told))
        told = self._overview(record, settings, now)
        states = Counter(one["daemon"] for one in record["entries"].values())
        told |= {
            "every_s": delay_s,
            "monitor": daemons.monitor,
            "daemons": states.most_common(),
        }
        told["took_s"] = round(time.monotonic() - began, 3)
        self.published.put_new("overview.json", _json(told))
        self._histories.write(now, delay_s * _PLOT_SHARE)
        self._keep([*record["entries"]], [one["frontend"] for one in frontends])

    def _factory(self, now: float) -> FactoryRecord:
        """Return the record of the factory.

        Made by a process of its own: what all entries decided may take a hundred megabytes for a
        moment, and what is read from it one.

        Raises:
            FactoryError: the work tree cannot be read.
        """
        try:
            return limited(lambda: explain_factory.explain(self._work, now=now), _LIMIT_S)
        except NoAnswer as error:
            raise FactoryError(f"reading the work tree: {error}") from error

    def _overview(
        self, record: FactoryRecord, settings: Settings, now: float
    ) -> dict[str, Any]:
        rows = []
        for name, summary in record["entries"].items():
            page = self._pages.pages[name]
            trend = self._histories[f"entry/{name}"].trend.until(now)
            rows.append(overview.row(summary, {**page.about, "trend": trend}))
        told = {
            key: value for key, value in record.items() if key not in ("entries", "now")
        }
        problems = record["problems"]
        return {
            **told,
            "written": now,
            "problems": problems[:_PROBLEMS],
            "problem_count": len(problems),
            "limit": settings.max_glideins,
            "trend": self._histories[FACTORY].trend.until(now),
            "entries": rows,
            "frontends": [
                {key: value for key, value in one.items() if key != "credentials"}
                for one in record["frontends"]
            ],
        }

    def _keep(self, entries: list[str], frontends: list[str]) -> None:
        """Take away the files of what is no more."""
        for folder, names in (("entry", entries), ("frontend", frontends)):
            endings = [".json", *(f".{which.name}.json" for which in RANGES)]
            self.published.keep(folder, {name + end for name in names for end in endings})
        for name in self.published.folders("glidein") - set(entries):
            self.published.remove_folder(f"glidein/{name}")


def frontend_page(
    record: FrontendRecord, pages: Mapping[str, EntryPage], now: float
) -> dict[str, Any]:
    """Return what the page says of a Frontend: its record, and a row for each of its clients at
    each entry.
    """
    rows = [
        {"entry": name, "client": client, **about}
        for name, page in pages.items()
        for client, about in page.clients.items()
        if about["frontend"] == record["frontend"]
    ]
    told = {key: value for key, value in record.items() if not key.endswith("age_s")}
    return {**told, "written": round(now), "rows": rows}


def _values(
    pages: Mapping[str, EntryPage], frontends: list[FrontendRecord]
) -> dict[str, dict[str, float | None]]:
    """Return the values of all histories; sums are of what is known, if anything is."""
    found: dict[str, dict[str, float | None]] = {
        f"entry/{name}": page.values for name, page in pages.items()
    }
    found[FACTORY] = {
        name: _sum(page.values.get(name) for page in pages.values())
        for name in (*GAUGES, *COUNTERS)
    }
    for one in frontends:
        asks = [
            about
            for page in pages.values()
            for about in page.clients.values()
            if about["frontend"] == one["frontend"]
        ]
        found[f"frontend/{one['frontend']}"] = {
            name: _sum(about.get(name) for about in asks) if asks else 0.0
            for name in ("asked_idle", "asked_max", "idle", "running", "held")
        }
    return found


def _sum(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _json(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode()
