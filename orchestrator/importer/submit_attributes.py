"""``<submit_attrs>``, of an entry or of all: commands of a submit file, taken as they stand."""

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from orchestrator.config.values import Command, CommandValue
from orchestrator.importer import reference
from orchestrator.importer.report import Report
from orchestrator.importer.values import Fields, Said, problem_of
from orchestrator.importer.xml_file import Element

_COMMAND: TypeAdapter[Any] = TypeAdapter(Command)
_VALUE: TypeAdapter[Any] = TypeAdapter(CommandValue)


def read(
    elements: Iterable[Element], whose: str, report: Report, remarks: list[str]
) -> Said:
    """Return what the ``<submit_attr>`` elements say, by our key.

    Raises:
        ConfigError: one has no name.
    """
    found: Said = {}
    for element in elements:
        fields = Fields(element, reference.SUBMIT_ATTR, report, remarks)
        name, said = fields.needed("name").strip(), fields.needed("value")
        value, path = said.strip(), ("submit", "attributes", name)
        told = f'{whose}: {name}="{said}"'
        if fields.text("all_grid_types"):
            what = "all_grid_types: here a submit attribute is said whatever the grid type"
            report.add("mended", element.where, what, f"{whose}: {name}")
        if wrong := problem_of(_COMMAND, name) or problem_of(_VALUE, value):
            what = f"a submit attribute that cannot be said here ({wrong})"
            report.add("left", element.where, what, told)
            continue
        if found.get(path, value) != value:
            what = "a submit attribute that is there twice: the last one holds"
            report.add("mended", element.where, what, told)
        found[path] = value
    return found
