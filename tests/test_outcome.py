"""How a glidein ended, read from what it wrote: with a report, without, damaged, hostile."""

import base64
import gzip
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.exits import EXITS
from orchestrator.outputs.outcome import Ended, Outcome, outcome_of, output_files, settle
from tests.deciding import UNHURRIED

NOW = 1_800_000_000.0
ENDED = Ended(12, 0, "cms.main", "cms:frontend", NOW - 60, NOW - 1_060)

REPORT: dict[str, Any] = {
    "phases": [
        {"name": "prepare", "ms": 27, "verdict": "ok"},
        {"name": "fetch", "ms": 273, "verdict": "ok"},
        {"name": "run", "ms": 900_000, "verdict": "ok"},
    ],
    "checks": [],
    "node": {"host": "wn12"},
    "resources": {"cpus": 2},
    "condor": {
        "name": "glidein_4711_17955574381234",
        "seconds": 900,
        "status": 99,
        "registered_s": 4,
        "first_job_s": 61,
    },
    "run": {"launch_ms": 800, "jobs": 2},
    "end": {"cause": "idle", "code": 0, "phase": "run", "signal": "", "ms": 901_000},
}


def written(report: Any) -> str:
    """Return standard output with a report."""
    return (
        "chatter of a batch system\n"
        "=== Condor starting Tue Nov 24 21:57:18 UTC 2026 (1795557438) ===\n"
        f"=== glidein report ===\n{json.dumps(report)}\n=== end of glidein report ===\n"
    )


def history(*jobs: str) -> str:
    """Return standard error with the startd's history of jobs."""
    text = "".join(f"{job}\n*** Offset = 0 ClusterId = 1\n" for job in jobs)
    encoded = base64.encodebytes(gzip.compress(text.encode())).decode()
    mark = "======== gzip | uuencode ============="
    return f"\nStartdHistoryLog\n{mark}\nbegin-base64 644 -\n{encoded}====\n"


JOB = 'JobDuration = 300.5\nCpusProvisioned = 2\nExitCode = 0\nExitBySignal = false\nCmd = "x"'
HALF = JOB.replace("CpusProvisioned = 2", "CpusProvisioned = 1")


def test_a_report_tells_where_the_time_went() -> None:
    outcome = outcome_of(ENDED, written(REPORT), history(JOB, HALF))
    assert outcome == Outcome(
        glidein="12.0",
        client="cms.main",
        share="cms:frontend",
        ended=NOW - 60,
        cause="idle",
        source="report",
        good=True,
        code=0,
        node="wn12",
        jobs=2,
        launched=True,
        total_s=901.0,
        name="glidein_4711_17955574381234",
        validation_s=0.8,
        before_job_s=61.8,
        condor_s=900.0,
        job_s=450.75,
        good_job_s=450.75,
        phases_ms={"prepare": 27, "fetch": 273, "run": 900_000},
    )
    assert outcome.idle_s == pytest.approx(449.25)
    assert outcome.waste_s == pytest.approx(450.25)
    assert json.loads(json.dumps(outcome.as_json()))["waste_s"] == outcome.waste_s


@pytest.mark.parametrize(
    ("jobs", "good_job_s"),
    [
        pytest.param(
            (JOB, JOB.replace("ExitCode = 0", "ExitCode = 1")), 300.5, id="failed"
        ),
        pytest.param((JOB, JOB.replace("false", "true")), 300.5, id="killed"),
        pytest.param((JOB,), None, id="one is missing: not known"),
        pytest.param((JOB, JOB.replace("300.5", "1e999")), None, id="no number"),
        pytest.param((JOB, JOB.replace("JobDuration", "Other")), None, id="no duration"),
    ],
)
def test_seconds_of_jobs(jobs: tuple[str, ...], good_job_s: float | None) -> None:
    outcome = outcome_of(ENDED, written(REPORT), history(*jobs))
    assert outcome.good_job_s == good_job_s
    assert (outcome.waste_s is None) == (good_job_s is None)


def test_a_report_that_counted_the_core_time_needs_no_history() -> None:
    run = {**REPORT["run"], "job_core_ms": 900_000, "good_core_ms": 600_000}
    outcome = outcome_of(ENDED, written({**REPORT, "run": run}))
    assert (outcome.job_s, outcome.good_job_s, outcome.jobs) == (450.0, 300.0, 2)


def several(*codes: int) -> str:
    """Return standard error of glideins that shared a batch slot."""
    lines = [
        f"2026-11-24T21:57:18Z INFO  glidein_several: glidein {n} of {len(codes)}"
        f" ended: code={code}"
        for n, code in enumerate(codes, 1)
    ]
    return "\n".join([*lines, ""])


def with_jobs(jobs: int, core_ms: int, code: int = 0) -> dict[str, Any]:
    run = {**REPORT["run"], "jobs": jobs, "job_core_ms": core_ms, "good_core_ms": core_ms}
    return {**REPORT, "run": run, "end": {**REPORT["end"], "code": code}}


