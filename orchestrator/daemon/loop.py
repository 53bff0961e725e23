"""The life of a child of the Factory daemon: cycle, sleep, cycle, until told to leave.

Signals are answered between steps: SIGTERM (also when the Factory daemon is gone) ends the loop
after the work has withdrawn its ads; SIGHUP begins the next cycle at once.
"""

import logging
import os
import signal
import time
from typing import Protocol

from orchestrator.daemon import process
from orchestrator.daemon.board import Slot
from orchestrator.daemon.children import LEFT

log = logging.getLogger(__name__)

_PEEK_S = 10.0  # between two looks for news
_SIGTERM = int(signal.SIGTERM)
_WAKE = (_SIGTERM, int(signal.SIGHUP))


class Work(Protocol):
    """What a child does."""

    @property
    def delay_s(self) -> float:
        """The time between two cycles; looked at after each."""

    @property
    def jitter(self) -> float:
        """By which share of it that differs."""

    @property
    def again_s(self) -> float | None:
        """In how many seconds the next cycle is wanted; None: at the usual time."""

    def cycle(self) -> int | None:
        """Do one cycle; return an exit code when this process is over, None when it goes on."""

    def news(self) -> bool:
        """Look whether the next cycle should not wait; called now and then, so cheap."""

    def leave(self, *, orphaned: bool) -> None:
        """Withdraw what was advertised; ``orphaned`` when the Factory daemon is gone."""


def run(work: Work, slot: Slot, parent: int, phase: float = 0.0) -> int:
    """Run ``work`` until it is over or told to leave; return its exit code, or LEFT.

    The first cycle begins at once, the second after ``phase`` (0 to 1) of the usual delay, so
    that the cycles of many children spread over it. A cycle that fails is logged, and the next
    one is tried.
    """
    share = max(phase, 0.05)  # of the usual delay
    while True:
        began = time.monotonic()
        slot.beat()
        try:
            code = work.cycle()
        except Exception:
            log.exception("cycle failed")
            code = None
        slot.beat()
        if code is not None:
            slot.note_cycle()
            return code
        again_s = work.again_s
        if again_s is None:
            again_s = work.delay_s * share
            share = 1 + work.jitter * (2 * _random() - 1)
        slot.note_cycle()
        if _sleep_until(began + again_s, work, slot, parent):
            break
    orphaned = os.getppid() != parent
    try:
        work.leave(orphaned=orphaned)
    except Exception:
        log.exception("leaving failed")
    log.info("left%s", ": the Factory daemon is gone" if orphaned else "")
    return LEFT


def _sleep_until(wake: float, work: Work, slot: Slot, parent: int) -> bool:
    """Sleep until then or until there are news; return whether it is time to leave."""
    while True:
        left_s = wake - time.monotonic()
        # Also looks once when no time is left.
        got = process.sleep(min(left_s, _PEEK_S), _WAKE)
        if got == _SIGTERM or os.getppid() != parent:
            return True
        if got is not None or left_s <= 0:
            return False
        slot.beat()
        if work.news():
            return False


def _random() -> float:
    """Return a number from 0 to 1; a generator of one's own would cost each process 2.5 kB."""
    return int.from_bytes(os.urandom(4)) / 2**32
