"""The files that the page plots from: steps, gaps, and how much room they take."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.monitor.history import RANGES, Range, due, plotted
from orchestrator.monitor.series import COLUMNS, SIZE, Series

DAY_S = 86_400
T0 = 1_800_000_000 // DAY_S * DAY_S  # a midnight


@pytest.fixture
def series(tmp_path: Path) -> Series:
    return Series(tmp_path / "north.series")


def told(series: Series, name: str, now: float) -> Any:
    which = next(one for one in RANGES if one.name == name)
    return json.loads(plotted(series, which, now))


def test_hours_have_each_minute_and_gaps_are_null(series: Series) -> None:
    for minute in (0, 1, 3):
        series.add(T0 + 60 * minute, {"running": minute, "ended": 10 * minute})
    found = told(series, "hours", T0 + 240)
    assert (found["start"], found["step_s"]) == (T0, 60)
    assert found["columns"]["running"] == [0, 1, None, 3, None]
    assert found["columns"]["ended"] == [None, 10, None, None, None]


def test_days_are_means_and_sums_of_half_hours(series: Series) -> None:
    begin = T0 + 600  # not where a half hour begins
    for minute in range(120):
        series.add(begin + 60 * minute, {"running": 5, "ended": minute})
    found = told(series, "days", begin + 7_140)
    assert (found["start"], found["step_s"]) == (T0, 1_800)
    assert found["columns"]["running"] == [5] * 5
    assert sum(found["columns"]["ended"]) == 119 - 9  # none before the first ten minutes


def test_a_year_has_days_that_begin_at_midnight(series: Series) -> None:
    for hour in range(3 * 24):
        series.add(T0 + 3_600 * hour, {"running": hour // 24, "ended": hour})
    found = told(series, "year", T0 + 3 * DAY_S - 1)
    assert (found["start"], found["step_s"]) == (T0, DAY_S)
    assert found["columns"]["running"] == [0, 1, 2]
    assert found["columns"]["ended"] == [23, 24, 24]
    assert found["written"] - found["start"] == 3 * DAY_S - 1


def test_of_nothing_there_is_one_step(series: Series) -> None:
    for which in RANGES:
        found = told(series, which.name, T0)
        assert set(map(tuple, found["columns"].values())) == {(None,)}


def test_rings_and_plots_of_a_thousand_entries_take_less_than_two_gigabytes(
    series: Series,
) -> None:
    for hour in range(366 * 24):
        number = 1_000 + hour % 97 + 0.37
        values = dict.fromkeys(COLUMNS, number) | {"total_s": 3e9 + 1e4 * hour}
        series.add(T0 + 3_600 * hour, values)
    now = T0 + 366 * DAY_S
    for minute in range(9 * 1_440):
        series.add(now + 60 * minute, dict.fromkeys(COLUMNS, 1_000.37 + minute))
    plots = sum(len(plotted(series, one, now + 9 * DAY_S)) for one in RANGES)
    assert plots < 200_000
    disk = series.path.stat().st_blocks * 512
    assert disk > 0.9 * SIZE  # all of its rings came round
    assert 1_000 * (max(disk, SIZE) + plots) < 2_000_000_000


@pytest.mark.parametrize("which", RANGES, ids=lambda one: one.name)
def test_files_are_made_anew_in_time_also_when_the_clock_was_set_back(which: Range) -> None:
    assert not due(which, 0, busy=True)
    assert due(which, which.busy_s, busy=True)
    assert not due(which, which.busy_s, busy=False)
    assert due(which, which.calm_s, busy=False)
    assert due(which, -5, busy=False)
