"""The Entry daemon: looks for news, and has a process of its own do each cycle that is needed.

The daemon itself stays as it was forked, so hundreds share their memory; what a cycle leaks, or
HTCondor's library breaks, is gone with its process. A cycle is needed when a file has changed
that it depends on, when the last one left work, and now and then to advertise.
"""

import logging
import os
import random
import time
from pathlib import Path
from typing import NamedTuple

from orchestrator.daemon.board import Slot
from orchestrator.daemon.children import DONE
from orchestrator.daemon.entry_ads import withdraw
from orchestrator.daemon.entry_cycle import EntryCycle, Next
from orchestrator.daemon.entry_memory import recall, remember
from orchestrator.daemon.own_requests import overdue
from orchestrator.daemon.stamp import Stamp, stamp
from orchestrator.errors import FactoryError
from orchestrator.limited import NoAnswer, limited
from orchestrator.protocol.keys import Keyring
from orchestrator.queue.journal import Journal
from orchestrator.worktree.entry_record import read_entry

log = logging.getLogger(__name__)

_SOON_S = 3.0
_LIMIT_S = (
    3_600.0  # for one cycle; before that, a cycle gives no sign of life and is killed
)


class Round(NamedTuple):
    """What a cycle left: the memory, the files that are news when they change, and when it is
    due without any (epoch)."""

    following: int  # the value of a Next
    memory: bytes
    watched: tuple[tuple[str, Stamp], ...]
    due: float
    delay_s: float
    jitter: float


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
        self._last: Round | None = None  # without its memory
        self._memory = b""
        self._watched: list[str] = []
        self.delay_s, self.jitter = 60.0, 0.1
        self.again_s: float | None = None

    def cycle(self) -> int | None:
        """Do a cycle if it is needed; return an exit code when the entry is done for ever."""
        self.again_s = None
        if not self._needed():
            return None
        began = time.monotonic()
        memory, self._memory, self._last = self._memory, b"", None
        try:
            last = limited(lambda: self._round(memory, self._watched), _LIMIT_S)
        except (NoAnswer, FactoryError) as error:
            # What it did is not known to us; journal and queue know.
            log.error("a cycle failed: %s", error)
            return None
        self._slot.note_work(time.monotonic() - began)
        self._memory = last.memory
        self._last = last._replace(memory=b"")
        self._watched = [path for path, _ in last.watched]
        self.delay_s, self.jitter = last.delay_s, last.jitter
        if last.following == Next.RETIRED.value:
            return DONE
        if last.following == Next.SOON.value:
            self.again_s = _SOON_S
        return None

    def news(self) -> bool:
        """Return whether something has changed since the last cycle."""
        return self._last is not None and _changed(self._last.watched)

    def leave(self, *, orphaned: bool) -> None:
        """Withdraw the entry's ads, if nobody else does: the views daemon, which ends last,
        withdraws those of all entries at once.

        Raises:
            FactoryError: they may still be there.
        """
        if orphaned:
            withdraw(read_entry(Path(self._work), self._name))

    def _needed(self) -> bool:
        last = self._last
        if last is None or last.following != Next.NEWS.value:
            return True
        now = time.time()
        if not last.due - 86_400 < now < last.due:  # the clock may have been set back
            return True
        return _changed(last.watched) or overdue(self._work, self.delay_s, now)

    def _round(self, memory: bytes, seen: list[str]) -> Round:
        """Do a cycle; this is a process of its own.

        Raises:
            FactoryError: it cannot be done.
        """
        try:
            return self._cycle(memory, seen)
        except FactoryError:
            raise
        except Exception:
            log.exception(
                "a cycle failed"
            )  # here, for the traceback does not leave the process
            raise

    def _cycle(self, memory: bytes, seen: list[str]) -> Round:
        random.seed()  # else all children of one parent would throw the same dice
        work = Path(self._work)
        before = {path: stamp(path) for path in seen}
        folder = f"{self._work}/entries/{self._name}"
        os.makedirs(f"{folder}/glideins", exist_ok=True)  # noqa: PTH103
        with Journal(Path(folder)) as journal:
            if memory:
                cycle = recall(memory, self._slot, journal, self._keyring)
            else:
                cycle = EntryCycle(
                    work, self._name, self._slot, journal, self._keyring, self._started
                )
                before = {path: stamp(path) for path in cycle.watched()}
            following = cycle.cycle()
            if following is Next.RETIRED:
                withdraw(cycle.record)
                log.info("retired")
            # Stamps are those from before the cycle: what changed meanwhile is news.
            watched = tuple((path, before.get(path)) for path in cycle.watched())
            rhythm = cycle.record.cycle
            return Round(
                following.value,
                remember(cycle),
                watched,
                cycle.due(),
                rhythm.delay_s,
                rhythm.jitter,
            )


def _changed(watched: tuple[tuple[str, Stamp], ...]) -> bool:
    return any(stamp(path) != was for path, was in watched)
