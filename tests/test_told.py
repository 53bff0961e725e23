"""What queued glideins were told is protected as long as one of them may be there."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.worktree.reconfig import queued_descriptions
from orchestrator.worktree.told import Told
from tests.factory_user import PILOT, RECORD

DAY = 86_400
NOW = 20_000.5 * DAY
NEWER = replace(RECORD, pilot=replace(PILOT, descript="description.new.cfg"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "entries" / "north"
    folder.mkdir(parents=True)
    return folder


def names(folder: Path, kind: str = "main") -> set[str]:
    return set(json.loads((folder / "queued.json").read_text())[kind])


def test_reconfig_finds_what_was_told(folder: Path) -> None:
    Told(folder).add(RECORD, ["u/a.idtoken"], NOW)
    expected = {"description.main.cfg", "description.entry.cfg"}
    assert queued_descriptions(folder.parent.parent) == expected
    assert names(folder, "credentials") == {"u/a.idtoken"}


def test_it_is_forgotten_when_nobody_is_left_who_was_told(folder: Path) -> None:
    told = Told(folder)
    told.add(RECORD, ["u/old"], NOW)
    told.add(NEWER, ["u/new"], NOW + 5 * DAY)
    told.forget(NOW, NOW + 5 * DAY)
    assert names(folder) == {"description.main.cfg", "description.new.cfg"}
    told = Told(folder)  # by another process
    told.forget(NOW + 3 * DAY, NOW + 5 * DAY)
    assert names(folder) == {"description.new.cfg"}
    assert names(folder, "credentials") == {"u/new"}
    told.forget(None, NOW + 6 * DAY)
    assert names(folder) == {"description.new.cfg"}
    told.forget(None, NOW + 8 * DAY)
    assert names(folder) == set()


def test_when_no_glidein_is_left_nothing_is_needed(folder: Path) -> None:
    told = Told(folder)
    told.add(RECORD, ["u/new"], NOW)
    told.clear()
    assert names(folder) == names(folder, "credentials") == set()


def test_nothing_is_written_when_nothing_changes(folder: Path) -> None:
    told = Told(folder)
    told.add(RECORD, [], NOW)
    before = (folder / "queued.json").stat()
    told.add(RECORD, [], NOW + 60)
    Told(folder).add(RECORD, [], NOW + 60)
    assert (folder / "queued.json").stat() == before


@pytest.mark.parametrize("damage", ["", "{}", '{"main": []}', "[]"])
def test_a_damaged_file_protects_everything_until_nobody_needs_it(
    folder: Path, damage: str
) -> None:
    path = folder / "queued.json"
    path.write_text(damage)
    told = Told(folder)
    told.add(RECORD, [], NOW)
    told.forget(NOW, NOW)
    assert path.read_text() == damage
    told.forget(None, NOW)
    told.add(RECORD, [], NOW)
    assert names(folder) == {"description.main.cfg"}
