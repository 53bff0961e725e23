"""Make the HTCondor tarball that glideins unpack, and unpack it as they do.

A tarball made from Debian or from an installed HTCondor brings its own C library and loader and
runs from any folder of any Linux of its processor. The kernel wants a program's loader by an
absolute path, which is known on the worker node only; so each program here ends where that path
belongs, and unpacking appends it (RELOCATE lists the programs and their lengths).
glidein/lib/condor.sh does the same in bash, without starting a process.
"""

import fcntl
import hashlib
import io
import logging
import os
import re
import shutil
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import deflate
import sh

from orchestrator.errors import TarballError
from orchestrator.share import cache_dir
from orchestrator.tarball import condor_files, debian, elf
from orchestrator.tarball.condor_files import PROFILES, Selection

log = logging.getLogger(__name__)

PATH_BYTES = 1024  # room for the loader's path, a closing NUL included
ARCHITECTURES = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "ppc64el": "ppc64le",
}  # Debian's, uname's

_KEEP_DAYS = 7  # how long a tarball from Debian is reused without asking the archive
_LEVEL = 10  # of 12: the next one takes twice as long for a ten-thousandth
_PATCH_S = 300  # seconds before patchelf is given up
_NOT_LIBRARIES = re.compile(r"lib(js-|python|boost-python)|.*-perl$|.*-modules-")

Say = Callable[[str], None]


def from_debian(
    suite: str,
    arch: str,
    dest: Path,
    profile: str = "glidein",
    mirror: str = "",
    say: Say = log.info,
) -> Path:
    """Make the tarball of a Debian suite in the folder ``dest``; return its path.

    ``arch`` is Debian's name of the processor. Only unpacking and patching is done, so the
    processor may be another than this machine's.

    Raises:
        TarballError: unknown processor or suite, or the packages cannot be had.
    """
    if arch not in ARCHITECTURES:
        raise TarballError(
            f"arch: expected one of {', '.join(ARCHITECTURES)}; got {arch!r}"
        )
    _check_profile(profile)
    archive = debian.Suite(suite, arch, debian.find_mirror(mirror), say)
    packages = archive.fetch(["condor"], _is_library)
    with _scratch() as folder:
        root = folder / "root"
        owner: dict[str, debian.Package] = {}
        say(f"unpacking {len(packages)} packages")
        places = {package: folder / package.name for package in packages}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(debian.unpack, places.keys(), places.values()))
        for package, one in places.items():
            for path in sorted(one.rglob("*")):
                if path.is_file():
                    owner[path.name] = package
            _move_into(one, root)
        installed = condor_files.find_installed(root)

        def find(name: str, machine: str) -> Path | None:
            return _first(installed.library_folders, name, machine)

        chosen = condor_files.select(installed, profile, find, say)
        used = {
            owner[path.resolve().name]
            for path in [*chosen.files.values(), *chosen.libraries.values()]
        }
        facts = [
            f"package {p.name} {p.version} {p.source} {p.source_version}"
            for p in sorted(used, key=lambda package: package.name)
        ]
        documents = {
            f"share/doc/{p.source}/copyright": path
            for p in sorted(used, key=lambda package: package.name)
            if (path := root / "usr/share/doc" / p.name / "copyright").is_file()
        }
        source = f"debian {suite}{archive.lacking}"
        return _build(chosen, documents, source, facts, dest, profile, folder, say)


def from_dir(root: Path, dest: Path, profile: str = "glidein", say: Say = log.info) -> Path:
    """Make the tarball of an installed HTCondor: a prefix, or a whole root.

    Libraries are looked for in the folders the programs name, below ``root``, and then on
    this machine.

    Raises:
        TarballError: there is none, or a library of it is missing.
    """
    _check_profile(profile)
    if not root.is_dir():
        raise TarballError(f"{root}: not a folder")
    root = root.absolute()
    installed = condor_files.find_installed(root)
    folders = [*installed.library_folders, *_machine_folders()]

    def find(name: str, machine: str) -> Path | None:
        return _first(folders, name, machine)

    chosen = condor_files.select(installed, profile, find, say)
    with _scratch() as folder:
        return _build(chosen, {}, "dir", [], dest, profile, folder, say)


