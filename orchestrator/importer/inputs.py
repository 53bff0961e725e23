"""Which of the given files is what: configuration, downtimes, or downtimes of OSG topology."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import ConfigError


@dataclass
class Inputs:
    """Files by what they are; ``xml`` in the order in which later ones win."""

    xml: list[Path] = field(default_factory=list)
    topology: list[Path] = field(default_factory=list)
    downtimes: list[Path] = field(default_factory=list)

    @property
    def xml_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.xml)


def sort(paths: Iterable[Path]) -> Inputs:
    """Tell files apart; a folder stands for its ``*.xml``, in the order of their names.

    Raises:
        ConfigError: a folder has none.
        OSError: a file cannot be read.
    """
    found = Inputs()
    for path in paths:
        if path.is_dir():
            within = sorted(path.glob("*.xml"))
            if not within:
                raise ConfigError(f"{path}: no *.xml in this folder")
            found.xml += within
        elif path.suffix in (".yaml", ".yml"):
            found.topology.append(path)
        elif path.suffix == ".xml" or _begins_as_xml(path):
            found.xml.append(path)
        else:
            found.downtimes.append(path)
    return found


def _begins_as_xml(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
