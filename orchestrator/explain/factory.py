"""The whole factory: its daemons, a line for each entry, Frontends, credentials, and what is wrong."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.daemon.children import State
from orchestrator.daemon.entry_cycle import STATUS
from orchestrator.explain import files
from orchestrator.explain.credentials import credentials
from orchestrator.explain.daemons import Daemons
from orchestrator.explain.findings import FAIL, SILENT, life
from orchestrator.explain.frontends import frontends, views
from orchestrator.explain.records import (
    CredentialRecord,
    EntrySummary,
    FactoryRecord,
    LookRecord,
)
from orchestrator.explain.room import without
from orchestrator.protocol.requests_view import STAMP
from orchestrator.queue import shared_queue
from orchestrator.queue.queue_view import KINDS, Freshness
from orchestrator.worktree import factory_record

_NAMED = 5  # entries with the same problem


def explain(work: Path, *, now: float | None = None) -> FactoryRecord:
    """Return how the factory of the work tree ``work`` is.

    Raises:
        FactoryError: there is no work tree, or something of it may not be read.
    """
    now = time.time() if now is None else now
    record = factory_record.read_factory(work)
    daemons = Daemons.of(work)
    names = sorted({*record.entries, *daemons.entries})
    statuses = {name: files.read(work / "entries" / name / STATUS) for name in names}
    requests = views(work, names)
    entries = {
        name: summary(name, statuses[name], daemons, now, len(requests[name].refusals))
        for name in names
    }
    asked = [one for view in requests.values() for one in view.requests]
    alive = credentials(asked, now)
    looks = _looks(work, now)
    places = [("work tree", work), ("web area", Path(record.web.stage))]
    room = [one["words"] for one in without(places)]
    return {
        "factory": record.ad_name,
        "now": now,
        "running": daemons.pid is not None,
        "pid": daemons.pid,
        "started": daemons.factory.get("started") if daemons.pid else None,
        "state": daemons.factory.get("state", "unknown") if daemons.pid else "not running",
        "told_age_s": files.age(daemons.factory.get("written"), now),
        "views": daemons.views,
        "looks": looks,
        "glideins": {key: _sum(entries.values(), key) for key in KINDS},
        "untold": sum(one["idle"] is None for one in entries.values()),
        "unknown": sum(not one["known"] for one in entries.values()),
        "entries": entries,
        "frontends": frontends(
            work,
            record,
            requests,
            [statuses[name] for name, one in entries.items() if one["known"]],
            now,
        ),
        "credentials": alive,
        "problems": _problems(daemons, looks, entries, alive, room),
    }


def credentials_of(
    work: Path, record: factory_record.FactoryRecord, *, now: float | None = None
) -> list[CredentialRecord]:
    """Return the credentials of all requests, those that expire first at the top."""
    found = views(work, record.entries).values()
    asked = [one for view in found for one in view.requests]
    return credentials(asked, time.time() if now is None else now)


def summary(
    name: str, status: Mapping[str, Any], daemons: Daemons, now: float, refused: int
) -> EntrySummary:
    """Return a line about entry ``name`` from what its daemon told last."""
    decision = status.get("decision", {})
    has = decision.get("has", {})
    daemon = daemons.entries.get(name, {})
    problems = [f"{step}: {text}" for step, text in status.get("problems", {}).items()]
    if daemons.pid is not None:
        problems = [*_of_daemon(daemons.entries.get(name)), *problems]
    verdicts = decision.get("requests")
    return {
        "entry": name,
        "state": status.get("state", "unknown"),
        "known": _is_known(has, status, daemon, daemons),
        "daemon": daemon.get("state", "none"),
        "silent_s": daemon.get("silent_s"),
        "accidents": daemon.get("accidents"),
        "decided": status.get("decided"),
        "age_s": files.age(status.get("decided"), now),
        "idle": has.get("idle"),
        "unseen": status.get("unseen"),
        "running": has.get("running"),
        "held": has.get("held"),
        "requests": None if verdicts is None else len(verdicts),
        "refused": refused,
        "submit": decision.get("submit"),
        "remove": decision.get("remove"),
        "queue": status.get("queue", "unknown"),
        "down": decision.get("down", ""),
        "backoffs": [*decision.get("backoffs", {})],
        "binds": dict(
            Counter(one["binds"]["rule"] for one in verdicts or ()).most_common()
        ),
        "words": decision.get("words", "nothing was decided yet"),
        "problems": problems,
    }


def _is_known(
    has: Mapping[str, Any],
    status: Mapping[str, Any],
    daemon: Mapping[str, Any],
    daemons: Daemons,
) -> bool:
    """Return whether the numbers of an entry are of now; of a factory that does not run, whether
    it told any: nothing else does.
    """
    if not has or daemons.pid is None:
        return bool(has)
    return daemon.get("state") == State.RUNNING and status.get("queue") == Freshness.FRESH


def _sum(entries: Iterable[EntrySummary], key: str) -> int | None:
    """Return the sum over those that are known; None: nothing is."""
    known: list[int] = [dict(one)[key] for one in entries if one["known"]]  # type: ignore[misc]
    return sum(known) if known else None


def _of_daemon(daemon: Mapping[str, Any] | None) -> list[str]:
    if daemon is None:
        return ["has no daemon yet"]
    if daemon["state"] == State.RUNNING or not daemon["problem"]:
        return []
    return [f"daemon {daemon['state']}: {daemon['problem']}"]


def _looks(work: Path, now: float) -> dict[str, LookRecord]:
    told = {"requests": files.read(work / "views" / STAMP)}
    stamp = files.read(shared_queue.queue_folder(work) / shared_queue.STAMP)
    for name, look in stamp.get("schedds", {}).items():
        told[f"queue of {name}"] = look
    return {
        what: {
            "taken": look.get("taken") or None,
            "age_s": files.age(look.get("taken"), now),
            "problem": look.get("problem", ""),
        }
        for what, look in told.items()
    }


def _problems(
    daemons: Daemons,
    looks: Mapping[str, LookRecord],
    entries: Mapping[str, EntrySummary],
    alive: list[CredentialRecord],
    room: list[str],
) -> list[str]:
    """Return all that is wrong; what a factory does not say that does not run is not asked."""
    if daemons.pid is None:
        return ["the factory does not run: glidein-factory start", *room]
    found = [*room]
    if daemons.silent:
        found.append(f"{SILENT}: glidein-factory logs --factory")
    if daemons.factory.get("problem"):
        found.append(str(daemons.factory["problem"]))
    found += [f"views: {text}" for text in _of_daemon(daemons.views)]
    found += [f"monitor: {text}" for text in _of_daemon(daemons.monitor)]
    found += [
        f"{what}: {look['problem']}" for what, look in looks.items() if look["problem"]
    ]
    found += _together(entries)
    return found + _expired(alive)


def _expired(credentials: list[CredentialRecord]) -> list[str]:
    """Return a line for each client of which credentials are over. One that ends soon is no
    problem yet: many live for minutes and are renewed all the time.
    """
    over: dict[str, list[str]] = {}
    for credential in credentials:
        said = life(credential)
        if said is not None and said["state"] == FAIL:
            over.setdefault(credential["client"], []).append(said["words"])
    return [
        words[0] + (f", and {len(words) - 1} more of it" if len(words) > 1 else "")
        for words in over.values()
    ]


def _together(entries: Mapping[str, EntrySummary]) -> list[str]:
    """Return the problems of entries, those that many have once."""
    names: dict[str, list[str]] = {}
    for name, one in entries.items():
        for text in one["problems"]:
            names.setdefault(text, []).append(name)
    found = []
    for text, those in names.items():
        who = those[0]
        if len(those) > 1:
            more = ", …" if len(those) > _NAMED else ""
            who = f"{len(those)} entries ({', '.join(those[:_NAMED])}{more})"
        found.append(f"{who}: {text}")
    return found
