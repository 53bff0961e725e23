"""The record of an entry in the work tree: all that its glideins are told, written by reconfig."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.arguments import Client, Pilot, glidein_arguments
from orchestrator.errors import FactoryError


@dataclass(frozen=True)
class EntryRecord:
    """What ``entries/NAME/entry.json`` says about glideins.

    Their arguments, the parameters that Frontends may override, and those nobody may.
    """

    pilot: Pilot
    parameters: dict[str, str]
    early: dict[str, str]

    def arguments(
        self,
        client: Client,
        parameters: Mapping[str, str],
        cluster: str = "0",
        process: str = "0",
    ) -> list[str]:
        """Return a glidein's arguments; ``parameters`` win over the entry's own.

        Raises:
            FactoryError: a value cannot be an argument of a batch job.
        """
        merged = {**self.parameters, **parameters, **self.early}
        try:
            return glidein_arguments(self.pilot, client, merged, cluster, process)
        except ValueError as error:
            raise FactoryError(str(error)) from error


def read_entry(work: Path, name: str) -> EntryRecord:
    """Read the record of entry ``name`` in the work tree ``work``.

    Raises:
        FactoryError: there is no such entry, or no reconfig yet, or the record is damaged.
    """
    path = work / "entries" / name / "entry.json"
    try:
        told = json.loads(path.read_text())
        parameters = {key: str(value) for key, value in told["parameters"].items()}
        return EntryRecord(Pilot(**told["arguments"]), parameters, dict(told["early"]))
    except FileNotFoundError as error:
        raise FactoryError(
            f"{path}: not there: no such entry, or no reconfig yet"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FactoryError(f"{path}: damaged, run reconfig again: {error!r}") from error
