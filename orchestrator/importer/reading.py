"""What the readers of the factory's part have in common: where they read, and what they make."""

from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from orchestrator.importer.report import Report
from orchestrator.importer.values import Fields, Said, Value, problem_of
from orchestrator.importer.xml_file import Element


@dataclass
class Factory:
    """What ``factory.toml`` will say, and what all entries get from it."""

    said: Said = field(default_factory=dict)
    frontends: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    schedds: list[str] = field(default_factory=list)
    recoverable: tuple[Value, ...] = ()
    submit: Said = field(default_factory=dict)  # of entries that do not say it themselves
    remarks: list[str] = field(default_factory=list)


@dataclass
class Reading:
    """One reading of ``<glidein>``, and the factory that comes of it."""

    root: Element
    report: Report
    made: Factory = field(default_factory=Factory)

    def fields(self, element: Element | None) -> Fields:
        """Return an element's attributes, for which there are no defaults."""
        return Fields(element, {}, self.report, self.made.remarks)

    def members(self, tag: str) -> list[Element]:
        """Return what is in a list of the factory's."""
        found = self.root.child(tag)
        return [] if found is None else found.children

    def left(self, element: Element, why: str) -> None:
        """Tell of an element that has no counterpart, with all its attributes."""
        self.report.add("left", element.where, f"<{element.tag}>: {why}", element.said)
        element.pass_over()

    def checked(self, kind: Any, said: Any, fields: Fields, key: str) -> bool:
        """Return whether our configuration takes ``said``; if not, tell of it."""
        wrong = problem_of(TypeAdapter(kind), said)
        if wrong:
            what = f"{key}: a value that cannot be said here ({wrong})"
            self.report.add("left", fields.where, what, f'"{said}"')
        return not wrong

    def positive(self, path: tuple[str, ...], fields: Fields, key: str) -> None:
        """Read a number from 1."""
        number = fields.number(key)
        if number >= 1:
            self.made.said[path] = number
        else:
            what = f"{key}: a number below 1: as by default here"
            self.report.add("mended", fields.where, what, f'{key}="{number}"')
