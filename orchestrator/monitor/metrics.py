"""Which metrics there are, and what they are taken from: the records that ``why`` shows.

Labels are names of the configuration, states and causes, of which there are few; never a
glidein's, a node's or a request's.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from orchestrator.explain.records import EntryRecord, FactoryRecord
from orchestrator.monitor.openmetrics import Family, Samples
from orchestrator.outputs.outcomes import Totals

_P = "glidein_factory"
FACTORY = Family(_P, "info", "Which factory this is.")
UP = Family(f"{_P}_up", "gauge", "Whether the Factory daemon runs.")
WRITTEN = Family(
    f"{_P}_written_timestamp_seconds", "gauge", "When these numbers were written."
)
STARTED = Family(f"{_P}_start_timestamp_seconds", "gauge", "When the factory was started.")
PROBLEMS = Family(f"{_P}_problems", "gauge", "How many things are wrong, all together.")
GLIDEINS_MAX = Family(
    f"{_P}_glideins_limit", "gauge", "Glideins that the whole factory may have."
)
DAEMONS = Family(f"{_P}_daemons", "gauge", "Daemons by state.")
ACCIDENTS = Family(
    f"{_P}_entry_accidents", "gauge", "How often the daemon of the entry died lately."
)
VIEW = Family(
    f"{_P}_view_timestamp_seconds",
    "gauge",
    "When the view that all entries share was taken.",
)

GLIDEINS = Family(f"{_P}_entry_glideins", "gauge", "Glideins in the queue by state.")
SUMS = Family(
    f"{_P}_entry_glideins_by_kind",
    "gauge",
    "Glideins as limits count them: idle, running, held.",
)
ASKED_IDLE = Family(
    f"{_P}_entry_requested_idle_glideins", "gauge", "Idle glideins that requests ask for."
)
ASKED_MAX = Family(
    f"{_P}_entry_requested_max_glideins", "gauge", "Glideins at most, as requests ask."
)
REQUESTS = Family(f"{_P}_entry_requests", "gauge", "Requests that Frontends make.")
REFUSED = Family(f"{_P}_entry_refused_requests", "gauge", "Requests that are not served.")
ALIVE = Family(f"{_P}_entry_up", "gauge", "Whether the entry's daemon runs.")
DECIDED = Family(
    f"{_P}_entry_decision_timestamp_seconds", "gauge", "When it was last decided anew."
)
ENTRY_PROBLEMS = Family(f"{_P}_entry_problems", "gauge", "Steps of the daemon that fail.")
DOWN = Family(f"{_P}_entry_down", "gauge", "Whether the entry is in downtime.")
BACKOFF = Family(
    f"{_P}_entry_backoff", "gauge", "Frontends and classes that wait after failures."
)
LIMIT = Family(f"{_P}_entry_limit", "gauge", "What a limit of the entry allows.")
USED = Family(
    f"{_P}_entry_limit_used", "gauge", "What counts against a limit of the entry."
)
HELD = Family(
    f"{_P}_entry_held_glideins", "gauge", "Held glideins by the code of the hold."
)
FRESH = Family(
    f"{_P}_entry_view_fresh", "gauge", "Whether the last decision could trust a view."
)
ENDED = Family(f"{_P}_entry_ended_glideins", "counter", "Glideins that ended, by result.")
FAILED = Family(f"{_P}_entry_failed_glideins", "counter", "Glideins that failed, by cause.")
JOBS = Family(f"{_P}_entry_jobs", "counter", "Jobs that ran in glideins that ended.")
SECONDS = Family(
    f"{_P}_entry_glidein_seconds", "counter", "Where the time of ended glideins went."
)

CLIENT_IDLE = Family(
    f"{_P}_client_requested_idle_glideins",
    "gauge",
    "Idle glideins a client asks of an entry.",
)
CLIENT_MAX = Family(
    f"{_P}_client_requested_max_glideins", "gauge", "Glideins at most, as a client asks."
)
CLIENT_GLIDEINS = Family(
    f"{_P}_client_glideins",
    "gauge",
    "Glideins of a client at an entry: idle, running, held.",
)
HEARD = Family(
    f"{_P}_client_heard_timestamp_seconds", "gauge", "When a client's requests last came."
)
EXPIRES = Family(
    f"{_P}_credential_expiry_timestamp_seconds",
    "gauge",
    "When the first of a client's credentials ends.",
)

FAMILIES = tuple(one for one in list(globals().values()) if isinstance(one, Family))

_STATES = (
    *("wait", "pending", "stage_in", "idle_other", "unseen"),
    *("running_now", "stage_out", "running_other", "held"),
)
_KINDS = ("idle", "running", "held")


def of_factory(record: FactoryRecord, limit: int) -> Samples:
    """Return the samples of the factory as a whole; ``limit`` bounds the glideins of all entries."""
    made = Samples()
    made.add(FACTORY, 1, factory=record["factory"])
    made.add(UP, record["running"])
    made.add(WRITTEN, record["now"])
    made.add(STARTED, record["started"])
    made.add(PROBLEMS, len(record["problems"]))
    made.add(GLIDEINS_MAX, limit)
    states = Counter(one["daemon"] for one in record["entries"].values())
    for state, count in states.items():
        made.add(DAEMONS, count, state=state)
    for name, one in record["entries"].items():
        made.add(ACCIDENTS, one["accidents"], entry=name)
    for view, look in record["looks"].items():
        made.add(VIEW, look["taken"], view=view)
    for frontend in record["frontends"]:
        for client, heard in frontend["clients"].items():
            made.add(HEARD, heard, frontend=frontend["frontend"], client=client)
    expires: dict[tuple[str, str], float] = {}
    for credential in record["credentials"]:  # those that end first come first
        if credential["expires"] is not None:
            key = (credential["frontend"], credential["client"])
            expires.setdefault(key, credential["expires"])
    for (name, client), when in expires.items():
        made.add(EXPIRES, when, frontend=name, client=client)
    return made


def of_entry(record: EntryRecord, totals: Totals, values: Mapping[str, Any]) -> Samples:
    """Return the samples of one entry; ``values`` are those of its history, None if unknown."""
    made, entry = Samples(), record["entry"]
    made.add(ALIVE, record["alive"], entry=entry)
    made.add(DECIDED, record["decided"], entry=entry)
    made.add(ENTRY_PROBLEMS, len(record["problems"]), entry=entry)
    made.add(DOWN, bool(record["down"]), entry=entry)
    made.add(BACKOFF, len(record["backoffs"]), entry=entry)
    made.add(REQUESTS, len(record["requests"]), entry=entry)
    made.add(REFUSED, record["refused"], entry=entry)
    made.add(ASKED_IDLE, values["asked_idle"], entry=entry)
    made.add(ASKED_MAX, values["asked_max"], entry=entry)
    for which, view in record["views"].items():
        made.add(FRESH, view["freshness"] == "fresh", entry=entry, view=which)
    if values["idle"] is not None and record["glideins"] is not None:
        for state in _STATES:
            made.add(GLIDEINS, record["glideins"].get(state, 0), entry=entry, state=state)
        for kind in _KINDS:
            made.add(SUMS, record["glideins"][kind], entry=entry, kind=kind)
        for group in record["held"]:
            code = f"{group['code']}/{group['subcode']}"
            made.add(HELD, group["count"], entry=entry, code=code)
    for bound in record["bounds"]:
        made.add(LIMIT, bound["limit"], entry=entry, rule=bound["rule"])
        made.add(USED, bound["used"] + bound["given"], entry=entry, rule=bound["rule"])
    _add_totals(made, entry, totals)
    for client, about in clients(record).items():
        labels = {"entry": entry, "frontend": about["frontend"], "client": client}
        made.add(CLIENT_IDLE, about["asked_idle"], **labels)
        made.add(CLIENT_MAX, about["asked_max"], **labels)
        for kind in _KINDS:
            made.add(CLIENT_GLIDEINS, about[kind], **labels, kind=kind)
    return made


def clients(record: EntryRecord) -> dict[str, dict[str, Any]]:
    """Return what each client asks of the entry and has there, summed over its requests.

    What it has is None where one of its requests is too new to know.
    """
    found: dict[str, dict[str, Any]] = {}
    for one in record["requests"]:
        about = found.setdefault(
            one["client"],
            {"frontend": one["frontend"], "asked_idle": 0, "asked_max": 0, "words": []}
            | dict.fromkeys(_KINDS, 0),
        )
        about["words"].append(one["words"])
        about["asked_idle"] += one["asked"]["idle"]
        about["asked_max"] += one["asked"]["max"]
        for kind in _KINDS:
            has = one["has"]
            known = has is not None and about[kind] is not None
            about[kind] = about[kind] + has[kind] if has is not None and known else None
    return found


def _add_totals(made: Samples, entry: str, totals: Totals) -> None:
    failed = sum(totals.failed.values())
    made.add(ENDED, totals.good, entry=entry, result="good")
    made.add(ENDED, failed, entry=entry, result="failed")
    made.add(ENDED, totals.removed, entry=entry, result="removed")
    for cause, count in totals.failed.items():
        made.add(FAILED, count, entry=entry, cause=cause)
    made.add(JOBS, totals.jobs, entry=entry)
    for name, seconds in totals.seconds.items():
        made.add(SECONDS, seconds, entry=entry, kind=name.removesuffix("_s"))
