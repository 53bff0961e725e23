"""Several files that say the same thing: which one is heard, and which one said it.

A *layer* is a table of a file. Layers are put on top of each other: a later one's values win,
tables are merged key by key, and a list is replaced, or made longer by a table
``{ extend = [more, …] }`` in its place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from orchestrator.toml_file import Lines, Place

EXTEND = "extend"


@dataclass(frozen=True)
class Layer:
    """A table of a file: ``place`` is where in the file it stands; ``data`` is what it says.

    ``inherits`` are the templates it names, None when it says nothing of them.
    """

    file: str  # as messages name it
    lines: Lines
    data: dict[str, Any]
    place: Place = ()
    inherits: tuple[str, ...] | None = None

    def line(self, place: Place) -> int | None:
        """Return the line of ``place``, counted from the layer's table."""
        return self.lines.of((*self.place, *place))


def is_extension(value: Any) -> TypeGuard[dict[str, list[Any]]]:
    """Return whether ``value`` makes the list below longer."""
    return (
        isinstance(value, dict) and len(value) == 1 and isinstance(value.get(EXTEND), list)
    )


def put_on(below: Any, above: Any) -> Any:
    """Put one value on top of another; extensions stay where nothing is to extend yet."""
    if not isinstance(above, dict) or not isinstance(below, dict | list | str):
        return above
    if is_extension(above):
        more = above[EXTEND]
        if is_extension(below):
            return {EXTEND: [*below[EXTEND], *more]}
        if isinstance(below, list):
            return [*below, *more]
        return [below, *more] if isinstance(below, str) else above
    if not isinstance(below, dict) or is_extension(below):
        return above
    both = dict(below)
    for key, value in above.items():
        both[key] = put_on(both[key], value) if key in both else value
    return both


def settled(value: Any) -> Any:
    """Return ``value`` with each extension as the list that it is, nothing being below it."""
    if not isinstance(value, dict):
        return value
    if is_extension(value):
        return value[EXTEND]
    return {key: settled(below) for key, below in value.items()}


def flagged(data: dict[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``data`` with what ``flags`` says of its attributes, below what they say themselves."""
    attributes = data.get("attributes")
    if not flags or not isinstance(attributes, dict):
        return data
    known = {
        name: put_on(flags[name], one)
        if isinstance(one, dict) and isinstance(flags.get(name), dict)
        else one
        for name, one in attributes.items()
    }
    return {**data, "attributes": known}


def origin(layers: Sequence[Layer], place: Place) -> tuple[Layer, Place]:
    """Return the layer that said what stands at ``place`` of all ``layers`` together.

    Also its place there. For what nobody said, whoever spoke last of the nearest thing around it.
    """
    for depth, part in enumerate(place):
        if isinstance(part, int):
            found = _element(layers, place[:depth], part)
            if found is not None:
                layer, there = found
                return layer, (*there, *place[depth + 1 :])
            place = place[:depth]
            break
    for length in range(len(place), 0, -1):
        for layer in reversed(layers):
            if _get(layer.data, place[:length]) is not None:
                return layer, place
    return layers[-1], place


def _element(
    layers: Sequence[Layer], place: Place, index: int
) -> tuple[Layer, Place] | None:
    """Return who said the element ``index`` of the list at ``place``, and where."""
    parts: list[tuple[Layer, Place, int]] = []  # with its number of elements
    for layer in layers:
        value = _get(layer.data, place)
        if is_extension(value):
            parts.append((layer, (*place, EXTEND), len(value[EXTEND])))
        elif value is not None:
            parts = [(layer, place, len(value) if isinstance(value, list) else 1)]
    for layer, there, count in parts:
        if index < count:
            return layer, (*there, index)
        index -= count
    return None


def _get(data: Any, place: Place) -> Any:
    for part in place:
        if not isinstance(data, Mapping) or part not in data:
            return None
        data = data[part]
    return data
