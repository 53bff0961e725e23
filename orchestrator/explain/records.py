"""The records: plain dictionaries, written as JSON exactly as they are.

Of every ``words`` it is true that a person may read it alone, and that the log says the same.
"""

from typing import Any, TypedDict


class Finding(TypedDict):
    """One thing that was looked at: ``state`` is "ok", "warn" or "fail".

    ``mend`` is the command (or the deed) that mends it, "" when nothing needs to be.
    """

    what: str
    state: str
    words: str
    mend: str


class ViewRecord(TypedDict):
    """What an entry decided from; ``taken`` is when it was seen (0: never)."""

    taken: float
    age_s: float | None
    freshness: str  # "fresh" at the last decision, or why not, in words


class LookRecord(TypedDict):
    """The last look for all entries at the collector, or at one schedd."""

    taken: float | None  # the last one that succeeded
    age_s: float | None
    problem: str  # why the last one failed


class BoundRecord(TypedDict):
    """One limit, as :class:`orchestrator.deciding.bounds.Bound` has it.

    ``left`` is how many more glideins it allows (None: it bounds nothing now); ``limit`` None
    shuts out altogether.
    """

    rule: str
    limit: int | None
    used: int
    given: int
    left: int | None
    words: str


class CredentialRecord(TypedDict):
    """The credential of one client, with what is left of its life (None: it does not say)."""

    client: str
    frontend: str
    security_class: str
    identifier: str  # its tracking id
    purposes: list[str]  # scitoken, idtoken, proxy, …
    expires: float | None
    remaining_s: float | None  # negative: expired


class RequestRecord(TypedDict):
    """One request and its verdict; what was decided is None for one that is newer than that."""

    request: str
    client: str
    frontend: str
    security_class: str
    share: str  # FRONTEND:CLASS, what limits are counted by
    identity: str
    heard: float | None  # when the collector last heard of the client
    heard_age_s: float | None
    asked: dict[str, Any]  # idle, max, removal, margin
    has: dict[str, int] | None
    submit: int | None
    remove: int | None
    removal: str
    binds: BoundRecord | None
    bounds: list[BoundRecord]  # of this request alone, then of its share, then of the entry
    words: str
    credential: CredentialRecord | None


class RefusalRecord(TypedDict):
    """Requests that are not served for one reason; ``request`` is the first of them."""

    client: str
    identity: str
    reason: str
    count: int
    request: str


class DowntimeRecord(TypedDict):
    """A downtime that concerns the entry, now or later."""

    start: float
    end: float | None
    entry: str
    frontend: str
    security_class: str
    comment: str
    holds: bool  # now
    line: int
    problem: str


class BackoffRecord(TypedDict):
    """The back-off of one FRONTEND:CLASS: open, closed or trial."""

    share: str
    phase: str
    level: int
    until: float
    remaining_s: float
    why: str


class HoldRecord(TypedDict):
    """Held glideins with one code; ``reason`` is that of ``sample``, the one held last."""

    code: int
    subcode: int
    count: int
    recoverable: int  # how many of them a release may cure, says the configuration
    shares: dict[str, int]
    oldest: float  # since when the first of them is held
    newest: float
    reason: str
    sample: str  # CLUSTER.PROCESS


class SampleRecord(TypedDict):
    """One glidein to look at; the files may be gone meanwhile."""

    glidein: str
    client: str
    node: str
    ended: float
    code: int | None
    detail: str
    out: str  # absolute path
    err: str
    there: bool  # whether its output still is
    look: str  # the command that shows it


class CauseRecord(TypedDict):
    """Glideins that failed for one cause; ``nodes`` has the worst ones ("" is not known)."""

    cause: str
    count: int
    early: int  # before they were of any use
    last: float
    shares: dict[str, int]
    hours: dict[str, dict[str, int]]  # by share and hour (of those since 1970)
    nodes: dict[str, int]
    sample: SampleRecord