def from_tarball(
    file: Path, dest: Path, profile: str = "glidein", say: Say = log.info
) -> Path:
    """Pack what the profile needs of upstream's ``condor-…-stripped.tar.gz``.

    It keeps its dependency on the node's own C library: nothing in it is patched.

    Raises:
        TarballError: the file is no such tarball.
    """
    _check_profile(profile)
    with _scratch() as folder:
        say(f"unpacking {file.name}")
        _extract(file, folder / "upstream")
        tops = sorted((folder / "upstream").iterdir())
        if len(tops) != 1 or not (tops[0] / "sbin/condor_master").is_file():
            raise TarballError(
                f"{file}: expected one top folder holding sbin/condor_master"
            )
        return _repack(tops[0], file.name, dest, profile, folder, say)


def cached(
    suite: str = "trixie",
    profile: str = "glidein",
    arch: str = "amd64",
    say: Say = log.info,
) -> Path:
    """Return a tarball from Debian below the cache folder, made unless one of this week,
    by this program, is there.

    Raises:
        TarballError: it is not there and cannot be made.
    """
    folder = cache_dir() / "tarballs" / f"{suite}-{arch}-{profile}-{_recipe()}"
    folder.mkdir(parents=True, exist_ok=True)
    oldest = time.time() - _KEEP_DAYS * 86_400  # seconds a day
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of ours may be making it
        for path in folder.glob("condor-*.tar.gz"):
            if path.stat().st_mtime > oldest:
                return path
            path.unlink()
        return from_debian(suite, arch, folder, profile, say=say)


def unpack(tarball: Path, folder: Path) -> None:
    """Unpack a tarball and make its programs ready to run from ``folder``.

    Raises:
        TarballError: it is no HTCondor tarball, or the folder's path is too long.
    """
    folder = folder.absolute()
    _extract(tarball, folder)
    if not (folder / "sbin/condor_master").is_file():
        raise TarballError(f"{tarball}: no HTCondor tarball: it has no sbin/condor_master")
    relocate = folder / "RELOCATE"
    if not relocate.exists():
        return
    head, *lines = relocate.read_text().splitlines()
    _, size, interpreter = head.split(" ", 2)
    path = os.fsencode(folder / interpreter)
    if len(path) >= int(size):
        raise TarballError(
            f"path too long: {len(path)} bytes, at most {int(size) - 1}: {folder / interpreter}"
        )
    for line in lines:
        offset, _, place = line.partition(" ")
        with (folder / place).open("r+b") as program:
            program.seek(int(offset))
            program.write(path.ljust(int(size), b"\0"))


def _extract(tarball: Path, folder: Path) -> None:
    """Unpack a tar archive with GNU tar, which lets no member leave the folder.

    Python's own could only since 3.11.4, and Debian 12 has 3.11.2.
    """
    if not tarball.is_file():
        raise TarballError(f"{tarball}: no such file")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # It would take a colon in the name for a host's, and a backslash in a --directory away.
        words = ("--extract", "--no-same-owner", "--preserve-permissions", "--force-local")
        file = str(tarball.absolute())
        sh.Command("tar")(*words, "--file", file, _cwd=str(folder), _timeout=_PATCH_S)
    except sh.ErrorReturnCode as error:
        said = error.stderr.decode(errors="replace").strip().split("\n")[0]
        raise TarballError(f"{tarball}: not a tar archive, or damaged: {said}") from error
    except (OSError, sh.TimeoutException) as error:
        raise TarballError(f"{tarball}: cannot unpack: {error}") from error


