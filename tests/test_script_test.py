"""``glidein-factory test-script``: scripts of communities, tried on any machine."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestrator.errors import FactoryError
from orchestrator.trial import script_test
from orchestrator.verbs.test_script import command

HEAD = """\
#!/bin/bash
glidein_config=$1
. "$(grep -m1 '^ADD_CONFIG_LINE_SOURCE ' "$glidein_config" | cut -d ' ' -f 2-)"
condor_vars_file=$(gconfig_get CONDOR_VARS_FILE)
error_gen=$(gconfig_get ERROR_GEN_PATH)
"""


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(HEAD + text)
    return path


def test_what_scripts_set_is_told_each_by_each(tmp_path: Path) -> None:
    first = script(
        tmp_path,
        "first.sh",
        'gconfig_add SITE "Here and there"; add_condor_vars_line SITE S - + N Y @\n'
        '"$error_gen" -ok first.sh seconds 3; echo out; echo err >&2\n',
    )
    second = script(tmp_path, "second.sh", "sed -i /^SITE/d $1; gconfig_add GIVEN later\n")
    one, two = script_test.run([first, second], facts={"GIVEN": "before"})
    assert (one.status, one.output, one.errors, one.passed) == (0, "out\n", "err\n", True)
    assert one.set == {"SITE": "Here and there"}
    assert [line["name"] for line in one.variables] == ["SITE"]
    assert one.variables[0]["user_name"] == "@"
    assert one.metrics == {"seconds": "3"}
    assert (two.set, two.removed, two.variables) == ({"GIVEN": "later"}, ["SITE"], [])


def test_they_are_called_as_in_a_glidein(tmp_path: Path) -> None:
    text = (
        'echo "$# $1 $2 $GLIDEIN_UUID"; pwd; umask; cat; ls -d main client .gwms.d logs\n'
    )
    (one,) = script_test.run([script(tmp_path, "s.sh", text)], section="client_group")
    lines = one.output.splitlines()
    assert lines[0].startswith("2 glidein_config client_group ")
    assert len(lines[0].split()[3]) == 36
    assert lines[2:] == ["0022", ".gwms.d", "client", "logs", "main"]


def test_the_first_that_fails_ends_it(tmp_path: Path) -> None:
    bad = script(tmp_path, "bad.sh", '"$error_gen" -error bad.sh Config "no way"; exit 4\n')
    one, two = script_test.run([bad, script(tmp_path, "next.sh", "exit 0\n")])
    assert (one.status, one.detail, one.passed) == (4, "no way", False)
    assert one.metrics == {"failure": "Config"}
    assert two.status is None
    assert not two.passed


def test_one_that_hangs_is_ended_and_says_why(tmp_path: Path) -> None:
    (one,) = script_test.run([script(tmp_path, "s.sh", "sleep 600\n")], limit_s=1)
    assert one.status == 124
    assert "took over 1 seconds" in one.problem


def test_one_that_breaks_glidein_config_has_failed(tmp_path: Path) -> None:
    (one,) = script_test.run([script(tmp_path, "s.sh", ": >$1\n")])
    assert (one.status, one.passed) == (0, False)
    assert "glidein_config" in one.problem


def test_a_periodic_one_is_shown_as_the_startd_takes_it(tmp_path: Path) -> None:
    text = 'echo "X = ${GLIDEIN_PERIODIC_SCRIPT:-first}"\n'
    (one,) = script_test.run([script(tmp_path, "s.sh", text)], periodic=True)
    assert one.output == "X = first\n"
    assert one.attributes.startswith("X = true\nGLIDEIN_PS_OK = True\n")


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr("tempfile.tempdir", None)
    script_test.run([script(tmp_path, "s.sh", "sleep 600 &\nexit 0\n")])
    assert list(place.iterdir()) == []


def test_a_fact_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match="not a key: '1x'"):
        script_test.run([script(tmp_path, "s.sh", "")], facts={"1x": "y"})


def test_the_verb_prints_for_people_and_for_programs(tmp_path: Path) -> None:
    path = script(tmp_path, "s.sh", "gconfig_add NEW value; echo said\n")
    shown = CliRunner().invoke(command, [str(path)])
    assert shown.exit_code == 0, shown.output
    for text in ("s.sh: ok", "NEW", "value", "said"):
        assert text in shown.output
    told = CliRunner().invoke(command, ["--json", "--set", "A=1", str(path)])
    (one,) = json.loads(told.output)
    assert (one["script"], one["status"], one["set"]) == ("s.sh", 0, {"NEW": "value"})


def test_the_verb_fails_with_a_script(tmp_path: Path) -> None:
    shown = CliRunner().invoke(command, [str(script(tmp_path, "s.sh", "exit 1\n"))])
    assert shown.exit_code == 1
    assert "failed, status 1" in shown.output
