"""The glideins of an entry as the schedd has them now, with what the site says of each."""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import FactoryError
from orchestrator.queue.queue_states import state_of
from orchestrator.queue.queue_view import IDLE_STATES, RUNNING_STATES, State
from orchestrator.queue.schedd import Schedd
from orchestrator.worktree.entry_record import EntryRecord, read_entry

ATTRIBUTES = (
    *("ClusterId", "ProcId", "JobStatus", "GridJobStatus", "QDate", "EnteredCurrentStatus"),
    *("GlideinClient", "GlideinFrontendName", "GlideinCredentialIdentifier"),
    *("HoldReasonCode", "HoldReasonSubCode", "HoldReason", "NumSystemHolds"),
    *("GridJobId", "RemoteHost", "LastRemoteHost", "ReleaseReason", "NumJobStarts"),
)


@dataclass(frozen=True)
class Meant:
    """Which glideins a person means: all that fit each part that says something.

    ``ids`` are CLUSTER.PROCESS or CLUSTER; ``state`` is a state or a part of one; ``frontend`` a
    name, FRONTEND:CLASS or a client; ``older_s`` how long they are in their state at least.
    """

    ids: tuple[str, ...] = ()
    state: str = ""
    frontend: str = ""
    older_s: float | None = None


@dataclass(frozen=True)
class LiveGlidein:
    """One glidein; times are epoch seconds, 0 where the schedd does not say."""

    id: str  # CLUSTER.PROCESS
    entry: str
    state: str  # idle, running or held
    part: str  # and more exactly: wait, pending, stage_in, …
    client: str
    share: str  # FRONTEND:CLASS
    credential: str
    queued: int
    since: int  # in this state
    holds: int
    site_state: str  # GridJobStatus, as the site says it
    site_id: str  # GridJobId
    host: str  # where it runs, or ran last
    hold_code: int
    hold_subcode: int
    words: str  # why it is held, or was released

    @property
    def frontend(self) -> str:
        return self.share.rpartition(":")[0]

    def as_json(self, now: float) -> dict[str, Any]:
        """Return the record, with its ages (seconds)."""
        ages = {"age_s": now - self.queued, "state_age_s": now - self.since}
        return {**asdict(self), **ages}


def schedd_of(record: EntryRecord) -> Schedd:
    """Return the schedd of an entry."""
    return Schedd(record.schedd, record.collectors, record.cycle.schedd_limit_s)


def record_of(work: Path, entry: str) -> EntryRecord:
    """Return the record of an entry, also of one that is retired.

    Raises:
        FactoryError: it cannot be read.
    """
    folder = work / "entries" / entry
    return read_entry(work, entry, retired=not (folder / "entry.json").exists())


def look(record: EntryRecord) -> list[LiveGlidein]:
    """Return the glideins of an entry that are in the queue now, the oldest first.

    Raises:
        ScheddError: the schedd did not answer: nothing is known.
    """
    found = schedd_of(record).ads(record.factory, record.glidein, record.name, ATTRIBUTES)
    glideins = [one for ad in found if (one := _glidein(ad, record.name)) is not None]
    return sorted(glideins, key=lambda one: (one.queued, *map(int, one.id.split("."))))


def chosen(
    glideins: Iterable[LiveGlidein], meant: Meant, now: float | None = None
) -> list[LiveGlidein]:
    """Return those that are meant.

    Raises:
        FactoryError: an id is none.
    """
    wanted = set(meant.ids)
    for one in wanted:
        if not one.replace(".", "", 1).isdigit():
            raise FactoryError(
                f"{one!r} is no glidein: expected CLUSTER.PROCESS or CLUSTER"
            )
    now = time.time() if now is None else now
    return [
        one
        for one in glideins
        if (not wanted or one.id in wanted or one.id.partition(".")[0] in wanted)
        and meant.state in ("", one.state, one.part)
        and meant.frontend in ("", one.frontend, one.client, one.share)
        and (meant.older_s is None or now - one.since >= meant.older_s)
    ]


def _glidein(ad: dict[str, Any], entry: str) -> LiveGlidein | None:
    site_state = str(ad.get("GridJobStatus", ""))
    state = state_of(_int(ad, "JobStatus"), site_state or None)
    if state is None:
        return None
    words = ad.get("HoldReason") if state is State.HELD else ad.get("ReleaseReason")
    return LiveGlidein(
        id=f"{_int(ad, 'ClusterId')}.{_int(ad, 'ProcId')}",
        entry=entry,
        state=_kind(state),
        part=state.name.lower(),
        client=str(ad.get("GlideinClient", "")),
        share=str(ad.get("GlideinFrontendName", "")),
        credential=str(ad.get("GlideinCredentialIdentifier", "")),
        queued=_int(ad, "QDate"),
        since=_int(ad, "EnteredCurrentStatus") or _int(ad, "QDate"),
        holds=_int(ad, "NumSystemHolds"),
        site_state=site_state,
        site_id=str(ad.get("GridJobId", "")),
        host=str(ad.get("RemoteHost") or ad.get("LastRemoteHost") or ""),
        hold_code=_int(ad, "HoldReasonCode"),
        hold_subcode=_int(ad, "HoldReasonSubCode"),
        words=str(words or ""),
    )


def _kind(state: State) -> str:
    if state in IDLE_STATES:
        return "idle"
    return "running" if state in RUNNING_STATES else "held"


def _int(ad: dict[str, Any], name: str) -> int:
    value = ad.get(name)
    return value if isinstance(value, int) else 0