def _build(
    chosen: Selection,
    documents: dict[str, Path],
    source: str,
    facts: list[str],
    dest: Path,
    profile: str,
    folder: Path,
    say: Say,
) -> Path:
    """Lay out the tree, make it relocatable, describe it and pack it."""
    tree = folder / "tree"
    files = chosen.files | {f"lib/{name}": path for name, path in chosen.libraries.items()}
    for place, path in (files | documents).items():
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, tree / place)
        (tree / place).chmod(_mode(place, path))
    for place, target in chosen.links.items():
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        (tree / place).symlink_to(target)

    say("making the programs relocatable")
    programs = [
        place
        for place in sorted(chosen.files)
        if elf.is_elf(tree / place) and elf.read(tree / place).interpreter
    ]
    for name, unused in chosen.dropped.items():
        elf.weaken(tree / "lib" / name, elf.exports(unused))
        _patchelf("--remove-needed", unused.name, str(tree / "lib" / name))
    _patch(tree, programs, [f"lib/{name}" for name in sorted(chosen.libraries)])
    lines = [f"# {PATH_BYTES} lib/{chosen.interpreter}"]
    lines += [f"{elf.detach_interpreter(tree / p, PATH_BYTES)} {p}" for p in programs]
    (tree / "RELOCATE").write_text("\n".join(lines) + "\n")
    (tree / "lib" / chosen.interpreter).chmod(0o755)
    left_out = sorted(chosen.left_out)
    return _pack(tree, chosen.machine, source, facts, left_out, dest, profile, say)


def _repack(top: Path, name: str, dest: Path, profile: str, folder: Path, say: Say) -> Path:
    """Pack the part of upstream's tree that the profile names; its libraries always."""
    installed = condor_files.find_installed(top)
    tree = folder / "tree"
    left_out = []
    for path in sorted(top.rglob("*")):
        place = path.relative_to(top).as_posix()
        if path.is_dir() and not path.is_symlink():
            continue
        library = place.startswith("lib/") and ".so" in path.name and "python" not in place
        wanted = place in installed.programs and condor_files.in_profile(place, profile)
        if not library and not wanted:
            left_out.append(place)
            continue
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            (tree / place).symlink_to(path.readlink())
        else:
            shutil.copyfile(path, tree / place)
            (tree / place).chmod(_mode(place, path))
    machine = elf.read(top / "sbin/condor_master").machine
    return _pack(tree, machine, f"tarball {name}", [], left_out, dest, profile, say)


def _patch(tree: Path, programs: list[str], libraries: list[str]) -> None:
    """Let programs look for libraries in lib/ first, and libraries beside themselves.

    A DT_RPATH of the program counts for all libraries that have none of their own, so only
    those that have one are changed.
    """
    by_path: dict[str, list[str]] = {}
    for place in programs:
        by_path.setdefault("$ORIGIN/" + "../" * place.count("/") + "lib", []).append(place)
    own = [place for place in libraries if elf.read(tree / place).run_path]
    if own:
        by_path["$ORIGIN"] = own
    for path, places in by_path.items():
        files = [str(tree / place) for place in places]
        _patchelf("--force-rpath", "--set-rpath", path, *files)


