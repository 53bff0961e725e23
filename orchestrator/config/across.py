"""Mistakes that no single key shows: what does not fit together, and files that are not there."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from orchestrator.config.archives import problem_of
from orchestrator.config.layers import Layer
from orchestrator.config.model import KEYS_AS_ATTRIBUTES, Entry, Factory, Part
from orchestrator.config.problems import Problem, as_written, meant, problem_at
from orchestrator.toml_file import Place
from orchestrator.worktree.entry_record import ALL_CLASSES

AnyPart = TypeVar("AnyPart", bound=Part)

_TARBALL = re.compile(
    r"condor-(?P<version>[0-9]+(\.[0-9]+)+)-(?P<arch>x86_64|aarch64|ppc64le)\.tar\.gz"
)


@dataclass(frozen=True)
class Read(Generic[AnyPart]):
    """What layers say together, and the layers, to say which one is wrong."""

    said: AnyPart
    layers: list[Layer]

    def blame(self, place: Place, what: str) -> Problem:
        return problem_at(self.layers, place, what)


def tarball_of(said: str) -> re.Match[str] | None:
    """Return version and processor (groups ``version`` and ``arch``) by a tarball's name."""
    return _TARBALL.fullmatch(Path(said).name)


def tarballs_meant(folder: Path, said: list[str]) -> list[str]:
    """Return the tarballs that ``condor_tarballs`` names; ``*`` in a name: the newest first.

    A name that fits no file stays as it is.
    """
    meant: list[str] = []
    for one in said:
        if "*" not in one:
            meant.append(one)
            continue
        path = folder / Path(one).expanduser()
        found = [str(Path(one).parent / file.name) for file in path.parent.glob(path.name)]
        fit = [(match, name) for name in found if (match := tarball_of(name))]
        fit.sort(
            key=lambda one: [int(n) for n in one[0]["version"].split(".")], reverse=True
        )
        meant += [name for _, name in fit if name not in meant] or [one]
    return meant


def across(
    folder: Path, factory: Read[Factory] | None, entries: Mapping[str, Read[Entry]]
) -> Iterator[Problem]:
    """Yield what is wrong with the configuration as a whole."""
    look = _Look(folder)
    if factory is not None:
        yield from _folder_problems(folder, factory)
        yield from _tarball_problems(look, factory)
        yield from _file_problems(look, factory)
    for entry in entries.values():
        yield from _file_problems(look, entry)
        yield from _said_twice(entry)
        if factory is not None:
            yield from _unknown_to(factory.said, entry)


