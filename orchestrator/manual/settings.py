"""The page of the configuration: every key with its type, its default and its meaning."""

import functools
import inspect
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from orchestrator.config import model, values
from orchestrator.config.model import Entry, Factory, Part
from orchestrator.manual.roff import Page

NAME = "glidein-factory.toml"
_SAYS = {
    "Name": "a name: letters, digits and . _ -",
    "FrontendName": "a name",
    "Share": "FRONTEND:CLASS",
    "Line": "a line of text",
    "Word": "a word",
    "Schedd": "a schedd's name",
    "Schedds": "a schedd's name, or a list of them",
    "Collectors": '"HOST:PORT", or a list of them',
    "Url": "a URL",
    "Caches": '"None", "OSG", or a list of "http://HOST:PORT"',
    "Cpus": 'a number, "auto", "slot" or "node"',
    "AttributeName": "NAME",
    "Command": "a command of a submit file",
    "CommandValue": "a text, a number, true or false",
    "WorkDir": '".", "Condor", "OSG", "TMPDIR", "AUTO" or a path',
    "Classes": '"All", or a list of security classes',
    "Count": "a number from 1",
    "Bound": "a number from 0",
    "Seconds": "seconds, from 1",
    "Pause": "seconds, from 0",
}
_PLAIN = {str: "a text", int: "a number", float: "a number", bool: "true or false"}


@functools.cache
def meanings() -> dict[str, dict[str, str]]:
    """Return the meaning of each key, by the class of its table."""
    return tomllib.loads((Path(__file__).parent / "meanings.toml").read_text())


def page() -> Page:
    """Return the page."""
    made = Page(NAME, 5, "the configuration of a Glidein Factory")
    made.heading("DESCRIPTION")
    made.paragraph(
        "A folder: factory.toml has what all entries share, entries/NAME.toml one entry each,"
        " templates/NAME.toml what several entries have in common (inherits = [NAME, ...]),"
        " overrides/*.toml what holds for a while. Of several that say the same the later wins:"
        " templates in the order in which they are named, the entry, overrides. Tables are"
        " merged key by key. A list is replaced, or made longer: files = { extend = [...] }."
    )
    made.paragraph("glidein-factory init writes a commented one.")
    for title, root in (("FACTORY.TOML", Factory), ("ENTRIES/NAME.TOML", Entry)):
        made.heading(title)
        for table, part in tables(root):
            if table:
                made.heading(table, 2)
                made.paragraph(
                    " ".join((inspect.getdoc(part) or "").replace("``", "").split())
                )
            for key, field in part.model_fields.items():
                made.tagged(key, _about(part, key, field))
    made.heading("SEE ALSO")
    made.paragraph("glidein-factory-init(1), glidein-factory-reconfig(1)")
    return made


def tables(root: type[Part], place: str = "") -> list[tuple[str, type[Part]]]:
    """Return all tables from ``root`` down, with the place at which each stands."""
    found = [(f"[{place}]" if place else "", root)]
    for key, hint in typing.get_type_hints(root).items():
        if key not in root.model_fields:
            continue
        kind, part = _part_in(hint)
        below = f"{place}.{key}" if place else key
        if part is not None:
            ending = {"list": "[]", "dict": ".NAME", "": ""}[kind]
            found += tables(part, below + ending)
    return found


def _part_in(hint: Any) -> tuple[str, type[Part] | None]:
    """Return the class of a table, and whether there is a list or dict of them."""
    if isinstance(hint, type) and issubclass(hint, Part):
        return "", hint
    if get_origin(hint) in (list, dict):
        part = _part_in(get_args(hint)[-1])[1]
        return get_origin(hint).__name__, part
    return "", None


def _about(part: type[Part], key: str, field: FieldInfo) -> str:
    hint = typing.get_type_hints(part, include_extras=True)[key]
    return f"{meanings()[part.__name__][key]} ({_kind(hint)}; {_default(field)})"


def _kind(hint: Any) -> str:
    """Return in words what a key takes."""
    for name, said in _SAYS.items():
        if hint == getattr(values, name):
            return said
    origin, words = get_origin(hint), get_args(hint)
    if origin is typing.Annotated:
        return _kind(words[0])
    if origin is typing.Literal:
        return ", ".join(
            f'"{word}"' if isinstance(word, str) else str(word) for word in words
        )
    if origin in (types.UnionType, typing.Union):
        return _kind(next(word for word in words if word is not type(None)))
    if origin is list:
        return f"a list, each {_kind(words[0])}"
    if origin is dict:
        return f"a table: {_kind(words[0])} = {_kind(words[1])}"
    if isinstance(hint, type) and issubclass(hint, Part):
        return "a table"
    return _PLAIN[hint]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None or default is PydanticUndefined:
        return "none by default"
    if isinstance(default, model.Part) or default in ({}, []):
        return "optional"
    if isinstance(default, bool):
        return f"default {str(default).lower()}"
    return f'default "{default}"' if isinstance(default, str) else f"default {default}"