def _patchelf(*words: str) -> None:
    """Run the program that comes with the Python package, else the machine's."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("patchelf", path=beside)
    if not found:
        raise TarballError("patchelf is not there; the Python package patchelf brings it")
    try:
        sh.Command(found)(*words, _timeout=_PATCH_S)
    except sh.ErrorReturnCode as error:
        raise TarballError(f"patchelf: {error.stderr.decode().strip()}") from error


def _pack(
    tree: Path,
    machine: str,
    source: str,
    facts: list[str],
    left_out: list[str],
    dest: Path,
    profile: str,
    say: Say,
) -> Path:
    """Write MANIFEST and the tarball, the same bytes for the same tree."""
    version = _version(tree)
    manifest = [
        f"version {version}",
        f"arch {machine}",
        f"profile {profile}",
        f"source {source}",
    ]
    manifest += [*facts, *(f"left_out {what}" for what in left_out)]
    (tree / "MANIFEST").write_text("\n".join(manifest) + "\n")

    name = "condor" if profile == "glidein" else f"condor-{profile}"
    tarball = dest / f"{name}-{version}-{machine}.tar.gz"
    say(f"packing {tarball.name}")
    dest.mkdir(parents=True, exist_ok=True)
    part = dest / f".{tarball.name}.{os.getpid()}"
    try:
        # The gzip header this makes has no name and no time.
        part.write_bytes(deflate.gzip_compress(_tar(tree), _LEVEL))
        part.replace(tarball)
    except OSError as error:
        raise TarballError(f"{tarball}: cannot write: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return tarball


def _tar(tree: Path) -> bytes:
    """Return the tree as a tar archive: members sorted, without owner and time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(tree.rglob("*")):
            member = archive.gettarinfo(path, path.relative_to(tree).as_posix())
            member.uid = member.gid = member.mtime = 0
            member.uname = member.gname = ""
            if member.isdir():
                member.mode = 0o755
            if member.isreg():
                with path.open("rb") as file:
                    archive.addfile(member, file)
            else:
                archive.addfile(member)
    return packed.getvalue()


def _version(tree: Path) -> str:
    """Return HTCondor's version, which its binaries carry as text."""
    places = [*sorted(tree.glob("lib/**/libcondor_utils*")), tree / "sbin/condor_master"]
    for path in places:
        if found := re.search(rb"\$CondorVersion: (\d+\.\d+\.\d+) ", path.read_bytes()):
            return found[1].decode()
    raise TarballError("no HTCondor version found in libcondor_utils or condor_master")


def _mode(place: str, path: Path) -> int:
    """Return the permissions in the tarball: programs may run, all may read."""
    runs = place.split("/")[0] in ("bin", "sbin", "libexec") and os.access(path, os.X_OK)
    return 0o755 if runs else 0o644


def _is_library(package: str) -> bool:
    """Tell by a Debian package's name whether programs may load what is in it."""
    return package.startswith(("lib", "zlib")) and not _NOT_LIBRARIES.match(package)


def _first(folders: list[Path], soname: str, machine: str) -> Path | None:
    """Return the first file of that name that is made for that processor."""
    for folder in folders:
        path = folder / soname
        if path.is_file() and elf.is_elf(path) and elf.read(path).machine == machine:
            return path
    return None


def _machine_folders() -> list[Path]:
    """Return where this machine's loader looks for libraries."""
    folders = [Path(name) for name in ("/lib64", "/usr/lib64", "/lib", "/usr/lib")]
    folders += sorted(Path("/usr/lib").glob("*-linux-gnu*"))
    for file in sorted(Path("/etc/ld.so.conf.d").glob("*.conf")):
        folders += [Path(line) for line in file.read_text().split("\n") if line[:1] == "/"]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def _move_into(source: Path, root: Path) -> None:
    """Merge one unpacked package into the root; /lib and /lib64 are links into /usr there."""
    for path in sorted(source.rglob("*")):
        place = path.relative_to(source)
        if place.parts[0] in ("bin", "lib", "lib64", "sbin"):
            place = Path("usr") / place
        target = root / place
        if path.is_dir() and not path.is_symlink():
            target.mkdir(parents=True, exist_ok=True)
        elif not (target.exists() or target.is_symlink()):
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
    shutil.rmtree(source)


def _check_profile(profile: str) -> None:
    if profile not in PROFILES:
        raise TarballError(
            f"profile: expected one of {', '.join(PROFILES)}; got {profile!r}"
        )


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder of our own beside the cache, for large files; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tarball.", dir=cache_dir()) as name:
        yield Path(name)


def _recipe() -> str:
    """Return a short name for this program's way of making tarballs."""
    modules = (__file__, condor_files.__file__, debian.__file__, elf.__file__)
    text = b"".join(Path(module).read_bytes() for module in modules)
    return hashlib.sha256(text).hexdigest()[:8]