class _Look:
    """Looks at files, at each once: entries that inherit a file have it in common."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[tuple[str, str], str] = {}

    def problem(self, said: str, kind: str = "") -> str:
        """Return what is wrong with the file ``said``, or nothing.

        ``kind`` is "untar" for what glideins unpack, "condor" for an HTCondor tarball.
        """
        if (said, kind) not in self._found:
            path = self._folder / Path(said).expanduser()
            wrong = ""
            if not path.is_file():
                wrong = f'expected a file, and "{path}" is none'
            elif not os.access(path, os.R_OK):
                wrong = f'"{path}" cannot be read'
            elif kind in ("untar", "condor"):
                wrong = problem_of(path, members=kind == "untar")
            self._found[said, kind] = wrong
        return self._found[said, kind]


def _folder_problems(folder: Path, factory: Read[Factory]) -> Iterator[Problem]:
    """Yield what is wrong with the places of stage and work tree.

    The stage is open to everybody, the others hold keys and tokens; and old files of the stage
    are thrown away.
    """
    stage = (folder / Path(factory.said.web.stage).expanduser()).resolve()
    work = (folder / Path(factory.said.work).expanduser()).resolve()
    settings = folder.resolve()
    for path, place in ((stage, ("web", "stage")), (work, ("work",))):
        if path.exists() and not path.is_dir():
            yield factory.blame(place, f'expected a folder, and "{path}" is none')
    if stage == work or stage in work.parents or work in stage.parents:
        what = f'expected a folder apart from "work", and "{stage}" is, holds or lies in "{work}"'
        yield factory.blame(("web", "stage"), what)
    elif stage == settings or stage in settings.parents:
        what = (
            f'expected a folder of its own, and "{stage}" holds the configuration:'
            " all in it is served to everybody"
        )
        yield factory.blame(("web", "stage"), what)


def _tarball_problems(look: _Look, factory: Read[Factory]) -> Iterator[Problem]:
    for index, said in enumerate(factory.said.condor_tarballs):
        wrong = look.problem(said, "condor")
        if "*" in said:
            wrong = (
                f'no HTCondor tarball is called "{said}": glidein-factory condor-tarball'
            )
        elif tarball_of(said) is None:
            wrong = f"expected condor-<version>-<processor>.tar.gz, got {as_written(said)}"
        if wrong:
            yield factory.blame(("condor_tarballs", index), wrong)


def _file_problems(look: _Look, part: Read[Factory] | Read[Entry]) -> Iterator[Problem]:
    """Yield what is wrong with the custom files of the factory or an entry."""
    seen: set[str] = set()
    for index, custom in enumerate(part.said.files):
        wrong = look.problem(custom.source, custom.kind)
        if wrong:
            yield part.blame(("files", index, "source"), wrong)
        if custom.out_name in seen:
            yield part.blame(
                ("files", index, "name"), f'"{custom.out_name}" is there twice'
            )
        seen.add(custom.out_name)


def _said_twice(entry: Read[Entry]) -> Iterator[Problem]:
    """Yield attributes that the entry says through a key of their own as well."""
    said = entry.said
    for table, key, attribute, _, _ in KEYS_AS_ATTRIBUTES:
        if attribute not in said.attributes:
            continue
        if getattr(getattr(said, table) if table else said, key) is not None:
            name = f"{table}.{key}" if table else key
            yield entry.blame(
                ("attributes", attribute), f'already said by the key "{name}"'
            )


def _unknown_to(factory: Factory, entry: Read[Entry]) -> Iterator[Problem]:
    """Yield what the entry names and the factory does not know."""
    said = entry.said
    if said.schedd is not None and said.schedd not in factory.schedd:
        has = ", ".join(factory.schedd)
        what = f'expected one of the factory\'s schedds ({has}), got "{said.schedd}"'
        yield entry.blame(("schedd",), what)
    if said.condor_version != "default":
        versions = {
            match["version"]
            for one in factory.condor_tarballs
            if (match := tarball_of(one))
        }
        if said.condor_version not in versions:
            has = ", ".join(sorted(versions)) or "none"
            what = (
                f'expected "default" or a version in condor_tarballs ({has}),'
                f' got "{said.condor_version}"'
            )
            yield entry.blame(("condor_version",), what)
    for name, classes in said.allow_frontends.items():
        place: Place = ("allow_frontends", name)
        for security_class in classes:
            if security_class != ALL_CLASSES or name not in factory.frontends:
                yield from _unknown_share(factory, entry, place, name, security_class)
    for share in said.limits.per_frontend:
        name, _, security_class = share.partition(":")
        place = ("limits", "per_frontend", share)
        yield from _unknown_share(factory, entry, place, name, security_class)


def _unknown_share(
    factory: Factory, entry: Read[Entry], place: Place, name: str, security_class: str
) -> Iterator[Problem]:
    """Yield that a Frontend, or its class, is not in the factory's [frontends]."""
    known = factory.frontends.get(name)
    if known is None:
        yield entry.blame(
            place, f'no Frontend "{name}" in [frontends]{meant(name, factory.frontends)}'
        )
    elif security_class not in known.classes:
        what = f'Frontend "{name}" has no class "{security_class}"'
        yield entry.blame(place, what + meant(security_class, known.classes))
