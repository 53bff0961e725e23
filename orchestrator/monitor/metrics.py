"""What the metrics are taken from: the records that ``why`` shows.

Labels are names of the configuration, states and causes, of which there are few; never a
glidein's, a node's or a request's. What is not known has no sample.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from orchestrator.explain.records import EntryRecord, FactoryRecord, FrontendRecord
from orchestrator.monitor import families as F
from orchestrator.monitor.openmetrics import Samples
from orchestrator.outputs.outcomes import Statistics, Totals
from orchestrator.queue.queue_view import KINDS

_STATES = (
    *("wait", "pending", "stage_in", "idle_other", "unseen"),
    *("running_now", "stage_out", "running_other", "held"),
)


def of_factory(
    record: FactoryRecord,
    told: Mapping[str, Any],
    monitor: Mapping[str, Any] | None,
    asked: Mapping[str, float | None],
) -> Samples:
    """Return the samples of the factory as a whole.

    Args:
        told: What the overview says besides the record: written, every_s, took_s, limit.
        monitor: The monitor's daemon, as the Factory daemon tells of it.
        asked: What is asked for in all entries: asked_idle, asked_max.
    """
    made, now = Samples(), record["now"]
    made.add(F.FACTORY, 1, factory=record["factory"])
    made.add(F.UP, record["running"])
    made.add(F.STARTED, record["started"])
    made.add(F.PROBLEMS, len(record["problems"]))
    for kind, count in record["glideins"].items():
        made.add(F.GLIDEINS, count, kind=kind)
    made.add(F.GLIDEINS_MAX, told["limit"])
    made.add(F.ASKED_IDLE, asked["asked_idle"])
    made.add(F.ASKED_MAX, asked["asked_max"])
    made.add(F.ENTRIES, len(record["entries"]))
    made.add(F.UNTOLD, record["untold"])
    made.add(F.UNKNOWN, record["unknown"])
    states = Counter(one["daemon"] for one in record["entries"].values())
    for state, count in states.items():
        made.add(F.DAEMONS, count, state=state)
    said = None if record["told_age_s"] is None else now - record["told_age_s"]
    made.add(F.TOLD, said)
    for name, daemon in (("views", record["views"]), ("monitor", monitor)):
        if daemon is not None:
            made.add(F.SIGN, _sign(said, daemon.get("silent_s")), daemon=name)
            made.add(F.CYCLE, daemon.get("cycle_s"), daemon=name)
            made.add(F.DAEMON_ACCIDENTS, daemon.get("accidents"), daemon=name)
    for name, one in record["entries"].items():
        made.add(F.ENTRY_ACCIDENTS, one["accidents"], entry=name)
        made.add(F.ENTRY_SIGN, _sign(said, one["silent_s"]), entry=name)
    for view, look in record["looks"].items():
        made.add(F.VIEW, look["taken"], view=view)
        made.add(F.VIEW_FAILED, bool(look["problem"]), view=view)
    made.add(F.WRITTEN, told["written"])
    made.add(F.EVERY, told["every_s"])
    made.add(F.TOOK, told["took_s"])
    _add_frontends(made, record["frontends"])
    expires: dict[tuple[str, str], float] = {}
    for credential in record["credentials"]:  # those that end first come first
        if credential["expires"] is not None:
            key = (credential["frontend"], credential["client"])
            expires.setdefault(key, credential["expires"])
    for (frontend, client), when in expires.items():
        made.add(F.EXPIRES, when, frontend=frontend, client=client)
    return made


def _sign(said: float | None, silent_s: float | None) -> float | None:
    return None if said is None or silent_s is None else round(said - silent_s, 3)


def _add_frontends(made: Samples, records: list[FrontendRecord]) -> None:
    """Add what is of Frontends; identities that are not known here are taken together."""
    by_name: dict[str, list[FrontendRecord]] = {}
    for record in records:
        by_name.setdefault(record["frontend"], []).append(record)
        for client, heard in record["clients"].items():
            made.add(F.HEARD, heard, frontend=record["frontend"], client=client)
    for name, those in by_name.items():
        made.add(F.FRONTEND_ENTRIES, sum(one["entries"] for one in those), frontend=name)
        made.add(F.FRONTEND_REQUESTS, sum(one["requests"] for one in those), frontend=name)
        made.add(F.FRONTEND_REFUSED, sum(one["refused"] for one in those), frontend=name)
        made.add(F.FRONTEND_IDLE, total(one["idle"] for one in those), frontend=name)
        made.add(F.FRONTEND_MAX, total(one["max"] for one in those), frontend=name)
        latest = [one["heard"] for one in those if one["heard"] is not None]
        made.add(F.FRONTEND_HEARD, max(latest, default=None), frontend=name)
        for kind in KINDS:
            count = total(one["glideins"][kind] for one in those)
            made.add(F.FRONTEND_GLIDEINS, count, frontend=name, kind=kind)


def total(values: Any) -> float | None:
    """Return the sum of what is known, if anything is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def of_entry(
    record: EntryRecord,
    statistics: Statistics,
    values: Mapping[str, Any],
    by_client: Mapping[str, Mapping[str, Any]],
) -> Samples:
    """Return the samples of one entry.

    Args:
        values: Those of its history, None if unknown.
        by_client: What :func:`clients` made of both.
    """
    made, entry = Samples(), record["entry"]
    made.add(F.ENTRY_UP, record["alive"], entry=entry)
    made.add(F.ENTRY_CYCLE, (record["daemon"] or {}).get("cycle_s"), entry=entry)
    made.add(F.ENTRY_DECIDED, record["decided"], entry=entry)
    made.add(F.ENTRY_ADVERTISED, record["advertised"] or None, entry=entry)
    made.add(F.ENTRY_PROBLEMS, len(record["problems"]), entry=entry)
    made.add(F.ENTRY_REQUESTS, len(record["requests"]), entry=entry)
    made.add(F.ENTRY_REFUSED, record["refused"], entry=entry)
    for which, view in record["views"].items():
        made.add(F.ENTRY_FRESH, view["freshness"] == "fresh", entry=entry, view=which)
        made.add(F.ENTRY_VIEW, view["taken"] or None, entry=entry, view=which)
    for action in ("submit", "remove", "release"):
        made.add(F.ENTRY_DECISION, record[action], entry=entry, action=action)
    made.add(F.ENTRY_WANTED, record["to_remove"], entry=entry, action="remove")
    made.add(F.ENTRY_WANTED, record["to_release"], entry=entry, action="release")
    if values["idle"] is not None and record["glideins"] is not None:
        _add_queue(made, record, record["glideins"])
    _add_limits(made, record)
    _add_stops(made, record)
    # A counter that begins at 0 shows also the first that it counts.
    asking = {one["frontend"]: Totals() for one in record["requests"]}
    for frontend, totals in {**asking, **statistics.frontends}.items():
        _add_totals(made, {"entry": entry, "frontend": frontend}, totals)
    for client, about in by_client.items():
        labels = {"entry": entry, "frontend": about["frontend"], "client": client}
        made.add(F.CLIENT_IDLE, about["asked_idle"], **labels)
        made.add(F.CLIENT_MAX, about["asked_max"], **labels)
        for kind in KINDS:
            made.add(F.CLIENT_GLIDEINS, about[kind], **labels, kind=kind)
        for action in ("submit", "remove"):
            made.add(F.CLIENT_DECISION, about[action], **labels, action=action)
    return made


