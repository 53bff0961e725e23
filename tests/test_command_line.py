"""What the command line says when something outside of it is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from orchestrator import options
from orchestrator.__main__ import group
from tests.configured import Configured


def test_a_place_that_cannot_be_written_is_told_in_one_line(configured: Configured) -> None:
    configured.change("factory.toml", "[web]", '[web]\nstage = "factory.toml/stage"')
    ran = subprocess.run(
        [sys.executable, "-m", "orchestrator", "reconfig", "--config", configured.folder],
        capture_output=True,
        text=True,
        timeout=60,  # seconds
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"glidein-factory: {configured.folder}/factory.toml")
    assert ran.stderr.count("\n") == 1, ran.stderr


@pytest.mark.parametrize("verb", group.list_commands(click.Context(group)))
def test_each_verb_has_examples_and_says_its_exit_codes(verb: str) -> None:
    done = CliRunner().invoke(group, [verb, "--help"])
    assert done.exit_code == 0, done.output
    assert "Example" in done.output
    assert f"glidein-factory {verb}" in done.output
    assert "Exit code" in done.output


def test_the_configuration_is_found(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = tmp_path / "etc"
    host.mkdir()
    monkeypatch.setattr(options, "HOST", host)
    monkeypatch.delenv(options.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    assert options.config_folder() == host
    monkeypatch.chdir(configured.folder)
    assert options.config_folder() == Path()
    monkeypatch.setenv(options.VARIABLE, "/elsewhere")
    assert options.config_folder() == Path("/elsewhere")


def test_where_there_is_no_configuration_it_is_said_how_to_name_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(group, ["entries", "--config", str(tmp_path)])
    assert done.exit_code == 1
    assert f"has no factory.toml: say --config FOLDER, or set {options.VARIABLE}" in str(
        done.exception
    )


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_shells_complete_verbs(shell: str) -> None:
    printed = CliRunner().invoke(group, ["completion", shell])
    assert printed.exit_code == 0
    assert "_GLIDEIN_FACTORY_COMPLETE" in printed.output
    words = {"COMP_WORDS": "glidein-factory stop", "COMP_CWORD": "1"}
    code = (
        "import sys; from orchestrator.__main__ import group;"
        "group(prog_name='glidein-factory')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **words, "_GLIDEIN_FACTORY_COMPLETE": f"{shell}_complete"},
        capture_output=True,
        text=True,
        timeout=60,  # seconds
        check=False,
    )
    assert "stop-list" in done.stdout
    assert "start" not in done.stdout.split()


def test_shells_complete_the_names_of_entries(configured: Configured) -> None:
    configured.reconfig()
    words = {"COMP_WORDS": "glidein-factory why n", "COMP_CWORD": "2"}
    code = "from orchestrator.__main__ import group; group(prog_name='glidein-factory')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            **words,
            "_GLIDEIN_FACTORY_COMPLETE": "bash_complete",
            options.VARIABLE: str(configured.folder),
        },
        capture_output=True,
        text=True,
        timeout=60,  # seconds
        check=False,
    )
    assert done.stdout == "plain,north\n"


def test_a_plan_is_told_as_json(configured: Configured) -> None:
    words = ["reconfig", "--plan", "--json", "--config", str(configured.folder)]
    done = CliRunner().invoke(group, words)
    changes = {one["name"]: one["kind"] for one in json.loads(done.stdout)}
    assert changes == {"": "new", "north": "new", "south": "new"}