def test_of_glideins_that_shared_a_slot_all_are_counted() -> None:
    out = written(with_jobs(3, 1_200_000)) + written(with_jobs(1, 400_000))
    outcome = outcome_of(ENDED, out, several(0, 0))
    assert (outcome.jobs, outcome.good, outcome.cause) == (4, True, "idle")
    assert (outcome.job_s, outcome.condor_s, outcome.total_s) == (400.0, 900.0, 901.0)


def test_the_worst_of_those_that_shared_a_slot_is_told() -> None:
    out = written(with_jobs(3, 1_200_000, code=71)) + written(with_jobs(1, 400_000))
    outcome = outcome_of(ENDED, out, several(71, 0))
    assert (outcome.good, outcome.code, outcome.cause) == (False, 71, EXITS[71])


def test_one_of_several_that_left_no_report_leaves_sums_unknown() -> None:
    out = written(with_jobs(3, 1_200_000)) + written(with_jobs(1, 400_000))
    outcome = outcome_of(ENDED, out, several(0, 137, 0))
    assert (outcome.good, outcome.code) == (False, 137)
    assert (outcome.jobs, outcome.job_s, outcome.launched) == (None, None, True)
    one_left = outcome_of(ENDED, written(with_jobs(3, 1_200_000)), several(0, 137))
    assert (one_left.good, one_left.jobs) == (False, None)


def test_a_run_without_jobs_was_idle_all_the_time() -> None:
    outcome = outcome_of(ENDED, written({**REPORT, "run": {"launch_ms": 800, "jobs": 0}}))
    assert (outcome.idle_s, outcome.waste_s) == (900.0, 901.0)


def test_a_failed_check_is_named() -> None:
    checks = [
        {"name": "clock", "status": "ok", "found": "1 s", "needed": "300 s"},
        {"name": "disk", "status": "fail", "found": "3 MB\x1b[31m", "needed": "500 MB"},
    ]
    end = {"code": 40, "cause": "", "ms": 2_500}
    report = {"phases": REPORT["phases"][:2], "checks": checks, "end": end}
    out = written(report).replace("=== Condor starting", "=== not starting")
    outcome = outcome_of(ENDED, out)
    assert outcome.cause == EXITS[40]
    assert outcome.detail == "disk: found 3 MB?[31m, needed 500 MB"
    assert outcome.launched is False
    assert (outcome.validation_s, outcome.waste_s, outcome.job_s) == (0.3, 2.5, 0.0)
    assert outcome.failed_early(1_200) == EXITS[40]


LINES = """\
=== Last script starting Tue Nov 24 21:57:18 UTC 2026 (1795557438) after validating for 17 ===
=== Condor starting Tue Nov 24 21:57:18 UTC 2026 (1795557438) ===
===   Stats of slot1_2   ===
Total jobs 3 utilization 500
Total goodZ jobs 2 (66.67%) utilization 400 (80.00%)
Total goodNZ jobs 1 (33.33%) utilization 100 (20.00%)
=== End Stats of slot1_2 ===
Total number of activations/claims: 3
=== Condor ended Tue Nov 24 21:57:41 UTC 2026 (1795557461) after 700 ===
=== Glidein ending Tue Nov 24 21:57:41 UTC 2026 (1795557461) with code 0 after 750 ===
"""


def test_without_a_report_the_lines_of_the_reference_tell() -> None:
    outcome = outcome_of(ENDED, LINES)
    assert (outcome.source, outcome.code, outcome.good) == ("lines", 0, True)
    assert (outcome.validation_s, outcome.condor_s, outcome.total_s) == (17, 700, 750)
    assert (outcome.jobs, outcome.job_s, outcome.good_job_s) == (3, 500, 400)
    assert (outcome.idle_s, outcome.waste_s) == (200, 350)


@pytest.mark.parametrize(
    ("out", "changes", "cause", "code"),
    [
        pytest.param("", {}, "no output came", None, id="nothing came"),
        pytest.param(
            "", {"exit_code": 0}, "no output came", 0, id="nothing, the code is 0"
        ),
        pytest.param("", {"exit_code": 30}, "no output came", 30, id="nothing but a code"),
        pytest.param(
            "hello\n", {}, "its output says nothing of its end", None, id="chatter"
        ),
        pytest.param(
            "=== Condor starting now ===\n",
            {},
            "its output says nothing of its end",
            None,
            id="cut off in the run",
        ),
        pytest.param(written(REPORT), {"signal": 9}, "killed by signal 9", 0, id="killed"),
        pytest.param(
            written(REPORT), {"exit_code": 90}, EXITS[90], 90, id="failed after it"
        ),
        pytest.param(written(REPORT), {"removed": True}, "removed", 0, id="removed"),
        pytest.param(
            written({**REPORT, "end": {"code": 71, "cause": "crashed"}}),
            {"exit_code": 0},
            EXITS[71],
            71,
            id="a batch system that loses exit codes",
        ),
        pytest.param(
            written({**REPORT, "end": {"cause": "idle"}}),
            {},
            "its output says nothing of its end",
            None,
            id="a report without its end",
        ),
    ],
)
def test_unknown_is_no_success(
    out: str, changes: dict[str, Any], cause: str, code: int | None
) -> None:
    outcome = outcome_of(replace(ENDED, **changes), out)
    assert (outcome.cause, outcome.code, outcome.good) == (cause, code, False)
    if code is None or not out:
        assert outcome.total_s == 1_000  # the queue knows
        assert outcome.waste_s is None


