"""What of the outputs and logs goes, and what must not."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.outputs.outcome import Ended
from orchestrator.outputs.prune import Needed, kinds, needed, prune
from orchestrator.worktree.daemon_settings import Kept, Retention
from tests import deciding
from tests.deciding import NOW

MB = 1_000_000
DAY = 86_400
SMALL = replace(kinds()[0], size_mb=1, most_mb=5)


def make(path: Path, days: float, size: int = 10) -> Path:
    """Make a file that was last written ``days`` ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.truncate(path, size)
    os.utime(path, (NOW - days * DAY,) * 2)
    return path


@pytest.mark.parametrize(
    ("name", "days", "goes"),
    [
        ("cms.main/job.1.0.out", 6.9, False),
        ("cms.main/job.1.0.out", 7.1, True),
        ("cms.main/job.1.0.err", 7.1, True),
        ("events.20261124.log", 13.9, False),
        ("events.20261124.log", 14.1, True),
        ("outcomes.20261124.jsonl", 30.9, False),
        ("outcomes.20261124.jsonl", 31.1, True),
        ("journal.20261124.jsonl", 14.1, True),
        ("journal.jsonl", 999, False),
        ("queue.json", 999, False),
        ("cms.main/notes.txt", 999, False),
        ("cms.main/job.1.0.out.txt", 999, False),
    ],
)
def test_by_age(name: str, days: float, goes: bool, tmp_path: Path) -> None:
    path = make(tmp_path / name, days)
    assert prune(tmp_path, Needed(), NOW) == ([path] if goes else [])
    assert path.exists() != goes


def test_by_size_the_oldest_first_and_no_more_than_needed(tmp_path: Path) -> None:
    paths = [
        make(tmp_path / "c" / f"job.{n}.0.out", days, MB // 2)
        for n, days in enumerate([6, 5, 4, 3, 2.5])
    ]
    assert prune(tmp_path, Needed(), NOW, [SMALL]) == paths[:3]


def test_young_ones_stay_until_it_is_far_too_much(tmp_path: Path) -> None:
    young = [make(tmp_path / "c" / f"job.{n}.0.out", 1 - n / 10, MB) for n in range(5)]
    assert prune(tmp_path, Needed(), NOW, [SMALL]) == []
    one_more = make(tmp_path / "c" / "job.9.0.out", 0, MB)
    assert prune(tmp_path, Needed(), NOW, [SMALL]) == young[:1]
    assert one_more.exists()


def test_never_what_the_queue_still_needs(tmp_path: Path) -> None:
    keep = make(tmp_path / "cms.main" / "job.1.0.out", 99, 9 * MB)
    awaited = make(tmp_path / "cms.main" / "job.7.3.err", 99, 9 * MB)
    gone = make(tmp_path / "cms.main" / "job.1.1.out", 99, 9 * MB)
    view = deciding.queue({"cms": "1 running for 99 d"})
    ended = Ended(7, 3, "cms.main", "cms:frontend", NOW)
    assert prune(tmp_path, needed(view, [ended]), NOW) == [gone]
    assert keep.exists()
    assert awaited.exists()


def test_event_logs_of_glideins_in_the_queue_stay(tmp_path: Path) -> None:
    gone = make(tmp_path / "events.20260101.log", 32)
    first = make(tmp_path / "events.20260102.log", 30)
    later = make(tmp_path / "events.20260103.log", 20)
    view = deciding.queue({"cms": "1 running for 30 d, 1 pending"})
    assert prune(tmp_path, needed(view), NOW) == [gone]
    assert prune(tmp_path, needed(deciding.queue({})), NOW) == [first, later]


def test_nothing_goes_when_the_queue_is_not_known(tmp_path: Path) -> None:
    path = make(tmp_path / "cms.main" / "job.2.0.out", 99)  # of none that was seen
    view = deciding.queue({"cms": "1 pending"}, "stale")
    assert prune(tmp_path, needed(view), NOW) == []
    assert path.exists()


def test_links_are_neither_followed_nor_removed(tmp_path: Path) -> None:
    outside = make(tmp_path / "outside" / "job.1.0.out", 99)
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "folder").symlink_to(outside.parent)
    (inside / "job.2.0.out").symlink_to(outside)
    assert prune(inside, Needed(), NOW) == []
    assert outside.exists()


def test_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert prune(tmp_path / "none", Needed(), NOW) == []


def test_how_long_is_configuration(tmp_path: Path) -> None:
    path = make(tmp_path / "events.20261124.log", 2)
    retention = kinds(Retention(event_logs=Kept(1, 1, 100)))
    assert prune(tmp_path, Needed(logs_since=NOW - 3 * DAY), NOW, retention) == []
    assert prune(tmp_path, Needed(logs_since=NOW - DAY), NOW, retention) == [path]
