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

from orchestrator.daemon.stamp import stamp
from orchestrator.errors import FactoryError
from orchestrator.explain import factory as explain_factory
from orchestrator.explain.daemons import Daemons
from orchestrator.explain.records import FactoryRecord, FrontendRecord
from orchestrator.explain.stopped import path_of
from orchestrator.limited import NoAnswer, limited
from orchestrator.monitor import metrics, overview
from orchestrator.monitor.entry_pages import DAEMON, EntryPage, EntryPages
from orchestrator.monitor.families import FAMILIES
from orchestrator.monitor.frontend_pages import frontend_page
from orchestrator.monitor.grown import GrownSum
from orchestrator.monitor.histories import FACTORY, PLOTS, Histories
from orchestrator.monitor.history import RANGES
from orchestrator.monitor.openmetrics import page as metrics_page
from orchestrator.monitor.published import FOLDER, Published
from orchestrator.monitor.series import COUNTERS, GAUGES
from orchestrator.monitor.timeless import timeless
from orchestrator.worktree.downtimes import FILE as DOWNTIMES
from orchestrator.worktree.entry_limits import Limits
from orchestrator.worktree.factory_record import FactoryRecord as Settings

log = logging.getLogger(__name__)

_READ_SHARE = 0.03  # of the time between two cycles, for reading entries
_PLOT_SHARE = 0.01  # and for plots
_LIMIT_S = 120.0  # for reading what all entries decided
_OLD_S = Limits().requests_max_age_s
_PROBLEMS = 100  # told one by one
_GROWN = dict.fromkeys(COUNTERS, 0.0)  # of who had nothing end yet


class Monitor:
    """All that is kept between two cycles; ``work`` is the work tree, ``stage`` what is served."""

    def __init__(self, work: Path, stage: Path) -> None:
        self._work = work
        self.stage = stage
        self.published = Published(stage / FOLDER)
        self._pages = EntryPages(work, self.published)
        self._histories = Histories(work / FOLDER, self.published)
        self._sums: dict[str, GrownSum] = {}
        self._page_there = False
        self._took_s: float | None = None

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
        look = record["looks"]["requests"]
        age_s = look["age_s"]
        heard = not look["problem"] and age_s is not None and age_s < _OLD_S
        self._pages.update(
            record["entries"],
            daemons,
            settings.page.logs,
            now,
            delay_s * _READ_SHARE,
            heard=heard,
            shared=(stamp(f"{self._work}/{DOWNTIMES}"), stamp(str(path_of(settings)))),
        )
        pages = self._pages.pages
        frontends = [one for one in record["frontends"] if one["frontend"]]
        values = self._values(pages, frontends, now)
        self._histories.add(values, now)
        told = self._overview(record, settings, now)
        told |= {
            "asked_idle": values[FACTORY]["asked_idle"],
            "asked_max": values[FACTORY]["asked_max"],
            "every_s": delay_s,
            "took_s": self._took_s,
            "views": _daemon(record["views"]),
            "monitor": _daemon(daemons.monitor),
        }
        self.published.put_new("overview.json", _json(told))
        for one in frontends:
            self.published.put(
                f"frontend/{one['frontend']}.json", _json(frontend_page(one, pages, now))
            )
        samples = [metrics.of_factory(record, told, daemons.monitor, values[FACTORY]).lines]
        samples += [
            metrics.of_values(name, one.values).lines for name, one in pages.items()
        ]
        samples += [one.samples for one in pages.values()]
        text = metrics_page(FAMILIES, samples).encode()
        self.published.put_new("metrics.prom", text)
        self._histories.write(now, delay_s * _PLOT_SHARE)
        self._keep([*record["entries"]], [one["frontend"] for one in frontends])
        self._took_s = round(time.monotonic() - began, 3)

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
            rows.append(overview.row(summary, {**page.about, "trend": trend}, page.values))
        told = {
            key: timeless(value)
            for key, value in record.items()
            if key not in ("entries", "now", "told_age_s")
        }
        problems = record["problems"]
        states = Counter(one["daemon"] for one in record["entries"].values())
        return {
            **told,
            "written": now,
            "problems": problems[:_PROBLEMS],
            "problem_count": len(problems),
            "limit": settings.max_glideins,
            "daemons": states.most_common(),
            "trend": self._histories[FACTORY].trend.until(now),
            "entries": rows,
            "frontends": [
                {key: value for key, value in one.items() if key != "credentials"}
                for one in told["frontends"]
            ],
        }

    def _values(
        self, pages: Mapping[str, EntryPage], frontends: list[FrontendRecord], now: float
    ) -> dict[str, dict[str, float | None]]:
        """Return the values of all histories; sums are of what is known, if anything is."""
        found: dict[str, dict[str, float | None]] = {
            f"entry/{name}": page.values for name, page in pages.items()
        }
        ever = {
            name: counters
            for name, page in pages.items()
            if (counters := page.ever) is not None
        }
        found[FACTORY] = {
            **{
                name: metrics.total(page.values.get(name) for page in pages.values())
                for name in GAUGES
            },
            **self._grown(FACTORY, ever, now),
        }
        for one in frontends:
            whose = one["frontend"]
            ended = {
                name: page.counters.get(whose, _GROWN)
                for name, page in pages.items()
                if page.counters is not None
            }
            found[f"frontend/{whose}"] = {
                **one["glideins"],
                "asked_idle": one["idle"],
                "asked_max": one["max"],
                **self._grown(f"frontend/{whose}", ended, now),
            }
        return found

    def _grown(
        self, name: str, told: Mapping[str, Mapping[str, float]], now: float
    ) -> dict[str, float]:
        """Return what the counters of all entries are together, in the history ``name``."""
        if name not in self._sums:
            self._sums[name] = GrownSum(self._histories.open(name, now).last)
        grown = self._sums[name]
        if name == FACTORY:  # what ended while no monitor looked
            for entry in told:
                if not grown.seen(entry):
                    grown.begin(entry, self._histories.open(f"entry/{entry}", now).last)
        return grown.add(told)

    def _keep(self, entries: list[str], frontends: list[str]) -> None:
        """Take away the files of what is no more."""
        for folder, names in (("entry", entries), ("frontend", frontends)):
            self.published.keep(folder, {f"{name}.json" for name in names})
            plots = {f"{name}.{which.name}.json" for name in names for which in RANGES}
            self.published.keep(f"{PLOTS}/{folder}", plots)
        for name in self.published.folders("glidein") - set(entries):
            self.published.remove_folder(f"glidein/{name}")


def _daemon(told: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what is shown of a daemon."""
    return None if told is None else {key: told.get(key) for key in DAEMON}


def _json(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode()
