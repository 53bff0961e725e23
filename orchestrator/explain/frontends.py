"""Frontends, by identity: what each asks of all entries, and what it has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.deciding.freshness import requests_unusable
from orchestrator.deciding.request import Refusal, Request, RequestsView
from orchestrator.explain import files
from orchestrator.explain.credentials import credentials
from orchestrator.explain.records import FrontendRecord
from orchestrator.explain.refusals import grouped
from orchestrator.protocol import requests_view
from orchestrator.queue.queue_view import KINDS
from orchestrator.worktree.entry_limits import Limits
from orchestrator.worktree.factory_record import FactoryRecord


@dataclass
class _Asks:
    frontend: str
    identity: str
    requests: list[Request] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    heard: dict[str, float | None] = field(default_factory=dict)


def views(work: Path, entries: Iterable[str]) -> dict[str, RequestsView]:
    """Return the requests view of each entry."""
    return {name: requests_view.read(work, name) for name in entries}


def frontends(
    work: Path,
    record: FactoryRecord,
    requests: Mapping[str, RequestsView],
    statuses: Iterable[Mapping[str, Any]],
    now: float,
) -> list[FrontendRecord]:
    """Return all Frontends: those that the configuration knows, and others that tried.

    Args:
        requests: The view of each entry.
        statuses: What the daemon of each entry told of which the numbers are known, for the
            glideins.
    """
    names = {one.identity: name for name, one in record.frontends.items()}
    found = {identity: _Asks(name, identity) for identity, name in names.items()}

    def of(identity: str) -> _Asks:
        return found.setdefault(identity, _Asks(names.get(identity, ""), identity))

    for view in requests.values():
        for one in view.requests:
            asks = of(one.identity)
            asks.requests.append(one)
            asks.heard[one.client] = view.heard.get(one.client)
        for refusal in view.refusals:
            of(refusal.identity).refusals.append(refusal)
    for refusal in requests_view.read_refusals(work):
        of(refusal.identity).refusals.append(refusal)
    has = _glideins(statuses)
    limits = Limits()
    asked_known = any(not requests_unusable(one, limits, now) for one in requests.values())
    return [
        _record(
            one, has.get(one.frontend, {}) if has is not None else None, asked_known, now
        )
        for one in sorted(found.values(), key=lambda one: (not one.frontend, one.identity))
    ]


def _record(
    asks: _Asks, has: dict[str, int] | None, asked_known: bool, now: float
) -> FrontendRecord:
    heard = max((when for when in asks.heard.values() if when), default=None)
    return {
        "frontend": asks.frontend,
        "identity": asks.identity,
        "clients": dict(sorted(asks.heard.items())),
        "heard": heard,
        "heard_age_s": files.age(heard, now),
        "entries": len({one.entry for one in asks.requests}),
        "requests": len(asks.requests),
        "idle": sum(one.idle for one in asks.requests) if asked_known else None,
        "max": sum(one.max_glideins for one in asks.requests) if asked_known else None,
        "glideins": {name: None if has is None else has.get(name, 0) for name in KINDS},
        "refused": len(asks.refusals),
        "refusals": grouped(asks.refusals),
        "credentials": credentials(asks.requests, now),
    }


def _glideins(statuses: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]] | None:
    """Return the glideins in all entries, by the Frontend's name; None: of no entry is it known."""
    found: dict[str, dict[str, int]] = {}
    told = False
    for status in statuses:
        told = True
        for share, about in status.get("decision", {}).get("shares", {}).items():
            sums = found.setdefault(share.rpartition(":")[0], {})
            for name in KINDS:
                sums[name] = sums.get(name, 0) + about["has"].get(name, 0)
    return found if told else None
