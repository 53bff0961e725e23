"""What may be thrown away: only what has been old for long enough, and nobody was told."""

from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.errors import PublishError
from orchestrator.stage import history, publish
from orchestrator.stage.area import Area, Row, build, make_object
from orchestrator.stage.history import AreaHistory
from tests.configured import NOON

DAY = timedelta(days=1)
A, B, C = (f"description.{letter * 16}.cfg" for letter in "abc")


def test_what_is_replaced_is_retired_from_then_on() -> None:
    known = history.advance({}, {"": {A}}, {"": A}, NOON)
    assert known == {"": AreaHistory(A, {})}
    known = history.advance(known, {"": {A, B}}, {"": B}, NOON + DAY)
    known = history.advance(known, {"": {A, B}}, {"": B}, NOON + 2 * DAY)
    assert known == {"": AreaHistory(B, {A: NOON + DAY})}


def test_what_becomes_current_again_starts_anew() -> None:
    known = {"": AreaHistory(B, {A: NOON})}
    known = history.advance(known, {"": {A, B}}, {"": A}, NOON + DAY)
    assert known == {"": AreaHistory(A, {B: NOON + DAY})}


def test_an_unknown_description_is_taken_for_just_retired() -> None:
    assert history.advance({}, {"x": {A}}, {}, NOON) == {"x": AreaHistory(None, {A: NOON})}


def test_what_is_gone_is_forgotten() -> None:
    known = {"": AreaHistory(B, {A: NOON}), "entry_x": AreaHistory(C, {})}
    found: dict[str, set[str]] = {"": {B}, "entry_x": set()}
    assert history.advance(known, found, {"": B}, NOON) == {"": AreaHistory(B, {})}


@pytest.mark.parametrize(
    ("days", "protected", "gone"),
    [
        pytest.param(10, [], [], id="not yet"),
        pytest.param(11, [], [("", A)], id="old enough"),
        pytest.param(11, [A], [], id="a queued glidein was told"),
        pytest.param(-5, [], [], id="a clock that went back"),
    ],
)
def test_expired(days: int, protected: list[str], gone: list[tuple[str, str]]) -> None:
    known = {"": AreaHistory(B, {A: NOON})}
    assert list(history.expired(known, protected, 10, NOON + days * DAY)) == gone


def test_the_file_says_all_and_is_read_back(tmp_path: Path) -> None:
    known = {"": AreaHistory(B, {A: NOON}), "entry_x": AreaHistory(None, {C: NOON + DAY})}
    (tmp_path / "file").write_bytes(history.dump(known))
    assert history.load(tmp_path / "file") == known
    assert history.load(tmp_path / "none") == {}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"areas": {"": {}}}', '{"areas": [1]}'])
def test_a_damaged_history_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(PublishError, match="is not the history"):
        history.load(tmp_path / "file")


def area_of(text: bytes, common: bytes = b"common") -> Area:
    rows = [
        Row("own.sh", make_object("own.sh", text, "sha256"), "exec"),
        Row("common.sh", make_object("common.sh", common, "sha256"), "exec"),
    ]
    return build(rows, "sha256")


def test_garbage_is_what_no_kept_description_needs(tmp_path: Path) -> None:
    old, new = area_of(b"old"), area_of(b"new")
    for made in (old, new):
        publish.carry_out([publish.prepare(made, tmp_path)])
    for name in ("stop.lst", "index.html", ".part-x", "orphan.0123456789abcdef.sh"):
        (tmp_path / name).write_text("")
    (tmp_path / "entry_x.0123456789abcdef").mkdir()
    names = [
        path.name
        for path in history.garbage(
            tmp_path, {old.description.name}, {new.description.name}
        )
    ]
    kept = {one.name for one in new.objects}
    mine = {one.name for one in (*old.objects, old.signature, old.description)} - kept
    assert names[0] == old.description.name
    assert set(names) == mine | {".part-x", "orphan.0123456789abcdef.sh"}


@pytest.mark.parametrize("damage", ["signature is missing", "description is damaged"])
def test_what_cannot_be_read_is_kept_with_all_around_it(
    tmp_path: Path, damage: str
) -> None:
    old, new = area_of(b"old"), area_of(b"new")
    for made in (old, new):
        publish.carry_out([publish.prepare(made, tmp_path)])
    if damage == "signature is missing":
        (tmp_path / new.signature.name).unlink()
    else:
        (tmp_path / new.description.name).write_text("nothing\n")
    assert history.garbage(tmp_path, {old.description.name}, {new.description.name}) == []
