"""The views daemon: what all entries would else ask for one by one, and the factory's own ad.

In each cycle it takes the requests of all entries, advertises ``glidefactoryglobal``, and says
for entries that were left down that they are. Seldom it looks at the whole queue, and throws
away credentials that nobody uses. An entry does without any of this for a while.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from orchestrator.daemon import state_file
from orchestrator.daemon.board import Slot
from orchestrator.daemon.entry_cycle import MANY
from orchestrator.daemon.factory_daemon import LEFT_DOWN
from orchestrator.daemon.logs import step_failed
from orchestrator.daemon.stamp import Stamp, stamp
from orchestrator.errors import CollectorError, FactoryError
from orchestrator.protocol import records
from orchestrator.protocol.ads import (
    Kind,
    Sequences,
    global_ad,
    withdrawal_of_entry,
    withdrawal_of_factory,
)
from orchestrator.protocol.collector import Collector
from orchestrator.protocol.keys import Keyring
from orchestrator.protocol.reader import Reader
from orchestrator.protocol.requests_view import Taken, Writer, take
from orchestrator.queue import shared_queue
from orchestrator.queue.schedd import Schedd
from orchestrator.worktree.entry_record import EntryRecord, read_entry
from orchestrator.worktree.factory_record import FactoryRecord, read_factory
from orchestrator.worktree.told import NAME as QUEUED

log = logging.getLogger(__name__)

_WIPE_S = 3_600.0
_PATIENCE_S = 5.0  # with a collector: the next cycle asks again
_LOOK_S = 3.0  # between two looks whether entries wait for one at the queue
_AGAIN_S = 15.0  # between two of those at the queue itself


class ViewsDaemon:
    """The work of the views daemon; ``started`` (epoch) is when the factory did."""

    def __init__(self, work: Path, slot: Slot, keyring: Keyring, started: int) -> None:
        self._work = work
        self._slot = slot
        self._keyring = keyring
        self._started = started
        self._sequences = Sequences()
        self._writer = Writer(work)
        self._stamps: dict[str, Stamp] = {}
        self._entries: dict[str, EntryRecord] = {}
        self._factory: FactoryRecord | None = None
        self._reader: Reader | None = None
        self._taken: Taken | None = None
        self._due = 0.0  # monotonic: when the next cycle is
        self._looked = 0.0  # monotonic: at the queue
        self._wiped = 0.0
        self._said_down: set[str] = set()
        self._problems: dict[str, str] = {}  # by step, as last logged

    @property
    def delay_s(self) -> float:
        return self._factory.cycle.delay_s if self._factory else 5.0

    @property
    def jitter(self) -> float:
        return self._factory.cycle.jitter if self._factory else 0.0

    @property
    def again_s(self) -> float:
        """Sooner than a cycle is due: entries may wait for a look at the queue."""
        return min(_LOOK_S, max(0.0, self._due - time.monotonic()))

    def cycle(self) -> int | None:
        """Do one cycle, or the part of it that does not wait; what fails is logged, and leaves
        the rest working."""
        self._read_records()
        if self._factory is None or self._reader is None:
            return None
        factory, reader = self._factory, self._reader
        now = time.monotonic()
        if now < self._due:
            self._step("queue", lambda: self._look_at_queue(factory))
            return None
        self._due = now + factory.cycle.delay_s
        collector = Collector(
            factory.collectors,
            query_s=factory.cycle.collector_limit_s,
            patience_s=min(_PATIENCE_S, factory.cycle.delay_s),
        )
        self._step("global ad", lambda: self._advertise(factory, collector))
        self._step("entries left down", lambda: self._say_down(collector))
        # The first look at the queue is what all entries wait for.
        self._step("queue", lambda: self._look_at_queue(factory))
        self._step("requests", lambda: self._take(collector, reader))
        self._step("credentials", lambda: self._wipe(factory, reader))
        self._slot.note_work(time.monotonic() - now)
        return None

    def news(self) -> bool:
        return False  # it is awake often enough

    def leave(self, *, orphaned: bool) -> None:
        """Withdraw the factory's ad, and what may be left of all others.

        An orphan does not touch those: another factory may already be at work, and each entry
        withdraws its own.

        Raises:
            CollectorError: no collector took that.
        """
        if self._factory is None:
            self._factory = read_factory(self._work)
        ours = withdrawal_of_factory(self._factory.glidein, self._factory.factory)
        kinds = (Kind.GLOBAL,) if orphaned else (Kind.GLOBAL, Kind.FACTORY, Kind.CLIENT)
        Collector(self._factory.collectors).withdraw(
            one for one in ours if one.kind in kinds
        )

    def _step(self, what: str, step: Callable[[], object]) -> None:
        self._slot.beat()
        try:
            step()
        except Exception as error:  # noqa: BLE001  # it is logged
            step_failed(log, what, error, self._problems)
        else:
            self._problems.pop(what, None)

    # --- records -------------------------------------------------------------------------

    def _read_records(self) -> None:
        """Read what is another record than before; an entry's that is damaged stays as it was."""
        anew = self._changed("factory/factory.json")
        if anew:
            try:
                self._factory = read_factory(self._work)
            except FactoryError as error:
                log.error("the old record stays: %s", error)
        if self._factory is None:
            return
        for name in self._factory.entries:
            if not self._changed(f"entries/{name}/entry.json"):
                continue
            anew = True
            try:
                self._entries[name] = read_entry(self._work, name)
            except FactoryError as error:
                log.error("entry=%s the old record stays: %s", name, error)
        for name in self._entries.keys() - set(self._factory.entries):
            del self._entries[name]
            self._stamps.pop(f"entries/{name}/entry.json", None)
            anew = True
        if anew:
            self._reader = records.reader(
                self._work, self._factory, self._entries.values(), self._keyring
            )

    def _changed(self, file: str) -> bool:
        found = stamp(f"{self._work}/{file}")
        if file in self._stamps and self._stamps[file] == found:
            return False
        self._stamps[file] = found
        return True

    # --- ads -----------------------------------------------------------------------------

    def _advertise(self, factory: FactoryRecord, collector: Collector) -> None:
        ad = global_ad(
            factory.glidein,
            factory.factory,
            key=self._keyring.public,
            started=self._started,
            sequence=self._sequences.next(""),
        )
        try:
            collector.advertise([ad], Kind.GLOBAL)
        except CollectorError as error:
            log.warning("not advertised: %s", error)

    def _say_down(self, collector: Collector) -> None:
        """Say for the entries that were left down that they are, as nobody else does."""
        down = state_file.read(self._work / LEFT_DOWN)
        ads = []
        for name, why in down.items():
            record = self._entries.get(name)
            if record is None:
                continue
            ads.append(
                records.entry_ad(
                    record,
                    self._keyring.public,
                    monitor={},
                    downtime=f"the daemon of the entry was left down: {why}",
                    started=self._started,
                    sequence=self._sequences.next(name),
                )
            )
        collector.advertise(ads, Kind.FACTORY)
        for name in down.keys() - self._said_down:
            if name in self._entries:  # what it said of its clients is no longer true
                record = self._entries[name]
                gone = withdrawal_of_entry(name, record.glidein, record.factory)
                collector.withdraw(one for one in gone if one.kind is Kind.CLIENT)
        self._said_down = set(down)

    # --- views ---------------------------------------------------------------------------

    def _take(self, collector: Collector, reader: Reader) -> None:
        began = time.monotonic()
        try:
            self._taken = take(collector, reader)
        except CollectorError as error:
            log.warning("requests: %s", error)
            self._writer.problem(str(error))
            return
        changed = self._writer.write(self._taken)
        log.debug(
            "requests of entries=%d changed=%d took_s=%.2f",
            len(self._taken.views),
            changed,
            time.monotonic() - began,
        )

    def _look_at_queue(self, factory: FactoryRecord) -> None:
        now = time.monotonic()
        age_s = now - self._looked
        wanted = self._slot.board.blind() >= MANY and age_s >= _AGAIN_S
        if self._looked and not wanted and age_s < factory.cycle.full_query_s:
            return
        self._looked = now
        places: dict[str, str] = {}
        schedds: dict[str, Schedd] = {}
        for name, record in self._entries.items():
            places[name] = record.schedd
            if record.schedd not in schedds:
                schedds[record.schedd] = Schedd(
                    record.schedd, record.collectors, factory.cycle.schedd_limit_s
                )
        problems = shared_queue.take(
            self._work,
            schedds,
            factory.factory,
            factory.glidein,
            places,
            limit_s=3.0 * factory.cycle.schedd_limit_s,
        )
        for name, problem in problems.items():
            log.warning("queue of schedd=%s: %s", name, problem)
        if problems:  # then again soon
            self._looked = now - factory.cycle.full_query_s + 5 * factory.cycle.delay_s

    def _wipe(self, factory: FactoryRecord, reader: Reader) -> None:
        """Throw away credentials that no request brings and no glidein in the queue was told."""
        now = time.time()
        if self._taken is None or now - self._wiped < _WIPE_S:
            return
        used = {
            file
            for view in self._taken.views.values()
            for request in view.requests
            for file in request.credentials.files.values()
        }
        used.update(self._told())
        self._wiped = now
        reader.store.wipe(used, now, factory.credential_days * 86_400)

    def _told(self) -> Iterable[str]:
        """Yield the files that glideins in the queue were told.

        Raises:
            OSError, ValueError: that is not known of one entry; then nothing is thrown away.
        """
        for path in (self._work / "entries").glob(f"*/{QUEUED}"):
            yield from json.loads(path.read_bytes())["credentials"]
