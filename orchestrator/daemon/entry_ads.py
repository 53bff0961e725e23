"""What an entry advertises: its own ad, and one for each client that asks it for glideins."""

import logging
import time
from collections.abc import Iterable, Mapping

from orchestrator.deciding.monitor_counts import monitor_counts
from orchestrator.deciding.request import Request
from orchestrator.deciding.verdict import Decision
from orchestrator.errors import CollectorError
from orchestrator.protocol.ads import (
    Kind,
    Sequences,
    withdrawal_of_client,
    withdrawal_of_entry,
)
from orchestrator.protocol.collector import Collector
from orchestrator.protocol.keys import PublicKey
from orchestrator.protocol.records import client_ad, entry_ad
from orchestrator.worktree.daemon_settings import Cycle
from orchestrator.worktree.downtimes import Downtimes
from orchestrator.worktree.entry_record import EntryRecord

log = logging.getLogger(__name__)


def due_after_s(rhythm: Cycle) -> float:
    """Return after how many seconds an entry advertises again, work or not."""
    return (rhythm.advertise_every - 0.5) * rhythm.delay_s


class EntryAds:
    """The ads of one entry; ``started`` (epoch) is what they call the daemon's start."""

    def __init__(self, key: PublicKey, started: int) -> None:
        self._key = key
        self._started = started
        self._sequences = Sequences()
        self._clients: set[str] = set()
        self._says: dict[str, str | None] = {}
        self.when = 0.0  # epoch: when it was told the last time
        self.problem = ""  # why it was not told

    def due(self, rhythm: Cycle, now: float) -> bool:
        """Return whether it is time to advertise, though nothing happened."""
        return bool(self.problem) or not 0 <= now - self.when < due_after_s(rhythm)

    def outdated(
        self,
        record: EntryRecord,
        requests: Iterable[Request],
        downtimes: Downtimes,
        now: float,
    ) -> bool:
        """Return whether what was told of who is served is no longer true."""
        return self._says != _downs(record, requests, downtimes, now)

    def tell(
        self,
        record: EntryRecord,
        decision: Decision,
        heard: Mapping[str, int],
        downtimes: Downtimes,
        retired: bool,
        now: float,
    ) -> None:
        """Advertise what was decided, and withdraw what is said of clients that ask no more."""
        counts = monitor_counts(decision, record.cores, heard)
        says = _downs(record, (one.request for one in decision.verdicts), downtimes, now)
        ad = entry_ad(
            record,
            self._key,
            monitor=counts.totals,
            downtime="the entry is retired" if retired else says[""],
            started=self._started,
            sequence=self._sequences.next(record.name),
        )
        clients = {}
        for verdict in decision.verdicts:
            client = verdict.request.client
            clients[client] = client_ad(
                record,
                client,
                monitor={**counts.totals, **counts.clients[client], **counts.limits},
                downtime=retired or says[client] is not None,
                sequence=self._sequences.next(f"{record.name}@{client}"),
            )
        gone = self._clients - clients.keys()
        try:
            collector = Collector(record.collectors)
            collector.advertise([ad], Kind.FACTORY)
            collector.advertise(clients.values(), Kind.CLIENT)
            collector.withdraw(withdrawal_of_client(record.ad_name, one) for one in gone)
        except CollectorError as error:
            if not self.problem:
                log.warning("not advertised: %s", error)
            self.problem = str(error)
            return
        if self.problem:
            log.info("advertised again")
        self.problem, self.when = "", time.time()
        self._says = says
        self._clients = set(clients)


def _downs(
    record: EntryRecord, requests: Iterable[Request], downtimes: Downtimes, now: float
) -> dict[str, str | None]:
    """Return by client, and for the entry as "", the comment of its downtime; None: in service."""
    found = {"": downtimes.of(record.name, None, None, now)}
    for one in requests:
        found[one.client] = downtimes.of(record.name, one.frontend, one.security_class, now)
    return {
        client: None if down is None else down.problem or down.comment
        for client, down in found.items()
    }


def withdraw(record: EntryRecord) -> None:
    """Withdraw all that the entry has advertised.

    Raises:
        CollectorError: no collector took it.
    """
    Collector(record.collectors).withdraw(
        withdrawal_of_entry(record.name, record.glidein, record.factory)
    )
