"""The published stop list: by it an operator ends glideins (``glidein/lib/stop_list.sh`` reads it).

A line is ``factory | entry NAME | frontend NAME   [now]   [# why]``. Lines that say anything
else stay as they stand; glideins pass them over.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orchestrator import disk
from orchestrator.errors import FactoryError, PublishError

LIMIT = 65_536  # bytes; glideins bring no more of it
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]*")
_LINE = re.compile(
    r"\s*(factory|entry|frontend)(?:\s+([^\s#]+))?(?:\s+(now))?\s*(?:#\s*(.*))?"
)


@dataclass(frozen=True)
class Stop:
    """One line: who is to leave ("factory", "entry" or "frontend", and the name), how, and why.

    With ``now`` jobs get what time they get when a batch system ends a glidein.
    """

    what: str
    name: str = ""
    now: bool = False
    why: str = ""

    @property
    def scope(self) -> str:
        """Who is to leave."""
        return f"{self.what} {self.name}".strip()

    def __str__(self) -> str:
        words = self.scope + (" now" if self.now else "")
        return f"{words} # {self.why}" if self.why else words


def read(path: Path) -> list[Stop]:
    """Return who is on the list ``path``; without a file, nobody.

    Raises:
        FactoryError: it cannot be read.
    """
    return [one for line in _lines(path) if (one := parse(line)) is not None]


def parse(line: str) -> Stop | None:
    """Return what a line says; None if glideins pass it over."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    what, name, now, why = (part or "" for part in match.groups())
    if what == "factory":
        # "factory now": the word after it is no name
        return (
            Stop(what, "", name == "now" or bool(now), why) if name in ("", "now") else None
        )
    return Stop(what, name, bool(now), why) if name else None


def add(path: Path, one: Stop, lock: Path) -> None:
    """Put ``one`` on the list, in place of any line for the same; glideins see all of it or none.

    ``lock`` is the file by which those who change the list do so one by one.

    Raises:
        FactoryError: a name or reason cannot be written, or the list is full.
        PublishError: the list cannot be written.
    """
    if one.name and not _NAME.fullmatch(one.name):
        raise FactoryError(f"not the name of an entry or Frontend: {one.name!r}")
    if not one.why.isprintable():
        raise FactoryError(f"a reason is one line: {one.why!r}")
    _change(path, lambda line: _scope(line) != one.scope, [str(one)], lock)


def remove(path: Path, scope: str, lock: Path) -> bool:
    """Take the lines for ``scope`` ("entry NAME") off the list; return whether there were any.

    Raises:
        PublishError: the list cannot be written.
    """
    there = any(one.scope == scope for one in read(path))
    if there:
        _change(path, lambda line: _scope(line) != scope, [], lock)
    return there


def _change(path: Path, keep: Callable[[str], bool], more: list[str], lock: Path) -> None:
    try:
        with disk.locked(lock):
            lines = [line for line in _lines(path) if keep(line)]
            text = "".join(f"{line}\n" for line in [*lines, *more])
            if len(text.encode()) > LIMIT:
                raise FactoryError(
                    f"{path}: more than {LIMIT} bytes: glideins bring no more"
                )
            disk.put_if_changed(path, text.encode())
    except disk.Busy as error:
        raise PublishError(f"another one changes the list: it holds {error}") from error
    except OSError as error:
        raise PublishError(f"{error.filename or path}: {error.strerror}") from error


def _scope(line: str) -> str:
    found = parse(line)
    return "" if found is None else found.scope


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise FactoryError(f"{path}: {error.strerror}") from error
