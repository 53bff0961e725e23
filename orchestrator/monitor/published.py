"""The folder of the stage that holds the page: files replaced as a whole, readable by everybody.

They are not brought to the disk: each is soon written again. What says the same is not written,
so that browsers and caches need not fetch it again.
"""

import contextlib
import hashlib
import os
from collections.abc import Collection
from pathlib import Path

from orchestrator import disk
from orchestrator.share import share

FOLDER = "monitor"  # below the stage
PAGE = "page"  # below web/


class Published:
    """The folder ``root`` and what this process wrote there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._digests: dict[str, bytes] = {}

    def put(self, name: str, content: bytes) -> bool:
        """Write the file ``name`` (with / between folders); return whether it is another one.

        Raises:
            OSError: it cannot be written; the old one is still there.
        """
        digest = hashlib.blake2b(content, digest_size=16).digest()
        if self._digests.get(name) == digest:
            return False
        self._write(self.root / name, content)
        self._digests[name] = digest
        return True

    def written(self, name: str) -> float | None:
        """Return when a file was written (epoch); None: it is not there."""
        try:
            return os.stat(f"{self.root}/{name}").st_mtime  # noqa: PTH116
        except FileNotFoundError:
            return None

    def put_new(self, name: str, content: bytes) -> None:
        """Write a file that is another one each time, or of which nothing is to be remembered.

        Raises:
            OSError: it cannot be written; the old one is still there.
        """
        self._write(self.root / name, content)

    def keep(self, folder: str, names: Collection[str]) -> None:
        """Take away what is in a folder but these files; also what a killed process left."""
        with (
            contextlib.suppress(FileNotFoundError),
            os.scandir(self.root / folder) as there,
        ):
            gone = [one.name for one in there if one.name not in names and one.is_file()]
            for name in gone:
                (self.root / folder / name).unlink(missing_ok=True)
                self._digests.pop(f"{folder}/{name}", None)

    def folders(self, folder: str) -> set[str]:
        """Return the names of the folders in a folder."""
        try:
            with os.scandir(self.root / folder) as there:
                return {one.name for one in there if one.is_dir(follow_symlinks=False)}
        except FileNotFoundError:
            return set()

    def remove_folder(self, folder: str) -> None:
        """Take away a folder of files."""
        self.keep(folder, ())
        (self.root / folder).rmdir()

    def put_page(self) -> None:
        """Write the page itself, as this version has it.

        Raises:
            OSError: it cannot be read or written.
        """
        source = share("web") / PAGE
        for path in sorted(source.rglob("*")):
            if path.is_file():
                self.put(str(path.relative_to(source)), path.read_bytes())

    def _write(self, path: Path, content: bytes) -> None:
        part = path.with_name(f".part-{path.name}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            file = os.open(part, flags, 0o644)
        except FileNotFoundError:
            disk.make_folder(path.parent)
            file = os.open(part, flags, 0o644)
        try:
            with os.fdopen(file, "wb") as stream:
                os.fchmod(file, 0o644)  # whatever the umask
                stream.write(content)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
