"""The histories of all things that are shown, and the files that plot them."""

import logging
import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from orchestrator.monitor.history import RANGES, Range, due, plotted
from orchestrator.monitor.published import Published
from orchestrator.monitor.series import COUNTERS, GAUGES, TIERS, Series

log = logging.getLogger(__name__)

FACTORY = "factory"
# Apart from the records: an entry may be called like a file of another, as x.hours.
PLOTS = "history"
_TREND_S = 300
_TREND = 24  # values of _TREND_S each: two hours
_FORGOTTEN_S = 400 * 86_400  # a file that nobody wrote for so long goes
_GAUGES = len(GAUGES)


class Trend:
    """The mean of a value over the last steps, None where it is not known."""

    def __init__(self, values: Iterable[tuple[float, float | None]] = ()) -> None:
        self._steps: dict[int, tuple[float, int]] = {}
        for when, value in values:
            self.add(when, value)

    def add(self, now: float, value: float | None) -> None:
        step = int(now // _TREND_S)
        if value is not None and not math.isnan(value):
            total, count = self._steps.get(step, (0.0, 0))
            self._steps[step] = (total + value, count + 1)
        if len(self._steps) > 2 * _TREND:
            since = step - _TREND
            self._steps = {at: one for at, one in self._steps.items() if at > since}

    def until(self, now: float) -> list[float | None]:
        """Return the values, the last one that of ``now``."""
        last = int(now // _TREND_S)
        found: list[float | None] = []
        for step in range(last - _TREND + 1, last + 1):
            total, count = self._steps.get(step, (0.0, 0))
            found.append(round(total / count, 1) if count else None)
        return found


class History:
    """The history of one thing, by its name: ``factory``, ``entry/NAME``, ``frontend/NAME``."""

    def __init__(self, folder: Path, name: str, published: Published, now: float) -> None:
        self.name = name
        self._published = published
        self.series = Series(folder / f"{name}.series")
        tier = TIERS[0]
        # The factory's sums go on from where they were, however long nobody wrote.
        back_s = tier.step_s * tier.steps if name == FACTORY else _TREND * _TREND_S
        span = self.series.read(0, now - back_s, now)
        times = range(span.start, span.start + len(span.of("running")) * span.step_s, 60)
        self.trend = Trend(zip(times, span.of("running"), strict=True))
        # What counters were when another process wrote them last, lately.
        known = {
            column: [one for one in span.of(column) if not math.isnan(one)]
            for column in COUNTERS
        }
        self.last = {column: values[-1] for column, values in known.items() if values}
        self._written: dict[str, float] = {}  # when each range was, by its name
        self._take_over_files()
        self.begun = False  # whether something was added
        self._values: tuple[float | None, ...] = ()
        self._changed = 0.0

    def add(self, now: float, values: Mapping[str, float | None]) -> None:
        """Note what holds now.

        Raises:
            OSError: it could not be written.
        """
        self.begun = True
        told = tuple(values.get(name) for name in GAUGES)
        if told != self._values:
            self._values, self._changed = told, now
        self.trend.add(now, values.get("running"))
        self.series.add(now, values)

    @property
    def oldest(self) -> float:
        """When the oldest of its files was written (epoch); of who has none yet, less than 4."""
        if len(self._written) < len(RANGES):
            return len(self._written)
        return min(self._written.values())

    def _take_over_files(self) -> None:
        """Find out when the files were written; of one that is not there, write an empty one, so
        that no look at the page finds nothing.
        """
        for which in RANGES:
            written = self._published.written(self._file(which))
            if written is None:
                self._published.put_new(self._file(which), b'{"columns":{}}')
            else:
                self._written[which.name] = written

    def _file(self, which: Range) -> str:
        return f"{PLOTS}/{self.name}.{which.name}.json"

    def write(self, now: float) -> bool:
        """Write one of the ranges that are due; return whether there was one.

        Raises:
            OSError: it could not be written.
        """
        for which in RANGES:
            last = self._written.get(which.name, -math.inf)
            if due(which, now - last, busy=self._changed >= last):
                text = plotted(self.series, which, now)
                self._published.put_new(self._file(which), text)
                self._written[which.name] = now
                return True
        return False


class Histories:
    """All histories, in files below ``folder``."""

    def __init__(self, folder: Path, published: Published) -> None:
        self._folder = folder
        self._published = published
        self._all: dict[str, History] = {}
        self._minute = 0
        self._pruned = 0.0

    def __getitem__(self, name: str) -> History:
        return self._all[name]

    def open(self, name: str, now: float) -> History:
        """Return the history of a thing that may not be among those that are kept yet."""
        if name not in self._all:
            self._all[name] = History(self._folder, name, self._published, now)
        return self._all[name]

    def add(self, all_values: Mapping[str, Mapping[str, float | None]], now: float) -> None:
        """Note what holds now of all that is shown; of what is not among it, nothing is kept here.

        Called more than once a minute, it does so only once.
        """
        for name in self._all.keys() - all_values.keys():
            del self._all[name]
        minute = int(now // TIERS[0].step_s)
        first = minute != self._minute
        self._minute = minute
        failed: list[str] = []
        for name, values in all_values.items():
            history = self.open(name, now)
            if not first and history.begun:
                continue
            try:
                history.add(now, values)
            except OSError as error:
                failed.append(f"{name}: {error.strerror}")
        if failed:
            log.error("no history of %d things, the first: %s", len(failed), failed[0])

    def write(self, now: float, budget_s: float) -> None:
        """Write the files of plots that are due, until so much processor time is spent.

        Raises:
            OSError: one could not be written.
        """
        if not 0 <= now - self._pruned < 86_400:
            self._pruned = now
            self._prune(now)
        began = time.process_time()
        waiting = sorted(self._all.values(), key=lambda one: one.oldest)
        while waiting:  # one range of each in turn, until none has one that is due
            again = []
            for one in waiting:
                if time.process_time() - began > budget_s:
                    return
                if one.write(now):
                    again.append(one)
            waiting = again

    def _prune(self, now: float) -> None:
        for path in self._folder.glob("*/*.series"):
            if path.stat().st_mtime < now - _FORGOTTEN_S:
                path.unlink(missing_ok=True)
