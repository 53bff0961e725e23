"""What entries share, said once: a tree of templates, each entry below one of them.

At the top is what all have in common. Below it entries are put together by what they are:
what spares most is taken, first the grid type, then site, resource, country or gatekeeper.
A template says only keys that all its entries have, with the value of at least half of them.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.importer.values import Attr, Path, Said, Value

BASE = "base"
_WORTH = 80  # characters that a template must spare: it is one more file to read
_SITE: tuple[Path, ...] = (
    ("attributes", "GLIDEIN_CMSSite"),
    ("attributes", "GLIDEIN_Site"),
    ("attributes", "GLIDEIN_ResourceName"),
    ("attributes", "GLIDEIN_DUNESite"),
    ("attributes", "GLIDEIN_Country"),
    ("gatekeeper",),
)
_GROUP_BY = ((("grid_type",),), _SITE, _SITE, _SITE)  # by how deep in the tree
_IDENTITY = frozenset((("grid_type",), *_SITE))
_OWN = (("comment",),)  # what is an entry's alone, whoever says the same


@dataclass
class Template:
    """A template: what it says, and what holds below it with all it inherits itself."""

    name: str
    said: Said
    holds: Said
    parent: "Template | None" = None
    children: list["Template"] = field(default_factory=list)


@dataclass(frozen=True)
class Shared:
    """All templates, parents first, and the one of each entry (None: it inherits nothing)."""

    templates: list[Template]
    of: Mapping[str, Template | None]


def share(entries: Mapping[str, Said], defaults: Said) -> Shared:
    """Find the templates of ``entries``; ``defaults`` are what holds where nothing is said."""
    finder = _Finder(entries)
    names = sorted(entries)
    said = finder.common(names, defaults)
    if len(names) < 2 or not said:
        finder.place(names, None, defaults, 0)
    else:
        finder.place(names, finder.template(BASE, said, defaults, None), defaults, 0)
    return Shared(finder.templates, finder.of)


class _Finder:
    def __init__(self, entries: Mapping[str, Said]) -> None:
        self._entries = entries
        self._cost: dict[tuple[Path, Value], int] = {}
        self.templates: list[Template] = []
        self.of: dict[str, Template | None] = {}
        self._taken: set[str] = set()

    def place(
        self, names: Sequence[str], parent: Template | None, defaults: Said, depth: int
    ) -> None:
        """Put the entries ``names`` below ``parent``, or below a template of their own there."""
        holds = parent.holds if parent else defaults
        best: list[tuple[str, list[str], Said]] = []
        most = 0
        kinds = _GROUP_BY[depth] if depth < len(_GROUP_BY) else ()
        for path in kinds:
            groups = []
            gain = 0
            for value, group in self._groups(names, path).items():
                said = self.common(group, holds)
                spared = self._spared(group, said, holds) - _WORTH
                if spared > 0:
                    gain += spared
                    groups.append((_word(path, value), group, said))
            if gain > most:
                most, best = gain, groups
        rest = dict.fromkeys(names)
        for word, group, said in best:
            child = self.template(word, said, holds, parent)
            self.place(group, child, defaults, depth + 1)
            for name in group:
                del rest[name]
        if best and len(rest) > 1:
            self.place(list(rest), parent, defaults, depth + 1)
        else:
            self.of.update(dict.fromkeys(rest, parent))

    def template(
        self, word: str, said: Said, holds: Said, parent: Template | None
    ) -> Template:
        """Make a template of what is ``said``, with a name that no other has."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", word).strip(".-")[:60] or "shared"
        if name.lower() in self._taken and parent is not None and parent.name != BASE:
            name = f"{name}-{parent.name}"[:90]
        number, wanted = 1, name
        while name.lower() in self._taken:  # a file system may not tell a from A
            number += 1
            name = f"{wanted}-{number}"
        self._taken.add(name.lower())
        made = Template(name, said, {**holds, **said}, parent)
        self.templates.append(made)
        return made

    def common(self, names: Sequence[str], holds: Said) -> Said:
        """Return what a template of ``names`` would say, where ``holds`` holds already."""
        if len(names) < 2:
            return {}
        values: dict[Path, Counter[Value]] = {}
        for name in names:
            for path, value in self._entries[name].items():
                values.setdefault(path, Counter())[value] += 1
        said: Said = {}
        for path, counted in values.items():
            if path in _OWN or counted.total() < len(names):
                continue
            if path in _IDENTITY and len(counted) > 1:
                continue  # what an entry is, nobody looks for far away
            value, count = min(
                counted.items(),
                key=lambda item: (-item[1], self._cost_of(path, item[0]), repr(item[0])),
            )
            before = counted.get(holds[path], 0) if path in holds else 0
            if (
                count > before + 1
                and 2 * count >= len(names)
                and (path not in holds or holds[path] != value)
            ):
                said[path] = value
        return said

    def _spared(self, names: Sequence[str], said: Said, holds: Said) -> int:
        """Return how many characters a template that says ``said`` spares its entries."""
        spared = 0
        for path, value in said.items():
            cost = self._cost_of(path, value)
            before = holds.get(path)
            spared -= cost
            for name in names:
                own = self._entries[name][path]
                spared += cost if own == value else -cost if own == before else 0
        return spared

    def _cost_of(self, path: Path, value: Value) -> int:
        """Return about how long the line is that says it."""
        found = self._cost.get((path, value))
        if found is None:
            said = value.value if isinstance(value, Attr) else str(value)
            found = self._cost[path, value] = len(path[-1]) + len(said) + 6
        return found

    def _groups(self, names: Sequence[str], path: Path) -> dict[Value, list[str]]:
        groups: dict[Value, list[str]] = {}
        for name in names:
            value = self._entries[name].get(path)
            if value is not None:
                groups.setdefault(value, []).append(name)
        return {value: group for value, group in groups.items() if len(group) > 1}


def _word(path: Path, value: Value) -> str:
    """Return what a person would call the entries that have ``value`` at ``path``."""
    said = value.value if isinstance(value, Attr) else str(value)
    if path == ("gatekeeper",):
        said = said.split()[0] if said.split() else said
    return said or f"no-{path[-1]}"


def differing(said: Said, holds: Said) -> Iterator[tuple[Path, Value]]:
    """Yield what must be said where ``holds`` holds already."""
    for path, value in said.items():
        if path not in holds or holds[path] != value:
            yield path, value
