"""Files that others read while we write: there as a whole, or not there.

Written beside the target, brought to the disk and renamed; a kill at any moment leaves the old
file or the new one, and at most a leftover named ``.part-…`` that the next run takes away.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part-"
_CHUNK = 1024 * 1024  # bytes


class Busy(Exception):
    """Somebody else holds the lock."""


def put(path: Path, content: bytes | Path, mode: int = 0o644) -> str:
    """Write ``content`` (bytes, or what that file holds) to ``path``; return its SHA-256.

    The rename itself is on the disk only after :func:`settle` of the folder.
    """
    part = path.with_name(PART + path.name)
    digest = hashlib.sha256()
    part.unlink(missing_ok=True)
    with part.open("xb") as out:
        if isinstance(content, bytes):
            digest.update(content)
            out.write(content)
        else:
            with content.open("rb") as source:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    out.write(chunk)
        out.flush()
        os.fchmod(out.fileno(), mode)  # whatever the umask
        os.fsync(out.fileno())
    part.replace(path)
    return digest.hexdigest()


def put_if_changed(path: Path, content: bytes, mode: int = 0o644) -> bool:
    """Write ``content`` unless ``path`` already holds it; return whether it was written."""
    if not differs(path, content, mode):
        return False
    make_folder(path.parent)
    put(path, content, mode)
    settle(path.parent)
    return True


def differs(path: Path, content: bytes, mode: int = 0o644) -> bool:
    """Return whether ``path`` is missing, or is anything but that content and mode."""
    try:
        return path.stat().st_mode & 0o777 != mode or path.read_bytes() != content
    except FileNotFoundError:
        return True


def make_folder(path: Path) -> None:
    """Make ``path`` and what is missing above it, readable for all whatever the umask."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    path.chmod(0o755)
    settle(path.parent)


def settle(folder: Path) -> None:
    """Bring the names in ``folder`` to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock ``path``; it goes with the process, however that ends.

    Raises:
        Busy: another process holds it.
    """
    make_folder(path.parent)
    with path.open("ab") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(str(path)) from error
        yield
