"""How the glideins of an entry ended: a line for each, and sums by hour and by day.

The lines are in ``outcomes.YYYYMMDD.jsonl`` (UTC), a file a day, which :mod:`orchestrator.outputs.prune`
takes away in time; a day that brings too many is cut short, the sums still count them. The sums
are in ``statistics.json``. Neither is needed to decide, so neither is waited for on the disk.
"""

import contextlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestrator import disk
from orchestrator.daemon import state_file
from orchestrator.outputs.outcome import STOPPED, Outcome

log = logging.getLogger(__name__)

DAY_BYTES = 20 * 1024 * 1024  # of lines that are kept of one day
HOURS = 48  # kept in the sums
DAYS = 62
CAUSES = 40  # named in one sum; the rest is OTHER
OTHER = "other causes"
FRONTENDS = 40  # with sums of their own; the rest is OTHERS
OTHERS = "other Frontends"
STATISTICS = "statistics.json"
LINES = "outcomes."  # begins the name of a day's file

_TIMES = (
    *("total_s", "validation_s", "before_job_s", "condor_s"),
    *("job_s", "idle_s", "waste_s"),
)


@dataclass
class Totals:
    """Sums over glideins that ended. What is not known of one is not in the sum of that time:
    ``measured`` says of how many it is, by the same name.
    """

    ended: int = 0
    good: int = 0
    removed: int = 0
    stopped: int = 0  # by the stop list
    launched: int = 0  # HTCondor was started
    early: int = 0  # failed early
    jobs: int = 0
    failed: dict[str, int] = field(
        default_factory=dict
    )  # by cause; who was removed or stopped did not fail
    seconds: dict[str, float] = field(default_factory=dict)
    measured: dict[str, int] = field(default_factory=dict)

    def add(self, outcome: Outcome, early_s: float) -> None:
        """Count one more."""
        self.ended += 1
        self.good += outcome.good
        self.removed += outcome.removed
        self.launched += outcome.launched is True
        self.early += bool(outcome.failed_early(early_s))
        self.jobs += outcome.jobs or 0
        if outcome.good or outcome.removed:
            pass  # neither stopped nor failed
        elif outcome.code == STOPPED:
            self.stopped += 1
        else:
            known = outcome.cause in self.failed or len(self.failed) < CAUSES
            cause = outcome.cause if known else OTHER
            self.failed[cause] = self.failed.get(cause, 0) + 1
        for name in _TIMES:
            value = getattr(outcome, name)
            if value is not None:
                self.seconds[name] = round(self.seconds.get(name, 0) + value, 3)
                self.measured[name] = self.measured.get(name, 0) + 1


@dataclass
class Statistics:
    """The sums by hour and by day, keyed by their beginning in UTC: 2026-11-24T21, 2026-11-24.

    ``ever`` is the sum of all that was ever counted, ``frontends`` that of each Frontend, by its
    name ("": whose they were is not known); together they are ``ever``. They only grow.
    """

    hours: dict[str, Totals] = field(default_factory=dict)
    days: dict[str, Totals] = field(default_factory=dict)
    ever: Totals = field(default_factory=Totals)
    frontends: dict[str, Totals] = field(default_factory=dict)

    def add(self, outcomes: Iterable[Outcome], early_s: float = 1_200) -> None:
        """Count ``outcomes`` where they belong; forget what is too old."""
        for outcome in outcomes:
            when = datetime.fromtimestamp(outcome.ended, UTC)
            self.hours.setdefault(_hour(when), Totals()).add(outcome, early_s)
            self.days.setdefault(_day(when), Totals()).add(outcome, early_s)
            self.ever.add(outcome, early_s)
            name = outcome.share.rpartition(":")[0]
            if name not in self.frontends and len(self.frontends) >= FRONTENDS:
                name = OTHERS
            self.frontends.setdefault(name, Totals()).add(outcome, early_s)
        for sums, kept in ((self.hours, HOURS), (self.days, DAYS)):
            for key in sorted(sums)[:-kept]:
                del sums[key]

    def since(self, hours: int, now: float) -> Totals:
        """Return the sum over the last ``hours`` (at most HOURS), the current one included."""
        end = datetime.fromtimestamp(now, UTC)
        keys = [_hour(end - timedelta(hours=back)) for back in range(min(hours, HOURS))]
        return _sum(self.hours[key] for key in keys if key in self.hours)

    def as_json(self) -> dict[str, Any]:
        """Return the sums as the file keeps them."""
        sums: dict[str, Any] = {
            name: {key: vars(totals) for key, totals in sorted(sums.items())}
            for name, sums in (
                *(("hours", self.hours), ("days", self.days)),
                ("frontends", self.frontends),
            )
        }
        return {**sums, "ever": vars(self.ever)}


