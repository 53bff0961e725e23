"""Which files of an HTCondor go into a tarball, and where in it they lie.

The layout is upstream's: ``bin sbin libexec lib etc``. Two profiles: ``glidein`` is what a
worker node needs, ``pool`` is all that a personal pool, its users and its administrators need.
"""

import fnmatch
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import TarballError
from orchestrator.tarball import elf

PROFILES: dict[str, tuple[str, ...]] = {
    "glidein": (
        "sbin/condor_advertise",
        "sbin/condor_fetchlog",
        "sbin/condor_master",
        "sbin/condor_off",
        "sbin/condor_on",
        "sbin/condor_procd",
        "sbin/condor_reconfig",
        "sbin/condor_startd",
        "sbin/condor_starter",
        "bin/condor_config_val",
        "bin/condor_drain",
        "bin/condor_nsenter",
        "bin/condor_ping",
        "bin/condor_status",
        "bin/condor_version",
        "bin/condor_who",
        "libexec/condor_chirp",
        "libexec/condor_gpu_discovery",
        "libexec/condor_gpu_utilization",
        "libexec/condor_kflops",
        "libexec/condor_mips",
        "libexec/condor_pid_ns_init",
        "libexec/condor_power_state",
        "libexec/condor_shared_port",
        "libexec/condor_ssh_to_job_*",
        "libexec/curl_plugin",
        # Without it no startd believes in containers. get_user_ns, beside it, is asked for by
        # no program, and has 0.3 MB.
        "libexec/singularity_test_sandbox/exit_37",
        "lib/condor_ssh_to_job_sshd_config_template",
        "lib/libgetpwnam.so",
    ),
    "pool": (
        "sbin/*",
        "bin/*",
        "libexec/*",
        "libexec/blahp/*",
        "libexec/singularity_test_sandbox/*",
        "etc/blah.config",
        "etc/blahp/*",
        "lib/condor_ssh_to_job_sshd_config_template",
        "lib/libgetpwnam.so",
    ),
}
# What HTCondor runs in a container to see whether it can. Its empty folders dev and proc are made where
# it is used.
SANDBOX = "libexec/singularity_test_sandbox"
ESSENTIAL = ("sbin/condor_master", "sbin/condor_startd", "sbin/condor_starter")

# Loaded by the C library by a name that it puts together: users, groups and hosts.
_ALSO_LOADED = {"libnss_dns.so.2", "libnss_files.so.2"}
# Needed by a library but never called: by library, what is dropped from its needs, and why.
DROPPED = {
    "libcurl.so.4": (
        "librtmp.so.1",
        "video streams; it would bring GnuTLS, a fifth of all",
    ),
}
_LIBRARY_FOLDERS = ("lib", "lib64", "lib/condor", "lib64/condor")


@dataclass(frozen=True)
class Installed:
    """An HTCondor below ``root``: its programs by their place in a tarball, and where to
    look for libraries, in order."""

    programs: dict[str, Path]
    library_folders: list[Path]


@dataclass
class Selection:
    """What goes in: files by their place in the tarball, each link with its target, libraries
    by soname; and what does not, with the reason where it is not the profile."""

    files: dict[str, Path] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    libraries: dict[str, Path] = field(default_factory=dict)
    dropped: dict[str, Path] = field(default_factory=dict)  # by the library that needs it
    interpreter: str = ""  # soname of the loader, one of the libraries
    machine: str = ""
    left_out: list[str] = field(default_factory=list)


def find_installed(root: Path) -> Installed:
    """Look at a prefix (``root/sbin/condor_master``) or a root (``root/usr/sbin/…``).

    Raises:
        TarballError: there is no HTCondor.
    """
    prefixes = [root / "usr", root, root / "usr/local", root / "opt/condor"]
    prefix = next((p for p in prefixes if (p / "sbin/condor_master").is_file()), None)
    if not prefix:
        raise TarballError(
            f"{root}: no HTCondor there: neither usr/sbin nor sbin has condor_master"
        )
    libexec = next(
        (
            folder
            for folder in (
                prefix / "libexec/condor",
                prefix / "lib/condor/libexec",
                prefix / "libexec",
            )
            if (folder / "condor_shared_port").is_file()
        ),
        prefix / "libexec",
    )
    places = {
        "sbin": prefix / "sbin",
        "bin": prefix / "bin",
        "libexec": libexec,
        "libexec/blahp": prefix / "libexec/blahp",
        SANDBOX: libexec / SANDBOX.rpartition("/")[2],
        "etc": (root / "etc") if prefix == root / "usr" else prefix / "etc",
        "etc/blahp": (root / "etc/blahp")
        if prefix == root / "usr"
        else prefix / "etc/blahp",
    }
    for name in ("lib64", "lib", "lib64/condor", "lib/condor"):
        places[f"lib {name}"] = prefix / name
    programs: dict[str, Path] = {}
    for place, folder in places.items():
        if folder.is_dir():
            found = [path for path in sorted(folder.iterdir()) if _is_ours(place, path)]
            programs |= {f"{place.split()[0]}/{path.name}": path for path in found}
    bases = list(dict.fromkeys((prefix, root, root / "usr")))
    folders = [base / name for base in bases for name in _LIBRARY_FOLDERS]
    folders += [
        path for base in bases for path in sorted((base / "lib").glob("*-linux-gnu*"))
    ]
    return Installed(programs, [folder for folder in folders if folder.is_dir()])


