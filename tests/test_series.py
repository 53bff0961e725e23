"""History in rings: what is known comes back, what is not is a gap, whatever the clock does."""

import math
import os
import random
import signal
import time
from pathlib import Path

import pytest

from orchestrator.monitor.series import COLUMNS, SIZE, TIERS, Series

T0 = 1_800_000_000 - 1_800_000_000 % 3_600  # a full hour


@pytest.fixture
def series(tmp_path: Path) -> Series:
    return Series(tmp_path / "entry/north.series")


def shown(values: list[float]) -> list[float | None]:
    """Return the values with None for unknown ones, which NaN is not equal to."""
    return [None if math.isnan(value) else value for value in values]


def test_what_was_added_comes_back_and_the_rest_is_a_gap(series: Series) -> None:
    series.add(T0, {"running": 5, "held": None})
    series.add(T0 + 130, {"running": 7, "held": 0})
    span = series.read(0, T0 - 60, T0 + 185)
    assert (span.step_s, span.start) == (60, T0 - 60)
    assert shown(span.of("running")) == [None, 5, None, 7, None]
    assert shown(span.of("held")) == [None, None, None, 0, None]


def test_nothing_is_known_of_what_has_no_file(series: Series) -> None:
    assert shown(series.read(1, T0, T0 + 1_200).of("idle")) == [None, None, None]


def test_longer_steps_are_means_of_gauges_and_last_values_of_counters(
    series: Series,
) -> None:
    for minute in range(125):
        series.add(T0 + 60 * minute, {"running": minute % 10, "ended": minute})
    tens = series.read(1, T0, T0 + 7_200)
    assert shown(tens.of("running")) == [4.5] * 12 + [
        2.0
    ]  # the last one as far as it is known
    assert shown(tens.grown("ended"))[1:] == [10.0] * 11 + [5.0]
    hours = series.read(2, T0, T0 + 7_200)
    assert shown(hours.of("running")) == [4.5, 4.5, 2.0]
    assert shown(hours.of("ended")) == [59, 119, 124]


def test_a_gap_is_not_part_of_a_mean(series: Series) -> None:
    for minute in (0, 1, 12):
        series.add(T0 + 60 * minute, {"running": 8 if minute else None, "idle": None})
    tens = series.read(1, T0, T0 + 900)
    assert shown(tens.of("running")) == [8, 8]
    assert shown(tens.of("idle")) == [None, None]


def test_after_a_time_away_the_last_steps_are_summed_up(series: Series) -> None:
    for minute in range(15):
        series.add(T0 + 60 * minute, {"running": 6})
    again = Series(series.path)  # another process
    os.utime(series.path, (T0 + 840, T0 + 840))
    again.add(T0 + 5 * 3_600, {"running": 1})
    assert shown(again.read(2, T0, T0 + 5 * 3_600).of("running")) == [6, *[None] * 4, 1]
    assert shown(again.read(1, T0, T0 + 1_200).of("running")) == [6, 6, None]


def test_a_ring_that_came_round_has_nothing_old(series: Series) -> None:
    tier = TIERS[0]
    series.add(T0, {"running": 5})
    later = T0 + tier.step_s * tier.steps
    assert set(shown(series.read(0, later - 600, later).of("running"))) == {None}
    series.add(later, {"running": 9})
    span = series.read(0, T0, later)
    assert span.start == T0 + tier.step_s  # one that is gone is not asked for
    assert shown(span.of("running"))[-1] == 9


def test_clocks_that_jump_leave_gaps_and_no_nonsense(series: Series) -> None:
    series.add(T0, {"running": 5})
    series.add(T0 + 400 * 86_400, {"running": 6})  # set forward by mistake
    series.add(T0 + 60, {"running": 7})  # and back
    assert shown(series.read(0, T0, T0 + 120).of("running")) == [5, 7, None]
    series.add(T0 - 3_600, {"running": 8})
    assert shown(series.read(0, T0 - 3_600, T0 - 3_540).of("running")) == [8, None]


def test_a_counter_that_began_anew_is_a_gap(series: Series) -> None:
    for minute, ended in enumerate((5, 9, 2, 3)):
        series.add(T0 + 60 * minute, {"ended": ended})
    assert shown(series.read(0, T0, T0 + 180).grown("ended")) == [None, 4, None, 1]


def test_a_file_of_another_version_is_replaced(series: Series) -> None:
    series.path.parent.mkdir()
    series.path.write_bytes(b"something else" * 100)
    assert shown(series.read(0, T0, T0).of("running")) == [None]
    series.add(T0, {"running": 5})
    assert shown(series.read(0, T0, T0).of("running")) == [5]


def test_a_year_of_a_thousand_entries_takes_less_than_two_gigabytes(series: Series) -> None:
    assert TIERS[-1].step_s * TIERS[-1].steps >= 366 * 86_400
    assert 1_000 * SIZE < 2_000_000_000
    # Full, it is as large as it says, and stays so.
    for minute in range(3 * TIERS[0].steps):
        series.add(T0 + 60 * minute, dict.fromkeys(COLUMNS, 1))
    about = series.path.stat()
    assert about.st_size == SIZE
    assert about.st_blocks * 512 <= SIZE + 8_192


def test_a_new_file_takes_room_for_what_is_in_it(series: Series) -> None:
    for minute in range(60):
        series.add(T0 + 60 * minute, dict.fromkeys(COLUMNS, 1))
    assert series.path.stat().st_blocks * 512 < 64 * 1024  # of 1.6 MB


def test_who_is_killed_leaves_whole_records(series: Series) -> None:
    """Each record has one number in all its columns; a torn one would have two."""
    dice = random.Random(5)
    for _ in range(8):
        child = os.fork()
        if child == 0:
            step = 0
            while True:
                step += 1
                series.add(T0 + 60 * step, dict.fromkeys(COLUMNS, step))
        while not series.path.exists():
            time.sleep(0.001)
        time.sleep(dice.uniform(0.005, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        span = series.read(0, T0, T0 + 60 * (TIERS[0].steps - 1))
        rows = list(zip(*span.columns, strict=True))
        assert any(row[0] > 0 for row in rows)
        for row in rows:
            assert all(math.isnan(value) for value in row) or len(set(row)) == 1
