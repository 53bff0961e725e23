"""The files of a configuration, sorted by what they speak of; see :mod:`.templates` for the rest.

::

    factory.toml         what the factory says
    templates/NAME.toml  a template; [templates.NAME] in factory.toml is one, too
    entries/NAME.toml    an entry; inherits = ["NAME", …] names its templates
    overrides/*.toml     in the order of their names: keys of factory.toml, [templates.NAME]
                         and [entries.NAME]; each wins over all that came before
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator import toml_file
from orchestrator.config.layers import Layer
from orchestrator.config.problems import Problem, as_written, dotted, meant
from orchestrator.config.values import NAME, NAME_RULE, is_entry_name
from orchestrator.toml_file import Lines, Place
from orchestrator.work_folder import FACTORY_FILE, OVERRIDES

ENTRIES = "entries"
TEMPLATES = "templates"
INHERITS = "inherits"


@dataclass
class Sources:
    """What the files say, in the order in which it counts; ``problems`` is what is no TOML, …

    A template or entry without a layer is one whose file cannot be read.
    """

    factory: list[Layer] = field(default_factory=list)
    templates: dict[str, list[Layer]] = field(default_factory=dict)
    entries: dict[str, list[Layer]] = field(default_factory=dict)  # the first is its file
    problems: list[Problem] = field(default_factory=list)

    def add_factory(self, file: str, data: dict[str, Any], lines: Lines) -> None:
        """Add ``factory.toml`` or an override of it."""
        kinds = {TEMPLATES: self.templates, ENTRIES: self.entries}
        for kind, known in kinds.items():
            tables = data.pop(kind, {})
            if not isinstance(tables, dict):
                said = f"expected a table, got {as_written(tables)}"
                self._blame(Layer(file, lines, {}), (kind,), said)
                continue
            for name, table in tables.items():
                self._add_table(kind, known, name, Layer(file, lines, table, (kind, name)))
        self.factory.append(Layer(file, lines, data))

    def _add_table(
        self, kind: str, known: dict[str, list[Layer]], name: str, layer: Layer
    ) -> None:
        if not isinstance(layer.data, dict):
            self._blame(layer, (), f"expected a table, got {as_written(layer.data)}")
        elif kind == ENTRIES and layer.file == FACTORY_FILE:
            self._blame(layer, (), f"an entry is a file: {ENTRIES}/{name}.toml")
        elif kind == ENTRIES and name not in known:
            said = f"no {ENTRIES}/{name}.toml to override{meant(name, known)}"
            self._blame(layer, (), said)
        elif kind == TEMPLATES and not NAME.fullmatch(name):
            self._blame(layer, (), f"expected a template's name: {NAME_RULE}")
        elif known.get(name) != []:  # else its file cannot be read
            known.setdefault(name, []).append(self._heir(layer))

    def add_file(
        self, known: dict[str, list[Layer]], file: str, name: str, text: Any
    ) -> None:
        """Add the file of one template or entry; ``text`` is None when it cannot be read."""
        known[name] = []
        if text is not None:
            data, lines = text
            known[name] = [self._heir(Layer(file, lines, data))]

    def _heir(self, layer: Layer) -> Layer:
        """Take out what a layer inherits, and bring its attributes into their long form."""
        data = dict(layer.data)
        inherits: tuple[str, ...] | None = None
        if INHERITS in data:
            said = data.pop(INHERITS)
            if isinstance(said, list) and all(isinstance(name, str) for name in said):
                inherits = tuple(said)
            else:
                expected = f"expected a list of templates, got {as_written(said)}"
                self._blame(layer, (INHERITS,), expected)
        return Layer(layer.file, layer.lines, long_form(data), layer.place, inherits)

    def _blame(self, layer: Layer, place: Place, said: str) -> None:
        key = dotted((*layer.place, *place))
        self.problems.append(Problem(layer.file, layer.line(place), key, said))


def long_form(data: dict[str, Any]) -> dict[str, Any]:
    """Write ``attributes.X = value`` as a table, so that a later layer may change only its value."""
    attributes = data.get("attributes")
    if not isinstance(attributes, dict):
        return data
    tables = {
        name: one if isinstance(one, dict) else {"value": one}
        for name, one in attributes.items()
    }
    return {**data, "attributes": tables}


def read(folder: Path) -> Sources:
    """Read all files of the configuration in ``folder``; what cannot be read is a problem."""
    sources = Sources()
    for name, file in _named(sources, folder, TEMPLATES, "a template's"):
        sources.add_file(sources.templates, file, name, _load(sources, folder, file))
    for name, file in _named(sources, folder, ENTRIES, "an entry's"):
        sources.add_file(sources.entries, file, name, _load(sources, folder, file))
    files = [FACTORY_FILE, *_files(folder, OVERRIDES)]
    for file in files:
        loaded = _load(sources, folder, file)
        if loaded is not None:
            sources.add_factory(file, *loaded)
    return sources


def _files(folder: Path, below: str) -> list[str]:
    return [f"{below}/{path.name}" for path in sorted((folder / below).glob("*.toml"))]


def _named(
    sources: Sources, folder: Path, below: str, whose: str
) -> Iterator[tuple[str, str]]:
    for file in _files(folder, below):
        name = Path(file).stem
        if NAME.fullmatch(name) and (below != ENTRIES or is_entry_name(name)):
            yield name, file
        else:
            said = f"the file's name cannot be {whose}: {NAME_RULE}"
            sources.problems.append(Problem(file, None, "", said))


def _load(sources: Sources, folder: Path, file: str) -> tuple[dict[str, Any], Lines] | None:
    try:
        return toml_file.load(folder / file)
    except toml_file.TomlError as error:
        sources.problems.append(Problem(file, error.line, "", str(error)))
        return None
