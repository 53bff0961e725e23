"""The glideins of one entry as far as they are known: from events, corrected by full queries.

Two clocks meet here. ``time`` of an event and ``since`` of a glidein are the schedd's, in epoch
seconds; both come from the same clock, so they can be compared. When we learned something, and
when a query was begun, is told by this machine's monotonic clock, which is never set back.

A query is never believed against what was learned after it had begun; and an event never
against a query that saw a later change.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from orchestrator.outputs.outcome import Ended
from orchestrator.queue import event_log
from orchestrator.queue.event_log import Event
from orchestrator.queue.journal import Begun
from orchestrator.queue.queue_view import IDLE_STATES, RUNNING_STATES, Glidein, State
from orchestrator.queue.schedd import Queued

Key = tuple[int, int]  # cluster, process

# HTCondor writes that a job has ended some time before its queue says so.
_LAG_S = 300
_BY_HAND = 1  # the hold code of what was held by a person; all others are the system's


@dataclass
class KnownQueue:
    """What is known; ``ended`` are glideins that ended, until somebody has settled them.

    ``direct`` says that the schedd itself runs the glideins. Of others it may be told an exit
    code of 0 that nobody has seen.
    """

    direct: bool = True
    glideins: dict[Key, Glidein] = field(default_factory=dict)
    started: dict[Key, int] = field(default_factory=dict)  # last time it began to run
    changed: dict[Key, int] = field(default_factory=dict)  # time of the last event
    ended: list[Ended] = field(default_factory=list)
    incomplete: str = ""  # why only a full query can tell
    _learned: dict[Key, float] = field(default_factory=dict)  # not there: before all else
    _gone: dict[Key, float] = field(default_factory=dict)
    _seen: dict[str, set[Key]] = field(default_factory=dict)  # by open submission

    def apply(
        self, event: Event, submission: Callable[[str], Begun | None], at: float
    ) -> None:
        """Take in what an event says, which was read at ``at``.

        ``submission`` finds an open submission by its id.
        """
        key = (event.cluster, event.process)
        if event.number == event_log.SUBMIT:
            self._submitted(key, event, submission(event.note), at)
            return
        known = self.glideins.get(key)
        ended = event.number in (event_log.TERMINATED, event_log.ABORTED)
        if known is None:
            if ended:
                self._gone[key] = at
            elif key not in self._gone:
                self.incomplete = f"an event of {event.cluster}.{event.process}, not known"
            return
        if ended:
            self._end(key, event, at)
            return
        if event.number == event_log.GRID_SUBMIT:
            if known.state is State.WAIT:
                known.state = State.PENDING
            return
        if event.time < known.since:
            return  # a query saw what came after it
        _change(known, event)
        self.changed[key] = event.time
        if event.number == event_log.EXECUTE:
            self.started[key] = event.time

    def correct(self, found: Iterable[Queued], begun: float, now: float, wall: int) -> None:
        """Take in all that a full query found, which was begun at ``begun``; it is ``now``,
        and ``wall`` in epoch seconds.
        """
        self._gone = {key: at for key, at in self._gone.items() if at + _LAG_S > begun}
        there: set[Key] = set()
        for glidein, _, submission in found:
            key = (glidein.cluster, glidein.process)
            if key in self._gone:
                continue
            there.add(key)
            self._seen.setdefault(submission, set()).add(key)
            self._take(key, glidein, now)
        for key in [*self.glideins]:
            if key not in there and self._learned.get(key, 0.0) < begun:
                started = self.started.pop(key, None)
                known = self._forget(key, now)
                self.ended.append(_ended(known, wall, started))
        self.incomplete = ""

    def seen(self, submission: str) -> int:
        """Return how many glideins of an open submission have been seen, gone ones too."""
        return len(self._seen.get(submission, ()))

    def keep_seen(self, submissions: Iterable[str]) -> None:
        """Forget who was seen of any but these submissions."""
        if self._seen:
            keep = set(submissions)
            self._seen = {name: seen for name, seen in self._seen.items() if name in keep}

    def _submitted(self, key: Key, event: Event, begun: Begun | None, at: float) -> None:
        if begun is not None:
            self._seen.setdefault(begun.id, set()).add(key)
        if key in self.glideins or key in self._gone:
            return
        if begun is None:
            self.incomplete = f"a submission of {event.cluster}.{event.process}, not ours"
            return
        self.glideins[key] = Glidein(
            cluster=event.cluster,
            process=event.process,
            state=State.WAIT,
            client=sys.intern(begun.client),
            share=sys.intern(begun.share),
            credential=sys.intern(begun.credential),
            queued=event.time,
            since=event.time,
        )
        self._learned[key] = at

    def _take(self, key: Key, glidein: Glidein, now: float) -> None:
        """Take in what a query says of one glidein."""
        glidein.client = sys.intern(glidein.client)
        glidein.share = sys.intern(glidein.share)
        glidein.credential = sys.intern(glidein.credential)
        known = self.glideins.get(key)
        if known is None:
            self._learned[key] = now
        elif (
            _kind(known.state) != _kind(glidein.state)
            and self.changed.get(key, 0) > glidein.since
        ):
            return  # the event is newer than what the queue says
        if glidein.state in RUNNING_STATES:
            self.started.setdefault(key, glidein.since)
        self.glideins[key] = glidein

    def _end(self, key: Key, event: Event, at: float) -> None:
        started = self.started.pop(key, None)
        known = self._forget(key, at)
        ended = _ended(known, event.time, started, event)
        if not self.direct and ended.exit_code == 0:
            ended = replace(ended, exit_code=None)
        self.ended.append(ended)

    def _forget(self, key: Key, at: float) -> Glidein:
        self._gone[key] = at
        self.changed.pop(key, None)
        self._learned.pop(key, None)
        return self.glideins.pop(key)


def _ended(
    known: Glidein, when: int, started: int | None, event: Event | None = None
) -> Ended:
    return Ended(
        known.cluster,
        known.process,
        known.client,
        known.share,
        ended=when,
        started=started,
        removed=event is not None and event.number == event_log.ABORTED,
        exit_code=event.code if event is not None else None,
        signal=event.signal if event is not None else None,
    )


def _kind(state: State) -> str:
    return "idle" if state in IDLE_STATES else "held" if state is State.HELD else "running"


def _change(known: Glidein, event: Event) -> None:
    """Change the state of a glidein as an event says."""
    was_held = known.state is State.HELD
    match event.number:
        case event_log.EXECUTE:
            known.state = State.RUNNING
        case event_log.HELD:
            known.state = State.HELD
            known.hold_code, known.hold_subcode = event.code or 0, event.subcode
            known.hold_reason = event.reason
            if known.hold_code != _BY_HAND:
                known.holds += 1
        case _:  # evicted, released, lost
            known.state = State.WAIT
    known.since = event.time
    if was_held and known.state is not State.HELD:
        known.hold_code = known.hold_subcode = 0
        known.hold_reason = ""
