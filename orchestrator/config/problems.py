"""Mistakes in the configuration, as somebody reads them who has to mend them.

Each names file, line and key, says what was expected and what stands there; a key that is not
known comes with those that look like it.
"""

import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestrator.config.layers import Layer, origin
from orchestrator.config.model import Part
from orchestrator.toml_file import Place

_EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a text in quotes",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "string_too_short": "something",
}


@dataclass(frozen=True)
class Problem:
    """One mistake: where, what stands there, what was expected."""

    file: str
    line: int | None
    key: str
    said: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (where, self.key, self.said) if part)


def problem_at(layers: Sequence[Layer], place: Place, said: str) -> Problem:
    """Return a mistake at ``place`` of ``layers``, blamed on the file that says it."""
    layer, there = origin(layers, place)
    return Problem(layer.file, layer.line(there), dotted((*layer.place, *there)), said)


def problems_of(
    model: type[Part], layers: Sequence[Layer], own: Layer, error: ValidationError
) -> Iterator[Problem]:
    """Yield what is wrong with the ``model`` that ``layers`` describe.

    ``own`` is the layer that has to say what nobody says.
    """
    for detail in error.errors(include_url=False):
        place = tuple(part for part in detail["loc"] if part != "[key]")
        if detail["type"] == "missing":
            key = dotted((*own.place, *place))
            yield Problem(own.file, own.line(place), key, "is missing")
        else:
            yield problem_at(layers, place, _explained(model, place, detail))


def unique(problems: Iterable[Problem]) -> list[Problem]:
    """Leave out repetitions: a template's mistake shows in each entry that inherits it."""
    return list(dict.fromkeys(problems))


def dotted(place: Place) -> str:
    """Write a place as a person would: files[0].kind."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def _explained(model: type[Part], place: Place, detail: ErrorDetails) -> str:
    """Say what was expected at ``place`` and what stands there."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(model, place)
    if kind == "literal_error":
        expected = f"one of {context['expected']}"
    elif kind == "greater_than_equal":
        expected = f"a number of at least {context['ge']}"
    elif kind == "less_than_equal":
        expected = f"a number of at most {context['le']}"
    elif kind == "value_error":
        expected = str(context["error"])
    else:
        expected = _EXPECTED.get(kind, detail["msg"])
    given = detail["input"]
    if isinstance(given, dict) and kind == "value_error":
        return expected  # of the table as a whole, and it names what it means
    return f"expected {expected}, got {as_written(given)}"


def as_written(value: Any) -> str:
    """Write a value as TOML would, shortened."""
    if isinstance(value, dict):
        return "a table"
    text = json.dumps(value, ensure_ascii=False, default=str)  # TOML's form, or near it
    return text if len(text) <= 80 else f"{text[:77]}…"


def meant(name: str, known: Iterable[str]) -> str:
    """Return a hint at names that look like ``name``, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=2)
    return _hint(close)


def _unknown(model: type[Part], place: Place) -> str:
    """Say that a key is not known, and which known ones look like it."""
    for part in place[:-1]:
        model = _model_below(model, part) or model
    known = dict(_keys(model))
    close = difflib.get_close_matches(str(place[-1]), known, n=2)
    return "unknown key" + _hint([known[name] for name in close])


def _hint(names: Iterable[str]) -> str:
    hint = " or ".join(f'"{name}"' for name in names)
    return f", did you mean {hint}?" if hint else ""


def _model_below(model: type[Part], part: str | int) -> type[Part] | None:
    """Return the model of the tables under key ``part``, None for a list's index and the like."""
    if part not in model.model_fields:
        return None
    kind = model.model_fields[str(part)].annotation
    found = [one for one in (kind, *get_args(kind)) if isinstance(one, type)]
    return next((one for one in found if issubclass(one, Part)), None)


def _keys(model: type[Part], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each key of ``model`` and of its tables, with its full name."""
    for name in model.model_fields:
        below = _model_below(model, name)
        if below is not None and not prefix:
            yield from _keys(below, f"{name}.")
        yield name, prefix + name
