"""The record of an entry, from the files of a work tree."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from orchestrator.deciding.backoff import Backoff, Backoffs
from orchestrator.deciding.request import Credentials, Refusal
from orchestrator.errors import FactoryError
from orchestrator.explain import entry, factory
from orchestrator.worktree import downtimes_edit
from orchestrator.worktree.downtimes import Downtime
from tests.decided import Decided, failed, useful
from tests.deciding import NOW


def test_the_limit_that_binds_is_named_with_its_value(decided: Decided) -> None:
    decided.decide(
        "north", {"cms": "50 idle of 100"}, {"cms": "3 pending"}, limits={"entry_idle": 5}
    )
    told = entry.explain(decided.work, "north", now=NOW)
    (one,) = told["requests"]
    assert one["asked"]["idle"] == 50
    assert one["heard_age_s"] == 30
    assert one["submit"] == 2
    assert one["binds"] is not None
    assert (one["binds"]["rule"], one["binds"]["limit"]) == ("entry idle", 5)
    # Every limit is there with its value, those of the share and the entry too.
    rules = {bound["rule"] for bound in one["bounds"]}
    assert {"asked idle", "asked max", "share idle", "entry glideins", "unseen"} <= rules
    assert told["views"]["queue"]["freshness"] == "fresh"
    assert told["looks"]["requests"]["age_s"] == 20
    assert json.loads(json.dumps(told)) == told


def test_held_ones_are_grouped_with_counts_and_one_reason(decided: Decided) -> None:
    decided.decide(
        "north",
        {"cms": "1 idle of 9"},
        {
            "cms": "3 held for 2 h code 12.2, 1 held for 5 min code 12.2",
            "atlas": "2 held for 3 h code 26.0",
        },
        limits={"recoverable": ["12"]},
    )
    first, second = entry.explain(decided.work, "north", now=NOW)["held"]
    assert (first["code"], first["subcode"], first["count"]) == (12, 2, 4)
    assert first["recoverable"] == 4
    assert (first["sample"], first["reason"]) == ("1.3", "no route to site")
    assert (NOW - first["oldest"], NOW - first["newest"]) == (7_200, 300)
    assert (second["code"], second["count"], second["shares"]) == (
        26,
        2,
        {"atlas:frontend": 2},
    )
    assert second["recoverable"] == 0


def test_failures_are_grouped_by_cause_with_one_to_look_at(decided: Decided) -> None:
    found = [failed(f"7.{n}", "check: this node failed a check") for n in range(3)]
    found += [failed("8.0", "fetch: a file could not be downloaded", node="node9")]
    found += [useful("9.0"), dataclasses.replace(useful("9.1"), good=False, removed=True)]
    found += [failed("1.0", "check: this node failed a check", at=NOW - 90_000)]
    decided.ended("north", found)
    folder = decided.work / "entries/north/glideins/cms.main"
    folder.mkdir()
    (folder / "job.7.2.out").write_text("output")
    told = entry.explain(decided.work, "north", now=NOW)["ended"]
    assert (told["ended"], told["good"], told["removed"], told["failed"]) == (6, 1, 1, 4)
    assert told["early"] == 4
    assert told["whole"]
    first, second = told["causes"]
    assert (first["cause"], first["count"]) == ("check: this node failed a check", 3)
    assert (first["sample"]["glidein"], first["sample"]["there"]) == ("7.2", True)
    assert Path(first["sample"]["out"]).read_text() == "output"
    assert second["nodes"] == {"node9": 1}
    assert not second["sample"]["there"]


def test_downtimes_and_back_off_are_told(decided: Decided) -> None:
    downtimes_edit.begin(
        decided.work, Downtime(int(NOW) - 60, None, "north", comment="new disks")
    )
    downtimes_edit.begin(decided.work, Downtime(int(NOW) - 60, None, "south"))
    why = "5 of the last 5 signs were bad: 5 x check"
    backoffs = Backoffs({"cms:frontend": Backoff(2, NOW - 60, NOW + 600, why)})
    decided.decide("north", {"cms": "5 idle of 9"}, backoffs=backoffs)
    told = entry.explain(decided.work, "north", now=NOW)
    assert "new disks" in told["down"]
    (downtime,) = told["downtimes"]
    assert (downtime["comment"], downtime["holds"]) == ("new disks", True)
    (backoff,) = told["backoffs"]
    assert (backoff["phase"], backoff["remaining_s"], backoff["why"]) == (
        "closed",
        600,
        why,
    )
    assert told["requests"][0]["submit"] == 0


def test_refusals_are_grouped_and_credentials_have_a_life(decided: Decided) -> None:
    refusals = [
        Refusal(f"r{n}", "north", "cms.main", "cms@vo.test", "no token") for n in range(3)
    ]
    credentials = Credentials("cms-1", {"scitoken": "x"}, expires=int(NOW) + 3_600)
    decided.decide(
        "north", {"cms": "5 idle of 9"}, refusals=refusals, credentials=credentials
    )
    told = entry.explain(decided.work, "north", now=NOW)
    assert told["refused"] == 3
    assert [(one["reason"], one["count"]) for one in told["refusals"]] == [("no token", 3)]
    credential = told["requests"][0]["credential"]
    assert credential is not None
    assert (credential["remaining_s"], credential["purposes"]) == (3_600, ["scitoken"])


def test_an_entry_that_told_nothing_is_unknown_not_zero(decided: Decided) -> None:
    told = entry.explain(decided.work, "north", now=NOW)
    assert told["state"] == "unknown"
    assert told["glideins"] is None
    assert told["submit"] is None
    assert told["decided"] is None
    line = factory.explain(decided.work, now=NOW)["entries"]["north"]
    assert (line["idle"], line["submit"], line["requests"]) == (None, None, None)


def test_a_request_that_is_newer_than_the_decision_has_no_verdict(decided: Decided) -> None:
    decided.decide("north", {"cms": "5 idle of 9"})
    status = decided.work / "entries/north/status.json"
    before = status.read_text()
    decided.decide("north", {"atlas": "7 idle of 9"})
    status.write_text(before)
    newer, gone = entry.explain(decided.work, "north", now=NOW)["requests"]
    assert (newer["client"], newer["submit"], newer["binds"]) == ("atlas.main", None, None)
    assert (gone["client"], gone["submit"], gone["credential"]) == ("cms.main", 5, None)


def test_what_may_not_be_read_is_an_error(
    decided: Decided, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(FactoryError):
        entry.explain(decided.work, "north", now=NOW)


def test_frontends_are_told_by_identity(decided: Decided) -> None:
    refusal = Refusal("r", "south", "evil.main", "evil@vo.test", "identity not known")
    decided.decide("north", {"cms": "5 idle of 9"}, {"cms": "2 pending, 1 running"})
    decided.decide("south", {"cms": "7 idle of 11"}, refusals=[refusal])
    told = factory.explain(decided.work, now=NOW)
    found = {one["identity"]: one for one in told["frontends"]}
    cms, evil = found["cms@vo.test"], found["evil@vo.test"]
    assert (cms["idle"], cms["max"], cms["entries"]) == (12, 20, 2)
    assert cms["heard_age_s"] == 30
    assert (evil["refused"], evil["heard"]) == (1, None)
    assert told["entries"]["south"]["refused"] == 1
    assert told["glideins"] == {"idle": 2, "running": 1, "held": 0}
    assert not told["running"]


def test_a_full_disk_is_told(decided: Decided, monkeypatch: pytest.MonkeyPatch) -> None:
    free = dataclasses.make_dataclass(
        "Free", ["f_bavail", "f_frsize", "f_files", "f_favail"]
    )
    monkeypatch.setattr(os, "statvfs", lambda path: free(3, 1 << 20, 1000, 500))
    (one, *_) = (
        one
        for one in entry.explain(decided.work, "north", now=NOW)["findings"]
        if one["what"] == "disk"
    )
    assert (
        f"the disk of the work tree is full: 3 MiB free at {decided.work}" in one["words"]
    )
    assert any("3 MiB free" in text for text in factory.explain(decided.work)["problems"])
    monkeypatch.setattr(os, "statvfs", lambda path: free(3_000, 1 << 20, 1000, 5))
    assert any(
        "5 inodes free" in text for text in factory.explain(decided.work)["problems"]
    )