def of_values(entry: str, values: Mapping[str, Any]) -> Samples:
    """Return the samples of an entry that may change though its record is not read again."""
    made = Samples()
    made.add(F.ENTRY_ASKED_IDLE, values.get("asked_idle"), entry=entry)
    made.add(F.ENTRY_ASKED_MAX, values.get("asked_max"), entry=entry)
    for kind in KINDS:
        made.add(F.ENTRY_KINDS, values.get(kind), entry=entry, kind=kind)
    return made


def _add_queue(made: Samples, record: EntryRecord, has: Mapping[str, int]) -> None:
    entry = record["entry"]
    for state in _STATES:
        made.add(F.ENTRY_GLIDEINS, has.get(state, 0), entry=entry, state=state)
    for group in record["held"]:
        labels = {"entry": entry, "code": f"{group['code']}/{group['subcode']}"}
        made.add(F.ENTRY_HELD, group["count"], **labels)
        made.add(F.ENTRY_CURABLE, group["recoverable"], **labels)
        made.add(F.ENTRY_HELD_OLDEST, group["oldest"], **labels)
        made.add(F.ENTRY_HELD_NEWEST, group["newest"], **labels)


def _add_limits(made: Samples, record: EntryRecord) -> None:
    entry = record["entry"]
    for bound in record["bounds"]:
        made.add(F.ENTRY_LIMIT, bound["limit"], entry=entry, rule=bound["rule"])
        used = bound["used"] + bound["given"]
        made.add(F.ENTRY_USED, used, entry=entry, rule=bound["rule"])
    for share, about in record["shares"].items():
        for bound in about["bounds"]:
            labels = {"entry": entry, **_share(share), "rule": bound["rule"]}
            made.add(F.SHARE_LIMIT, bound["limit"], **labels)
            made.add(F.SHARE_USED, bound["used"] + bound["given"], **labels)


