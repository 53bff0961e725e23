"""Event logs are read as HTCondor itself reads them, from where we were, whatever their state."""

import contextlib
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import htcondor2 as htcondor
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.queue import event_log
from orchestrator.queue.event_log import Event, EventLogs, Position

NOW = datetime(2026, 11, 24, 23).timestamp()
NAME = "events.20261124.log"
DAY = "2026-11-24 "

# As HTCondor 23.9 and 25.14 write them, but for the usage that ends some.
SUBMITTED = """\
000 (004.000.000) 2026-11-24 22:00:08 Job submitted from host: <127.0.0.1:58351?alias=vm&sock=s>
    glidein 0123456789abcdef0123
...
"""
LIFE = (
    SUBMITTED
    + """\
027 (004.000.000) 2026-11-24 22:00:13 Job submitted to grid resource
    GridResource: batch slurm
    GridJobId: batch slurm 127.0.0.1_58351_schedd_4.0_1795559914 slurm/20261124/40261471
...
001 (004.000.000) 2026-11-24 22:00:20 Job executing on host: batch slurm
...
006 (004.000.000) 2026-11-24 22:00:22 Image size of job updated: 35
	3  -  MemoryUsage of job (MB)
	2304  -  ResidentSetSize of job (KB)
...
012 (004.000.000) 2026-11-24 22:00:33 Job was held.
	The site said: no
	Code 26 Subcode 121
...
013 (004.000.000) 2026-11-24 22:00:40 Job was released.
	via condor_release (by user nobody)
...
004 (004.000.000) 2026-11-24 22:00:41 Job was evicted.
	(0) CPU times
		Usr 0 00:00:00, Sys 0 00:00:00  -  Run Remote Usage
		Usr 0 00:00:00, Sys 0 00:00:00  -  Run Local Usage
	0  -  Run Bytes Sent By Job
	0  -  Run Bytes Received By Job
...
007 (004.000.000) 2026-11-24 22:00:42 Shadow exception!
	Error from slot1@vm: no
	0  -  Run Bytes Sent By Job
	0  -  Run Bytes Received By Job
...
005 (004.000.000) 2026-11-24 22:00:53 Job terminated.
	(1) Normal termination (return value 7)
		Usr 0 00:00:00, Sys 0 00:00:00  -  Run Remote Usage
		Usr 0 00:00:00, Sys 0 00:00:00  -  Run Local Usage
		Usr 0 00:00:00, Sys 0 00:00:00  -  Total Remote Usage
		Usr 0 00:00:00, Sys 0 00:00:00  -  Total Local Usage
	0  -  Run Bytes Sent By Job
	0  -  Run Bytes Received By Job
	0  -  Total Bytes Sent By Job
	0  -  Total Bytes Received By Job
...
009 (004.001.000) 2026-11-24 22:00:54 Job was aborted.
	not wanted (by user nobody)
...
"""
)
KILLED = LIFE.replace(
    "(1) Normal termination (return value 7)",
    "(0) Abnormal termination (signal 9)\n\t(0) No core file",
)


def at(clock: str) -> int:
    return int(datetime.fromisoformat(DAY + clock).timestamp())


def read(folder: Path, text: str, now: float = NOW) -> list[Event]:
    """Return the events of a log that says this and nothing wrong."""
    (folder / NAME).write_text(text)
    logs = EventLogs(folder)
    logs.follow([NAME])
    events, problems = logs.read(now)
    assert problems == []
    return events


def test_the_life_of_a_glidein(tmp_path: Path) -> None:
    assert read(tmp_path, LIFE) == [
        Event(0, 4, 0, at("22:00:08"), note="0123456789abcdef0123"),
        Event(27, 4, 0, at("22:00:13")),
        Event(1, 4, 0, at("22:00:20")),
        Event(12, 4, 0, at("22:00:33"), reason="The site said: no", code=26, subcode=121),
        Event(13, 4, 0, at("22:00:40")),
        Event(4, 4, 0, at("22:00:41")),
        Event(7, 4, 0, at("22:00:42")),
        Event(5, 4, 0, at("22:00:53"), code=7),
        Event(9, 4, 1, at("22:00:54"), reason="not wanted (by user nobody)"),
    ]


@pytest.mark.parametrize("text", [LIFE, KILLED])
def test_htcondor_reads_the_same(tmp_path: Path, text: str) -> None:
    ours = read(tmp_path, text)
    theirs = []
    with contextlib.closing(htcondor.JobEventLog(str(tmp_path / NAME))) as log:
        for event in log.events(stop_after=0):
            if event.type not in event_log.TOLD:
                continue
            when = int(datetime.fromisoformat(event["EventTime"]).timestamp())
            said = Event(int(event.type), event.cluster, event.proc, when)
            match said.number:
                case event_log.SUBMIT:
                    note = event["LogNotes"].removeprefix(event_log.NOTE)
                    said = Event(said.number, said.cluster, said.process, when, note)
                case event_log.HELD:
                    code, subcode = event["HoldReasonCode"], event["HoldReasonSubCode"]
                    reason = event["HoldReason"]
                    said = Event(12, said.cluster, 0, when, "", reason, code, subcode)
                case event_log.TERMINATED:
                    code, signal = event.get("ReturnValue"), event.get("TerminatedBySignal")
                    said = Event(5, said.cluster, 0, when, code=code, signal=signal)
                case event_log.ABORTED:
                    said = Event(
                        9, said.cluster, said.process, when, reason=event["Reason"]
                    )
            theirs.append(said)
    assert ours == theirs
    assert len(ours) == 9


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2026-11-24 22:00:08", datetime(2026, 11, 24, 22, 0, 8)),
        ("2026-11-24T22:00:08.123", datetime(2026, 11, 24, 22, 0, 8)),
        ("2026-11-24T22:00:08Z", datetime(2026, 11, 24, 22, 0, 8, tzinfo=UTC)),
        ("11/24 22:00:08", datetime(2026, 11, 24, 22, 0, 8)),
        ("12/31 23:59:59", datetime(2025, 12, 31, 23, 59, 59)),
    ],
)
def test_times_in_all_formats(tmp_path: Path, written: str, read_as: datetime) -> None:
    (event,) = read(tmp_path, SUBMITTED.replace("2026-11-24 22:00:08", written))
    assert event.time == read_as.timestamp()
    assert event.note


