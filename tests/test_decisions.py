"""The table of cases, tests/decisions.toml: no schedd, no clock."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.backoff import Backoff, Backoffs
from orchestrator.closures import Closures
from orchestrator.decision import decide
from orchestrator.monitor_counts import limits_hit
from orchestrator.queue_view import Glidein
from orchestrator.sanitize import Target
from orchestrator.verdict import Decision, Turns
from tests import deciding
from tests.deciding import NOW

CASES = tomllib.loads((Path(__file__).parent / "decisions.toml").read_text())["case"]
KNOWN = {
    *(
        "name",
        "asks",
        "has",
        "limits",
        "factory_room",
        "last",
        "queue",
        "requests",
        "expired",
    ),
    *("down", "down_for", "permits", "pause_for", "trial_for"),
    *("submit", "because", "clusters", "remove", "forced", "release", "hit"),
}
HIT = "GlideinMonitorStatus_GlideFactoryLimit"


def decided(case: dict[str, Any]) -> Decision:
    """Decide in the situation of a case."""
    expires = int(NOW) - 1 if case.get("expired") else int(NOW) + 3_600
    view = deciding.requests(case.get("asks", {}), case.get("requests", "fresh"))
    asked = tuple(
        replace(one, credentials=replace(one.credentials, expires=expires))
        for one in view.requests
    )
    states = {
        case.get("pause_for"): Backoff(1, NOW - 60, NOW + 540, "5 of 5 signs were bad"),
        case.get("trial_for"): Backoff(1, NOW - 660, NOW - 60, "5 of 5 signs were bad"),
    }
    return decide(
        replace(view, requests=asked),
        deciding.queue(case.get("has", {}), case.get("queue", "fresh")),
        deciding.limits(case.get("limits", {})),
        now=NOW,
        factory_room=case.get("factory_room", 100_000),
        permits=case.get("permits"),
        closures=Closures(case.get("down", ""), case.get("down_for", {})),
        backoffs=Backoffs({share: state for share, state in states.items() if share}),
        turns=Turns(case.get("last", "")),
    )


def whose(targets: tuple[Target, ...], has: dict[str, str]) -> dict[str, str]:
    """Return what is done to whose glideins, in the words of the table."""
    found: dict[str, list[Glidein]] = {}
    for asker in has:
        found[asker] = [
            one.glidein
            for one in targets
            if (one.glidein.client, one.glidein.share, one.glidein.credential)
            == deciding.key(asker)
        ]
    assert sum(map(len, found.values())) == len(targets)
    return deciding.in_words(found)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    assert set(case) <= KNOWN, f"nobody reads {set(case) - KNOWN}"
    has, asks = case.get("has", {}), case.get("asks", {})
    decision = decided(case)
    names = {deciding.request(asker, asks[asker]).name: asker for asker in asks}
    by_asker = {names[one.request.name]: one for one in decision.verdicts}
    assert set(by_asker) == set(asks)
    told = {asker: one.words for asker, one in by_asker.items()}
    submitted = {asker: one.submit for asker, one in by_asker.items() if one.submit}
    assert submitted == case.get("submit", {}), told
    for asker, rule in case.get("because", {}).items():
        assert by_asker[asker].binds.rule == rule, told
    for asker, sizes in case.get("clusters", {}).items():
        assert list(by_asker[asker].clusters) == sizes
    assert whose(decision.remove, has) == case.get("remove", {})
    assert sum(one.force for one in decision.remove) == case.get("forced", 0)
    assert whose(decision.release, has) == case.get("release", {})
    hit = {name.removeprefix(HIT): value for name, value in limits_hit(decision).items()}
    if case.get("hit") or "limits" not in case:
        assert hit == case.get("hit", {})


def test_no_two_cases_have_one_name() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES)
