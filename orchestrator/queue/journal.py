"""The journal of an entry's submissions: on the disk before the schedd is asked.

Append-only lines of JSON in ``journal.jsonl``; times are epoch seconds::

    {"begin": ID, "time": …, "client": …, "share": …, "credential": …, "count": N}
    {"done": ID, "cluster": C}       the schedd said so
    {"failed": ID, "why": …}         nothing was queued, for certain
    {"settled": ID, "why": …}        all of it has been seen, or is known to be gone

A submission that has begun and has neither failed nor been settled may have glideins in the
queue that no view has seen: they count as *unseen*. After kill -9 the last line may be torn. A
torn "begin" was never asked; any other torn line only leaves its submission open for longer.
"""

import fcntl
import json
import logging
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from orchestrator import disk
from orchestrator.errors import JournalError
from orchestrator.queue.queue_view import Unseen

log = logging.getLogger(__name__)

NAME = "journal.jsonl"
_COMPACT_AT = 64 * 1024  # bytes


@dataclass(frozen=True)
class Begun:
    """One submission: ``count`` glideins, asked of the schedd since ``time``.

    ``cluster`` is None until the schedd has answered.
    """

    id: str
    time: float
    client: str
    share: str
    credential: str
    count: int
    cluster: int | None = None

    def unseen(self, count: int) -> Unseen:
        """Return ``count`` of its glideins as not yet seen."""
        return Unseen(self.client, self.share, self.credential, count, int(self.time))


class Journal:
    """The journal in ``folder``, which this process alone writes as long as it, and any child
    that it started meanwhile, lives.

    Raises:
        JournalError: another process writes it, or it cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._open: dict[str, Begun] = {}
        self._file: int | None = None
        self._size = 0
        self._named = False  # the file's name is on the disk
        try:
            # The lock is the folder's, for the file is replaced now and then. Children inherit
            # it: one that still talks to the schedd when its parent was killed keeps us out.
            self._lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise JournalError(f"{self.path}: another process writes it") from error
        except OSError as error:
            raise JournalError(f"{self.path}: {error.strerror}") from error
        try:
            self._read()
            self._begin_writing()
        except OSError as error:
            os.close(self._lock)
            raise JournalError(f"{self.path}: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another process write the journal."""
        if self._file is not None:
            os.close(self._file)
        os.close(self._lock)

    @property
    def open(self) -> tuple[Begun, ...]:
        """The submissions that may have glideins which nobody has seen, the oldest first."""
        return tuple(self._open.values())

    def get(self, ident: str) -> Begun | None:
        """Return an open submission."""
        return self._open.get(ident)

    def begin(
        self, ident: str, client: str, share: str, credential: str, count: int, now: float
    ) -> Begun:
        """Note that ``count`` glideins are about to be asked for; return when that is on disk.

        ``ident`` comes from :func:`new_id`.

        Raises:
            JournalError: it could not be written: do not submit.
        """
        begun = Begun(ident, now, client, share, credential, count)
        said = asdict(begun)
        del said["id"], said["cluster"]
        self._append({"begin": ident, **said}, sync=True)
        self._open[ident] = begun
        return begun

    def done(self, begun: Begun, cluster: int) -> None:
        """Note what the schedd answered."""
        self._open[begun.id] = replace(begun, cluster=cluster)
        self._append({"done": begun.id, "cluster": cluster})

    def failed(self, begun: Begun, why: str) -> None:
        """Note that nothing was queued, for certain."""
        self._open.pop(begun.id, None)
        self._append({"failed": begun.id, "why": why})

    def settled(self, begun: Begun, why: str) -> None:
        """Note that all of a submission has been seen, or is known to be gone."""
        self._open.pop(begun.id, None)
        self._append({"settled": begun.id, "why": why})
        if self._size > _COMPACT_AT:
            self._compact()

    def _append(self, line: dict[str, Any], *, sync: bool = False) -> None:
        assert self._file is not None
        text = _line(line)
        try:
            written = os.write(self._file, text)
            if written < len(text):
                # Nobody has acted on it yet, and the next line must not go on from here.
                os.ftruncate(self._file, self._size)
                raise JournalError(f"{self.path}: wrote {written} of {len(text)} bytes")
            self._size += written
            if sync:
                os.fsync(self._file)
            if sync and not self._named:
                os.fsync(self._lock)  # the folder, in which the file may be new
                self._named = True
        except OSError as error:
            raise JournalError(f"{self.path}: {error.strerror}") from error

    def _read(self) -> None:
        self._open = _read(self.path)

    def _begin_writing(self) -> None:
        """Open a file that has the open submissions alone; without room for it, the old one."""
        try:
            self._compact()
        except OSError as error:
            if not self.path.exists():
                raise
            log.debug("%s: stays as it is: %s", self.path, error.strerror)
            torn = len(self.path.read_bytes().rpartition(b"\n")[2])
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            self._size = os.fstat(self._file).st_size - torn
            os.ftruncate(self._file, self._size)

    def _compact(self) -> None:
        """Replace the file by one that has the open submissions alone, and open that."""
        lines = []
        for begun in self._open.values():
            said = asdict(begun)
            ident, cluster = said.pop("id"), said.pop("cluster")
            lines.append({"begin": ident, **said})
            if cluster is not None:
                lines.append({"done": ident, "cluster": cluster})
        text = b"".join(map(_line, lines))
        if text or self.path.exists():
            disk.put_if_changed(self.path, text)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        file, old = os.open(self.path, flags, 0o644), self._file
        self._file, self._size = file, len(text)
        if old is not None:
            os.close(old)


def read_open(folder: Path) -> tuple[Begun, ...]:
    """Return the open submissions as the journal in ``folder`` has them, whoever writes it.

    Raises:
        OSError: it cannot be read.
    """
    return tuple(_read(folder / NAME).values())


def _read(path: Path) -> dict[str, Begun]:
    """Return what is open; lines that make no sense are passed over, and told."""
    found: dict[str, Begun] = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return found
    if lines.pop():
        log.warning("%s: its last line is torn, and was passed over", path)
    for number, line in enumerate(lines, 1):
        try:
            _apply(found, json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.error("%s: line %d passed over: %r", path, number, error)
    return found


def _apply(found: dict[str, Begun], said: dict[str, Any]) -> None:
    if "begin" in said:
        ident = str(said.pop("begin"))
        found[ident] = Begun(ident, **said)
    elif "done" in said:
        if said["done"] in found:
            begun = found[said["done"]]
            found[begun.id] = replace(begun, cluster=int(said["cluster"]))
    else:
        found.pop(said.get("failed") or said["settled"], None)


def new_id() -> str:
    """Return an id for a submission: 20 letters and digits that nobody has used."""
    return secrets.token_hex(10)


def _line(said: dict[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode() + b"\n"
