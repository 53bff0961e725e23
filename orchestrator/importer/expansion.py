"""``enable_attribute_expansion``: values that name other attributes, put in before all else.

``$(NAME)`` is the value of another attribute of the entry, or of the factory's; ``$$(NAME)`` the
same in quotes, unless it is a number; ``$(DOLLAR)`` is a dollar.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from orchestrator.errors import ConfigError
from orchestrator.importer import reference
from orchestrator.importer.report import Report
from orchestrator.importer.xml_file import Element

KEY = "enable_attribute_expansion"
_TRUE = ("true", "t", "yes", "y", "1")
_LIMIT = (
    64 * 1024
)  # characters: a few attributes that name each other twice would be many more
_NAMED = re.compile(r"(\$?)\$\(([^)]*)\)")
# What the reference makes attributes of an entry, by what the entry says.
_STANDARD = {
    "gatekeeper": "GLIDEIN_Gatekeeper",
    "gridtype": "GLIDEIN_GridType",
    "trust_domain": "GLIDEIN_TrustDomain",
    "auth_method": "GLIDEIN_SupportedAuthenticationMethod",
    "rsl": "GLIDEIN_GlobusRSL",
    "bosco_dir": "GLIDEIN_BoscoDir",
    "work_dir": "GLIDEIN_WorkDir",
    "verbosity": "GLIDEIN_Verbosity",
    "proxy_url": "GLIDEIN_ProxyURL",
}
_OF_ENTRY = (*_STANDARD, "vm_id", "vm_type")


def expand(root: Element, entries: Iterable[Element], report: Report) -> None:
    """Put values in where ``entries`` name them; the elements are changed.

    Raises:
        ConfigError: an attribute is named that is not there, or that names itself.
    """
    root.looked_at.add(KEY)
    if root.attributes.get(KEY, "False").strip().lower() not in _TRUE:
        return
    common = root.child("attrs")
    shared = [] if common is None else common.children
    moving = [one for one in shared if "$" in one.attributes.get("value", "")]
    for entry in entries:
        _entry(entry, shared, moving)
    if common is not None:
        common.children = [one for one in shared if one not in moving]
    for one in moving:
        what = "an attribute of the factory that names others: now said by each entry"
        report.add("mended", one.where, what, one.attributes.get("name", ""))


def _entry(entry: Element, shared: Iterable[Element], moving: Iterable[Element]) -> None:
    own = entry.child("attrs")
    attrs = Element("attrs", entry.file, entry.line) if own is None else own
    names = {one.attributes.get("name") for one in attrs.children}
    values = _Values(entry, (*shared, *attrs.children))
    # Members of a set share their list: each gets one of its own.
    expanded = replace(attrs, children=[])
    inherited = (one for one in moving if one.attributes.get("name") not in names)
    for one in (*attrs.children, *inherited):
        copy = replace(one, attributes=dict(one.attributes))
        if "value" in copy.attributes:
            copy.attributes["value"] = values.put_in(copy.attributes["value"], one)
        expanded.children.append(copy)
    entry.children = [one for one in entry.children if one is not own] + [expanded]
    for key in _OF_ENTRY:
        if key in entry.attributes:
            entry.attributes[key] = values.put_in(entry.attributes[key], entry)


class _Values:
    """The values of one entry's attributes, each expanded once."""

    def __init__(self, entry: Element, attributes: Iterable[Element]) -> None:
        self._places: dict[str, Element] = {}
        self._raw: dict[str, str] = {}
        self._whole: set[str] = set()  # names of those that are numbers
        for one in attributes:
            if not {"name", "value"} <= one.attributes.keys():
                continue
            name = one.attributes["name"]
            self._places[name], self._raw[name] = one, one.attributes["value"]
            self._whole.discard(name)
            if one.attributes.get("type") == "int":
                self._whole.add(name)
        said = {**reference.ENTRY, **entry.attributes}
        for key, name in _STANDARD.items():
            if key in said:
                self._places[name], self._raw[name] = entry, said[key]
        self._done: dict[str, str] = {}
        self._open: list[str] = []  # being expanded: they cannot be named by what they name

    def put_in(self, text: str, place: Element) -> str:
        """Return ``text`` with the values of the attributes that it names."""
        parts, done, length = [], 0, 0
        for named in _NAMED.finditer(text):
            said = "$" if named[0] == "$(DOLLAR)" else self._value(named[2], text, place)
            if named[1] and named[2] not in self._whole:
                escaped = said.replace('"', '\\"')
                said = f'"{escaped}"'
            parts += [text[done : named.start()], said]
            done = named.end()
            length += len(said)
            if length > _LIMIT:
                raise ConfigError(
                    f"{place.where}: more than {_LIMIT} characters, when $({named[2]}) is put in"
                )
        return "".join([*parts, text[done:]])

    def _value(self, name: str, text: str, place: Element) -> str:
        if name not in self._raw or name in self._open:
            why = "names itself" if name in self._open else "is not there"
            raise ConfigError(
                f"{place.where}: {text[:80]}: the attribute {name[:80]!r} {why}; a dollar alone"
                " is $(DOLLAR)"
            )
        if name not in self._done:
            self._open.append(name)
            self._done[name] = self.put_in(self._raw[name], self._places[name])
            self._open.pop()
        return self._done[name]