def select(
    installed: Installed,
    profile: str,
    find: Callable[[str, str], Path | None],
    progress: Callable[[str], None],
) -> Selection:
    """Choose the profile's programs and every library that they load.

    ``find(soname, machine)`` returns a library's file. A program is left out when a library
    it needs is not there; an essential one is an error.

    Raises:
        TarballError: an essential program, or one of its libraries, is not there.
    """
    chosen = Selection()
    for place, path in sorted(installed.programs.items()):
        if not in_profile(place, profile):
            chosen.left_out.append(place)
        elif not path.exists():
            chosen.left_out.append(f"{place} (a link to nothing)")
        elif not path.is_symlink() or not _link_inside(installed, place, path, chosen):
            chosen.files[place] = path
    missing = [place for place in ESSENTIAL if place not in chosen.files]
    if missing:
        raise TarballError(f"incomplete HTCondor: {', '.join(missing)} not found")
    progress("following the libraries that the programs load")
    _follow_libraries(chosen, find)
    return chosen


def in_profile(place: str, profile: str) -> bool:
    """Tell whether the profile wants what lies there; * in it stops at a slash."""
    return any(
        place.count("/") == pattern.count("/") and fnmatch.fnmatchcase(place, pattern)
        for pattern in PROFILES[profile]
    )


def _is_ours(place: str, path: Path) -> bool:
    """Tell HTCondor's files from the others of a shared folder such as /usr/bin."""
    if path.is_dir():
        return False
    if place in ("libexec", "libexec/blahp", SANDBOX, "etc/blahp"):
        # Python needs modules that no tarball carries, save for what blahp runs by itself.
        return place != "libexec" or path.suffix not in (".py", ".wsgi")
    names = {
        "bin": ("condor_*", "blahpd", "classad_version"),
        "sbin": ("condor_*", "*gahp*", "blah*", "procd_ctl", "gidd_alloc", "rvgahp_*"),
        "etc": ("blah.config",),
    }.get(place, ("condor_ssh_to_job_*", "libgetpwnam.so"))
    return any(fnmatch.fnmatchcase(path.name, name) for name in names)


def _link_inside(installed: Installed, place: str, path: Path, chosen: Selection) -> bool:
    """Note a link whose target has a place of its own, as a link relative to that place."""
    target = path.resolve()
    for other, candidate in sorted(installed.programs.items()):
        if candidate.resolve() == target and not candidate.is_symlink() and other != place:
            up = (
                "../" * place.count("/")
                if other.split("/")[0] != place.split("/")[0]
                else ""
            )
            chosen.links[place] = up + (other if up else other.split("/", 1)[1])
            return True
    return False


def _follow_libraries(chosen: Selection, find: Callable[[str, str], Path | None]) -> None:
    """Fill in ``libraries`` and ``interpreter``; leave out programs that lack a library."""
    objects = {place: path for place, path in chosen.files.items() if elf.is_elf(path)}
    chosen.machine = elf.read(objects[ESSENTIAL[0]]).machine
    known: dict[str, tuple[Path, set[str]] | None] = {}

    def library(soname: str) -> tuple[Path, set[str]] | None:
        if soname not in known:
            path = find(soname, chosen.machine)
            needed = set(elf.read(path).needed) if path else set()
            unused, why = DROPPED.get(soname, ("", ""))
            if unused in needed and (dropped := find(unused, chosen.machine)):
                needed.remove(unused)
                chosen.dropped[soname] = dropped
                chosen.left_out.append(f"lib/{unused} ({why})")
            known[soname] = (path, needed) if path else None
        return known[soname]

    def closure(needed: Iterable[str]) -> tuple[set[str], str]:
        """Return all that is needed, and the first of it that is not there."""
        todo, seen = list(needed), set[str]()
        while todo:
            soname = todo.pop()
            if soname in seen:
                continue
            found = library(soname)
            if not found:
                return seen, soname
            seen.add(soname)
            todo += sorted(found[1])
        return seen, ""

    sonames: set[str] = set()
    for place, path in objects.items():
        program = elf.read(path)
        if program.machine != chosen.machine:
            needed, lacking = set[str](), f"a processor of kind {program.machine}"
        else:
            needed, lacking = closure(program.needed)
        if lacking and place in ESSENTIAL:
            raise TarballError(f"{path}: needs {lacking}, which is not there")
        if lacking:
            del chosen.files[place]
            chosen.left_out.append(f"{place} (needs {lacking})")
            continue
        sonames |= needed
        if place == ESSENTIAL[0]:
            chosen.interpreter = Path(program.interpreter).name
            sonames.add(chosen.interpreter)
    dangling = [
        place
        for place, target in chosen.links.items()
        if _resolved(place, target) not in chosen.files
    ]
    for place in dangling:
        chosen.left_out.append(f"{place} (a link to {chosen.links.pop(place)})")

    ours = [path for place, path in objects.items() if place in chosen.files]
    ours += [
        path
        for name in sorted(sonames)
        if name.startswith(("libcondor", "libclassad"))
        for path, _ in [library(name) or (Path(), set())]
    ]
    for name in sorted(
        _ALSO_LOADED.union(*(elf.mentioned(path) for path in ours)) - sonames
    ):
        if not library(name) or name in (Path(place).name for place in chosen.files):
            continue  # the node's own, if it has it: drivers of GPUs, systemd
        needed, lacking = closure([name])
        if lacking:
            chosen.left_out.append(f"lib/{name} (needs {lacking})")
        else:
            sonames |= needed
    for soname in sorted(sonames):
        found = library(soname)
        if not found:
            raise TarballError(f"{soname}: the loader is not there")
        chosen.libraries[soname] = found[0]


def _resolved(place: str, target: str) -> str:
    folder = place.rsplit("/", 1)[0]
    return target.removeprefix("../") if target.startswith("../") else f"{folder}/{target}"
