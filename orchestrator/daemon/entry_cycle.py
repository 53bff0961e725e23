"""The cycle of an Entry daemon: look at the queue, read requests, decide, act, advertise, tell.

What goes wrong in one step is logged with its place, shows in the entry's status, and leaves the
others working: a queue that cannot be seen is a view that has failed, so nothing is submitted;
a collector that is away costs the ad alone.
"""

import enum
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from orchestrator.daemon import state_file
from orchestrator.daemon.board import Slot
from orchestrator.daemon.entry_actions import act
from orchestrator.daemon.entry_ads import EntryAds, due_after_s
from orchestrator.daemon.logs import step_failed
from orchestrator.daemon.own_requests import OwnRequests
from orchestrator.daemon.stamp import stamp
from orchestrator.deciding import backoff
from orchestrator.deciding.backoff import Backoffs
from orchestrator.deciding.decision import decide
from orchestrator.deciding.request import RequestsView
from orchestrator.deciding.verdict import Decision, Turns
from orchestrator.errors import FactoryError
from orchestrator.outputs import outcome, outcomes, prune
from orchestrator.outputs.outcome import Ended, Outcome
from orchestrator.protocol.keys import Keyring
from orchestrator.protocol.requests_view import View
from orchestrator.queue import by_hand
from orchestrator.queue.journal import Journal
from orchestrator.queue.queue_reader import QueueReader
from orchestrator.queue.queue_view import Freshness, QueueView
from orchestrator.queue.schedd import Schedd
from orchestrator.queue.submission import Submitter
from orchestrator.worktree.downtimes import Downtimes, DowntimesFile
from orchestrator.worktree.entry_record import EntryRecord, read_entry
from orchestrator.worktree.told import Told

log = logging.getLogger(__name__)

Result = TypeVar("Result")

STATUS = "status.json"
BACKOFF = "backoff.json"
RETRY = "retry"  # a file by which an operator has the entry try again
_SHARED_S = 45.0  # so long a shared look at the queue is waited for
MANY = 10  # entries that wait for a look at the queue: one for all is cheaper then
_PRUNE_S = 3_600.0
_TELL_AGAIN_S = 60.0  # who reads the status sees from its age that the daemon goes on


class Next(enum.Enum):
    """What follows a cycle."""

    NEWS = enum.auto()  # there is nothing to do until something changes, or it is time
    GO_ON = enum.auto()  # the next cycle has work, whatever changes
    SOON = enum.auto()  # and should not wait for the usual time
    RETIRED = enum.auto()  # for ever


