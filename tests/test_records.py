"""The records of the work tree: what reconfig wrote is what daemons read."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.arguments import Pilot
from orchestrator.errors import FactoryError
from orchestrator.worktree.entry_limits import HoldRule, Limit, Limits
from orchestrator.worktree.entry_record import EntryRecord, read_entry
from orchestrator.worktree.factory_record import (
    FactoryRecord,
    Frontend,
    WebRecord,
    read_factory,
)
from orchestrator.worktree.records import record_json

PILOT = Pilot(
    **{
        **dict.fromkeys(Pilot.__dataclass_fields__, "x"),
        "entry": "CE",
        "glidein": "first",
        "factory": "F",
    }
)
ENTRY = EntryRecord(
    PILOT,
    {"GLIDEIN_CPUS": 8},
    {"early": "e"},
    collectors=("a", "b"),
    submit_attributes={"+x": '"y"'},
    limits=Limits(
        entry=Limit(3, 2, 1),
        shares={"fe:frontend": Limit(1, 1, 1)},
        recoverable=(HoldRule(6, (1, 2)), HoldRule(12)),
    ),
    allow_frontends={"fe": ("frontend",), "all": ("All",)},
    groups=("north",),
)
FACTORY = FactoryRecord(
    "F",
    "first",
    WebRecord("http://f", "/stage", "stop.lst", "sha256", "description.1.cfg", "1"),
    entries=("CE",),
    frontends={"fe": Frontend("fe@example.org", {"frontend": "fe_user"})},
)


def put(work: Path, name: str, record: EntryRecord | FactoryRecord) -> Path:
    path = work / name
    path.parent.mkdir(parents=True)
    path.write_bytes(record_json(record))
    return path


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    put(tmp_path, "entries/CE/entry.json", ENTRY)
    put(tmp_path, "factory/factory.json", FACTORY)
    assert read_entry(tmp_path, "CE") == ENTRY
    assert read_factory(tmp_path) == FACTORY


def test_the_names_that_frontends_know() -> None:
    assert (ENTRY.ad_name, FACTORY.ad_name) == ("CE@first@F", "first@F")


@pytest.mark.parametrize(
    ("attributes", "cores"),
    [
        ({"GLIDEIN_CPUS": 8}, 8),
        ({"GLIDEIN_CPUS": "4"}, 4),
        ({"GLIDEIN_CPUS": "auto", "GLIDEIN_ESTIMATED_CPUS": 16}, 16),
        ({"GLIDEIN_CPUS": "auto"}, 1),
        ({"GLIDEIN_CPUS": "0"}, 1),
        ({}, 1),
    ],
)
def test_the_cores_of_a_glidein(attributes: dict[str, str | int], cores: int) -> None:
    assert replace(ENTRY, attributes=attributes, parameters={}).cores == cores


@pytest.mark.parametrize(
    ("frontend", "security_class", "allowed"),
    [
        ("fe", None, True),
        ("fe", "frontend", True),
        ("fe", "other", False),
        ("all", "other", True),
        ("stranger", None, False),
        ("stranger", "frontend", False),
    ],
)
def test_whom_an_entry_works_for(
    frontend: str, security_class: str | None, allowed: bool
) -> None:
    assert ENTRY.allows(frontend, security_class) == allowed
    assert replace(ENTRY, allow_frontends={}).allows(frontend, security_class)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "not there"),
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"format": 1}', "written by another version"),
        ('{"format": 2}', "damaged"),
    ],
)
def test_a_record_that_is_none(tmp_path: Path, text: str | None, said: str) -> None:
    for name, read in (
        ("entries/CE/entry.json", lambda: read_entry(tmp_path, "CE")),
        ("factory/factory.json", lambda: read_factory(tmp_path)),
    ):
        if text is not None:
            put(tmp_path, name, ENTRY).write_text(text)
        with pytest.raises(FactoryError, match=said) as caught:
            read()
        assert name in str(caught.value)


def test_an_unknown_key_is_damage(tmp_path: Path) -> None:
    path = put(tmp_path, "entries/CE/entry.json", ENTRY)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"surprise": 1}))
    with pytest.raises(FactoryError, match="surprise"):
        read_entry(tmp_path, "CE")


def test_daemons_read_them_without_what_reads_the_configuration() -> None:
    code = (
        "import sys, orchestrator.worktree.factory_record; print('pydantic' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout == "False\n"
