"""OpenMetrics as text: families of samples, put together from parts that are kept.

A family's samples must stand together, while an entry's come and change together; so each thing
has a :class:`Samples`, and :func:`page` joins them family by family.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Family(NamedTuple):
    """A metric: its name (without the ``_total`` of a counter's samples), and what it says."""

    name: str
    kind: Literal["gauge", "counter", "info"]
    help: str

    @property
    def unit(self) -> str:
        """The unit, which the name ends with; "" for plain numbers."""
        for unit in ("seconds", "bytes"):
            if self.name.endswith(f"_{unit}"):
                return unit
        return ""

    @property
    def suffix(self) -> str:
        return {"gauge": "", "counter": "_total", "info": "_info"}[self.kind]


class Samples:
    """The samples of one thing, as lines by family."""

    def __init__(self) -> None:
        self.lines: dict[str, str] = {}

    def add(self, family: Family, value: float | None, **labels: str) -> None:
        """Add a sample; one that is not known is left out, for it is not zero."""
        if value is None or math.isnan(value):
            return
        text = ",".join(f'{name}="{_escaped(said)}"' for name, said in labels.items())
        shown = int(value) if value == int(value) else value
        braces = f"{{{text}}}" if text else ""
        line = f"{family.name}{family.suffix}{braces} {shown}\n"
        self.lines[family.name] = self.lines.get(family.name, "") + line


def page(families: Iterable[Family], samples: Iterable[Mapping[str, str]]) -> str:
    """Return all of it; families of which there is no sample are left out."""
    all_samples = list(samples)
    parts = []
    for family in families:
        lines = "".join([one[family.name] for one in all_samples if family.name in one])
        if not lines:
            continue
        parts.append(f"# TYPE {family.name} {family.kind}\n")
        if family.unit:
            parts.append(f"# UNIT {family.name} {family.unit}\n")
        parts.append(f"# HELP {family.name} {_escaped(family.help)}\n{lines}")
    return "".join((*parts, "# EOF\n"))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