class EndedRecord(TypedDict):
    """How glideins ended since ``since``; ``whole`` says that this is all of the time wanted.

    ``good``, ``removed``, ``stopped`` and ``failed`` together are ``ended``.
    """

    since: float
    whole: bool
    ended: int
    good: int
    removed: int
    stopped: int  # by the stop list
    failed: int
    early: int
    shares: dict[str, dict[str, int]]  # by FRONTEND:CLASS the same numbers
    causes: list[CauseRecord]  # the most frequent first


class EntryRecord(TypedDict):
    """All that is known of one entry, and why its last decision was as it was."""

    entry: str
    now: float
    findings: list[Finding]  # what keeps it from more, the most important first
    state: str  # working, idle, retiring, retired; "unknown": it has told nothing yet
    daemon: (
        dict[str, Any] | None
    )  # what the Factory daemon knows of the entry's; None: none
    alive: bool  # the entry's daemon runs and was heard lately
    decided: (
        float | None
    )  # when this was first decided; what follows held until it is alive
    age_s: float | None
    words: str  # the decision in one sentence
    problems: dict[str, str]  # by step of the daemon
    views: dict[str, ViewRecord]  # "queue", "requests"
    looks: dict[str, LookRecord]  # "requests", and "queue": of the entry's schedd
    schedd: str
    glideins: dict[str, int] | None  # idle, running, held, and parts of them
    unseen: int | None
    advertised: float | None
    down: str  # why nobody gets anything
    downtimes: list[DowntimeRecord]
    stopped: list[str]  # lines of the stop list that mean this entry, or the factory
    bounds: list[BoundRecord]  # of the entry, with this decision's numbers
    shares: dict[str, dict[str, Any]]  # by FRONTEND:CLASS: has, bounds
    backoffs: list[BackoffRecord]
    requests: list[RequestRecord]
    refused: int
    refusals: list[RefusalRecord]
    submit: int | None
    remove: int | None
    to_remove: int | None
    release: int | None
    to_release: int | None
    removals: dict[str, int]  # by words, of those told one by one
    releases: dict[str, int]
    held: list[HoldRecord]  # the most frequent first
    ended: EndedRecord


class EntrySummary(TypedDict):
    """One line about an entry; what it has not told is None."""

    entry: str
    state: str  # as in EntryRecord
    known: bool  # its numbers are of now: its daemon runs and sees the queue
    daemon: str  # running, waiting, down, …; "none"
    silent_s: float | None
    accidents: int | None
    decided: float | None
    age_s: float | None
    idle: int | None  # with those not yet seen
    unseen: int | None
    running: int | None
    held: int | None
    requests: int | None
    refused: int | None
    submit: int | None
    remove: int | None
    queue: str  # freshness of its view of the queue
    down: str
    backoffs: list[str]  # shares that are in back-off
    binds: dict[str, int]  # how many requests each rule keeps from more
    words: str
    problems: list[str]  # of its daemon, and by step


class FrontendRecord(TypedDict):
    """One identity that asks, or may ask, for glideins.

    ``frontend`` is its name here, "" of an identity that the configuration does not know.
    """

    frontend: str
    identity: str
    clients: dict[str, float | None]  # when the collector last heard of each of its clients
    heard: float | None  # the latest of them
    heard_age_s: float | None
    entries: int  # of which it asks something
    requests: int
    idle: int | None  # asked for in all; None: the requests view cannot be trusted
    max: int | None
    glideins: dict[str, int | None]  # idle, running, held: its own in all entries known now
    refused: int
    refusals: list[RefusalRecord]
    credentials: list[CredentialRecord]  # those that expire first at the top


class FactoryRecord(TypedDict):
    """The whole factory."""

    factory: str  # GLIDEIN@FACTORY
    now: float
    running: bool
    pid: int | None
    started: float | None
    state: str
    told_age_s: float | None  # since the Factory daemon told of itself
    views: dict[str, Any] | None  # the views daemon
    looks: dict[str, LookRecord]  # "requests", and "queue of SCHEDD"
    glideins: dict[str, int | None]  # idle, running, held in all entries known now
    untold: int  # entries that have told nothing yet
    unknown: int  # with them, entries whose numbers are not of now
    entries: dict[str, EntrySummary]
    frontends: list[FrontendRecord]
    credentials: list[CredentialRecord]
    problems: list[str]  # all that is wrong, in words
