"""The queue view of one entry: from its event logs and its journal, corrected by full queries.

A look at a queue in which nothing happened costs a ``stat`` for each event log and one for the
shared look. What is known is kept in ``queue.json``, so that a daemon that starts while the schedd
is away knows what it knew; it may act only after a full query that was begun after its start.

A full query is also needed, before the view is fresh again, after a submission that failed or
whose outcome is not known, and when an event log says what cannot be understood.
"""

import json
import logging
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from orchestrator.daemon import state_file
from orchestrator.errors import JournalError, ScheddError, words
from orchestrator.outputs.outcome import Ended
from orchestrator.queue import event_log
from orchestrator.queue.event_log import EventLogs, Position
from orchestrator.queue.journal import Begun, Journal
from orchestrator.queue.known_queue import Key, KnownQueue
from orchestrator.queue.queue_view import Freshness, Glidein, QueueView, State
from orchestrator.queue.schedd import Ours
from orchestrator.queue.shared_queue import Looks, SharedQueue
from orchestrator.worktree.entry_record import EntryRecord

log = logging.getLogger(__name__)

FORMAT = 1
STATE = "queue.json"
_DAY_S = 86_400
_OVERDUE_S = 300  # a submission shows in the event logs at once


class QueueReader:
    """Looks at the queue for the entry of ``record``, whose folder the ``journal`` is in.

    ``shared_s`` is for how long the shared look is waited for where one is needed; without
    anybody who takes it, 0.
    """

    def __init__(
        self,
        work: Path,
        record: EntryRecord,
        schedd: Looks,
        journal: Journal,
        shared_s: float = 0.0,
    ) -> None:
        self.record = record
        self._schedd = schedd
        self._journal = journal
        self._shared_s = shared_s
        folder = work / "entries" / record.name
        self._file = folder / STATE
        self._shared = SharedQueue(work, record.schedd, record.name)
        self._taken = 0.0  # epoch: when the view was last fresh
        self.known, positions = self._load()
        self._logs = EventLogs(folder / "glideins", positions)
        self._day = 0
        self._follow_anew = True
        self._dirty = False
        self._unwritten = ""  # why the file could not be written
        self._corrected: float | None = None  # monotonic: when that query began
        self._adopted = 0.0  # monotonic: when the last shared look that was taken in began
        self._problem = ""
        start = time.monotonic()
        self._needed: tuple[float, str] | None = (start, "it has just started")
        # When open submissions were over, monotonic. Those of a process before us are: the
        # journal was not to be had as long as anybody could still ask the schedd.
        self._over = {begun.id: start for begun in journal.open}

    def view(self, now: float) -> QueueView:
        """Look, and return what is known; ``now`` is in epoch seconds.

        The glideins in it are those that the next look brings up to date.
        """
        self._read_events(now)
        self._take_shared(now)
        if why := self._why_query():
            self._query(why, now)
        self._settle()
        freshness, problem = self._freshness()
        if freshness is Freshness.FRESH:
            self._taken = now
        self._save()
        unseen = []
        for begun in self._journal.open:
            count = begun.count - self.known.seen(begun.id)
            if count > 0:
                unseen.append(begun.unseen(count))
        glideins = tuple(self.known.glideins.values())
        return QueueView(freshness, self._taken, glideins, tuple(unseen), problem)

    def submitted(self, begun: Begun, problem: str = "") -> None:
        """Note that a submission is over; ``problem`` when it failed or its end is not known."""
        self._over[begun.id] = time.monotonic()
        if problem:
            self.doubt(problem)

    def doubt(self, why: str) -> None:
        """Demand a full query that begins from now on before the view is fresh again."""
        self._needed = (time.monotonic(), why)

    @property
    def ended(self) -> tuple[Ended, ...]:
        """The glideins that left the queue and have not been settled."""
        return tuple(self.known.ended)

    def settled(self, waiting: Iterable[Ended] = ()) -> None:
        """Note that of the glideins that ended only those ``waiting`` are still to be settled.

        Whoever is killed before this returns finds them all again.
        """
        kept = list(waiting)
        if kept != self.known.ended:
            self.known.ended = kept
            self._dirty = True
            self._save()

    def live_since(self) -> float | None:
        """Return when the oldest glidein was submitted (epoch), seen or not; None without any."""
        times = [float(one.queued) for one in self.known.glideins.values()]
        times += [begun.time for begun in self._journal.open]
        return min(times, default=None)

    def event_logs(self) -> tuple[str, ...]:
        """Return the paths of the event logs that are followed."""
        return self._logs.paths

    def _read_events(self, now: float) -> None:
        day = int(now // _DAY_S)
        if self._follow_anew or day != self._day:
            self._day, self._follow_anew = day, False
            times = {one.queued // _DAY_S for one in self.known.glideins.values()}
            times |= {int(begun.time // _DAY_S) for begun in self._journal.open} | {day}
            names = {name for at in times for name in event_log.logs_around(at * _DAY_S)}
            self._logs.follow(names)
        events, problems = self._logs.read(now)
        at = time.monotonic()
        for event in events:
            self.known.apply(event, self._journal.get, at)
        if events or problems:
            self._dirty = True
            # A log without live glideins need not be followed; a new one is of these days.
            self._follow_anew = any(event.number in _ENDS for event in events)
        if problems:
            log.warning("entry=%s event logs: %s", self.record.name, "; ".join(problems))
            self.doubt("the event logs cannot be trusted: " + "; ".join(problems))
        if self.known.incomplete:
            self.doubt("the event logs do not tell all: " + self.known.incomplete)
            self.known.incomplete = ""

    def _take_shared(self, now: float) -> None:
        look = self._shared.look()
        if look is None or look.begun <= self._adopted or look.begun > time.monotonic():
            return
        # After a restart, an own look may well be newer than the last one for all.
        if self._corrected is not None and look.begun <= self._corrected:
            return
        if self._needed is not None and look.begun < self._needed[0]:
            return
        found = self._shared.glideins()
        if found is None:
            return
        self._adopted = look.begun
        self._correct(found, look.begun, now)

    def _correct(self, found: list[Any], begun: float, now: float) -> None:
        self.known.correct(found, begun, time.monotonic(), int(now))
        self._corrected = max(begun, self._corrected or 0.0)
        if self._needed is not None and begun >= self._needed[0]:
            self._needed = None
        for submission in self._journal.open:
            ended = self._over.get(submission.id)
            if ended is not None and begun >= ended:
                seen = self.known.seen(submission.id)
                self._close(submission, f"a full query saw {seen} of {submission.count}")
        self._problem = ""
        self._dirty = self._follow_anew = True

    def _why_query(self) -> str:
        """Return why a query of our own is due; "" when it is not."""
        now = time.monotonic()
        if self._needed is None:
            for begun in self._journal.open:
                over = self._over.get(begun.id, now)
                if now - over > _OVERDUE_S:
                    self.doubt(f"submission {begun.id} does not show in the event logs")
        if self._needed is not None:
            since, why = self._needed
            if self._corrected is None and now - since < self._shared_s:
                return ""  # the shared look is about to come
            # Where nobody reaches the schedd, hundreds of entries need not try as well.
            return "" if self._away() and now - since < self._own_after_s else why
        if self._problem:
            return "the last one failed"
        age_s = now - (self._corrected or 0.0)
        return "it is time" if age_s > self._own_after_s else ""

    def _away(self) -> str:
        """Return why the shared look, tried after anything that we know, failed; else ""."""
        look = self._shared.look() if self._shared_s else None
        if look is None or look.tried <= (self._corrected or 0.0):
            return ""
        return look.problem

    @property
    def _own_after_s(self) -> float:
        share = 1.5 if self._shared_s else 1.0
        return share * self.record.cycle.full_query_s

    def _query(self, why: str, now: float) -> None:
        begun = time.monotonic()
        try:
            record = self.record
            found = self._schedd.query(Ours(record.factory, record.glidein, record.name))
        except ScheddError as error:
            self._problem = str(error)
            log.warning("entry=%s full query, because %s: %s", self.record.name, why, error)
            return
        log.debug("entry=%s full query, because %s: %d", self.record.name, why, len(found))
        self._correct(found, begun, now)

    def _settle(self) -> None:
        """Close the submissions of which all glideins have been seen."""
        for begun in self._journal.open:
            if self.known.seen(begun.id) >= begun.count:
                self._close(begun, "all seen")
        self.known.keep_seen(begun.id for begun in self._journal.open)

    def _close(self, begun: Begun, why: str) -> None:
        self._over.pop(begun.id, None)
        try:
            self._journal.settled(begun, why)
        except JournalError as error:  # after a restart it is settled again
            log.warning("entry=%s: %s", self.record.name, error)

    def _freshness(self) -> tuple[Freshness, str]:
        problem = self._problem or self._away()
        if problem:
            return Freshness.FAILED, problem
        if self._needed is not None:
            return Freshness.STALE, f"a full look at the queue is needed: {self._needed[1]}"
        age_s = time.monotonic() - (self._corrected or 0.0)
        if age_s > 2 * self.record.cycle.full_query_s:
            return Freshness.STALE, f"the last full look at the queue is {age_s:.0f} s old"
        return Freshness.FRESH, ""

    def _load(self) -> tuple[KnownQueue, dict[str, Position]]:
        """Return what was known before; nothing when that cannot be read: a query tells all."""
        known = KnownQueue(direct=self.record.grid_type in ("local", "vanilla"))
        try:
            said = json.loads(self._file.read_bytes())
            if said["format"] != FORMAT:
                return known, {}
            for changed, started, cluster, process, state, *rest in said["glideins"]:
                key: Key = (cluster, process)
                known.glideins[key] = Glidein(cluster, process, State(state), *rest)
                if changed:
                    known.changed[key] = changed
                if started:
                    known.started[key] = started
            known.ended = [Ended(*one) for one in said["ended"]]
            self._taken = float(said["taken"])
            return known, {name: Position(*at) for name, at in said["logs"].items()}
        except FileNotFoundError:
            return known, {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s: cannot be read, a full query tells all: %r", self._file, error)
            return KnownQueue(direct=known.direct), {}

    def _save(self) -> None:
        """Keep what is known; not brought to the disk at once, for the queue itself has it."""
        if not self._dirty:
            return
        known = self.known
        said = {
            "format": FORMAT,
            "taken": self._taken,
            "logs": {
                name: [at.inode, at.offset] for name, at in self._logs.positions.items()
            },
            "glideins": [
                [known.changed.get(key, 0), known.started.get(key, 0), *_values(one)]
                for key, one in known.glideins.items()
            ],
            "ended": [_values(one) for one in known.ended],
        }
        try:
            state_file.write(self._file, said)
            self._dirty, self._unwritten = False, ""
        except OSError as error:
            if self._unwritten != words(error):
                log.error("what is known of the queue is not kept: %s", words(error))
            self._unwritten = words(error)


_ENDS = frozenset((event_log.TERMINATED, event_log.ABORTED))


def _values(one: Glidein | Ended) -> list[Any]:
    """Return the fields in their order; not astuple, which would copy each."""
    return [getattr(one, name) for name in one.__dataclass_fields__]
