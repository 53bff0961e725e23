"""The requests of an entry, each with its verdict."""

from collections.abc import Mapping
from typing import Any

from orchestrator.deciding.request import Request, RequestsView
from orchestrator.explain import files
from orchestrator.explain.credentials import credential
from orchestrator.explain.records import RequestRecord


def requests_of(
    view: RequestsView, decision: Mapping[str, Any], now: float
) -> list[RequestRecord]:
    """Return what is asked now, and what the last decision was about, by client and name."""
    verdicts = {one["request"]: one for one in decision.get("requests", [])}
    entry_bounds = decision.get("bounds", [])
    shares = decision.get("shares", {})
    found = []
    for request in view.requests:
        verdict = verdicts.pop(request.name, None)
        found.append(
            _asked(request, view, now)
            if verdict is None
            else _merged(request, verdict, view, shares, entry_bounds, now)
        )
    found += [_gone(one, shares, entry_bounds) for one in verdicts.values()]
    return sorted(found, key=lambda one: (one["client"], one["request"]))


def _asked(request: Request, view: RequestsView, now: float) -> RequestRecord:
    heard = view.heard.get(request.client)
    return {
        "request": request.name,
        "client": request.client,
        "frontend": request.frontend,
        "security_class": request.security_class,
        "share": request.share,
        "identity": request.identity,
        "heard": heard,
        "heard_age_s": files.age(heard, now),
        "asked": {
            "idle": request.idle,
            "max": request.max_glideins,
            "removal": str(request.removal),
            "margin": request.margin,
        },
        "has": None,
        "submit": None,
        "remove": None,
        "removal": "",
        "binds": None,
        "bounds": [],
        "words": f"asks for {request.idle} idle, {request.max_glideins} at most;"
        " nothing was decided yet",
        "credential": credential(request, now),
    }


def _merged(
    request: Request,
    verdict: Mapping[str, Any],
    view: RequestsView,
    shares: Mapping[str, Any],
    entry_bounds: list[Any],
    now: float,
) -> RequestRecord:
    return {**_asked(request, view, now), **_decided(verdict, shares, entry_bounds)}


def _gone(
    verdict: Mapping[str, Any], shares: Mapping[str, Any], entry_bounds: list[Any]
) -> RequestRecord:
    """Return a request that is no more, as the last decision had it."""
    frontend, _, security_class = verdict["share"].rpartition(":")
    record: Any = {
        "request": verdict["request"],
        "client": verdict["client"],
        "frontend": frontend,
        "security_class": security_class,
        "share": verdict["share"],
        "identity": "",
        "heard": None,
        "heard_age_s": None,
        "credential": None,
    }
    gone: RequestRecord = record | _decided(verdict, shares, entry_bounds)
    return gone


def _decided(
    verdict: Mapping[str, Any], shares: Mapping[str, Any], entry_bounds: list[Any]
) -> Any:
    share = shares.get(verdict["share"], {})
    return {
        **{
            key: verdict[key]
            for key in ("asked", "has", "submit", "remove", "removal", "binds", "words")
        },
        "bounds": [*verdict["bounds"], *share.get("bounds", []), *entry_bounds],
    }
