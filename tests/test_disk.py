"""Writing files that others read meanwhile."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from orchestrator import disk
from orchestrator.disk import Batch, Busy


def test_a_file_is_put_there_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    old = os.umask(0o077)
    try:
        disk.put_if_changed(path, b"text", 0o755)
    finally:
        os.umask(old)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755
    assert path.stat().st_mode & 0o777 == 0o755
    assert [one.name for one in path.parent.iterdir()] == ["file"]


def test_nothing_of_a_batch_is_seen_before_all_of_it_is_written(tmp_path: Path) -> None:
    batch = Batch()
    for name in ("a", "b"):
        batch.add(tmp_path / name, b"text")
    assert not (tmp_path / "a").exists()
    batch.commit()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "b"]


def test_large_files_are_copied_whole(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(3_000_000))
    batch = Batch()
    found = batch.add(tmp_path / "copy", source)
    batch.commit()
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()
    assert found == hashlib.sha256(source.read_bytes()).hexdigest()


def test_a_leftover_of_a_killed_run_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / f"{disk.PART}file").symlink_to("other")
    disk.put_if_changed(tmp_path / "file", b"text")
    assert (tmp_path / "file").read_bytes() == b"text"
    assert (tmp_path / "other").read_bytes() == b"other"
    assert not (tmp_path / "file").is_symlink()


@pytest.mark.parametrize(
    ("content", "mode", "written"),
    [(b"text", 0o644, False), (b"text", 0o755, True), (b"other", 0o644, True)],
)
def test_what_is_the_same_is_not_written_again(
    tmp_path: Path, content: bytes, mode: int, written: bool
) -> None:
    path = tmp_path / "file"
    disk.put_if_changed(path, b"text")
    before = path.stat().st_ino
    disk.put_if_changed(path, content, mode)
    assert (path.stat().st_ino != before) == written
    assert path.read_bytes() == content


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    with (
        disk.locked(tmp_path / "lock"),
        pytest.raises(Busy),
        disk.locked(tmp_path / "lock"),
    ):
        pass
    with disk.locked(tmp_path / "lock"):
        pass


def test_a_full_disk_is_told_with_the_file_that_found_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> BinaryIO:
        return Path("/dev/full").open("wb")

    monkeypatch.setattr(disk, "_new_file", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        disk.put_if_changed(tmp_path / "file", b"content" * 10_000)
    assert caught.value.filename == str(tmp_path / "file")