def test_an_output_is_waited_for_and_then_given_up(tmp_path: Path) -> None:
    assert settle(tmp_path, [ENDED], NOW) == ([], [ENDED])
    out, _ = output_files(tmp_path, ENDED)
    out.parent.mkdir()
    out.touch()  # a local job's is there from the beginning
    assert settle(tmp_path, [ENDED], NOW) == ([], [ENDED])
    [outcome], waiting = settle(tmp_path, [ENDED], NOW + 3_600)
    assert (outcome.cause, waiting) == ("no output came", [])
    [outcome], waiting = settle(tmp_path, [replace(ENDED, removed=True)], NOW)
    assert (outcome.cause, waiting) == ("removed", [])


def test_outputs_are_read_from_the_client_s_folder(tmp_path: Path) -> None:
    out, err = output_files(tmp_path, ENDED)
    assert out == tmp_path / "cms.main" / "job.12.0.out"
    out.parent.mkdir()
    # A glidein that says much before its report, and logs much after.
    out.write_text("x" * 3_000_000 + "\n" + written(REPORT))
    err.write_text("y" * 3_000_000 + history(JOB, HALF))
    [outcome], waiting = settle(tmp_path, [ENDED], NOW)
    assert (outcome.good, outcome.job_s, waiting) == (True, 450.75, [])


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.symlink_to("/etc/passwd"),
        lambda path: path.mkdir(),
        lambda path: os.mkfifo(path),
    ],
    ids=["a link", "a folder", "a pipe"],
)
def test_an_output_that_is_no_file_is_not_read(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    out, _ = output_files(tmp_path, ENDED)
    out.parent.mkdir()
    make(out)
    [outcome], _ = settle(tmp_path, [ENDED], NOW)
    assert (outcome.cause, outcome.good) == ("its output cannot be read", False)
    assert outcome.detail.startswith("job.12.0.out: ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "ms", "code", "cause", "seconds", "host", "status"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
GROUPS = st.dictionaries(
    st.sampled_from([*REPORT, "other"]),
    JSON,
).map(lambda some: {**REPORT, **some})
HOSTILE = st.one_of(
    st.text(),
    GROUPS.map(written),
    GROUPS.map(written).flatmap(
        lambda text: st.integers(0, len(text)).map(lambda n: text[:n])
    ),
    st.lists(st.sampled_from(LINES.splitlines()) | st.text(max_size=30)).map("\n".join),
    st.sampled_from(["[" * 200_000, "9" * 20_000, '{"end":{"code":1e400}}']).map(
        lambda text: f"=== glidein report ===\n{text}\n"
    ),
)


@settings(UNHURRIED, max_examples=300)
@given(HOSTILE, st.text() | st.sampled_from([history(JOB), history("JobDuration = x")]))
def test_whatever_was_written_is_read_without_harm(out: str, err: str) -> None:
    outcome = outcome_of(ENDED, out, err)
    told = json.dumps(outcome.as_json(), allow_nan=False)
    assert len(told) < 4_000
    assert told.isprintable()
    if outcome.good:
        assert outcome.code == 0
    for seconds in (outcome.total_s, outcome.job_s, outcome.idle_s, outcome.waste_s):
        assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("run", "condor", "before_job_s"),
    [
        ({"launch_ms": 800, "jobs": 0}, {"seconds": 900}, 901.0),  # all of it
        ({}, {}, 901.0),  # HTCondor was never started
        ({"launch_ms": 800, "jobs": 2}, {"seconds": 900}, None),  # it did not tell
        ({"launch_ms": 800, "jobs": 2}, {"seconds": 900, "first_job_s": -1}, None),
        ({"launch_ms": 800, "jobs": 2}, {"seconds": 900, "first_job_s": "x"}, None),
    ],
)
def test_the_time_before_the_first_job(
    run: dict[str, Any], condor: dict[str, Any], before_job_s: float | None
) -> None:
    outcome = outcome_of(ENDED, written(REPORT | {"run": run, "condor": condor}))
    assert outcome.before_job_s == before_job_s


@pytest.mark.parametrize("name", ["glidein_1_2; rm", "x", 7, "glidein_" + "1" * 99])
def test_what_is_no_name_of_a_glidein_is_none(name: Any) -> None:
    report = REPORT | {"condor": {**REPORT["condor"], "name": name}}
    assert outcome_of(ENDED, written(report)).name == ""
