"""The record of the factory in the work tree: what its daemons need, written by reconfig."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.errors import FactoryError
from orchestrator.worktree.daemon_settings import Cycle, Logs, Page, Restarts
from orchestrator.worktree.entry_record import loads


@dataclass(frozen=True)
class Frontend:
    """A Frontend that is known here, by its security name.

    ``identity`` is what the collector must say of its ads (AuthenticatedIdentity); ``classes``
    maps each of its security classes to the user its credentials are kept apart by.
    """

    identity: str
    classes: dict[str, str]


@dataclass(frozen=True)
class WebRecord:
    """The web area: its URL, its folder, and what pins its current state."""

    url: str
    stage: str  # absolute path
    stop_list: str
    signature_type: str
    description: str  # a file's name
    signature: str  # hash of the signature file


@dataclass(frozen=True)
class FactoryRecord:
    """What ``factory/factory.json`` says."""

    factory: str
    glidein: str
    web: WebRecord
    entries: tuple[str, ...] = ()  # names, sorted
    collectors: tuple[str, ...] = ()  # of the WMS pool; none: HTCondor's configuration says
    schedds: tuple[str, ...] = ()
    frontends: dict[str, Frontend] = field(default_factory=dict)  # by security name
    monitoring_collectors: tuple[str, ...] = ()
    max_glideins: int = 100_000  # in all entries together; no request can lift it
    max_unseen: int = 5_000  # likewise: submitted and not yet seen in the queue
    key_bits: int = 2048
    key_grace_s: int = 900  # so long requests under the previous key are served
    credential_days: float = 30.0  # unused files of credentials are removed then
    cycle: Cycle = field(default_factory=Cycle)
    logs: Logs = field(default_factory=Logs)
    restarts: Restarts = field(default_factory=Restarts)
    page: Page = field(default_factory=Page)

    @property
    def ad_name(self) -> str:
        """GLIDEIN@FACTORY, by which Frontends know the factory."""
        return f"{self.glidein}@{self.factory}"


def read_factory(work: Path) -> FactoryRecord:
    """Read the record of the factory in the work tree ``work``.

    Raises:
        FactoryError: there was no reconfig yet, or the record is damaged.
    """
    path = work / "factory" / "factory.json"
    try:
        return _factory(loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise FactoryError(f"{path}: not there: no reconfig yet") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FactoryError(f"{path}: damaged, run reconfig again: {error!r}") from error


def _factory(told: dict[str, Any]) -> FactoryRecord:
    frontends = told.pop("frontends")
    return FactoryRecord(
        web=WebRecord(**told.pop("web")),
        entries=tuple(told.pop("entries")),
        collectors=tuple(told.pop("collectors")),
        schedds=tuple(told.pop("schedds")),
        frontends={name: Frontend(**one) for name, one in frontends.items()},
        monitoring_collectors=tuple(told.pop("monitoring_collectors")),
        cycle=Cycle(**told.pop("cycle")),
        logs=Logs(**told.pop("logs")),
        restarts=Restarts(**told.pop("restarts")),
        page=Page(**told.pop("page", {})),
        **told,
    )
