"""One glidein: its life from the journal, the event logs, the queue as known, and its report."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

from orchestrator.errors import FactoryError
from orchestrator.explain import files, pool_name
from orchestrator.explain.failures import sample
from orchestrator.explain.records import SampleRecord
from orchestrator.explain.words import Line
from orchestrator.outputs import outcomes
from orchestrator.queue import event_log, journal, queue_file
from orchestrator.queue.event_log import Event
from orchestrator.queue.queue_view import Glidein
from orchestrator.span import span
from orchestrator.worktree.downtimes import written
from orchestrator.worktree.factory_record import read_factory

_ID = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})")
_WORDS = {
    event_log.SUBMIT: "submitted",
    event_log.EXECUTE: "began to run",
    event_log.EVICTED: "was evicted",
    event_log.TERMINATED: "ended",
    event_log.SHADOW_EXCEPTION: "was lost",
    event_log.ABORTED: "was removed",
    event_log.HELD: "was held",
    event_log.RELEASED: "was released",
    event_log.RECONNECT_FAILED: "could not be reached again",
    event_log.GRID_SUBMIT: "arrived at the site",
}


class EventRecord(TypedDict):
    """Something that happened to it."""

    time: float
    what: str
    reason: str
    code: int | None
    subcode: int
    signal: int | None


class GlideinRecord(TypedDict):
    """All that is known of one glidein."""

    glidein: str
    entry: str
    now: float
    words: str  # where it is now, or how it ended
    submission: dict[str, Any] | None  # what the journal says, while it is open
    events: list[EventRecord]
    queue: dict[str, Any] | None  # as the entry's daemon knows it; None: not in the queue
    queue_taken: float
    outcome: dict[str, Any] | None  # None: it has not ended, or is forgotten
    look: SampleRecord | None


def is_glidein(text: str) -> bool:
    """Return whether ``text`` names a glidein: CLUSTER.PROCESS, or as the pool does."""
    return bool(_ID.fullmatch(text) or pool_name.name_in(text))


def explain(work: Path, text: str, *, now: float | None = None) -> GlideinRecord:
    """Return the life of the glidein CLUSTER.PROCESS, or of one by its name in the pool.

    Raises:
        FactoryError: no entry knows it, or something may not be read.
    """
    now = time.time() if now is None else now
    match = _ID.fullmatch(text) or _ID.fullmatch(pool_name.ident(work, text))
    if match is None:
        raise FactoryError(f"{text}: its ad in the pool does not say which job it is")
    cluster, process = int(match[1]), int(match[2])
    for folder in files.entry_folders(work, read_factory(work).entries):
        found = _in_entry(folder, cluster, process, now)
        if found is not None:
            return found
    raise FactoryError(
        f"{cluster}.{process}: no entry knows this glidein: neither its event logs, nor the"
        " queue as known, nor its outcomes"
    )


def lines(told: GlideinRecord) -> Iterator[Line]:
    """Yield the life of a glidein for a person."""
    yield f"{told['glidein']} of {told['entry']}: {told['words']}", "head"
    if told["submission"] is not None:
        yield f"  its submission is open: {json.dumps(told['submission'])}", "warn"
    before: float | None = None
    for event in told["events"]:
        after = "" if before is None else f" (after {span(event['time'] - before)})"
        before = event["time"]
        reason = f": {event['reason']}" if event["reason"] else ""
        code = "" if event["code"] is None else f", code {event['code']}"
        code += f".{event['subcode']}" if event["subcode"] else ""
        code += f", signal {event['signal']}" if event["signal"] is not None else ""
        yield f"  {written(int(event['time']))} {event['what']}{after}{code}{reason}", ""
    outcome = told["outcome"]
    if outcome is not None:
        yield f"  told by its {outcome.get('source')}:", ""
        for key in (
            "node",
            "name",
            "cause",
            "detail",
            "jobs",
            "total_s",
            "validation_s",
            "before_job_s",
            "condor_s",
            "job_s",
        ):
            yield f"    {key}: {outcome.get(key, 'not known')}", ""
        for phase, took_ms in outcome.get("phases_ms", {}).items():
            yield f"    phase {phase}: {took_ms / 1000:.1f} s", ""
    look = told["look"]
    if look is not None:
        gone = "" if look["there"] else " (its output is not there)"
        yield f"  -> {look['look']}{gone}", ""


def _in_entry(folder: Path, cluster: int, process: int, now: float) -> GlideinRecord | None:
    ident = f"{cluster}.{process}"
    events = event_log.events_of(folder / "glideins", cluster, process, now)
    known = queue_file.read(folder)
    queued = next((one for one in known.glideins if one.id == ident), None)
    outcome = _outcome(folder, ident)
    if not events and queued is None and outcome is None:
        return None
    begun = _submission(folder, cluster)
    client = (
        queued.client if queued else (outcome or {}).get("client") or _client(folder, ident)
    )
    about = outcome or {"glidein": ident, "client": client}
    return {
        "glidein": ident,
        "entry": folder.name,
        "now": now,
        "words": _words(queued, outcome, events, now),
        "submission": begun,
        "events": [_event(one) for one in events],
        "queue": None if queued is None else _queued(queued, known.started.get(ident)),
        "queue_taken": known.taken,
        "outcome": outcome,
        "look": sample(folder, about) if client else None,
    }


def _words(
    queued: Glidein | None, outcome: dict[str, Any] | None, events: list[Event], now: float
) -> str:
    if queued is not None:
        text = f"{queued.state.name.lower()} for {span(now - queued.since)}"
        text += f", queued {span(now - queued.queued)} ago for {queued.client}"
        return f"{text}; {queued.hold_reason}" if queued.hold_reason else text
    if outcome is not None:
        code = outcome.get("code")
        said = "" if code is None else f", exit code {code}"
        return f"ended {span(now - outcome['ended'])} ago: {outcome['cause']}{said}"
    return f"{_WORDS[events[-1].number]} {span(now - events[-1].time)} ago; nothing else is known"


def _event(one: Event) -> EventRecord:
    return {
        "time": one.time,
        "what": _WORDS[one.number],
        "reason": one.reason,
        "code": one.code,
        "subcode": one.subcode,
        "signal": one.signal,
    }


def _queued(one: Glidein, started: int | None) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in one.__dataclass_fields__}
    return {**told, "state": one.state.name.lower(), "started": started}


def _outcome(folder: Path, ident: str) -> dict[str, Any] | None:
    """Return the last outcome of that id; the lines that cannot be it are not read as JSON."""
    found = None
    mark = f'"glidein":"{ident}"'.encode()
    for path in sorted(folder.glob(f"{outcomes.LINES}*")):
        for line in path.read_bytes().split(b"\n"):
            if mark in line:
                try:
                    found = json.loads(line)
                except ValueError:
                    continue
    return found


def _submission(folder: Path, cluster: int) -> dict[str, Any] | None:
    """Return the open submission of a cluster."""
    try:
        begun = journal.read_open(folder)
    except OSError as error:
        raise FactoryError(f"{error.filename}: {error.strerror}") from error
    return next((vars(one) for one in begun if one.cluster == cluster), None)


def _client(folder: Path, ident: str) -> str:
    """Return whose a glidein was, by where its output is."""
    found = next((folder / "glideins").glob(f"*/job.{ident}.*"), None)
    return found.parent.name if found else ""
