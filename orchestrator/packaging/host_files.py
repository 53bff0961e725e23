"""The files of a factory's host, and where on it they go."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from orchestrator import disk
from orchestrator.errors import FactoryError

_FOLDER = Path(__file__).parent

# Where systemd and logrotate look for what an administrator put there, below the root.
_PLACES = {
    "glidein-factory.service": "etc/systemd/system/glidein-factory.service",
    "glidein-factory-web.service": "etc/systemd/system/glidein-factory-web.service",
    "sysusers.conf": "etc/sysusers.d/glidein-factory.conf",
    "tmpfiles.conf": "etc/tmpfiles.d/glidein-factory.conf",
    "logrotate.conf": "etc/logrotate.d/glidein-factory-web",
}


@dataclass(frozen=True)
class HostFile:
    """A file, by the name it has here; ``place`` is below the root of the host."""

    name: str
    place: str
    text: str


def program() -> Path:
    """Return the command ``glidein-factory`` of this installation.

    Raises:
        FactoryError: there is none, as in a checkout that was never installed.
    """
    beside = Path(sys.executable).parent / "glidein-factory"
    found = str(beside) if beside.is_file() else shutil.which("glidein-factory")
    if found is None:
        raise FactoryError("the command glidein-factory is not installed: pip install it")
    return Path(found).absolute()


def host_files(program: Path) -> tuple[HostFile, ...]:
    """Return all files; the units start ``program``.

    Raises:
        FactoryError: a unit could not name it.
    """
    word = str(program)
    if not program.is_absolute() or set(word) & set(" \t\"'\\%$;"):
        raise FactoryError(f"a systemd unit cannot name this command: {word!r}")
    return tuple(
        HostFile(name, place, (_FOLDER / name).read_text().replace("@PROGRAM@", word))
        for name, place in _PLACES.items()
    )


def write(files: tuple[HostFile, ...], root: Path) -> dict[Path, str]:
    """Write the files below ``root``; return what became of each: new, changed, unchanged."""
    told = {}
    for file in files:
        path, content = root / file.place, file.text.encode()
        differs = disk.differs(path, content)
        told[path] = "unchanged" if not differs else "changed" if path.exists() else "new"
        if differs:
            disk.make_folder(path.parent)
            disk.put_if_changed(path, content)
    return told
