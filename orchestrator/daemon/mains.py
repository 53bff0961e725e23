"""What the children of the Factory daemon really do."""

import time
from pathlib import Path

from orchestrator.daemon import loop
from orchestrator.daemon.board import Slot
from orchestrator.daemon.entry_daemon import EntryDaemon
from orchestrator.daemon.monitor_daemon import MonitorDaemon
from orchestrator.daemon.views_daemon import ViewsDaemon
from orchestrator.protocol.keys import Keyring
from orchestrator.worktree.factory_record import FactoryRecord


class RealMains:
    """The children of the factory of the work tree ``work``."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._started = int(time.time())

    def prepare(self, record: FactoryRecord) -> None:
        """Make what all children share: the key of this run. They share no session with a collector:
        one that restarts would refuse all of them until it is over.

        Raises:
            FactoryError: the key cannot be read or written.
        """
        self._keyring = Keyring.start(
            self._work / "factory", bits=record.key_bits, grace_s=record.key_grace_s
        )

    def entry(self, name: str, slot: Slot, parent: int, phase: float) -> int:
        """Run the Entry daemon of entry ``name``."""
        daemon = EntryDaemon(str(self._work), name, slot, self._keyring, self._started)
        return loop.run(daemon, slot, parent, phase)

    def views(self, slot: Slot, parent: int) -> int:
        """Run the views daemon."""
        daemon = ViewsDaemon(self._work, slot, self._keyring, self._started)
        return loop.run(daemon, slot, parent)

    def monitor(self, slot: Slot, parent: int) -> int:
        """Run the monitor daemon."""
        return loop.run(MonitorDaemon(self._work, slot), slot, parent)
