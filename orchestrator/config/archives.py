"""Archives that glideins unpack: what a glidein would refuse is refused before it is published.

The rules are those of ``glidein/lib/verify.sh``, as far as a slip of the operator could break them.
"""

import tarfile
import zlib
from pathlib import Path, PurePosixPath

_MAGIC = b"\x1f\x8b"  # of gzip
_LARGE = (
    64 * 1024 * 1024
)  # bytes; what is larger takes seconds to read, and glideins read it too


def problem_of(path: Path, *, members: bool) -> str:
    """Return why glideins would refuse the archive, or nothing; ``members`` looks into it.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return f'expected a tar.gz, and "{path}" is none'
    if not members or path.stat().st_size > _LARGE:
        return ""
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                wrong = _wrong_with(member)
                if wrong:
                    return f'"{path}": glideins refuse {member.name!r}: {wrong}'
    except (tarfile.TarError, EOFError, zlib.error) as error:
        return f'expected a tar.gz, and "{path}" cannot be unpacked: {error}'
    return ""


def _wrong_with(member: tarfile.TarInfo) -> str:
    if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
        return "neither file, folder nor link"
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        return "it leaves its folder"
    if member.islnk() and _outside(PurePosixPath(member.linkname)):
        return f"a link to outside, {member.linkname!r}"
    if member.issym() and _outside(name.parent / member.linkname):
        return f"a link to outside, {member.linkname!r}"
    return ""


def _outside(path: PurePosixPath) -> bool:
    """Return whether ``path``, seen from the archive's folder, leaves it on the way."""
    depth = 0
    for part in path.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return path.is_absolute()
