"""Putting an area on the stage: what is there is never touched, and never believed unseen."""

from pathlib import Path

import pytest

from orchestrator.errors import PublishError
from orchestrator.stage import publish
from orchestrator.stage.area import Row, build, make_object
from tests.configured import everything

ROW = Row("a.sh", make_object("a.sh", b"text\n", "sha256"), "exec")
AREA = build([ROW], "sha256")


def test_objects_come_first_and_the_description_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []

    def replace(part: Path, path: Path) -> None:
        written.append(path.name)
        part.rename(path)

    monkeypatch.setattr(Path, "replace", replace)
    publish.carry_out([publish.prepare(AREA, tmp_path / "area")])
    assert len(written) == len(AREA.objects) + 2
    assert written[-2:] == [AREA.signature.name, AREA.description.name]


def test_a_second_time_nothing_is_missing(tmp_path: Path) -> None:
    publish.carry_out([publish.prepare(AREA, tmp_path)])
    before = everything(tmp_path)
    again = publish.prepare(AREA, tmp_path)
    assert again.missing == ()
    publish.carry_out([again])
    assert everything(tmp_path) == before


@pytest.mark.parametrize("content", [b"tex", b"", b"TEXT\n"], ids=["cut", "empty", "other"])
def test_other_content_under_an_objects_name_is_refused_by_name(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / ROW.file.name).write_bytes(content)
    with pytest.raises(PublishError) as caught:
        publish.prepare(AREA, tmp_path)
    assert str(tmp_path / ROW.file.name) in str(caught.value)
    assert "remove it" in str(caught.value)
    assert (tmp_path / ROW.file.name).read_bytes() == content


def test_a_link_or_folder_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"text\n")
    (tmp_path / ROW.file.name).symlink_to("real")
    with pytest.raises(PublishError, match="not a regular file"):
        publish.prepare(AREA, tmp_path)


def test_a_source_that_changes_under_our_hands_is_not_published(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"before")
    made = build([Row("a", make_object("a", source, "sha256"), "regular")], "sha256")
    planned = publish.prepare(made, tmp_path / "area")
    source.write_bytes(b"after!")
    with pytest.raises(PublishError, match="what it is made from changed"):
        publish.carry_out([planned])
    assert made.description.name not in {
        path.name for path in (tmp_path / "area").iterdir()
    }
    assert not any(path.name.startswith("a.") for path in (tmp_path / "area").iterdir())


def test_the_stop_list_is_the_operators(tmp_path: Path) -> None:
    publish.ensure_stop_list(tmp_path)
    assert all(
        line.startswith("#") for line in (tmp_path / "stop.lst").read_text().splitlines()
    )
    (tmp_path / "stop.lst").write_text("entry north\n")
    publish.ensure_stop_list(tmp_path)
    assert (tmp_path / "stop.lst").read_text() == "entry north\n"
