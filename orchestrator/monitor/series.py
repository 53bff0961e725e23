"""The history of one thing (an entry, a Frontend, the factory) in a file that never grows.

A file has a head, and a ring of records for each of :data:`TIERS`. A record is 16 doubles: the
number of its step since 1970, then a value for each of :data:`COLUMNS`, NaN where nothing is
known. It is written by one call and lies in one sector of the disk, so it is there as a whole or
not at all; and it says itself which time it stands for, so that nothing has to be cleaned up when
daemons were away or the clock was set: what is not of the time that is asked for is a gap.
"""

import contextlib
import itertools
import math
import os
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

GAUGES = ("asked_idle", "asked_max", "idle", "unseen", "running", "held")
# These only grow: of a longer step, the last value stands, and plots show differences.
COUNTERS = (
    *("ended", "failed", "removed", "jobs"),
    *("total_s", "validation_s", "job_s", "idle_s", "waste_s"),
)
COLUMNS = (*GAUGES, *COUNTERS)
_NUMBERS = 1 + len(COLUMNS)
_RECORD = 8 * _NUMBERS  # bytes: 128, a part of a sector
_HEAD = f"glidein-factory series 1 {' '.join(COLUMNS)}\n".encode().ljust(512, b"\0")


class Tier(NamedTuple):
    """A ring: the length of its steps in seconds, and how many of them it holds."""

    step_s: int
    steps: int


# 36 hours, 9 days, 375 days. Each step is made of a whole number of those of the tier before,
# and those lie side by side in their ring.
TIERS = (Tier(60, 2160), Tier(600, 1296), Tier(3600, 9000))
SIZE = len(_HEAD) + _RECORD * sum(tier.steps for tier in TIERS)  # bytes of a file, at most
_STARTS = tuple(
    len(_HEAD) + _RECORD * sum(tier.steps for tier in TIERS[:number])
    for number in range(len(TIERS))
)
UNKNOWN = math.nan


