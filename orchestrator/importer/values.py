"""Numbers, truth values and texts of the XML: read once, with what the reference takes for granted.

Each attribute that is read is marked in its element; :mod:`unread` tells of all others.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from orchestrator.config.model import Attribute, File, Part
from orchestrator.config.values import AttributeName
from orchestrator.errors import ConfigError
from orchestrator.importer import reference
from orchestrator.importer.report import Report
from orchestrator.importer.xml_file import Element

Path = tuple[str, ...]  # of a key in our files: ("limits", "entry", "idle")
FLAGS = ("publish", "parameter", "const", "glidein_publish", "job_publish")

_NAMES: TypeAdapter[str] = TypeAdapter(AttributeName)
_INT = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class Attr:
    """An attribute as it holds in the end; ``flags`` in the order of FLAGS."""

    value: str
    type: str
    flags: tuple[bool, bool, bool, bool, bool]


@dataclass(frozen=True)
class Table:
    """A table within a list, as something that can be compared and counted."""

    items: tuple[tuple[str, "Value"], ...]


Value = str | int | float | bool | tuple["Value", ...] | Attr | Table
Said = dict[Path, Value]


@dataclass
class Fields:
    """The attributes of one element, or of one that is not there."""

    element: Element | None
    defaults: Mapping[str, str]
    report: Report
    remarks: list[str]  # gets what "comment" says

    def __post_init__(self) -> None:
        if self.element is None:
            return
        self.element.looked_at.add("comment")
        if comment := self.element.attributes.get("comment", "").strip():
            name = self.element.attributes.get("name", self.element.tag)
            if (remark := f"{name}: {comment}") not in self.remarks:
                self.remarks.append(remark)

    @property
    def where(self) -> str:
        return "" if self.element is None else self.element.where

    def text(self, key: str) -> str | None:
        """Return what is said, or what the reference takes for said, or None."""
        if self.element is None:
            return self.defaults.get(key)
        self.element.looked_at.add(key)
        return self.element.attributes.get(key, self.defaults.get(key))

    def needed(self, key: str) -> str:
        """Return what must be said.

        Raises:
            ConfigError: it is not.
        """
        said = self.text(key)
        if said is None:
            tag = "" if self.element is None else self.element.tag
            raise ConfigError(f'{self.where}: <{tag}>: "{key}" is missing')
        return said

    def flag(self, key: str) -> bool:
        """Return a truth value.

        Raises:
            ConfigError: it is neither "True" nor "False".
        """
        said = self.needed(key)
        if said not in ("True", "False"):
            raise self._wrong(key, '"True" or "False"')
        return said == "True"

    def number(self, key: str) -> int:
        """Return a whole number.

        Raises:
            ConfigError: it is none.
        """
        said = self.needed(key).strip()
        if not _INT.fullmatch(said) or len(said) > 18:
            raise self._wrong(key, "a whole number")
        return int(said)

    def decimal(self, key: str) -> float:
        """Return a number; a whole one as an integer.

        Raises:
            ConfigError: it is none.
        """
        said = self.needed(key).strip()
        if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15}", said):
            raise self._wrong(key, "a number")
        found = float(said)
        return int(found) if found.is_integer() else found

    def _wrong(self, key: str, expected: str) -> ConfigError:
        name = "" if self.element is None else self.element.attributes.get("name", "")
        return ConfigError(
            f'{self.where}: {name}: {key}: expected {expected}, got "{self.text(key)}"'
        )


def problem_of(kind: type[Part] | TypeAdapter[Any], given: Any) -> str:
    """Return why our configuration refuses ``given``, or nothing."""
    try:
        if isinstance(kind, TypeAdapter):
            kind.validate_python(given, strict=True)
        else:
            kind.model_validate(given)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        said = str(detail.get("ctx", {}).get("error") or detail["msg"])
        key = ".".join(str(part) for part in detail["loc"] if part != "[key]")
        return f"{key}: {said}" if key else said
    return ""


def attributes(
    elements: Iterable[Element], whose: str, report: Report, remarks: list[str]
) -> dict[str, Attr]:
    """Return the attributes that the ``<attr>`` elements of an entry, or the factory, say.

    Raises:
        ConfigError: what the reference would refuse, too: a flag, a number, two different ones.
    """
    found: dict[str, Attr] = {}
    places: dict[str, str] = {}
    for element in elements:
        fields = Fields(element, reference.ATTR, report, remarks)
        name = fields.needed("name")
        one = _attribute(name, whose, fields, report)
        if one is None:
            continue
        if found.get(name, one) != one:
            raise ConfigError(
                f'{element.where}: {whose}: attribute "{name}" is there twice, with different'
                f" values; the first is {places[name]}"
            )
        if name in found:
            what = "an attribute that is there twice, the same: once here"
            report.add("mended", element.where, what, f"{whose}: {name}")
        found[name], places[name] = one, element.where
    return found


def _attribute(name: str, whose: str, fields: Fields, report: Report) -> Attr | None:
    said = fields.needed("value")
    value = said.strip()
    kind = fields.needed("type")
    if kind not in ("string", "int", "expr"):
        raise ConfigError(
            f'{fields.where}: {name}: type: expected "string", "int" or "expr", got "{kind}"'
        )
    if kind == "int":
        fields.number("value")
    if value != said:
        what = "blanks around an attribute's value, which glideins never saw: gone"
        report.add("mended", fields.where, what, f'{whose}: {name}="{said}"')
    publish, parameter, const, in_ad, in_job = (fields.flag(key) for key in FLAGS)
    if (in_ad or in_job) and not parameter:
        what = "glidein_publish and job_publish of no parameter, which say nothing: gone"
        report.add("mended", fields.where, what, f"{whose}: {name}")
        in_ad = in_job = False
    flags = (publish, parameter, const, in_ad, in_job)
    table = {"value": value, "type": kind} | dict(zip(FLAGS, flags, strict=True))
    wrong = problem_of(Attribute, table) or problem_of(_NAMES, name)
    if wrong:
        what = f"an attribute that cannot be said here ({wrong})"
        report.add("left", fields.where, what, f'{whose}: {name}="{said}"')
        return None
    return Attr(value, kind, flags)


def files(
    elements: Iterable[Element], whose: str, report: Report, remarks: list[str]
) -> tuple[Table, ...]:
    """Return the ``<file>`` elements of an entry, or the factory, as our [[files]]."""
    found = []
    names: set[str] = set()
    for element in elements:
        fields = Fields(element, reference.FILE, report, remarks)
        one = _file(fields, whose, report, remarks)
        if one is None:
            continue
        out = str(one.get("name") or FilePath(str(one["source"])).name)
        if out in names:
            what = "a file that glideins would know by a name that another has: the first one holds"
            report.add("left", element.where, what, f"{whose}: {one['source']}: {out}")
            continue
        names.add(out)
        found.append(Table(tuple(one.items())))
    return tuple(found)


def _file(
    fields: Fields, whose: str, report: Report, remarks: list[str]
) -> dict[str, Value] | None:
    assert fields.element is not None
    source = fields.needed("absfname")
    kind = fields.text("type")
    flags = {
        "exec": fields.flag("executable"),
        "wrapper": fields.flag("wrapper"),
        "untar": fields.flag("untar"),
    }
    if sum(flags.values()) > 1:
        raise ConfigError(
            f"{fields.where}: {source}: executable, wrapper or untar, not several"
        )
    if kind is None:
        kind = next((one for one, is_one in flags.items() if is_one), "regular")
    if not fields.flag("const"):
        kind = "nocache"
    one: dict[str, Value] = {"source": source}
    if fields.text("relfname"):
        one["name"] = fields.needed("relfname")
    if kind != "regular":
        one["kind"] = kind
    if kind.startswith("exec") and (period := fields.number("period")):
        one["period_s"] = period
        if (prefix := fields.needed("prefix")) != reference.FILE["prefix"]:
            one["prefix"] = prefix
    if fields.flag("after_entry"):
        what = (
            "a file after the entry's (after_entry=\"True\"): here the factory's come first"
        )
        report.add("left", fields.where, what, source)
    options = Fields(
        fields.element.child("untar_options"), reference.UNTAR_OPTIONS, report, remarks
    )
    if kind == "untar":
        name = str(one.get("name") or source.rpartition("/")[2])
        one["untar_dir"] = options.text("dir") or name.partition(".")[0]
        if out := options.text("absdir_outattr"):
            one["config_out"] = out
        if (condition := options.needed("cond_attr")) != "TRUE":
            one["condition"] = condition
    wrong = problem_of(File, one)
    if wrong:
        what = f"a file that glideins cannot bring here ({wrong})"
        report.add("left", fields.where, what, f"{whose}: {source}")
        return None
    return one
