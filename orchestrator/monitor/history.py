"""What the page plots: spans of a :class:`~orchestrator.monitor.series.Series` as JSON.

Gauges are as they are; of counters there is what was added in each step. Unknown is null.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from orchestrator.monitor.series import COUNTERS, GAUGES, TIERS, UNKNOWN, Series, Span

_DAY_S = 86_400


class Range(NamedTuple):
    """A time that is plotted as a whole: its length, the tier it is read from, and how often
    its file is made anew (seconds) for a thing of which something changed, and for others.
    """

    name: str
    length_s: int
    tier: int
    busy_s: int
    calm_s: int


RANGES = (
    Range("hours", 8 * 3_600, 0, 300, 1_200),
    Range("days", 9 * _DAY_S, 1, 1_800, 7_200),
    Range("weeks", 12 * 7 * _DAY_S, 2, 7_200, 21_600),
    Range("year", 366 * _DAY_S, 2, 21_600, 86_400),
)


def plotted(series: Series, which: Range, now: float) -> bytes:
    """Return the JSON of one range that ends at ``now`` (epoch)."""
    span = series.read(which.tier, now - which.length_s, now)
    columns: dict[str, list[float]] = {name: span.of(name) for name in GAUGES}
    columns |= {name: span.grown(name) for name in COUNTERS}
    step_s, start = span.step_s, span.start
    if which.name == "year":
        columns, start, step_s = _by_day(columns, span)
    told = {
        "written": round(now),
        "step_s": step_s,
        "start": start,
        "columns": {name: [_short(one) for one in all_] for name, all_ in columns.items()},
    }
    return json.dumps(told, separators=(",", ":")).encode()


def due(which: Range, seconds: float, *, busy: bool) -> bool:
    """Return whether a file made ``seconds`` ago is to be made anew."""
    return not 0 <= seconds < (which.busy_s if busy else which.calm_s)


def _by_day(
    columns: Mapping[str, list[float]], span: Span
) -> tuple[dict[str, list[float]], int, int]:
    """Put the hours of a day together: gauges by their mean, what was added by its sum."""
    per_day = _DAY_S // TIERS[2].step_s
    first = -(-span.start // _DAY_S) * _DAY_S  # the first midnight
    skipped = (first - span.start) // TIERS[2].step_s
    found: dict[str, list[float]] = {}
    for name, values in columns.items():
        days = []
        for at in range(skipped, len(values), per_day):
            known = [value for value in values[at : at + per_day] if not math.isnan(value)]
            total = math.fsum(known)
            if not known:
                days.append(UNKNOWN)
            else:
                days.append(total if name in COUNTERS else total / len(known))
        found[name] = days
    return found, first, _DAY_S


def _short(value: float) -> Any:
    if math.isnan(value):
        return None
    return int(value) if value == int(value) else round(value, 2)
