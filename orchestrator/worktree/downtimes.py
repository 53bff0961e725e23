"""When what is out of service: the file ``downtimes.lst`` of the work tree.

One line for each downtime; operators may edit it by hand, daemons look at it in every cycle::

    # START               END                   ENTRY    FRONTEND  CLASS  # comment
    2026-11-24T10:00:00Z  2026-11-24T18:00:00Z  CERN_T2  All       All    # new disks

ENTRY may be ``All`` (every entry) or ``factory``, END may be ``None`` (until somebody ends it),
FRONTEND and CLASS may be left out. Times are ISO 8601, with their time zone.

A line that cannot be read is never taken for "in service": what it names is down, and if not
even that can be read, everything is.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

FILE = "downtimes.lst"
FACTORY = "factory"  # as an entry: the factory, with all its entries
ALL = "All"  # every entry, Frontend or class
OPEN = "None"  # the end of a downtime that has none

_WORD = re.compile(r"[^\s#]+")
_TIME = re.compile(r"[0-9]{4}-?[0-9]{2}")  # the beginning of what is meant as a time
_LAST = 253_402_300_799  # the end of the year 9999


@dataclass(frozen=True)
class Downtime:
    """One downtime, from ``start`` until before ``end`` (epoch seconds; None: open)."""

    start: int
    end: int | None
    entry: str
    frontend: str = ALL
    security_class: str = ALL
    comment: str = ""
    line: int = field(default=0, compare=False)  # in the file
    problem: str = field(default="", compare=False)  # why the line cannot be read

    def holds(self, now: float) -> bool:
        return self.start <= now and (self.end is None or now < self.end)

    def over(self, now: float) -> bool:
        return self.end is not None and self.end <= now

    @property
    def scope(self) -> tuple[str, str, str]:
        """What is down: entry, Frontend and class."""
        return self.entry, self.frontend, self.security_class

    def __str__(self) -> str:
        """Return the downtime's line."""
        end = OPEN if self.end is None else written(self.end)
        words = "  ".join((written(self.start), end, *self.scope))
        return f"{words}  # {self.comment}" if self.comment else words


class Downtimes:
    """All downtimes, to be looked up."""

    def __init__(self, lines: Iterable[Downtime] = ()) -> None:
        self.lines = tuple(lines)
        # The widest first, then the one that ends last: that is the one to be told of.
        never = float("inf")
        width = sorted(
            self.lines,
            key=lambda one: (
                one.frontend != ALL,
                one.security_class != ALL,
                -(never if one.end is None else one.end),
            ),
        )
        self._by_entry: dict[str, list[Downtime]] = {}
        for one in width:
            self._by_entry.setdefault(one.entry, []).append(one)

    def of(
        self, entry: str, frontend: str | None, security_class: str | None, now: float
    ) -> Downtime | None:
        """Return the downtime that keeps a Frontend's class out of an entry at ``now``.

        Without a Frontend (or class): that keeps all of them out. ``entry`` may be "factory".
        """
        if not self._by_entry:
            return None
        for name in dict.fromkeys((FACTORY, ALL, entry) if entry != FACTORY else (entry,)):
            for one in self._by_entry.get(name, ()):
                if (
                    one.holds(now)
                    and one.frontend in (ALL, frontend)
                    and one.security_class in (ALL, security_class)
                ):
                    return one
        return None

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with lines that cannot be read."""
        return tuple(one.problem for one in self.lines if one.problem)


class DowntimesFile:
    """The downtimes of a work tree, read again only when the file has changed."""

    def __init__(self, work: Path) -> None:
        self.path = work / FILE
        self._seen: tuple[int, int, int] | None = None
        self._found = Downtimes()

    def read(self) -> Downtimes:
        """Return what the file says now; one stat() when it says what it said before."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._seen, self._found = None, Downtimes()
            return self._found
        except OSError as error:
            return self._unreadable(error)
        seen = (found.st_ino, found.st_size, found.st_mtime_ns)
        if seen == self._seen:
            return self._found
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            return self._unreadable(error)
        self._seen, self._found = seen, Downtimes(parse(text, str(self.path)))
        return self._found

    def _unreadable(self, error: Exception) -> Downtimes:
        problem = f"{self.path}: cannot be read: {error}"
        self._seen = None
        return Downtimes([_broken(0, [], problem)])


def parse(text: str, path: str = FILE) -> Iterator[Downtime]:
    """Yield the downtimes in ``text``; a line that cannot be read is one with a ``problem``."""
    for number, line in enumerate(text.split("\n"), start=1):
        said, _, comment = line.partition("#")
        words = said.split()
        if not words:
            continue
        try:
            start, end, scope = _read(words)
        except ValueError as error:
            yield _broken(number, words, f"{path}:{number}: {error}")
        else:
            yield Downtime(start, end, *scope, comment.strip(), number)


def _read(words: list[str]) -> tuple[int, int | None, tuple[str, str, str]]:
    if not 3 <= len(words) <= 5:
        raise ValueError(
            f"expected START END ENTRY [FRONTEND [CLASS]] # comment, got {len(words)} words"
        )
    start = epoch(words[0])
    end = None if words[1] == OPEN else epoch(words[1])
    if end is not None and end <= start:
        raise ValueError(f'the end "{words[1]}" is not after the start "{words[0]}"')
    entry, frontend, security_class = (*words[2:], *(ALL, ALL)[len(words) - 3 :])
    return start, end, (entry, frontend, security_class)


def _broken(number: int, words: list[str], problem: str) -> Downtime:
    """Return what a broken line means: a downtime from ever, of what it surely names."""
    times, names = words[:2], words[2:5]
    if (
        not names
        or not all(word == OPEN or _TIME.match(word) for word in times)
        or any(word == OPEN or _TIME.match(word) for word in names)
    ):
        names = [FACTORY]
    entry, frontend, security_class = (*names, ALL, ALL)[:3]
    return Downtime(0, None, entry, frontend, security_class, problem, number, problem)


def epoch(text: str) -> int:
    """Read a time.

    Raises:
        ValueError: it is not ISO 8601, or its time zone is missing.
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text}" is not a time as 2026-11-24T10:00:00Z') from None
    if when.tzinfo is None:
        raise ValueError(f'"{text}" has no time zone: {text}Z, or another one as +01:00')
    seconds = int(when.timestamp())
    if not 0 <= seconds <= _LAST:
        raise ValueError(f'"{text}" is not within the years 1970 to 9999')
    return seconds


def written(when: int) -> str:
    """Write a time (epoch seconds) as the file has it, in UTC."""
    return datetime.fromtimestamp(when, UTC).isoformat().replace("+00:00", "Z")


def is_word(text: str) -> bool:
    """Return whether ``text`` can name an entry, Frontend or class in the file."""
    return _WORD.fullmatch(text) is not None and text.isprintable()
