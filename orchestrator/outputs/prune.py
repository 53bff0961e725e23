"""Throw away what glideins left behind, by age and size, the oldest first.

A file goes when it is older than its kind's ``max_days``; or older than ``min_days`` while the
files of its kind are larger than ``size_mb`` together; or, whatever its age, while they are
larger than ``most_mb``, ten times as much. What belongs to a glidein that is still in the queue, or whose output
is still to be read, never goes. Called seldom: it looks at every file.
"""

import logging
import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.outputs.outcome import Ended
from orchestrator.queue.queue_view import Freshness, QueueView
from orchestrator.worktree.daemon_settings import Kept, Retention

log = logging.getLogger(__name__)

_DAY_S = 86_400
_MB = 1_000_000
_DEPTH = 3  # folders below the one that is pruned
_JOB = re.compile(r"job\.(\d+\.\d+)\.(?:out|err)")


@dataclass(frozen=True)
class Kind:
    """A kind of file, by a regular expression for its whole name, and how long it stays."""

    pattern: re.Pattern[str]
    max_days: float
    min_days: float
    size_mb: float
    most_mb: float


_EVENTS = re.compile(r"events\.\d{8}\.log")
_OUTCOMES = re.compile(r"outcomes\.\d{8}\.jsonl")
_JOURNAL = re.compile(r"journal\.\d{8}(?:T?\d{6})?\.jsonl")  # closed ones


def kinds(retention: Retention | None = None) -> tuple[Kind, ...]:
    """Return the kinds of file that an entry's glideins leave, and how long they stay."""
    retention = retention or Retention()
    return (
        _kind(_JOB, retention.outputs),
        _kind(_EVENTS, retention.event_logs),
        _kind(_JOURNAL, retention.event_logs),
        _kind(_OUTCOMES, retention.summaries),
    )


def _kind(pattern: re.Pattern[str], kept: Kept) -> Kind:
    return Kind(pattern, kept.days, kept.min_days, kept.mb, 10 * kept.mb)


@dataclass(frozen=True)
class Needed:
    """What may not go: outputs by id (CLUSTER.PROCESS), and logs that have been written to
    since the oldest glidein of the queue was submitted (epoch), for its events are in one.
    """

    ids: Collection[str] = ()
    logs_since: float | None = None


@dataclass(frozen=True)
class _File:
    path: str
    name: str
    written: float
    size: int


def needed(view: QueueView, waiting: Iterable[Ended] = ()) -> Needed | None:
    """Return what the queue and the glideins whose output is awaited still need.

    None when the view is not fresh: then nothing is known not to be needed.
    """
    if view.freshness is not Freshness.FRESH:
        return None
    ids = {one.id for one in view.glideins} | {one.id for one in waiting}
    times = [one.queued for one in view.glideins] + [one.since for one in view.unseen]
    # The clocks of schedd and factory may differ by a little.
    return Needed(ids, min(times) - _DAY_S if times else None)


def prune(
    folder: Path, keep: Needed | None, now: float, kinds_there: Iterable[Kind] | None = None
) -> list[Path]:
    """Remove what may go below ``folder`` and return it; with ``keep`` None that is nothing."""
    if keep is None:
        log.info("%s: nothing pruned, the queue is not known", folder)
        return []
    found = sorted(_files(str(folder), _DEPTH), key=lambda one: (one.written, one.path))
    gone: list[Path] = []
    for kind in kinds() if kinds_there is None else kinds_there:
        ours = [one for one in found if kind.pattern.fullmatch(one.name)]
        size = sum(one.size for one in ours)
        removed = 0
        for one in ours:
            days = (now - one.written) / _DAY_S
            outlived = days > kind.max_days
            crowded = days > kind.min_days and size > kind.size_mb * _MB
            if not (outlived or crowded or size > kind.most_mb * _MB):
                continue
            if _is_needed(one, kind, keep):
                continue
            try:
                Path(one.path).unlink()
            except FileNotFoundError:
                pass
            except OSError as error:
                log.warning("%s: cannot be pruned: %s", one.path, error.strerror)
                continue
            size -= one.size
            removed += one.size
            gone.append(Path(one.path))
        if removed:
            log.info("%s: pruned kind=%s bytes=%d", folder, kind.pattern.pattern, removed)
    return gone


def _is_needed(file: _File, kind: Kind, keep: Needed) -> bool:
    if kind.pattern is _EVENTS:
        return keep.logs_since is not None and file.written >= keep.logs_since
    job = _JOB.fullmatch(file.name)
    return job is not None and job[1] in keep.ids


def _files(folder: str, depth: int) -> Iterator[_File]:
    """Yield the files below ``folder``; links are neither followed nor pruned."""
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        log.warning("%s: cannot be looked at: %s", folder, error.strerror)
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if depth:
                yield from _files(entry.path, depth - 1)
        elif entry.is_file(follow_symlinks=False):
            try:
                about = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # gone meanwhile
            yield _File(entry.path, entry.name, about.st_mtime, about.st_size)
