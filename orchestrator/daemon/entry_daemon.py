"""The Entry daemon: works when there is something to do, and else only repeats its ads."""

import logging
import time
from pathlib import Path

from orchestrator.daemon import idle, process
from orchestrator.daemon.board import Slot
from orchestrator.daemon.children import AFRESH, DONE
from orchestrator.daemon.entry_ads import withdraw
from orchestrator.daemon.entry_cycle import EntryCycle, Next
from orchestrator.entry_record import read_entry
from orchestrator.protocol.keys import Keyring

log = logging.getLogger(__name__)

_SOON_S = 3.0
_REPEAT_LIMIT_S = 60.0  # for repeating the ads


class EntryDaemon:
    """The work of the daemon of entry ``name``; ``started`` (epoch) is when the factory did."""

    def __init__(
        self, work: str, name: str, slot: Slot, keyring: Keyring, started: int
    ) -> None:
        self._work = work
        self._name = name
        self._slot = slot
        self._keyring = keyring
        self._started = started
        self._working: EntryCycle | None = None
        self.again_s: float | None = None
        self._rest = slot.rest
        slot.rest = None  # whatever ends this process, the next one looks for itself
        self._repeats = 0
        self.delay_s, self.jitter = (60.0, 0.1) if self._rest is None else self._rest[2:4]

    def cycle(self) -> int | None:
        """Do one cycle; return an exit code when this process is over, None when it goes on."""
        self.again_s = None
        if self._working is None:
            if self._may_rest():
                return None
            self._working = self._work_again()
        following = self._working.cycle()
        self.delay_s, self.jitter = (
            self._working.rhythm.delay_s,
            self._working.rhythm.jitter,
        )
        if following is Next.RETIRED:
            withdraw(self._working.record)
            log.info("retired")
            return DONE
        if following is Next.IDLE:
            self._slot.rest = self._working.rest()
            return AFRESH
        if following is Next.SOON:
            self.again_s = _SOON_S
        return None

    def leave(self, *, orphaned: bool) -> None:
        """Withdraw the entry's ads, if nobody else does: the views daemon, which ends last,
        withdraws those of all entries at once.

        Raises:
            FactoryError: they may still be there.
        """
        if orphaned:
            withdraw(read_entry(Path(self._work), self._name))

    def _work_again(self) -> EntryCycle:
        return EntryCycle(
            Path(self._work), self._name, self._slot, self._keyring, self._started
        )

    def _may_rest(self) -> bool:
        """Return whether there is nothing to do but to repeat the ads; then do that."""
        if self._rest is None:
            return False
        since, until, _, _, every_s, advertised = self._rest
        now = time.time()
        why = idle.changed(self._work, self._name, since)
        if why or (until and now >= until) or now < since:
            log.info("works again: %s", why or "the time")
            return False
        if now - advertised < every_s:
            return True
        self._repeats += 1
        folder, repeats = f"{self._work}/entries/{self._name}", self._repeats
        told = process.aside(lambda: idle.repeat_ads(folder, repeats), _REPEAT_LIMIT_S) == 0
        if told:
            self._rest = self._rest._replace(advertised=now)
        return told