def _share(share: str) -> dict[str, str]:
    frontend, _, security_class = share.rpartition(":")
    return {"frontend": frontend, "security_class": security_class}


def _add_stops(made: Samples, record: EntryRecord) -> None:
    entry = record["entry"]
    made.add(F.ENTRY_DOWN, bool(record["down"]), entry=entry)
    made.add(F.ENTRY_DOWNTIMES, len(record["downtimes"]), entry=entry)
    holding = [one for one in record["downtimes"] if one["holds"]]
    if holding:
        ends = [one["end"] for one in holding]
        made.add(F.ENTRY_DOWN_START, min(one["start"] for one in holding), entry=entry)
        end = None if None in ends else max(one for one in ends if one is not None)
        made.add(F.ENTRY_DOWN_END, end, entry=entry)
    made.add(F.ENTRY_STOPPED, len(record["stopped"]), entry=entry)
    made.add(F.ENTRY_BACKOFF, len(record["backoffs"]), entry=entry)
    for one in record["backoffs"]:
        labels = {"entry": entry, **_share(one["share"])}
        made.add(F.ENTRY_BACKOFF_END, one["until"], **labels)
        made.add(F.ENTRY_BACKOFF_LEVEL, one["level"], **labels)


def clients(record: EntryRecord, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what each client asks of the entry and has there, summed over its requests.

    None is what is not known: what all ask, and have, where the entry's ``values`` say so; and
    what one has of whose requests one is too new to know.
    """
    found: dict[str, dict[str, Any]] = {}
    for one in record["requests"]:
        has = one["has"] if values["idle"] is not None else None
        asked = one["asked"] if values["asked_idle"] is not None else {}
        told = {
            "asked_idle": asked.get("idle"),
            "asked_max": asked.get("max"),
            **{kind: None if has is None else has[kind] for kind in KINDS},
            **{action: dict(one)[action] for action in ("submit", "remove")},
        }
        about = found.get(one["client"])
        if about is None:
            about = {"frontend": one["frontend"], "words": [one["words"]], **told}
            found[one["client"]] = about
            continue
        about["words"].append(one["words"])
        for name, value in told.items():
            known = about[name] is not None and value is not None
            about[name] = about[name] + value if known else None
    return found


def _add_totals(made: Samples, labels: dict[str, str], totals: Totals) -> None:
    failed = sum(totals.failed.values())
    made.add(F.ENDED, totals.good, **labels, result="good")
    made.add(F.ENDED, failed, **labels, result="failed")
    made.add(F.ENDED, totals.removed, **labels, result="removed")
    made.add(F.ENDED, totals.stopped, **labels, result="stopped")
    for cause, count in totals.failed.items():
        made.add(F.FAILED, count, **labels, cause=cause)
    made.add(F.EARLY, totals.early, **labels)
    made.add(F.LAUNCHED, totals.launched, **labels)
    made.add(F.JOBS, totals.jobs, **labels)
    for name, seconds in totals.seconds.items():
        made.add(F.SECONDS, seconds, **labels, kind=name.removesuffix("_s"))
        made.add(F.MEASURED, totals.measured[name], **labels, kind=name.removesuffix("_s"))
