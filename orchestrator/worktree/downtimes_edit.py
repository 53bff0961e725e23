"""Begin and end downtimes: the changes to ``downtimes.lst``, one writer at a time.

Lines that are not concerned stay as they stand, comments and broken ones too.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator import disk
from orchestrator.errors import FactoryError
from orchestrator.worktree.downtimes import FILE, Downtime, Downtimes, is_word, parse

_HEAD = """\
# What is out of service, and when (UTC, or with the time zone):
# START END ENTRY|All|factory [FRONTEND|All [CLASS|All]] # comment
"""
_LOCK_LIMIT_S = 30  # others hold the lock for milliseconds


@dataclass(frozen=True)
class Ended:
    """What :func:`end` did: downtimes that were cut short, and planned ones that were dropped."""

    cut: tuple[Downtime, ...]
    dropped: tuple[Downtime, ...]
    left: Downtimes  # all that there is now


def begin(work: Path, wanted: Downtime) -> None:
    """Write one more downtime.

    Raises:
        FactoryError: the file cannot be changed, or the downtime cannot be written.
    """
    _check(wanted)
    _change(work, lambda lines: [*lines, str(wanted)])


def add(work: Path, wanted: Iterable[Downtime]) -> int:
    """Write those downtimes that are not there as yet; return how many.

    Raises:
        FactoryError: the file cannot be changed, or a downtime cannot be written.
    """
    lines_wanted = []
    for one in wanted:
        _check(one)
        lines_wanted.append(str(one))
    new: list[str] = []

    def edit(lines: list[str]) -> list[str]:
        there = {str(one) for line in lines for one in parse(line) if not one.problem}
        new.extend(line for line in dict.fromkeys(lines_wanted) if line not in there)
        return [*lines, *new]

    _change(work, edit)
    return len(new)


def _check(wanted: Downtime) -> None:
    for word in wanted.scope:
        if not is_word(word):
            raise FactoryError(f"no name: {word!r}")
    if not wanted.comment.isprintable():
        raise FactoryError(f"a comment is one line: {wanted.comment!r}")
    if wanted.end is not None and wanted.end <= wanted.start:
        raise FactoryError("a downtime must end after its start")


def end(work: Path, scope: tuple[str, str, str], now: int) -> Ended:
    """End the downtimes of exactly ``scope`` (entry, Frontend, class) at ``now``.

    Planned ones of the same scope are dropped; those that are over stay.

    Raises:
        FactoryError: the file cannot be changed.
    """
    cut: list[Downtime] = []
    dropped: list[Downtime] = []

    def edit(lines: list[str]) -> list[str]:
        kept = []
        for line in lines:
            one = next(parse(line), None)
            if one is None or one.problem or one.scope != scope or one.over(now):
                kept.append(line)
            elif one.start < now:
                cut.append(one)
                kept.append(str(replace(one, end=now)))
            else:
                dropped.append(one)
        return kept

    lines = _change(work, edit)
    left = Downtimes(parse("\n".join(lines), str(work / FILE)))
    return Ended(tuple(cut), tuple(dropped), left)


def prune(work: Path, before: int) -> int:
    """Remove the lines of downtimes that ended before ``before``; return how many."""
    gone = 0

    def edit(lines: list[str]) -> list[str]:
        nonlocal gone
        kept = [
            line
            for line in lines
            if not (o := next(parse(line), None)) or not o.over(before)
        ]
        gone = len(lines) - len(kept)
        return kept

    _change(work, edit)
    return gone


def _change(work: Path, edit: Callable[[list[str]], list[str]]) -> list[str]:
    """Give the file's lines to ``edit`` and write what it returns; return that."""
    path = work / FILE
    try:
        with _alone(work):
            text = path.read_text(encoding="utf-8") if path.exists() else _HEAD
            before = text.removesuffix("\n").split("\n")
            lines = edit(before)
            if lines != before:
                disk.put_if_changed(path, "".join(f"{line}\n" for line in lines).encode())
    except (OSError, UnicodeDecodeError) as error:
        raise FactoryError(f"{path}: cannot be changed: {error}") from error
    return lines


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Keep other writers out; the lock is the folder's, so that any user may take it."""
    handle = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not disk.lock(handle, _LOCK_LIMIT_S):
            raise FactoryError(
                f"{work}: somebody else has kept it locked for {_LOCK_LIMIT_S} s"
            )
        yield
    finally:
        os.close(handle)
