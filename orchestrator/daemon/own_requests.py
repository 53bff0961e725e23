"""An entry's own look at the collector, for when nobody takes the view of all entries."""

import logging
import os
import time
from pathlib import Path

from orchestrator.deciding.request import RequestsView
from orchestrator.errors import FactoryError
from orchestrator.protocol import records
from orchestrator.protocol.collector import Collector
from orchestrator.protocol.keys import Keyring
from orchestrator.protocol.requests_view import STAMP, take_own
from orchestrator.worktree.entry_record import EntryRecord
from orchestrator.worktree.factory_record import read_factory

log = logging.getLogger(__name__)

_MISSED = 5  # cycles without a sign of who takes the view, and the entry looks itself


def overdue(work: str, delay_s: float, now: float) -> bool:
    """Return whether nobody has tried to take the view of all requests for too long."""
    try:
        tried = os.stat(f"{work}/views/{STAMP}").st_mtime  # noqa: PTH116
    except OSError:
        tried = 0.0
    return now - tried >= _MISSED * delay_s


class OwnRequests:
    """Asks for the requests of one entry, seldom enough that hundreds of entries may."""

    def __init__(self, work: Path, keyring: Keyring) -> None:
        self._work = work
        self._keyring = keyring
        self._since = time.time()
        self._last: RequestsView | None = None

    def instead_of(
        self, view: RequestsView, record: EntryRecord, now: float
    ) -> RequestsView:
        """Return ``view``, or a look of our own when nobody has tried for one for too long.

        A collector that does not answer is no reason: it would not answer hundreds of entries
        either.
        """
        delay_s = record.cycle.delay_s
        waited = now - self._since >= _MISSED * delay_s
        if not (waited and overdue(str(self._work), delay_s, now)):
            self._last = None
            return view
        if self._last is not None and now - self._last.taken < record.cycle.delay_s:
            return self._last
        try:
            reader = records.reader(
                self._work, read_factory(self._work), [record], self._keyring
            )
            self._last = take_own(Collector(record.collectors), reader, record.name)
        except FactoryError as error:
            log.warning("own look at the requests failed: %s", error)
            return view
        log.info("took an own look at the requests found=%d", len(self._last.requests))
        return self._last
