"""What entries inherit: templates, each after those that it inherits itself, and each once."""

from collections.abc import Iterator, Sequence
from typing import Any

from orchestrator.config.layers import Layer, put_on
from orchestrator.config.problems import Problem, dotted, meant
from orchestrator.config.sources import INHERITS, Sources


class Inheritance:
    """Puts entries and templates together; what several inherit is put together once."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._done: dict[tuple[str, ...], tuple[list[Layer], dict[str, Any]]] = {}

    def entry(self, name: str) -> tuple[list[Layer], dict[str, Any]] | None:
        """Return an entry's layers and what they say together.

        None when one of the files cannot be read.
        """
        own = self._sources.entries[name]
        names = self._in_order(_parents(own), (), {})
        if not own or not all(self._sources.templates[one] for one in names):
            return None
        layers, data = self._together(tuple(names))
        for layer in own:
            data = put_on(data, layer.data)
        return [*layers, *own], data

    def template(self, name: str) -> tuple[list[Layer], dict[str, Any]]:
        """Return likewise what an entry gets that inherits just this template."""
        return self._together(tuple(self._in_order((name,), (), {})))

    def _together(self, names: tuple[str, ...]) -> tuple[list[Layer], dict[str, Any]]:
        found = self._done.get(names)
        if found is None:
            if not names:
                return [], {}
            layers, data = self._together(names[:-1])
            for layer in self._sources.templates[names[-1]]:
                layers, data = [*layers, layer], put_on(data, layer.data)
            found = self._done[names] = layers, data
        return found

    def _in_order(
        self, names: Sequence[str], path: tuple[str, ...], found: dict[str, None]
    ) -> dict[str, None]:
        templates = self._sources.templates
        for name in names:
            if name not in found and name not in path and name in templates:
                self._in_order(_parents(templates[name]), (*path, name), found)
                found[name] = None
        return found

    def problems(self) -> Iterator[Problem]:
        """Yield templates that are not there, and those that inherit themselves."""
        templates = self._sources.templates
        for layers in (*templates.values(), *self._sources.entries.values()):
            for layer in layers:
                for index, name in enumerate(layer.inherits or ()):
                    if name not in templates:
                        said = f'no template "{name}"{meant(name, templates)}'
                        yield _at(layer, index, said)
        for name, layers in templates.items():
            if name in self._ancestors(name):
                yield _at(layers[-1], None, f'template "{name}" inherits itself')

    def _ancestors(self, name: str) -> set[str]:
        found: set[str] = set()
        new = [name]
        while new:
            for parent in _parents(self._sources.templates.get(new.pop(), [])):
                if parent not in found:
                    found.add(parent)
                    new.append(parent)
        return found


def _parents(layers: Sequence[Layer]) -> tuple[str, ...]:
    """Return the templates that are named by the last layer which names any."""
    return next((one.inherits for one in reversed(layers) if one.inherits is not None), ())


def _at(layer: Layer, index: int | None, said: str) -> Problem:
    place = (INHERITS,) if index is None else (INHERITS, index)
    return Problem(layer.file, layer.line(place), dotted((*layer.place, *place)), said)
