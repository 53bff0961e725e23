"""The page's files: the numbers are those of the queue, and of the record that why shows."""

import base64
import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.deciding.backoff import Backoff, Backoffs
from orchestrator.errors import FactoryError
from orchestrator.explain import entry as explain_entry
from orchestrator.monitor.entry_pages import public
from orchestrator.queue.queue_view import IDLE_STATES, State
from tests.configured import ENTRY, Configured
from tests.decided import failed, useful
from tests.deciding import NOW, queue
from tests.watched import Watched

HAS = {
    "cms": "3 pending, 2 waiting, 4 running, 1 held code 12.2",
    "atlas": "1 staging-in, 6 running-other",
}
ASKS = {"cms": "50 idle of 100", "atlas": "2 idle of 9"}


def test_an_entrys_numbers_are_those_of_its_queue_and_of_why(watched: Watched) -> None:
    watched.decided.decide("north", ASKS, HAS)
    watched.look()
    glideins = queue(HAS).glideins
    row = watched.row("north")
    assert row["idle"] == sum(one.state in IDLE_STATES for one in glideins)
    assert row["held"] == sum(one.state is State.HELD for one in glideins)
    assert row["running"] == len(glideins) - row["idle"] - row["held"]
    assert (row["asked_idle"], row["asked_max"]) == (52, 109)
    told = watched.told("entry/north.json")
    why = explain_entry.explain(watched.work, "north", now=NOW)
    assert told["words"] == why["words"]
    same = public(why)
    assert {name: told[name] for name in same} == json.loads(json.dumps(same))


def test_sums_are_over_all_entries_and_frontends_have_their_own(watched: Watched) -> None:
    watched.decided.decide("north", ASKS, HAS)
    watched.decided.decide("south", {"cms": "1 idle of 5"}, {"cms": "2 running"})
    watched.look()
    told = watched.told("overview.json")
    assert told["glideins"] == {"idle": 6, "running": 12, "held": 1}
    cms = watched.told("frontend/cms.json")
    whose = Counter(one.client for one in queue(HAS).glideins)
    assert sum(cms["glideins"].values()) == whose["cms.main"] + 2
    rows = {one["entry"]: one for one in cms["rows"]}
    assert rows["north"]["running"] == 4
    assert rows["south"]["asked_idle"] == 1
    assert "limit" not in rows["south"]


def test_what_is_not_known_is_null_and_not_zero(watched: Watched) -> None:
    watched.decided.decide("north", ASKS, HAS, queue="failed")
    watched.look()
    for file in ("history/entry/north.hours.json", "history/entry/south.hours.json"):
        columns = watched.told(file)["columns"]
        assert set(columns["running"]) == {None}, file
    assert watched.row("south")["running"] is None
    assert watched.row("north")["level"] == "bad"
    assert 'entry="south",kind="running"' not in watched.metrics


def test_an_entry_whose_daemon_does_not_run_is_a_gap(watched: Watched) -> None:
    watched.decided.decide("north", ASKS, HAS)
    watched.look(NOW)
    watched.look(NOW + 60, north={"state": "left down", "problem": "ended by SIGKILL"})
    series = watched.work / "monitor/entry/north.series"
    assert series.stat().st_size > 0
    watched.begin_anew()
    watched.look(NOW + 120)
    running = watched.told("history/entry/north.hours.json")["columns"]["running"]
    assert running[-3:] == [10, None, 10]


def test_the_worst_is_said_first(watched: Watched) -> None:
    backoffs = Backoffs({"cms:frontend": Backoff(1, NOW - 60, NOW + 600, "5 x check")})
    watched.decided.decide("north", ASKS, HAS, backoffs=backoffs)
    watched.look()
    assert watched.row("north")["level"] == "warn"
    assert "5 x check" in watched.row("north")["words"]
    watched.look(NOW + 60, north={"state": "left down", "problem": "ended by SIGKILL"})
    assert watched.row("north")["level"] == "bad"
    assert "SIGKILL" in watched.row("north")["words"]
    assert any("SIGKILL" in text for text in watched.told("overview.json")["problems"])


