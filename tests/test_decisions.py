"""The table of cases, tests/decisions.toml: no schedd, no clock."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.deciding.backoff import Backoff, Backoffs
from orchestrator.deciding.decision import decide
from orchestrator.deciding.monitor_counts import limits_hit
from orchestrator.deciding.sanitize import Target
from orchestrator.deciding.verdict import Decision, Turns
from orchestrator.queue.queue_view import Glidein
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
        "factory_unseen_room",
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
        entry="site",
        now=NOW,
        factory_unseen_room=case.get("factory_unseen_room"),
        factory_room=case.get("factory_room", 100_000),
        permits=case.get("permits"),
        downtimes=deciding.downtimes(case.get("down", ""), case.get("down_for", {})),
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


def test_a_verdict_is_a_sentence() -> None:
    case = {
        "asks": {"cms": "10 idle of 50"},
        "has": {
            "cms": "2 pending, 1 unseen, 7 running, 1 held code 1",
            "osg": "17 pending",
        },
        "limits": {"entry_idle": 24, "recoverable": ["1"]},
    }
    [verdict] = decided(case).verdicts
    assert verdict.words == (
        "asked for 10 idle, 50 at most; has 3 idle (1 not yet seen), 7 running, 1 held;"
        " submits 4 [entry idle] the entry may have 24 idle: 20 before, 4 more now"
    )
    [verdict] = decided({**case, "down": "new CE"}).verdicts
    assert verdict.words.endswith(
        "submits 0 [downtime] down until somebody ends it, site All All: new CE"
    )


def test_a_decision_is_a_sentence_and_a_record() -> None:
    case = {
        "asks": {"cms": "0 idle of 0, remove IDLE"},
        "has": {"cms": "9 pending, 3 held holds 21"},
        "limits": {"remove_cycle": 4},
        "pause_for": "osg:frontend",
        "down": "new CE",
    }
    decision = decided(case)
    assert decision.words == (
        "requests: 1; 9 idle (0 not yet seen), 0 running, 3 held; submits 0, removes 4 of 12,"
        " releases 0 of 0; down until somebody ends it, site All All: new CE;"
        " osg:frontend is in back-off (closed): 5 of 5 signs were bad"
    )
    told = decision.as_json()
    assert told["down"].endswith("new CE")
    assert told["backoffs"]["osg:frontend"]["phase"] == "closed"
    assert told["removals"][0] == {
        "id": "1.9",
        "rule": "forced",
        "words": "held 1 min ago with code 12.0: no route to site; for the 21st time,"
        " after 10 it is final",
        "force": True,
    }
    assert told["removals"][-1]["words"] == (
        "IDLE: 9 idle and 0 running for 0 idle, 0 at most, margin 0: 9 too many, waiting at"
        " the site"
    )
    assert told["views"]["queue"] == {"taken": NOW - 10, "freshness": "fresh"}


def test_a_view_that_is_not_fresh_is_named_with_its_age() -> None:
    decision = decided(
        {"asks": {"cms": "1 idle of 1"}, "queue": "failed", "requests": "old"}
    )
    assert decision.words == (
        "nothing is done: the queue view is failed: the schedd does not answer; last seen"
        " 1 h ago"
    )
    assert decision.requests_freshness == (
        "the requests view is stale: 1 h old, 15 min is the limit"
    )