def load(folder: Path) -> Statistics:
    """Read an entry's sums; without a file, or with a damaged one, they begin anew.

    Raises:
        OSError: they cannot be read.
    """
    path = folder / STATISTICS
    try:
        told = json.loads(path.read_text())
        days = _totals(told["days"])
        ever = Totals(**told["ever"]) if "ever" in told else _sum(days.values())
        frontends = told.get("frontends", {"": vars(ever)} if ever.ended else {})
        return Statistics(_totals(told["hours"]), days, ever, _totals(frontends))
    except FileNotFoundError:
        return Statistics()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s: damaged, the sums begin anew: %r", path, error)
        return Statistics()


def save(folder: Path, statistics: Statistics) -> None:
    """Write an entry's sums, as a whole or not at all.

    Raises:
        OSError: they are as they were.
    """
    state_file.write(folder / STATISTICS, statistics.as_json())


def append(folder: Path, outcomes: Iterable[Outcome], day_bytes: int = DAY_BYTES) -> None:
    """Add a line for each of ``outcomes`` to the file of the day it ended on.

    Raises:
        OSError: not all could be written; of the day that failed none is there.
    """
    by_day: dict[str, list[str]] = {}
    for outcome in outcomes:
        line = json.dumps(outcome.as_json(), separators=(",", ":"))
        day = _day(datetime.fromtimestamp(outcome.ended, UTC)).replace("-", "")
        by_day.setdefault(day, []).append(line + "\n")
    for day, lines in sorted(by_day.items()):
        with (folder / f"outcomes.{day}.jsonl").open("ab+", buffering=0) as file:
            size = file.seek(0, 2)
            if size:
                file.seek(size - 1)
                if file.read(1) != b"\n":  # killed in the middle of a line
                    lines.insert(0, "\n")
            text = "".join(lines).encode()
            if size + len(text) > day_bytes:
                log.warning(
                    "%s: full with %d bytes, not kept: %d lines",
                    file.name,
                    size,
                    len(lines),
                )
                continue
            try:
                disk.write_all(file.fileno(), text)
            except OSError as error:
                file.truncate(size)  # they are told again: not twice
                raise OSError(error.errno, error.strerror, file.name) from error


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines that are kept, the oldest day first; those that are damaged are left out."""
    for path in sorted(folder.glob("outcomes.*.jsonl")):
        yield from _lines(path)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if isinstance(said, dict):
                yield said


def told(folder: Path) -> set[tuple[str, float]]:
    """Return which glideins have a line, and when they ended: those of the last two days."""
    found = set()
    for path in sorted(folder.glob("outcomes.*.jsonl"))[-2:]:
        for one in _lines(path):
            with contextlib.suppress(KeyError, TypeError, ValueError):
                found.add((str(one["glidein"]), float(one["ended"])))
    return found


def _totals(told: Mapping[str, Any]) -> dict[str, Totals]:
    return {str(key): Totals(**one) for key, one in told.items()}


def _sum(all_totals: Iterable[Totals]) -> Totals:
    result = Totals()
    for totals in all_totals:
        for name in ("ended", "good", "removed", "stopped", "launched", "early", "jobs"):
            setattr(result, name, getattr(result, name) + getattr(totals, name))
        for name in ("failed", "seconds", "measured"):
            into = getattr(result, name)
            for key, value in getattr(totals, name).items():
                into[key] = into.get(key, 0) + value
    return result


def _hour(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H")


def _day(when: datetime) -> str:
    return when.strftime("%Y-%m-%d")