class EntryCycle:
    """All that the daemon of entry ``name`` keeps from one cycle to the next.

    ``started`` (epoch) is when the factory did. What this object refers to can be pickled,
    but for slot, journal and keyring: see :mod:`orchestrator.daemon.entry_memory`.

    Raises:
        FactoryError: there is no record of the entry that can be read.
    """

    def __init__(
        self,
        work: Path,
        name: str,
        slot: Slot,
        journal: Journal,
        keyring: Keyring,
        started: int,
    ) -> None:
        self.work = work
        self.name = name
        self.folder = work / "entries" / name
        self._slot = slot
        self._journal = journal
        self.retired = False
        self._next_schedd = ""  # that it goes to when no glidein is left in the old one
        self.record: EntryRecord = self._read_record()
        self._downtimes = DowntimesFile(work)
        self._view = View(work, name)
        self._own = OwnRequests(work, keyring)
        self.ads = EntryAds(keyring.public, started)
        slot.blind = True
        self._set_up_queue()
        self._backoffs = self._load_backoffs()
        self._began_anew = True  # what ended may have been told before
        self._uncounted: list[Outcome] = []  # those that are in no sum
        self._turns = Turns()
        self._words = ""  # of the last decision
        self._decided = 0.0
        self._pruned = 0.0
        self._shown = 0  # stands for what the status says
        self._wrote = 0.0
        self._problems: dict[str, str] = {}  # by step
        self._began = time.monotonic()

    def cycle(self) -> Next:
        """Do one cycle."""
        now = time.time()
        changed = self._take_over()
        queue = self._look(now)
        if self._next_schedd and self._empty(queue):
            self._move()
            changed, queue = True, self._look(now)
        self._slot.blind = queue.freshness is not Freshness.FRESH
        self._slot.settle(len(queue.glideins), _unseen(queue))
        requests = self._requests(now)
        downtimes = self._downtimes.read()
        ended = self._step("outcomes", list[Outcome](), lambda: self._outcomes(now))
        self._step("statistics", None, self._count)
        self._step("backoff", None, lambda: self._judge(queue, ended, now))
        decision = self._decide(queue, requests, downtimes, now)
        worked = bool(decision.submit or decision.remove or decision.release)
        if worked:
            problems = act(decision, self._schedd, self._submitter, now, self._slot.beat)
            self._problems["acting"] = "; ".join(problems)
            queue = self._look(now)
        if self._step("by hand", False, lambda: self._obey(queue, requests, now)):
            queue = self._look(now)
        self._slot.settle(len(queue.glideins), _unseen(queue))
        if (
            worked
            or changed
            or self.ads.due(self.record.cycle, now)
            or self.ads.outdated(self.record, requests.requests, downtimes, now)
        ):
            self._slot.beat()
            self._step(
                "advertising",
                None,
                lambda: self.ads.tell(
                    self.record, decision, requests.heard, downtimes, self.retired, now
                ),
            )
        self._problems["collector"] = self.ads.problem
        self._step("pruning", None, lambda: self._prune(queue, now))
        following = self._following(queue, requests, decision)
        if following is Next.RETIRED:  # what its glideins were told nobody needs any more
            self._step("told", None, self._submitter.told.clear)
        self._step("status", None, lambda: self._show(queue, following, decision, now))
        return following

    def watched(self) -> tuple[str, ...]:
        """Return the files whose change is news."""
        return (
            f"{self.folder}/entry.json",
            f"{self.folder}/retired.json",
            f"{self.folder}/{RETRY}",
            f"{self.folder}/{by_hand.ORDER}",
            str(self._downtimes.path),
            f"{self.work}/views/requests/{self.name}.json",
            f"{self.work}/views/queue/{self.name}.json",
            *self._reader.event_logs(),
        )

    def due(self) -> float:
        """Return when there is something to do without any news (epoch)."""
        now = time.time()
        times = [
            when
            for one in self._downtimes.read().lines
            for when in (one.start, one.end)
            if when is not None and when > now
        ]
        return min([self.ads.when + due_after_s(self.record.cycle), *times])

    # --- looking -------------------------------------------------------------------------

    def _look(self, now: float) -> QueueView:
        """Return the queue view; one that cannot be taken has failed."""
        self._slot.beat()
        failed = QueueView(Freshness.FAILED, 0, problem="looking at the queue failed")
        return self._step("queue", failed, lambda: self._reader.view(now))

    def _requests(self, now: float) -> RequestsView:
        """Return what Frontends ask; of a retired entry, nobody may ask anything."""
        if self.retired:
            return RequestsView(now)
        self._slot.beat()
        failed = RequestsView(0, problem="reading requests failed")
        view = self._step("requests", failed, self._view.read)
        return self._step(
            "own requests", view, lambda: self._own.instead_of(view, self.record, now)
        )

    # --- deciding ------------------------------------------------------------------------

    def _decide(
        self, queue: QueueView, requests: RequestsView, downtimes: Downtimes, now: float
    ) -> Decision:
        limits = self.record.limits
        wanted = limits.submit_cycle if requests.requests else 0
        wanted += limits.release_cycle if queue.glideins else 0
        room = self._slot.reserve(
            wanted, self.record.factory_glideins, self.record.factory_unseen
        )
        decision = decide(
            requests,
            queue,
            limits,
            entry=self.name,
            now=now,
            factory_room=room.glideins,
            factory_unseen_room=room.unseen,
            permits=self.record.allow_frontends,
            downtimes=downtimes,
            backoffs=self._backoffs,
            policy=self.record.backoff,
            turns=self._turns,
            moving=self._moving(queue),
        )
        self._turns, self._decided = decision.turns, now
        if self._words != decision.words:
            log.info("%s", decision.words)
        self._words = decision.words
        return decision

    def _judge(self, queue: QueueView, ended: list[Outcome], now: float) -> None:
        """Bring the back-off up to date; an operator may open the entry by hand."""
        before = self._backoffs
        retry = self.folder / RETRY
        if retry.exists():
            share = retry.read_text().strip()
            self._backoffs = self._backoffs.released(share or None)
            retry.unlink(missing_ok=True)
            log.info("opened by hand share=%s", share or "all")
        self._backoffs = self._backoffs.after(queue, ended, now, self.record.backoff)
        if self._backoffs.shares != before.shares:
            state_file.write(self.folder / BACKOFF, self._backoffs.as_json())

    def _obey(self, queue: QueueView, requests: RequestsView, now: float) -> bool:
        """Submit what a person ordered by hand; return whether anything may be submitted now.

        Neither downtime nor back-off nor a limit stops it: the order is a person's. A view of
        the queue that is not fresh does: what is submitted then, nobody can count.
        """
        order = by_hand.take(self.folder)
        if order is None:
            return False
        asks = [one for one in requests.requests if one.client == order.client]
        if queue.freshness is not Freshness.FRESH:
            problem = f"the queue view is {queue.freshness}: {queue.problem}"
        elif not asks:
            problem = f"{order.client} asks nothing of this entry (any more)"
        else:
            try:
                self._slot.beat()
                clusters = self._submitter.submit(asks[0], [order.count], now)
            except FactoryError as error:
                by_hand.answer(self.folder, order, problem=str(error))
                raise
            log.info(
                "by hand of %s: glideins=%d client=%s", order.who, order.count, order.client
            )
            by_hand.answer(self.folder, order, clusters=clusters)
            return True
        log.warning("by hand of %s: not submitted: %s", order.who, problem)
        by_hand.answer(self.folder, order, problem=problem)
        return False

    # --- what glideins leave -------------------------------------------------------------

    def _outcomes(self, now: float) -> list[Outcome]:
        """Read how glideins ended that left the queue."""
        ended: Iterable[Ended] = self._reader.ended
        if not ended:
            return []
        if self._began_anew:
            told = outcomes.told(self.folder)
            ended = [one for one in ended if (one.id, one.ended) not in told]
        self._began_anew = True  # until all of it is done
        found, waiting = outcome.settle(self.folder / "glideins", ended, now)
        outcomes.append(self.folder, found)
        self._uncounted += found
        for one in found:
            log.info("glidein=%s ended cause=%s", one.glidein, one.cause)
        self._reader.settled(waiting)
        self._began_anew = False
        return found

    def _count(self) -> None:
        """Bring those that ended into the sums."""
        if self._uncounted:
            statistics = outcomes.load(self.folder)
            statistics.add(self._uncounted, self.record.backoff.early_s)
            outcomes.save(self.folder, statistics)
            self._uncounted = []

    def _prune(self, queue: QueueView, now: float) -> None:
        if queue.freshness is not Freshness.FRESH or 0 <= now - self._pruned < _PRUNE_S:
            return
        self._pruned = now
        self._submitter.told.forget(self._reader.live_since(), now)
        keep = prune.needed(queue, self._reader.ended)
        for folder in (self.folder, self.folder / "glideins"):
            prune.prune(folder, keep, now, prune.kinds(self.record.retention))

    # --- the record, the status ----------------------------------------------------------

    def _take_over(self) -> bool:
        """Read the record if it is another one; return whether it is."""
        now = self._record_stamps()
        if now == self._stamps:
            return False
        try:
            record = self._read_record()
        except FactoryError as error:
            self._problems["record"] = f"the old record stays: {error}"
            log.error("the old record stays: %s", error)
            return False
        self._problems["record"] = ""
        old, self.record = self.record, record
        if (old.schedd, old.collectors, old.ad_name) != (
            record.schedd,
            record.collectors,
            record.ad_name,
        ):
            self._set_up_queue()
        self._reader.record = self._submitter.record = record
        log.info("took over a record retired=%s", self.retired)
        return True

    def _read_record(self) -> EntryRecord:
        self._stamps = self._record_stamps()
        self.retired = self._stamps[0] is None and self._stamps[1] is not None
        record = read_entry(self.work, self.name, retired=self.retired)
        # Glideins stay where they are, whatever the configuration says now.
        home = Told(self.folder).schedd or record.schedd
        self._next_schedd = record.schedd if home != record.schedd else ""
        return replace(record, pilot=replace(record.pilot, schedd=home))

    def _empty(self, queue: QueueView) -> bool:
        fresh = queue.freshness is Freshness.FRESH
        return fresh and not (queue.glideins or queue.unseen)

    def _move(self) -> None:
        """Go to the schedd that the configuration names: no glidein is left in the other.

        Raises:
            OSError: that cannot be noted.
        """
        log.info("moves from schedd=%s to %s", self.record.schedd, self._next_schedd)
        self._submitter.told.leave()
        self.record = self._read_record()
        self._set_up_queue()

    def _moving(self, queue: QueueView) -> str:
        """Return why nothing is submitted by an entry that is to move; else ""."""
        if not self._next_schedd:
            return ""
        left = len(queue.glideins) + _unseen(queue)
        return (
            f"the entry moves to {self._next_schedd} when no glidein is left in"
            f" {self.record.schedd}; there are {left}"
        )

    def _record_stamps(self) -> tuple[Any, Any]:
        return stamp(f"{self.folder}/entry.json"), stamp(f"{self.folder}/retired.json")

    def _set_up_queue(self) -> None:
        record = self.record
        self._schedd = Schedd(record.schedd, record.collectors, record.cycle.schedd_limit_s)
        many = self._slot.board.blind() >= MANY
        self._reader = QueueReader(
            self.work, record, self._schedd, self._journal, _SHARED_S if many else 0.0
        )
        self._submitter = Submitter(
            self.work, record, self._schedd, self._journal, self._reader
        )

    def _load_backoffs(self) -> Backoffs:
        told = state_file.read(self.folder / BACKOFF)
        try:
            return backoff.from_json(told) if told else Backoffs({})
        except FactoryError as error:
            log.warning("%s: begins anew: %s", BACKOFF, error)
            return Backoffs({})

    def _following(
        self, queue: QueueView, requests: RequestsView, decision: Decision
    ) -> Next:
        fresh = queue.freshness is Freshness.FRESH
        if self.retired and fresh:
            left = queue.glideins or queue.unseen or self._reader.ended
            return Next.GO_ON if left else Next.RETIRED
        if not fresh and time.monotonic() - self._began < _SHARED_S:
            return Next.SOON
        busy = (
            not fresh
            or decision.submit
            or decision.to_remove
            or decision.to_release
            or queue.unseen
            or self._reader.ended
            or self._backoffs.shares
            or self._next_schedd
            or requests.problem
            or not requests.taken
            or any(self._problems.values())
        )
        return Next.GO_ON if busy else Next.NEWS

    def _show(
        self, queue: QueueView, following: Next, decision: Decision, now: float
    ) -> None:
        """Write the status, unless it says what it said, and said so lately."""
        problems = {step: text for step, text in self._problems.items() if text}
        idle = following is Next.NEWS and not (queue.glideins or decision.verdicts)
        state = "retiring" if self.retired else "idle" if idle else "working"
        shown = {
            "state": "retired" if following is Next.RETIRED else state,
            "glideins": len(queue.glideins),
            "unseen": _unseen(queue),
            "queue": str(queue.freshness),
            "problems": problems,
            "advertised": self.ads.when,
            "words": decision.words,
        }
        why = decision.as_json()
        # Two decisions in the same words may have other reasons, one by one.
        says = hash(repr((shown, {**why, "now": 0, "views": 0})))
        if says == self._shown and 0 <= now - self._wrote < _TELL_AGAIN_S:
            return
        self._shown, self._wrote = says, now
        told = {"written": now, "decided": self._decided, **shown, "decision": why}
        state_file.write(self.folder / STATUS, told)

    def _step(self, name: str, otherwise: Result, step: Callable[[], Result]) -> Result:
        """Return what ``step`` does, or ``otherwise`` when that fails; then say so once."""
        try:
            result = step()
        except Exception as error:  # noqa: BLE001  # it is logged
            step_failed(log, name, error, self._problems)
            return otherwise
        self._problems[name] = ""
        return result


def _unseen(queue: QueueView) -> int:
    return sum(one.count for one in queue.unseen)
