"""The record of an entry in the work tree: all that its daemon needs, written by reconfig.

Read by hundreds of daemons, so it is plain JSON and plain dataclasses; reconfig has checked it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.arguments import Client, Pilot, glidein_arguments
from orchestrator.deciding.backoff import Policy
from orchestrator.errors import FactoryError
from orchestrator.worktree.daemon_settings import Cycle, Kept, Logs, Retention
from orchestrator.worktree.entry_limits import HoldRule, Limit, Limits

FORMAT = 2  # of the JSON files of the work tree
ALL_CLASSES = "All"  # in EntryRecord.allow_frontends


@dataclass(frozen=True)
class EntryRecord:
    """What ``entries/NAME/entry.json`` says.

    ``pilot`` is what all glideins are told; ``parameters`` Frontends may override, ``early``
    nobody may. Of times and counts, 0 is "no limit" unless it says otherwise.
    """

    pilot: Pilot
    parameters: dict[str, str | int]  # published as GlideinParamNAME
    early: dict[str, str]

    collectors: tuple[str, ...] = ()  # of the WMS pool; none: HTCondor's configuration says
    gatekeeper: str = ""  # all that follows the grid type in Grid_Resource
    grid_type: str = "condor"
    rsl: str = ""
    bosco_dir: str = ""  # of HTCondor's programs at the other end of ssh
    submit_attributes: dict[str, str] = field(default_factory=dict)  # verbatim; "+X" too
    limits: Limits = field(default_factory=Limits)
    backoff: Policy = field(default_factory=Policy)
    allow_frontends: dict[str, tuple[str, ...]] = field(default_factory=dict)
    auth_method: str = "grid_proxy"
    trust_domain: str = "grid"
    require_voms: bool = False
    condor_version: str = "default"
    attributes: dict[str, str | int] = field(default_factory=dict)  # published as they are
    groups: tuple[str, ...] = ()  # under which monitoring shows the entry
    max_walltime_s: int = 0  # of a glidein in its batch system
    idle_lifetime_s: int = 0  # a glidein that waited longer goes, whatever the request says
    pilot_accounting: bool = False  # ended glideins stay in the queue for it
    monitoring_collectors: tuple[str, ...] = ()  # GLIDEIN_Factory_Collector
    factory_glideins: int = 100_000  # in all entries of the factory together
    factory_unseen: int = 5_000  # likewise, submitted and not yet seen
    cycle: Cycle = field(default_factory=Cycle)
    retention: Retention = field(default_factory=Retention)
    logs: Logs = field(default_factory=Logs)

    @property
    def name(self) -> str:
        return self.pilot.entry

    @property
    def factory(self) -> str:
        return self.pilot.factory

    @property
    def glidein(self) -> str:
        return self.pilot.glidein

    @property
    def schedd(self) -> str:
        return self.pilot.schedd

    @property
    def ad_name(self) -> str:
        """ENTRY@GLIDEIN@FACTORY, by which Frontends know the entry."""
        return f"{self.name}@{self.glidein}@{self.factory}"

    @property
    def cores(self) -> int:
        """The cores of one glidein, as far as the entry says; else 1."""
        for name in ("GLIDEIN_CPUS", "GLIDEIN_ESTIMATED_CPUS"):
            value = str(self.attributes.get(name, self.parameters.get(name, "")))
            if value.isascii() and value.isdigit() and int(value) > 0:
                return int(value)
        return 1

    def allows(self, frontend: str, security_class: str | None = None) -> bool:
        """Return whether the entry works for a Frontend (and one of its security classes).

        An entry that names no Frontend works for all.
        """
        if not self.allow_frontends:
            return True
        classes = self.allow_frontends.get(frontend, ())
        return bool(classes) and (
            security_class is None or security_class in classes or ALL_CLASSES in classes
        )

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
        own = {name: str(value) for name, value in self.parameters.items()}
        merged = {**own, **parameters, **self.early}
        try:
            return glidein_arguments(self.pilot, client, merged, cluster, process)
        except ValueError as error:
            raise FactoryError(str(error)) from error


def read_entry(work: Path, name: str, *, retired: bool = False) -> EntryRecord:
    """Read the record of entry ``name`` in the work tree ``work``, or what it last was.

    Raises:
        FactoryError: there is no such entry, or no reconfig yet, or the record is damaged.
    """
    path = work / "entries" / name / ("retired.json" if retired else "entry.json")
    try:
        return _entry(loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise FactoryError(
            f"{path}: not there: no such entry, or no reconfig yet"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FactoryError(f"{path}: damaged, run reconfig again: {error!r}") from error


def loads(text: bytes) -> dict[str, Any]:
    """Return what a record says.

    Raises:
        ValueError: it is none of this version's.
    """
    told: dict[str, Any] = json.loads(text)
    if told.pop("format") != FORMAT:
        raise ValueError("written by another version")
    return told


def _entry(told: dict[str, Any]) -> EntryRecord:
    allowed = told.pop("allow_frontends")
    retention = told.pop("retention")
    return EntryRecord(
        pilot=Pilot(**told.pop("arguments")),
        collectors=tuple(told.pop("collectors")),
        limits=_limits(told.pop("limits")),
        backoff=Policy(**told.pop("backoff")),
        allow_frontends={name: tuple(classes) for name, classes in allowed.items()},
        groups=tuple(told.pop("groups")),
        monitoring_collectors=tuple(told.pop("monitoring_collectors")),
        cycle=Cycle(**told.pop("cycle")),
        retention=Retention(**{kind: Kept(**kept) for kind, kept in retention.items()}),
        logs=Logs(**told.pop("logs")),
        **told,
    )


def _limits(told: dict[str, Any]) -> Limits:
    shares = told.pop("shares")
    recoverable = told.pop("recoverable")
    return Limits(
        entry=Limit(**told.pop("entry")),
        share_default=Limit(**told.pop("share_default")),
        shares={name: Limit(**limit) for name, limit in shares.items()},
        recoverable=tuple(
            HoldRule(rule["code"], tuple(rule["subcodes"])) for rule in recoverable
        ),
        **told,
    )
