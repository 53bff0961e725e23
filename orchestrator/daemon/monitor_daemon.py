"""The monitor daemon: the page and the metrics, made anew once a cycle.

A process of its own: what goes wrong here is in its log and in the factory's status, and keeps no
entry from working.
"""

import logging
import time
from pathlib import Path

from orchestrator.daemon.board import Slot
from orchestrator.daemon.stamp import Stamp, stamp
from orchestrator.errors import FactoryError
from orchestrator.monitor.monitor import Monitor
from orchestrator.worktree.factory_record import FactoryRecord, read_factory

log = logging.getLogger(__name__)

_DELAY_S = 60.0  # while nobody says how often


class MonitorDaemon:
    """The work of the monitor daemon."""

    jitter = 0.0
    again_s = None

    def __init__(self, work: Path, slot: Slot) -> None:
        self._work = work
        self._slot = slot
        self._stamp: Stamp = None
        self._factory: FactoryRecord | None = None
        self._monitor: Monitor | None = None
        self._problem = ""

    @property
    def delay_s(self) -> float:
        return max(1.0, self._factory.cycle.delay_s) if self._factory else _DELAY_S

    def cycle(self) -> int | None:
        """Bring page and metrics up to date; what fails is logged once."""
        self._slot.beat()
        try:
            self._read_record()
            if self._monitor is not None and self._factory is not None:
                self._monitor.cycle(self._factory, time.time())
            problem = ""
        except (FactoryError, OSError) as error:
            problem = str(error)
        if problem and problem != self._problem:
            log.error("the page is not up to date: %s", problem)
        self._problem = problem
        return None

    def news(self) -> bool:
        return False

    def leave(self, *, orphaned: bool) -> None:
        """Leave the page as it is: it says itself how old it is."""

    def _read_record(self) -> None:
        found = stamp(f"{self._work}/factory/factory.json")
        if found == self._stamp:
            return
        self._factory = read_factory(self._work)
        self._stamp = found
        stage = Path(self._factory.web.stage)
        if not self._factory.page.enabled:
            self._monitor = None
        elif self._monitor is None or self._monitor.stage != stage:
            self._monitor = Monitor(self._work, stage)
