"""What HTCondor writes about our glideins: the event logs of an entry, followed from where we were.

A glidein's events go to the log of the day on which it was submitted, ``events.YYYYMMDD.log``,
however long it lives. A look at a log to which nothing was added costs one ``stat``.

The format is that of HTCondor's user logs: a line that begins with the number of the event, the
job and the time; lines with more; a line of three dots. Times are local ones, as in HTCondor.
Events that say nothing about where a glidein is are passed over.
"""

import calendar
import datetime
import logging
import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

SUBMIT, EXECUTE, EVICTED, TERMINATED = 0, 1, 4, 5
SHADOW_EXCEPTION, ABORTED = 7, 9
HELD, RELEASED = 12, 13
RECONNECT_FAILED = 24
GRID_SUBMIT = 27
TOLD = frozenset(
    (
        *(SUBMIT, EXECUTE, EVICTED, TERMINATED, SHADOW_EXCEPTION, ABORTED),
        *(HELD, RELEASED, RECONNECT_FAILED, GRID_SUBMIT),
    )
)
NOTE = "glidein "  # begins the line of a submit event that names the submission

_NAME = re.compile(r"events\.(\d{8})\.log")
# "012 (123.004.000) 2026-11-22 21:31:22 Job was held."; older and configurable: "11/22 21:31:22",
# parts of a second, a T between date and time, and a Z where times are UTC.
_HEAD = re.compile(
    rb"(\d{3}) \((\d+)\.(\d+)\.\d+\) "
    rb"(?:(\d{4})-(\d\d)-(\d\d)|(\d\d)/(\d\d))[ T](\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z?)(?= )"
)
_HOLD_CODE = re.compile(rb"\tCode (\d+) Subcode (-?\d+)\n?")
_RETURNED = re.compile(rb"\t\(1\) Normal termination \(return value (-?\d+)\)")
_KILLED = re.compile(rb"\t\(0\) Abnormal termination \(signal (\d+)\)")
_NO_REASON = "Reason unspecified"  # as the log says when only the queue has it
_END = b"...\n"
_READ_LIMIT = 16 << 20  # bytes read at once
_EVENT_LIMIT = 1 << 20  # bytes; what is longer is no event
_REASON_LIMIT = 500  # characters


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a glidein at ``time`` (epoch seconds).

    ``note`` is the submission's id (SUBMIT); ``reason`` why it is held or was removed, with
    ``code`` and ``subcode`` (HELD). TERMINATED has the exit ``code``, or the ``signal``.
    """

    number: int
    cluster: int
    process: int
    time: int
    note: str = ""
    reason: str = ""
    code: int | None = None
    subcode: int = 0
    signal: int | None = None


@dataclass(slots=True)
class Position:
    """How far a log has been read: which file, and up to which byte."""

    inode: int
    offset: int


class EventLogs:
    """The event logs in ``folder``; ``positions`` by name, as :attr:`positions` was before."""

    def __init__(self, folder: Path, positions: dict[str, Position] | None = None) -> None:
        self.folder = folder
        self.positions = dict(positions or {})
        self._followed: tuple[str, ...] = ()
        self._paths: dict[str, str] = {}

    def follow(self, names: Iterable[str]) -> None:
        """Look at these logs from now on, and forget where we were in others."""
        self._followed = tuple(sorted(set(names)))
        self._paths = {name: str(self.folder / name) for name in self._followed}
        known = self.positions
        self.positions = {name: known[name] for name in self._followed if name in known}

    @property
    def paths(self) -> tuple[str, ...]:
        """Where the followed logs are."""
        return tuple(self._paths.values())

    def read(self, now: float) -> tuple[list[Event], list[str]]:
        """Return what is new in the followed logs, and what is wrong with them, in words.

        A log that is damaged, was cut or replaced is told, and read from where it makes sense
        again: what it does not say only the queue itself can tell.
        """
        events: list[Event] = []
        problems: list[str] = []
        for name in self._followed:
            path = self._paths[name]
            try:
                about = os.stat(path)  # noqa: PTH116  # as below
            except FileNotFoundError:
                if self.positions.pop(name, None) is not None:
                    problems.append(f"{name}: is gone")
                continue
            except OSError as error:
                problems.append(f"{name}: {error.strerror}")
                continue
            at = self.positions.get(name)
            if at is not None and at.inode == about.st_ino and at.offset == about.st_size:
                continue
            if at is not None and (at.inode != about.st_ino or at.offset > about.st_size):
                problems.append(f"{name}: was cut or replaced")
                at = None
            at = at or Position(about.st_ino, 0)
            try:
                at.offset = self._read_on(path, at.offset, events, problems, now)
            except OSError as error:
                problems.append(f"{name}: {error.strerror}")
                continue
            self.positions[name] = at
        return events, problems

    def _read_on(
        self, path: str, offset: int, events: list[Event], problems: list[str], now: float
    ) -> int:
        """Read whole events from ``offset`` on; return where the first incomplete one begins."""
        with open(path, "rb") as file:  # noqa: PTH123  # a Path for each look costs more
            file.seek(offset)
            while True:
                text = file.read(_READ_LIMIT)
                end = text.rfind(b"\n" + _END)
                if end < 0:
                    if len(text) > _EVENT_LIMIT:
                        problems.append(
                            f"{path}: no event in {len(text)} bytes at {offset}"
                        )
                        return offset + len(text)
                    return offset
                end += 1 + len(_END)
                damaged = _events(text[:end], events, now)
                if damaged:
                    problems.append(f"{path}: {damaged} events cannot be read")
                offset += end
                file.seek(offset)


def log_name(when: float) -> str:
    """Return the name of the log of that day (epoch seconds; the day is UTC's)."""
    return f"events.{datetime.datetime.fromtimestamp(when, datetime.UTC):%Y%m%d}.log"


def is_log(name: str) -> bool:
    """Return whether a file of that name is an event log."""
    return _NAME.fullmatch(name) is not None


def logs_around(when: float) -> set[str]:
    """Return the logs in which a glidein may be that the schedd says was queued then.

    Its clock is not ours, and midnight lies between any two of them.
    """
    return {log_name(when + days * 86_400) for days in (-1, 0, 1)}


def _events(text: bytes, events: list[Event], now: float) -> int:
    """Append the events of a text that ends with one; return how many could not be read."""
    damaged = 0
    for block in text.removesuffix(_END).split(b"\n" + _END):
        if not block:
            continue
        head = _HEAD.match(block)
        if head is None or _HEAD.search(block, head.end()):
            # A schedd that died left an event half written, and the next one follows in it.
            damaged += 1
            heads = list(_HEAD.finditer(block))
            if not heads:
                continue
            block = block[heads[-1].start() :]
            head = heads[-1]
        if int(head[1]) in TOLD:
            events.append(_event(head, block, now))
    return damaged


def _event(head: re.Match[bytes], block: bytes, now: float) -> Event:
    number, cluster, process = int(head[1]), int(head[2]), int(head[3])
    when = _time(head, now)
    if when > now + 1800:  # the hour that comes twice in autumn
        when -= 3600
    lines = block.split(b"\n")[1:]
    note = reason = ""
    code: int | None = None
    subcode, signal = 0, None
    match number:
        case 0:
            notes = [_text(line) for line in lines]
            found = [one for one in notes if one.startswith(NOTE)]
            note = found[0].removeprefix(NOTE) if found else ""
        case 5:
            for line in lines:
                if returned := _RETURNED.match(line):
                    code = int(returned[1])
                elif killed := _KILLED.match(line):
                    signal = int(killed[1])
        case 9:
            reason = _text(lines[0]) if lines else ""
        case 12:
            for line in lines:
                if told := _HOLD_CODE.match(line):
                    code, subcode = int(told[1]), int(told[2])
            reason = _text(lines[0]) if lines and not _HOLD_CODE.match(lines[0]) else ""
            reason = "" if reason == _NO_REASON else reason
    return Event(number, cluster, process, when, note, reason, code, subcode, signal)


def _text(line: bytes) -> str:
    return line.decode(errors="replace").strip()[:_REASON_LIMIT]


def _time(head: re.Match[bytes], now: float) -> int:
    """Return the time of an event; one without a year was in the twelve months before now."""
    day = (int(head[4]), int(head[5]), int(head[6])) if head[4] else None
    clock = (int(head[9]), int(head[10]), int(head[11]))
    if day is not None:
        return _epoch(day, clock, utc=bool(head[12]))
    year = time.localtime(now).tm_year
    this = _epoch((year, int(head[7]), int(head[8])), clock, utc=bool(head[12]))
    if this <= now + 86_400:
        return this
    return _epoch((year - 1, int(head[7]), int(head[8])), clock, utc=bool(head[12]))


def _epoch(day: tuple[int, int, int], clock: tuple[int, int, int], *, utc: bool) -> int:
    fields = (*day, *clock, 0, 0, -1)
    try:
        return int(calendar.timegm(fields) if utc else time.mktime(fields))
    except (OverflowError, ValueError):
        return 0


def events_of(folder: Path, cluster: int, process: int, now: float) -> list[Event]:
    """Return the events of one glidein in all logs of ``folder``, the oldest first.

    Searched for as bytes: the logs of an entry may be large, and this is for one person once.
    """
    mark = re.compile(rb"^\d{3} \(0*%d\.0*%d\.\d+\) " % (cluster, process), re.MULTILINE)
    found: list[Event] = []
    for path in sorted(folder.glob("events.*.log")):
        text = path.read_bytes()
        for start in mark.finditer(text):
            end = text.find(b"\n" + _END, start.start())
            _events(text[start.start() : end + 1 if end >= 0 else len(text)], found, now)
    return sorted(found, key=lambda one: one.time)
