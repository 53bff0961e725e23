"""What the page plots: spans of a :class:`~orchestrator.monitor.series.Series` as JSON.

Gauges are as they are; of counters there is what was added in each step. Unknown is null.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from orchestrator.monitor.series import UNKNOWN, Series

_DAY_S = 86_400


class Range(NamedTuple):
    """A time that is plotted as a whole: its length, the tier it is read from and the step that
    is made of it, and how often its file is made anew for a thing of which something changed,
    and for others (seconds).
    """

    name: str
    length_s: int
    tier: int
    step_s: int
    busy_s: int
    calm_s: int


RANGES = (
    Range("hours", 8 * 3_600, 0, 60, 300, 1_200),
    Range("days", 9 * _DAY_S, 1, 1_800, 1_800, 7_200),
    Range("weeks", 12 * 7 * _DAY_S, 2, 4 * 3_600, 7_200, 21_600),
    Range("year", 366 * _DAY_S, 2, _DAY_S, 21_600, _DAY_S),
)
_PLOTTED_GAUGES = ("asked_idle", "asked_max", "idle", "running", "held")
_PLOTTED_COUNTERS = (
    *("ended", "failed", "total_s", "validation_s", "job_s", "idle_s", "waste_s"),
)


def plotted(series: Series, which: Range, now: float) -> bytes:
    """Return the JSON of one range that ends at ``now`` (epoch).

    It begins where something is known, and has one value for each step since ``start``.
    """
    span = series.read(which.tier, now - which.length_s, now, trimmed=True)
    per_step = which.step_s // span.step_s
    start = span.start // which.step_s * which.step_s
    missing = [UNKNOWN] * ((span.start - start) // span.step_s)
    columns = {
        **{name: _means(missing + span.of(name), per_step) for name in _PLOTTED_GAUGES},
        **{name: _sums(missing + span.grown(name), per_step) for name in _PLOTTED_COUNTERS},
    }
    told = {
        "written": round(now),
        "length_s": which.length_s,
        "step_s": which.step_s,
        "start": start,
        "columns": {name: [_short(one) for one in all_] for name, all_ in columns.items()},
    }
    return json.dumps(told, separators=(",", ":")).encode()


def due(which: Range, seconds: float, *, busy: bool) -> bool:
    """Return whether a file made ``seconds`` ago is to be made anew."""
    return not 0 <= seconds < (which.busy_s if busy else which.calm_s)


def _means(values: list[float], per_step: int) -> list[float]:
    """Return the mean of what is known in each longer step."""
    if per_step == 1:
        return values
    return [
        math.fsum(known) / len(known) if known else UNKNOWN
        for known in _known(values, per_step)
    ]


def _sums(values: list[float], per_step: int) -> list[float]:
    """Return the sum of what is known in each longer step."""
    if per_step == 1:
        return values
    return [math.fsum(known) if known else UNKNOWN for known in _known(values, per_step)]


def _known(values: list[float], per_step: int) -> Iterator[list[float]]:
    for at in range(0, len(values), per_step):
        yield [value for value in values[at : at + per_step] if not math.isnan(value)]


def _short(value: float) -> Any:
    if math.isnan(value):
        return None
    return int(value) if value == int(value) else round(value, 2)