def test_the_hour_that_comes_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Zurich")
    time.tzset()
    try:
        now = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp()  # 2:30, the first time
        (event,) = read(
            tmp_path, SUBMITTED.replace("2026-11-24 22:00:08", "2026-10-25 02:29:00"), now
        )
        assert abs(event.time - now) in (60, 3660)
        assert event.time <= now
    finally:
        monkeypatch.undo()
        time.tzset()


@settings(max_examples=200, deadline=None)
@given(cuts=st.lists(st.integers(0, len(LIFE.encode())), max_size=8))
def test_it_may_be_read_at_any_moment(
    cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also by another process that goes on from the position."""
    folder = tmp_path_factory.mktemp("log")
    whole = LIFE.encode()
    positions: dict[str, Position] = {}
    events: list[Event] = []
    for cut in [*sorted(cuts), len(whole)]:
        with (folder / NAME).open("ab") as log:
            log.write(whole[log.tell() : cut])
        logs = EventLogs(folder, positions)
        logs.follow([NAME])
        new, problems = logs.read(NOW)
        assert problems == []
        events += new
        positions = logs.positions
    assert events == read(folder, LIFE)


def test_nothing_new_costs_a_look_at_the_log_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NAME).write_text(LIFE)
    logs = EventLogs(tmp_path)
    logs.follow([NAME, "events.20261123.log"])
    logs.read(NOW)
    monkeypatch.setattr(EventLogs, "_read_on", None)
    assert logs.read(NOW) == ([], [])


def test_what_a_schedd_that_died_left_half_written_is_told(tmp_path: Path) -> None:
    torn = LIFE.replace(" on host: batch slurm\n...\n", " on h", 1)
    (tmp_path / NAME).write_text(torn)
    logs = EventLogs(tmp_path)
    logs.follow([NAME])
    events, problems = logs.read(NOW)
    assert problems == [f"{tmp_path / NAME}: 1 events cannot be read"]
    assert [one.number for one in events] == [0, 27, 12, 13, 4, 7, 5, 9]


def test_what_a_site_says_is_no_event(tmp_path: Path) -> None:
    said = "no 005 (004.000.000) 2026-11-24 22:00:53 Job terminated."
    (tmp_path / NAME).write_text(LIFE.replace("The site said: no", said))
    logs = EventLogs(tmp_path)
    logs.follow([NAME])
    events, problems = logs.read(NOW)
    assert len(problems) == 1
    assert [one.number for one in events if one.time < at("22:00:53")] == [
        0,
        27,
        1,
        13,
        4,
        7,
    ]


def test_a_log_that_was_cut_replaced_or_taken_away_is_told(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_text(LIFE)
    logs = EventLogs(tmp_path)
    logs.follow([NAME])
    assert len(logs.read(NOW)[0]) == 9
    path.write_text(SUBMITTED)
    events, problems = logs.read(NOW)
    assert (len(events), problems) == (1, [f"{NAME}: was cut or replaced"])
    other = tmp_path / "other"
    other.write_text(LIFE)
    other.replace(path)
    events, problems = logs.read(NOW)
    assert (len(events), problems) == (9, [f"{NAME}: was cut or replaced"])
    path.unlink()
    assert logs.read(NOW) == ([], [f"{NAME}: is gone"])
    assert logs.read(NOW) == ([], [])


def test_large_logs_are_read_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "_READ_LIMIT", 700)
    monkeypatch.setattr(event_log, "_EVENT_LIMIT", 650)
    assert len(read(tmp_path, LIFE * 20)) == 180
    (tmp_path / NAME).write_text("x" * 2000 + LIFE)
    logs = EventLogs(tmp_path)
    logs.follow([NAME])
    for _ in range(5):
        _, problems = logs.read(NOW)
        if not problems:
            break
    assert problems == []


def test_a_log_is_named_after_its_day() -> None:
    midnight = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
    assert event_log.log_name(midnight) == "events.20261124.log"
    assert event_log.log_name(midnight - 1) == "events.20261123.log"
    assert event_log.logs_around(midnight) == {
        "events.20261123.log",
        "events.20261124.log",
        "events.20261125.log",
    }
    assert event_log.is_log("events.20261124.log")
    assert not event_log.is_log("events.2026.log")


def test_a_log_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    logs = EventLogs(tmp_path)
    logs.follow([NAME])
    assert logs.read(NOW) == ([], [f"{NAME}: {os.strerror(21)}"])
