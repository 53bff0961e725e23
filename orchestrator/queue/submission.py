"""Submit glideins so that none is submitted twice and none is forgotten.

Each cluster is a submission of its own: on the disk (:mod:`orchestrator.queue.journal`) before the
schedd is asked, and counted as unseen until the queue view has seen all of it. Nothing is ever
asked for again: after an answer that was lost only a full query can tell what became of it.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from orchestrator.deciding.request import Request
from orchestrator.errors import SubmissionError, SubmitFailed, SubmitUncertain
from orchestrator.queue.journal import Begun, Journal, new_id
from orchestrator.submit.common import Places
from orchestrator.submit.description import describe, output_folder
from orchestrator.worktree.entry_record import EntryRecord
from orchestrator.worktree.told import Told

log = logging.getLogger(__name__)


class Submits(Protocol):
    """Whoever queues jobs: a :class:`orchestrator.queue.schedd.Schedd`."""

    def submit(self, description: Mapping[str, str], count: int) -> int: ...


class Reader(Protocol):
    """Whoever looks at the queue: a :class:`orchestrator.queue.queue_reader.QueueReader`."""

    def submitted(self, begun: Begun, problem: str = "") -> None: ...


class Submitter:
    """Submits for the entry of ``record``; its folder is the one the ``journal`` is in."""

    def __init__(
        self,
        work: Path,
        record: EntryRecord,
        schedd: Submits,
        journal: Journal,
        reader: Reader,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.record = record
        self.told = Told(work / "entries" / record.name)
        self._places = Places.of(work, record.name)
        self._schedd, self._journal, self._reader = schedd, journal, reader
        self._sleep = sleep

    def submit(self, request: Request, clusters: Iterable[int], now: float) -> list[int]:
        """Submit for ``request`` clusters of these sizes, with pauses; return their numbers.

        The first that fails ends it.

        Raises:
            SubmissionError: what is to be submitted cannot be said to HTCondor.
            SubmitFailed: nothing (more) was queued.
            SubmitUncertain: the last one may have been queued.
            JournalError: the journal cannot be written; nothing more is asked for.
        """
        done: list[int] = []
        for count in clusters:
            if done:
                self._sleep(self.record.limits.submit_pause_s)
            done.append(self._submit(request, count, now))
        return done

    def _submit(self, request: Request, count: int, now: float) -> int:
        credentials = request.credentials
        ident = new_id()
        commands = describe(self.record, request, self._places, ident, now)
        try:
            folder = Path(output_folder(self._places, request.client))
            folder.mkdir(parents=True, exist_ok=True)
            self.told.add(self.record, credentials.files.values(), now)
        except OSError as error:
            raise SubmissionError(f"{error.filename}: {error.strerror}") from error
        begun = self._journal.begin(
            ident, request.client, request.share, credentials.identifier, count, now
        )
        about = f"entry={self.record.name} client={request.client} glideins={count}"
        try:
            cluster = self._schedd.submit(commands, count)
        except SubmitFailed as error:
            log.warning("%s: not submitted: %s", about, error)
            self._reader.submitted(begun, str(error))
            self._journal.failed(begun, str(error))
            raise
        except SubmitUncertain as error:
            log.error("%s: it is not known whether submitted: %s", about, error)
            self._reader.submitted(begun, str(error))
            raise
        log.info("%s cluster=%d submission=%s", about, cluster, begun.id)
        self._reader.submitted(begun)
        self._journal.done(begun, cluster)
        return cluster