def test_only_what_changed_is_read_and_written_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.decided.decide("north", ASKS, HAS)
    watched.decided.decide("south", ASKS)
    watched.look()
    before = {
        path: path.stat().st_mtime_ns
        for path in (watched.stage / "monitor/entry").iterdir()
    }
    read = []
    true = explain_entry.explain

    def explain(work: Path, name: str, **more: object) -> object:
        read.append(name)
        return true(work, name, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(explain_entry, "explain", explain)
    watched.look(NOW + 60)
    assert read == []
    watched.decided.decide("south", {"cms": "1 idle of 2"})
    watched.look(NOW + 120)
    assert "south" in read
    after = {
        path: path.stat().st_mtime_ns
        for path in (watched.stage / "monitor/entry").iterdir()
    }
    changed = {path.name for path in after if after[path] != before.get(path)}
    assert "south.json" in changed


@pytest.mark.parametrize("fault", [FactoryError, TypeError])
def test_an_entry_that_cannot_be_read_hurts_no_other(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    watched.decided.decide("north", ASKS, HAS)
    watched.decided.decide("south", ASKS, HAS)
    true = explain_entry.explain

    def explain(work: Path, name: str, **more: object) -> object:
        if name == "north":
            raise fault("cannot be read")
        return true(work, name, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(explain_entry, "explain", explain)
    watched.look()
    assert watched.told("entry/south.json")["entry"] == "south"
    assert not (watched.stage / "monitor/entry/north.json").exists()


def test_glideins_are_shown_with_their_phases_and_scrubbed_logs(watched: Watched) -> None:
    secret = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ2byJ9.abc"
    log = base64.b64encode(gzip.compress(f"StartdLog says {secret}\n".encode())).decode()
    ends = [
        failed("7.0", "check: this node failed a check", phases_ms={"check": 900}),
        failed("7.1", "no output came"),
        useful("8.0"),
    ]
    folder = watched.work / "entries/north/glideins/cms.main"
    folder.mkdir(parents=True)
    (folder / "job.7.0.out").write_text(f"password = hunter2\n<b>bold</b> {secret}\n")
    (folder / "job.7.0.err").write_text(
        f"StartdLog\n======== gzip | uuencode =============\nbegin-base64 644 -\n{log}\n====\n"
    )
    (folder / "job.8.0.out").write_text("all is well\n")
    watched.decided.decide("north", ASKS, HAS)
    watched.decided.ended("north", ends)
    watched.look()
    shown = {
        one["glidein"]: one for one in watched.told("entry/north.json")["glideins_ended"]
    }
    assert shown["7.0"]["phases_ms"] == {"check": 900}
    assert [shown[name]["log"] for name in ("7.0", "7.1", "8.0")] == [True, False, False]
    logs = watched.told("glidein/north/7.0.json")["logs"]
    assert "<b>bold</b>" in logs["stdout"]  # data; the page shows it as text
    assert "StartdLog says" in logs["StartdLog"]
    told = json.dumps(logs)
    assert secret not in told
    assert "hunter2" not in told


def test_files_of_an_entry_that_is_no_more_go(watched: Watched) -> None:
    watched.decided.decide("north", ASKS, HAS)
    watched.look()
    stray = watched.stage / "monitor/history/entry/gone.hours.json"
    stray.write_text("{}")
    (watched.stage / "monitor/glidein/gone").mkdir(parents=True)
    (watched.stage / "monitor/glidein/gone/1.0.json").write_text("{}")
    watched.look(NOW + 60)
    assert not stray.exists()
    assert not (watched.stage / "monitor/glidein/gone").exists()
    assert (watched.stage / "monitor/entry/north.json").exists()


def test_an_entry_may_be_called_like_a_file_of_another(
    watched: Watched, configured: Configured
) -> None:
    configured.write("entries/north.hours.toml", ENTRY)
    configured.reconfig()
    watched.decided.decide("north", ASKS, HAS)
    watched.decided.decide("north.hours", {}, {"cms": "1 running"})
    watched.look()
    for entry, running in (("north", 10), ("north.hours", 1)):
        assert watched.told(f"entry/{entry}.json")["entry"] == entry
        columns = watched.told(f"history/entry/{entry}.hours.json")["columns"]
        assert columns["running"] == [running]


def test_everybody_may_read_it_whatever_the_umask(watched: Watched) -> None:
    old = os.umask(0o077)
    try:
        watched.decided.decide("north", ASKS, HAS)
        watched.look()
    finally:
        os.umask(old)
    for path in (watched.stage / "monitor").rglob("*"):
        assert path.stat().st_mode & 0o044 == 0o044, path
