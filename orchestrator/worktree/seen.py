"""What the last reconfiguration saw, so that the next one need not look at it again.

A file counts as unchanged while ``stat()`` says what it said: mode, size, times and inode. The
time of the last status change is among them, which nobody sets by hand, so an edited, replaced
or restored file is looked at again. What only the disk has corrupted is not seen this way:
``glidein-factory reconfig --verify`` reads everything.

All of it can be thrown away at any time; it is then found out anew.
"""

import functools
import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.stage.area import SignatureType

Stamp = list[int]  # mode, size, mtime_ns, ctime_ns, inode
_FORMAT = 1
_TICK_S = 0.05  # two changes of a file within the clock of the kernel's tick look like one


@dataclass(frozen=True)
class Digest:
    """The size of a file in bytes, and its hashes."""

    size: int
    sha256: str
    sha1: str

    def of(self, kind: SignatureType) -> str:
        return self.sha256 if kind == "sha256" else self.sha1


@dataclass(frozen=True)
class EntrySeen:
    """An entry as it was published: what it was made from (``key``), and what came out of it."""

    key: str
    description: str
    schedd: str
    files: dict[str, Stamp]  # of its area, by name
    record: Stamp
    folder: Stamp  # the area's
    descriptions: list[str]  # all that the folder holds, the current one too


@dataclass
class Seen:
    """What a run saw; ``digests`` by absolute path, ``startup`` the shipped script's."""

    entries: dict[str, EntrySeen] = field(default_factory=dict)
    startup: list[str] = field(default_factory=list)
    _digests: dict[str, tuple[Stamp, Digest]] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    def digest(self, path: Path) -> Digest:
        """Return size and hashes of a file; read only when it changed since it was last read."""
        name = str(path.absolute())
        self._used.add(name)
        now = path.stat()
        if time.time() - now.st_ctime < _TICK_S:
            time.sleep(_TICK_S)
            now = path.stat()
        found = self._digests.get(name)
        if found is None or found[0] != _stamp(now):
            with path.open("rb") as stream:
                sha256, sha1 = hashlib.sha256(), hashlib.sha1()
                while chunk := stream.read(1024 * 1024):
                    sha256.update(chunk)
                    sha1.update(chunk)
                size = stream.tell()
            found = _stamp(now), Digest(size, sha256.hexdigest(), sha1.hexdigest())
            self._digests[name] = found
        return found[1]

    def note(self, path: Path, digest: Digest) -> None:
        """Remember the digest of a file that was written just now."""
        name = str(path.absolute())
        self._used.add(name)
        self._digests[name] = _stamp(path.stat()), digest

    def still_there(self, name: str, area: Path, record: Path) -> EntrySeen | None:
        """Return what was seen of entry ``name``, if none of its files changed since."""
        seen = self.entries.get(name)
        if seen is None or stamp(record) != seen.record:
            return None
        folder = f"{area}/"
        return (
            seen
            if all(stamp(folder + file) == was for file, was in seen.files.items())
            else None
        )

    def dump(self) -> bytes:
        """Return the file's content: what this run made use of."""
        lines = {
            "format": _FORMAT,
            "startup": self.startup,
            "digests": {
                name: [was, digest]
                for name, (was, digest) in sorted(self._digests.items())
                if name in self._used
            },
            "entries": self.entries,
        }
        return (json.dumps(lines, default=vars, indent=None) + "\n").encode()


def load(path: Path) -> Seen:
    """Read what was seen; nothing, when the file is not there or not this version's."""
    try:
        told = json.loads(path.read_bytes())
        if told["format"] != _FORMAT:
            return Seen()
        return Seen(
            {name: EntrySeen(**one) for name, one in told["entries"].items()},
            [str(one) for one in told["startup"]],
            {name: (was, Digest(**one)) for name, (was, one) in told["digests"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Seen()


def stamp(path: str | Path) -> Stamp | None:
    """Return what ``stat()`` says of ``path``; None when it is not there."""
    try:
        return _stamp(os.lstat(path))
    except FileNotFoundError:
        return None


def _stamp(found: os.stat_result) -> Stamp:
    return [
        found.st_mode,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_ino,
    ]


def tree(folder: Path) -> str:
    """Return a hash that changes with any file below ``folder``."""
    found: list[tuple[str, Any]] = []
    for below, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        found += [(f"{below}/{name}", stamp(f"{below}/{name}")) for name in sorted(files)]
    return key(repr(found))


@functools.cache
def code() -> str:
    """Return a hash that changes with this package."""
    return tree(Path(__file__).parent.parent)


def key(*parts: str) -> str:
    """Return a hash of all ``parts``."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)} {part}".encode())
    return digest.hexdigest()
