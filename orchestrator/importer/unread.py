"""What nobody read of the XML is told of, whatever it is: nothing is lost without a word."""

from collections.abc import Iterable

from orchestrator.importer.report import Report
from orchestrator.importer.xml_file import Element


def tell(elements: Iterable[Element], report: Report) -> None:
    """Note each attribute, in ``elements`` and all below them, that nobody has looked at."""
    for outer in elements:
        for element in outer.below():
            for key, said in element.attributes.items():
                if key not in element.looked_at:
                    what = f'<{element.tag} {key}="…">'
                    report.add("left", element.where, what, f'"{said}"')
            element.looked_at.update(element.attributes)
