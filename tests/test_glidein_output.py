"""Reading back what glidein/lib/report.sh wrote, also when batch systems damaged it."""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestrator.errors import FactoryError
from orchestrator.outputs.glidein_output import read_output
from orchestrator.share import share
from orchestrator.verbs.logs import command

SCRIPT = """
set -u; for m in log clock config phase report; do source "$0/$m.sh"; done
exec {REPORT_FD}>&1
declare -A OPTION=()
PHASE_DONE=("prepare 12 ok" "fetch 345 failed")
CHECK_NAME=(disk) CHECK_STATUS=(fail) CHECK_FOUND=('3 MB "here"') CHECK_NEEDED=('500 MB') CHECK_MS=(4)
report_fact end.code 20
report_fact end.cause $'odd \\\\ "quoted"\\ttext'
report_print
printf 'first line\\nlast line\\n' >StartdLog
report_logs StartdLog
"""


@pytest.fixture
def written(tmp_path: Path) -> tuple[str, str]:
    """Standard output and error of a shell that reported with the real report.sh."""
    run = subprocess.run(
        ["bash", "-c", SCRIPT, str(share("glidein") / "lib")],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return run.stdout, run.stderr


def test_report_and_logs_come_back_as_they_were(written: tuple[str, str]) -> None:
    output = read_output("batch system's chatter\n" + written[0] + "more\n" + written[1])
    assert output.report is not None
    assert output.report["end"] == {"code": 20, "cause": 'odd \\ "quoted"\ttext'}
    assert output.report["phases"][1] == {"name": "fetch", "ms": 345, "verdict": "failed"}
    assert output.report["checks"][0]["found"] == '3 MB "here"'
    assert output.logs == {"StartdLog": "first line\nlast line\n"}
    assert output.damaged == []


def test_a_log_cut_off_is_named_not_shown_as_whole(written: tuple[str, str]) -> None:
    begin = written[1].index("begin-base64")
    output = read_output(written[1][: begin + 40])
    assert output.logs == {}
    assert output.damaged[0].startswith("StartdLog: ")


def test_a_damaged_report_is_named() -> None:
    output = read_output(
        '=== glidein report ===\n{"phases":[\n=== end of glidein report ===\n'
    )
    assert output.report is None
    assert output.damaged[0].startswith("report: ")


def test_a_file_of_something_else_is_refused() -> None:
    with pytest.raises(FactoryError, match="neither a glidein's report nor its logs"):
        read_output("hello\n")


def test_logs_shows_exit_code_in_words_and_the_log(
    written: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "out").write_text(written[0])
    (tmp_path / "err").write_text(written[1])
    shown = CliRunner().invoke(command, [str(tmp_path / "out"), str(tmp_path / "err")])
    assert shown.exit_code == 0, shown.output
    assert "exit code 20: fetch: a file could not be downloaded" in shown.output
    assert "first line\nlast line" in shown.output
    alone = CliRunner().invoke(command, ["--log", "StartdLog", str(tmp_path / "err")])
    assert alone.output == "first line\nlast line\n"
