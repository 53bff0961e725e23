"""start, status and stop: the daemons in the background, where no pool is anywhere."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.daemon import command
from tests.configured import Configured

LIMIT_S = 60


@pytest.fixture
def factory(
    configured: Configured, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Configured]:
    """A configuration that was taken over; its collector answers nobody."""
    monkeypatch.setenv("CONDOR_CONFIG", os.devnull)
    configured.change("factory.toml", "\n\n[web]", '\ncollector = ["127.0.0.1:1"]\n\n[web]')
    configured.reconfig()
    yield configured
    command.stop(configured.work, LIMIT_S)


def factory_verb(
    factory: Configured, verb: str, *options: str
) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-m", "orchestrator", verb, "--config", str(factory.folder)]
    return subprocess.run(
        [*words, *options], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def status(factory: Configured) -> tuple[int, dict[str, Any]]:
    done = factory_verb(factory, "status", "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, told


def test_started_seen_and_stopped(factory: Configured) -> None:
    assert factory_verb(factory, "stop").stdout == "not running\n"
    code, told = status(factory)
    assert (code, told["running"], told["state"]) == (3, False, "not running")

    started = factory_verb(factory, "start")
    assert started.returncode == 0, started.stderr
    pid = command.running(factory.work)
    assert started.stdout == f"started, process {pid}: 2 entries\n"

    again = factory_verb(factory, "start")
    assert again.returncode == 1
    assert f"a factory already runs on {factory.work}: process {pid}" in again.stderr

    # No collector and no schedd: the entries say so, and nothing ends.
    code, told = status(factory)
    assert (code, told["running"], told["pid"]) == (4, True, pid)
    assert set(told["entries"]) == {"north", "south"}
    north = told["entries"]["north"]
    assert north["daemon"] == "running"
    assert north["queue"] == "failed"
    assert any("127.0.0.1:1" in problem for problem in north["problems"])
    assert north["submit"] == 0
    shown = factory_verb(factory, "status", "north")
    assert shown.returncode == 4
    assert "2 entries (north, south): collector: " in shown.stdout
    assert "\x1b" not in shown.stdout
    why = factory_verb(factory, "why", "north")
    assert why.returncode == 0
    assert "FAIL  nothing can be submitted: the queue view is failed" in why.stdout

    stopped = factory_verb(factory, "stop")
    assert stopped.stdout == f"stopped, was process {pid}\n"
    assert command.running(factory.work) is None
    log = (factory.work / "log/entries/north.log").read_text()
    assert "entry=north not advertised" in log


def test_a_factory_without_a_record_is_not_started(
    tmp_path: Path, configured: Configured
) -> None:
    done = factory_verb(configured, "start")
    assert done.returncode == 1
    assert done.stderr.endswith("factory.json: not there: no reconfig yet\n")
    assert factory_verb(configured, "status").returncode == 1


def test_no_such_entry(factory: Configured) -> None:
    done = factory_verb(factory, "status", "west")
    assert done.returncode == 2
    assert "no such entry: west" in done.stderr
