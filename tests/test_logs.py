"""``glidein-factory logs``: what a person sees of what a glidein wrote."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orchestrator.outputs import shown
from orchestrator.outputs.glidein_output import (
    LOG_BEGIN,
    LOG_END,
    LOG_MARK,
    REPORT_BEGIN,
    REPORT_END,
)
from orchestrator.verbs import logs

GOOD = {
    "phases": [
        {"name": "prepare", "ms": 40, "verdict": "ok"},
        {"name": "check", "ms": 900, "verdict": "failed"},
        {"name": "run", "ms": 5_000_000, "verdict": "ok"},
    ],
    "checks": [
        {"name": "disk", "status": "fail", "found": "4 MB", "needed": "500 MB", "ms": 1}
    ],
    "node": {"host": "wn1"},
    "end": {"code": 40, "cause": "check"},
}


def written(folder: Path, report: object | None, **told: str) -> Path:
    """Write what a glidein with that report and those logs would have written."""
    lines = ["=== Glidein starting ==="]
    if report is not None:
        lines += [REPORT_BEGIN, json.dumps(report), REPORT_END]
    for name, text in told.items():
        packed = base64.encodebytes(gzip.compress(text.encode())).decode()
        lines += [name, LOG_MARK, f"{LOG_BEGIN}644 -", packed.rstrip(), LOG_END]
    path = folder / "job.out"
    path.write_text("\n".join(lines) + "\n")
    return path


def show(path: Path, *options: str) -> Result:
    """Run the verb on a file."""
    return CliRunner().invoke(logs.command, [*options, str(path)], env={"COLUMNS": "100"})


def test_a_report_is_told_with_what_its_code_means_and_the_logs_follow(
    tmp_path: Path,
) -> None:
    said = show(written(tmp_path, GOOD, StartdLog="started\n", MasterLog="master\n")).output
    assert "exit code 40: check: this node failed a check" in said
    bars = {row.split()[1]: row.count("█") for row in said.splitlines() if "█" in row}
    assert bars == {"prepare": 1, "check": shown.BAR_WIDTH, "run": shown.BAR_WIDTH}
    assert "500 MB" in said
    assert "node.host" in said
    assert said.index("StartdLog") < said.index("started") < said.index("MasterLog")


def test_one_log_alone_is_as_it_was(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD, StartdLog="a\n\x1b[1mb")
    assert show(path, "--log", "StartdLog").output == "a\n\x1b[1mb"
    refused = show(path, "--log", "Nonsense")
    assert "no log Nonsense; there are: StartdLog" in str(refused.exception)


def test_logs_without_a_report_say_where_it_is(tmp_path: Path) -> None:
    assert "no report here" in show(written(tmp_path, None, StartdLog="text\n")).output


def test_what_a_job_wrote_is_no_command_for_the_terminal(tmp_path: Path) -> None:
    report = {**GOOD, "node": {"host": "\x1b]0;title\x07", "\x9bm": "[red]"}}
    said = show(written(tmp_path, report, StarterLog="\x1b[2Jcleared\r\b\tend\n")).output
    assert not any(ord(one) < 32 and one not in "\n\t" for one in said)
    assert r"\x1b[2Jcleared\x0d\x08" in said
    for text in (r"\x1b]0;title\x07", r"node.\x9bm", "[red]"):
        assert text in said


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"end": 5, "phases": 5, "checks": 5},
        {"end": {"code": "x"}, "phases": [5, {}], "checks": [[1], {}]},
        {"phases": [{"name": None, "ms": "long", "verdict": 3}]},
        {"phases": [{"name": "fetch", "ms": -5, "verdict": "ok"}]},
        {"phases": [{"name": "fetch", "ms": float("inf"), "verdict": "ok"}]},
        {"end": {"code": 99_999}},
    ],
)
def test_a_report_that_is_none_of_ours_is_shown_as_far_as_it_goes(
    tmp_path: Path, report: dict[str, Any]
) -> None:
    shown = show(written(tmp_path, report))
    assert shown.exception is None
    assert "phases" in shown.output


def test_a_report_is_told_as_json(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD, StartdLog="started\n")
    done = CliRunner().invoke(logs.command, ["--json", str(path)])
    told = json.loads(done.stdout)
    assert told["report"]["end"]["code"] == 40
    assert told["logs"] == {"StartdLog": "started\n"}
