"""Which daemons run, as the Factory daemon told last."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.daemon import command
from orchestrator.daemon.factory_daemon import MONITOR, STATUS, VIEWS
from orchestrator.explain import files

STALE_S = 60.0  # the Factory daemon writes four times as often


@dataclass(frozen=True)
class Daemons:
    """``factory`` is what the Factory daemon says of itself, ``pid`` its process (None: it does
    not run); ``views``, ``monitor`` and ``entries`` (by name) are its children.
    """

    pid: int | None
    factory: dict[str, Any]
    views: dict[str, Any] | None
    monitor: dict[str, Any] | None
    entries: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, work: Path) -> "Daemons":
        """Return the daemons of the work tree ``work``.

        Raises:
            FactoryError: something may not be read.
        """
        told = files.read(work / STATUS)
        children = told.pop("daemons", {})
        pid = command.running(work)
        if pid is None:  # what it said of its children is no longer true
            children = {}
        views, monitor = children.pop(VIEWS, None), children.pop(MONITOR, None)
        return cls(pid, told, views, monitor, children)

    @property
    def silent(self) -> bool:
        """Whether the Factory daemon runs, and has not told of itself for too long."""
        written = float(self.factory.get("written", 0))
        return self.pid is not None and time.time() - written > STALE_S
