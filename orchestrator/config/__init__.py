"""The configuration: ``factory.toml``, ``entries/*.toml``, their templates and overrides.

:func:`load` reads all of it and returns a :class:`Configuration`, or reports every mistake of
every file at once. Nothing here writes, and nothing else reads these files.

::

    values.py     what values keys take          layers.py     several files on top of each other
    model.py      what keys there are            templates.py  what entries inherit
    sources.py    what files there are           across.py     mistakes that no single key shows
    problems.py   what somebody reads who made a mistake
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from orchestrator.config.across import Read, across, tarball_of, tarballs_meant
from orchestrator.config.layers import Layer, flagged, put_on, settled
from orchestrator.config.model import Attribute, Entry, Factory, File, Part, key_attributes
from orchestrator.config.problems import Problem, problems_of, unique
from orchestrator.config.sources import (
    Sources,
    long_form,
    read,
)
from orchestrator.config.templates import Inheritance
from orchestrator.errors import ConfigError
from orchestrator.work_folder import FACTORY_FILE, work_folder

__all__ = [
    "Attribute",
    "Configuration",
    "Entry",
    "Factory",
    "File",
    "Tarball",
    "key_attributes",
    "load",
    "work_folder",
]

AnyPart = TypeVar("AnyPart", bound=Part)


@dataclass(frozen=True)
class Tarball:
    """An HTCondor tarball, by its name's own account."""

    path: Path
    version: str
    arch: str


@dataclass(frozen=True)
class Configuration:
    """Everything that the files say; relative paths are relative to ``folder``."""

    folder: Path
    factory: Factory
    entries: dict[str, Entry]  # the enabled ones, by name, sorted

    def path(self, said: str) -> Path:
        """Return the path that a file of this configuration means by ``said``."""
        return self.folder / Path(said).expanduser()

    @property
    def work(self) -> Path:
        return self.path(self.factory.work)

    @property
    def stage(self) -> Path:
        return self.path(self.factory.web.stage)

    @property
    def tarballs(self) -> list[Tarball]:
        """The HTCondor tarballs, in order of preference."""
        found = []
        for said in self.factory.condor_tarballs:
            match = tarball_of(said)
            assert match, said  # load() saw to it
            found.append(Tarball(self.path(said), match["version"], match["arch"]))
        return found


def load(folder: Path) -> Configuration:
    """Read the configuration in ``folder``.

    Raises:
        ConfigError: with one line for each mistake in any of the files.
    """
    sources = read(folder)
    problems = sources.problems
    inheritance = Inheritance(sources)
    problems += inheritance.problems()
    said: dict[str, Any] = {}
    for layer in sources.factory:
        said = put_on(said, long_form(layer.data))
    flags = said.get("attribute_flags")
    flags = flags if isinstance(flags, dict) else {}
    problems += _template_problems(sources, inheritance, flags)
    factory = None
    if sources.factory and sources.factory[0].file == FACTORY_FILE:
        layers = sources.factory
        factory = _valid(Factory, layers, layers[0], flagged(said, flags), problems)
    if factory is not None:
        meant = tarballs_meant(folder, factory.said.condor_tarballs)
        tarballs = {"condor_tarballs": meant}
        factory = Read(factory.said.model_copy(update=tarballs), factory.layers)
    entries: dict[str, Read[Entry]] = {}
    for name in sources.entries:
        found = inheritance.entry(name)
        if found is not None:
            layers, data = found
            data = flagged(data, flags)
            entry = _valid(Entry, layers, sources.entries[name][0], data, problems)
            if entry is not None:
                entries[name] = entry
    problems += across(folder, factory, entries)
    problems = unique(problems)
    if problems or factory is None:
        count = f"{len(problems)} mistake{'s' if len(problems) != 1 else ''}"
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise ConfigError(f"{count} in the configuration {folder}{listed}")
    enabled = {name: one.said for name, one in entries.items() if one.said.enabled}
    return Configuration(folder, factory.said, enabled)


def _valid(
    model: type[AnyPart],
    layers: list[Layer],
    own: Layer,
    data: dict[str, Any],
    problems: list[Problem],
) -> Read[AnyPart] | None:
    """Return what ``layers`` say together; mistakes go to ``problems``."""
    try:
        return Read(model.model_validate(settled(data)), layers)
    except ValidationError as error:
        problems += problems_of(model, layers, own, error)
        return None


# What a template need not say, so that all the rest of it can be checked before it is used.
_FILL_IN: dict[str, Any] = {"gatekeeper": "ce.example.org", "grid_type": "condor"}


def _template_problems(
    sources: Sources, inheritance: Inheritance, flags: Mapping[str, Any]
) -> Iterator[Problem]:
    """Yield the mistakes in templates, also in those that nobody inherits."""
    for name, own in sources.templates.items():
        if not own:
            continue
        layers, data = inheritance.template(name)
        data = {**_FILL_IN, **settled(flagged(data, flags))}
        attributes = data.get("attributes")
        if isinstance(attributes, dict):  # a value may come from the entry
            data["attributes"] = {
                key: {"value": "0", **one} if isinstance(one, dict) else one
                for key, one in attributes.items()
            }
        try:
            Entry.model_validate(data)
        except ValidationError as error:
            for problem in problems_of(Entry, layers, own[0], error):
                if problem.said != "is missing":
                    yield problem
