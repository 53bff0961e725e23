"""Files that others read while we write: there as a whole, or not there.

Written beside the target, brought to the disk and renamed; a kill at any moment leaves the old
file or the new one, and at most a leftover named ``.part-…`` that the next run takes away.
"""

import ctypes
import fcntl
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PART = ".part-"
_CHUNK = 1024 * 1024  # bytes
_LOCK_LOOK_S = 0.02  # between two attempts to lock


class Busy(Exception):
    """Somebody else holds the lock."""


class Batch:
    """Files that belong together: written one by one, brought to the disk all at once.

    A sync for each of thousands of files would take minutes; :meth:`commit` needs two in all.
    """

    def __init__(self) -> None:
        self._paths: list[Path] = []
        self._folders: set[Path] = set()

    def add(self, path: Path, content: bytes | Path, mode: int = 0o644) -> str:
        """Write ``content`` (bytes, or what that file holds) beside ``path``; return its SHA-256.

        The folder of ``path`` is made where it is missing.
        """
        if path.parent not in self._folders:
            make_folder(path.parent)
            self._folders.add(path.parent)
        digest = hashlib.sha256()
        with _named(path), _new_file(_part(path)) as out:
            for chunk in _chunks(content):
                digest.update(chunk)
                out.write(chunk)
            os.fchmod(out.fileno(), mode)  # whatever the umask
        self._paths.append(path)
        return digest.hexdigest()

    def add_if_changed(self, path: Path, content: bytes, mode: int = 0o644) -> None:
        """Add a file unless it is there as it should be."""
        if differs(path, content, mode):
            self.add(path, content, mode)

    def commit(self) -> None:
        """Put the files into place in the order in which they were added."""
        folders = {path.parent for path in self._paths}
        _sync(folders)
        for path in self._paths:
            _part(path).replace(path)
        _sync(folders)
        self._paths.clear()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name ``path`` in an error that names no file: that the disk is full, say."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _part(path: Path) -> Path:
    return path.with_name(PART + path.name)


def _new_file(path: Path) -> BinaryIO:
    """Open a file that is new, whatever stood there."""
    try:
        return path.open("xb")
    except FileExistsError:
        path.unlink()
        return path.open("xb")


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as source:
        while chunk := source.read(_CHUNK):
            yield chunk


def _sync(folders: Iterable[Path]) -> None:
    """Bring all that was written below these folders to the disk, names included."""
    by_device = {folder.stat().st_dev: folder for folder in folders}
    for folder in by_device.values():
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(handle) != 0:
                code = ctypes.get_errno()
                raise OSError(code, os.strerror(code), str(folder))
        finally:
            os.close(handle)


def put_if_changed(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write one file, unless it is there as it should be."""
    batch = Batch()
    batch.add_if_changed(path, content, mode)
    batch.commit()


def differs(path: Path, content: bytes, mode: int = 0o644) -> bool:
    """Return whether ``path`` is missing, or is anything but that content and mode."""
    try:
        return path.stat().st_mode & 0o777 != mode or path.read_bytes() != content
    except FileNotFoundError:
        return True


def write_all(file: int, content: bytes) -> None:
    """Write all of ``content`` to a descriptor: a disk that is nearly full takes some, and says so
    the next time.

    Raises:
        OSError: not all of it was written.
    """
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]


def make_folder(path: Path) -> None:
    """Make ``path`` and what is missing above it, readable for all whatever the umask."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    path.chmod(0o755)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock ``path``; it goes with the process, however that ends.

    Raises:
        Busy: another process holds it.
    """
    make_folder(path.parent)
    with path.open("ab") as handle:
        if not lock(handle.fileno()):
            raise Busy(str(path))
        yield


def lock(file: int, wait_s: float = 0) -> bool:
    """Lock an open file for this process alone; return whether others let go within ``wait_s``."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
        time.sleep(_LOCK_LOOK_S)
