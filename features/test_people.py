"""Steps of people.feature."""

import json
import os
import pty
import re
import stat
import subprocess
import time
from pathlib import Path

from pytest_bdd import parsers, scenarios, then, when

from features.glidein_fixtures import BASH, Factory, Node
from orchestrator.trial.local_glidein import LocalGlidein

scenarios("people.feature")

ENV = {"PATH": "/usr/bin:/bin"}


def ask(script: Path, *options: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run the shipped file with options that need no factory."""
    return subprocess.run(
        [BASH, str(script), *options],
        env=ENV,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@when("a person asks the glidein for help and for its version", target_fixture="answers")
def ask_help(factory: Factory, tmp_path: Path) -> list["subprocess.CompletedProcess[str]"]:
    return [ask(factory.script, option, cwd=tmp_path) for option in ("--help", "--version")]


@then("both are told, and the help names every option")
def told(answers: list["subprocess.CompletedProcess[str]"], factory: Factory) -> None:
    helped, version = answers
    assert (helped.returncode, version.returncode) == (0, 0), helped.stderr + version.stderr
    assert re.fullmatch(r"glidein_startup\.sh [0-9.]+\n", version.stdout)
    for word in factory.arguments():
        if word.startswith("-") and not word.startswith("-param_"):
            assert re.search(rf"(^|\s){re.escape(word)}\b", helped.stdout, re.MULTILINE), (
                word
            )
    for option in ("--check", "--dry-run", "--keep", "--shell", "--json", "-multiglidein"):
        assert option in helped.stdout


@when("a person lets the glidein check the node", target_fixture="check")
def check_node(factory: Factory, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    return ask(factory.script, "--check", cwd=tmp_path)


@then("a table of checks is shown")
def table(check: "subprocess.CompletedProcess[str]", tmp_path: Path) -> None:
    assert check.returncode == 0, check.stdout + check.stderr
    for name in ("bash", "tools", "disk", "memory"):
        assert re.search(rf"^\s*{name}\b.*\b(ok|warn)\b", check.stdout, re.MULTILINE), (
            check.stdout
        )
    assert list(tmp_path.iterdir()) == []


@when("a person rehearses a glidein", target_fixture="glidein")
def rehearse(here: Factory, node: Node) -> LocalGlidein:
    return run(node.glidein(here, "--dry-run"))


def run(glidein: LocalGlidein) -> LocalGlidein:
    glidein.start()
    assert glidein.wait(60) == 0, glidein.log()[-4000:]
    return glidein


@then("every phase up to the launch is told with its duration")
def phases(glidein: LocalGlidein) -> None:
    told = glidein.phases()
    names = ["prepare", "fetch", "verify", "check", "condor", "configure"]
    assert [phase.name for phase in told][:6] == names
    assert [phase["name"] for phase in glidein.report()["phases"]][:6] == names
    assert all(phase["ms"] >= 0 for phase in glidein.report()["phases"])


@then("HTCondor was never started")
def never_started(glidein: LocalGlidein, node: Node) -> None:
    assert "run" not in glidein.report()
    assert glidein.report()["end"]["cause"] == "dry_run"
    assert node.processes() == []
    assert node.leftovers() == []


@when("a person rehearses a glidein and keeps its folder", target_fixture="glidein")
def keep(here: Factory, node: Node) -> LocalGlidein:
    return run(node.glidein(here, "--dry-run", "--keep"))


@then("the folder is there, private, with a readable configuration of HTCondor")
def kept(glidein: LocalGlidein, node: Node) -> None:
    (folder,) = glidein.folder.glob("glide_*")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    text = (folder / "condor_config").read_text()
    assert re.search(r"^# .*\n?.*GLIDEIN_Max_Idle", text, re.MULTILINE), text
    assert node.processes() == []


@when("a person rehearses a glidein and asks for JSON", target_fixture="glidein")
def as_json(here: Factory, node: Node) -> LocalGlidein:
    return run(node.glidein(here, "--dry-run", "--json"))


@then("standard output is the report and nothing else")
def only_json(glidein: LocalGlidein) -> None:
    report = json.loads(glidein.stdout.read_text())
    assert report["end"]["code"] == 0
    for check in report["checks"]:
        asked = not check["found"].startswith("not asked")
        assert check["status"] in (("ok", "warn", "fail") if asked else ("skip",)), check


@when("a person asks for a shell and types a command of HTCondor", target_fixture="typed")
def shell(here: Factory, node: Node) -> str:
    master, slave = pty.openpty()
    collector = here.server.url.removeprefix("http://")
    process = subprocess.Popen(
        [BASH, str(here.script), *here.arguments(GLIDEIN_Collector=collector), "--shell"],
        cwd=node.folder,
        env={
            **ENV,
            "GLIDEIN_CACHE": "none",
            "BACKOFF_MAX_S": "0",
            "TERM": "dumb",
            "SHELL": "/usr/sbin/nologin",
        },
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    text = ""
    typed = False
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            text += os.read(master, 65536).decode(errors="replace")
        except OSError:
            break
        if not typed and "leave the shell to clean up" in text:
            os.write(master, b"condor_config_val -config GLIDEIN_Entry_Name; exit 0\n")
            typed = True
    os.close(master)
    assert process.wait(30) == 0, text
    return text


@then("the command has found the glidein's configuration")
def found(typed: str, node: Node) -> None:
    assert re.search(r"/glide_\w+/condor_config", typed), typed
    assert list(node.folder.glob("glide_*")) == []


@when(parsers.parse("a person starts a glidein with {mistake}"), target_fixture="answer")
def mistaken(factory: Factory, mistake: str, tmp_path: Path) -> object:
    good = factory.arguments()
    sign = good.index("-sign")
    match mistake:
        case "an unknown option":
            words = [*good, "-nonsense", "1"]
        case "an option without value":
            words = [*good, "-web"]
        case "no entry":
            at = good.index("-entry")
            words = good[:at] + good[at + 2 :]
        case "a hash that is too short":
            words = [*good[: sign + 1], good[sign + 1][:-1], *good[sign + 2 :]]
        case "a hash of another type":
            words = [*good[: sign + 1], good[sign + 1][:40], *good[sign + 2 :]]
        case "a word in the wrong place":
            words = ["stray", *good]
        case "a parameter of no name":
            words = [*good, "-param_1X", "1"]
        case "half a Frontend":
            words = [*good, "-clientweb", "http://127.0.0.1/client"]
        case _:
            raise ValueError(f"no such mistake: {mistake}")
    return ask(factory.script, *words, cwd=tmp_path)


@then(parsers.parse("it ends with code 2 and names {thing}"))
def named(answer: "subprocess.CompletedProcess[str]", thing: str, tmp_path: Path) -> None:
    assert answer.returncode == 2
    assert thing in answer.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