class Series:
    """The file ``path``; it is made when something is added."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last: int | None = None  # the step of the first tier that was written last

    def add(self, now: float, values: Mapping[str, float | None]) -> None:
        """Note what holds at ``now`` (epoch); what is not among ``values`` is unknown.

        Raises:
            OSError: it could not be written; what was there before still is.
        """
        step = int(now // TIERS[0].step_s)
        numbers = [float(step)]
        for name in COLUMNS:
            value = values.get(name)
            numbers.append(UNKNOWN if value is None else float(value))
        file = self._open_to_write(step)
        try:
            if self._last is None:
                self._last = int(os.fstat(file).st_mtime // TIERS[0].step_s)
            if step != self._last:
                _sum_up(file, self._last, step)
            _put(file, 0, numbers)
        finally:
            os.close(file)
        self._last = step

    def read(self, tier: int, start: float, end: float, *, trimmed: bool = False) -> "Span":
        """Return what is known of the steps from the one of ``start`` to that of ``end`` (epoch).

        More than the ring holds is not returned; ``trimmed``, it begins where something is known
        first. The last step is of what is known of it so far.
        """
        step_s, steps = TIERS[tier]
        last = int(end // step_s)
        first = max(int(start // step_s), last - steps + 1)
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            first = last if trimmed else first
            nothing = [[UNKNOWN] * (last - first + 1) for _ in COLUMNS]
            return Span(step_s, first * step_s, nothing)
        try:
            if os.pread(file, len(_HEAD), 0) == _HEAD:
                records = _get(file, tier, first, last)
            else:
                records = array("d", bytes(_RECORD * (last - first + 1)))
            if trimmed:
                known = (
                    at for at, step in enumerate(records[0::_NUMBERS], first) if step == at
                )
                skipped = next(known, last) - first
                first, records = first + skipped, records[skipped * _NUMBERS :]
            columns = _columns(records, first, last)
            if tier:
                for column, value in zip(columns, _made(file, tier, last), strict=True):
                    column[-1] = value
        finally:
            os.close(file)
        return Span(step_s, first * step_s, columns)

    def _open_to_write(self, step: int) -> int:
        """Open the file; one that is not there, or of another version, is made for this step on."""
        with contextlib.suppress(FileNotFoundError):
            file = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            if os.pread(file, len(_HEAD), 0) == _HEAD:
                return file
            os.close(file)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(f".part-{self.path.name}")
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        file = os.open(part, flags, 0o644)
        try:
            os.pwrite(file, _HEAD, 0)
            os.truncate(
                file, SIZE
            )  # no blocks of the disk are taken for what is not written
            part.replace(self.path)
        except OSError:
            os.close(file)
            raise
        self._last = step
        return file


class Span(NamedTuple):
    """Values for steps one after the other, from ``start`` (epoch); a list for each column."""

    step_s: int
    start: int
    columns: list[list[float]]

    def of(self, name: str) -> list[float]:
        """Return the values of a column; NaN: unknown."""
        return self.columns[COLUMNS.index(name)]

    def grown(self, name: str) -> list[float]:
        """Return by how much a counter grew in each step; unknown where it, or the one before,
        is, and where it became smaller: then it was counted anew.
        """
        values = self.of(name)
        steps = itertools.pairwise(values)
        return [UNKNOWN, *(UNKNOWN if now < was else now - was for was, now in steps)]


def _sum_up(file: int, before: int, now: int) -> None:
    """Write the longer steps that ended between two steps of the first tier."""
    for tier in range(1, len(TIERS)):
        ratio = TIERS[tier].step_s // TIERS[0].step_s
        if before // ratio != now // ratio:
            made = _made(file, tier, before // ratio)
            if not all(map(math.isnan, made)):
                _put(file, tier, [float(before // ratio), *made])


def _made(file: int, tier: int, step: int) -> list[float]:
    """Return what one step of a tier is, from those of the tier before.

    The longest tier is made of the one between, whose last step may not be written yet.
    """
    ratio = TIERS[tier].step_s // TIERS[tier - 1].step_s
    first, last = step * ratio, step * ratio + ratio - 1
    columns = _columns(_get(file, tier - 1, first, last), first, last)
    if tier > 1:
        for at in range(ratio):
            if all(math.isnan(column[at]) for column in columns):
                for column, value in zip(
                    columns, _made(file, tier - 1, first + at), strict=True
                ):
                    column[at] = value
    made = []
    for number, column in enumerate(columns):
        known = [value for value in column if not math.isnan(value)]
        if not known:
            made.append(UNKNOWN)
        elif number < len(GAUGES):
            made.append(sum(known) / len(known))
        else:
            made.append(known[-1])
    return made


def _put(file: int, tier: int, numbers: Sequence[float]) -> None:
    at = _STARTS[tier] + int(numbers[0]) % TIERS[tier].steps * _RECORD
    os.pwrite(file, array("d", numbers), at)


def _get(file: int, tier: int, first: int, last: int) -> "array[float]":
    """Return the records at the places of these steps, one after the other."""
    steps = TIERS[tier].steps
    begin, count = first % steps, last - first + 1
    parts = [(begin, min(count, steps - begin))]
    if count > steps - begin:
        parts.append((0, count - (steps - begin)))
    found = b"".join(
        os.pread(file, n * _RECORD, _STARTS[tier] + at * _RECORD).ljust(n * _RECORD, b"\0")
        for at, n in parts
    )
    return array("d", found)


def _columns(records: "array[float]", first: int, last: int) -> list[list[float]]:
    """Return the values by column; of records that stand for another time, unknown ones."""
    count = last - first + 1
    steps = records[0::_NUMBERS]
    known = [at for at, step in enumerate(steps) if step == first + at]
    if not known:
        return [[UNKNOWN] * count for _ in COLUMNS]
    columns = [records[number::_NUMBERS].tolist() for number in range(1, _NUMBERS)]
    if len(known) == count:
        return columns
    found = [[UNKNOWN] * count for _ in COLUMNS]
    for into, values in zip(found, columns, strict=True):
        for at in known:
            into[at] = values[at]
    return found
