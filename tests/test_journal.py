"""The journal of submissions: what was begun is not forgotten, whatever happens to the file."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import JournalError
from orchestrator.limited import limited
from orchestrator.queue.journal import Begun, Journal, new_id
from tests.test_state_file import room

NOW = 1_795_000_000.0


def begin(journal: Journal, count: int = 5) -> Begun:
    return journal.begin(new_id(), "Frontend.main", "Frontend:frontend", "ABC", count, NOW)


def reopened(folder: Path) -> tuple[Begun, ...]:
    with Journal(folder) as journal:
        return journal.open


def test_what_was_begun_is_open_until_it_failed_or_was_settled(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        first, second, third = (begin(journal) for _ in range(3))
        journal.done(first, 17)
        journal.failed(second, "no schedd")
        journal.settled(third, "all seen")
        still_open = journal.open
    assert [(one.id, one.cluster, one.count) for one in still_open] == [(first.id, 17, 5)]
    assert reopened(tmp_path) == still_open
    assert still_open[0].unseen(3).count == 3


def test_a_begun_submission_is_on_the_disk_before_anybody_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def note(file: int) -> None:
        synced.append(Path(f"/proc/self/fd/{file}").resolve().name)
        fsync(file)

    monkeypatch.setattr(os, "fsync", note)
    with Journal(tmp_path) as journal:
        begin(journal)
        assert synced == ["journal.jsonl", tmp_path.name]
        begin(journal)
        assert synced == ["journal.jsonl", tmp_path.name, "journal.jsonl"]


def test_when_the_disk_is_full_nothing_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    with Journal(tmp_path) as journal:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(JournalError, match="No space left"):
            begin(journal)
        assert journal.open == ()


@pytest.mark.parametrize("torn", ['{"begin":"abc","cl', '{"done":"', "\0\0\0\0"])
def test_a_torn_last_line_is_passed_over(tmp_path: Path, torn: str) -> None:
    with Journal(tmp_path) as journal:
        first = begin(journal)
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write(torn)
    with Journal(tmp_path) as journal:
        assert journal.open == (first,)
        second = begin(journal)
    assert reopened(tmp_path) == (first, second)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from(["begin", "done", "failed", "settled"]), max_size=30),
    st.data(),
)
def test_cut_anywhere_it_never_loses_what_was_asked_for(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    lengths: list[tuple[int, dict[str, int | None]]] = []
    with Journal(folder) as journal:
        for step in steps:
            if step == "begin":
                begin(journal)
            elif journal.open:
                one = data.draw(st.sampled_from(journal.open))
                if step == "done":
                    journal.done(one, 7)
                else:
                    getattr(journal, step)(one, "why")
            size = journal.path.stat().st_size
            lengths.append((size, {one.id: one.cluster for one in journal.open}))
    if not lengths:
        return
    cut = data.draw(st.integers(0, lengths[-1][0]))
    text = journal.path.read_bytes()[:cut]
    journal.path.write_bytes(text)
    known: dict[str, int | None] = {}
    for size, state in lengths:
        if size <= cut:
            known = state
    assert {one.id: one.cluster for one in reopened(folder)} == known


def test_it_stays_small(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        kept = begin(journal)
        for _ in range(1000):
            journal.settled(begin(journal), "all seen")
        assert journal.path.stat().st_size < 70_000
        last = begin(journal)
        journal.done(last, 3)
    assert [one.id for one in reopened(tmp_path)] == [kept.id, last.id]
    assert len(journal.path.read_text().splitlines()) == 3


def test_a_line_that_makes_no_sense_costs_no_other(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        first = begin(journal)
        path = journal.path
    text = path.read_text()
    lines = ["nonsense", '{"begin": 1}', "[]", '{"done": "x"}', "7", '{"what": "else"}']
    path.write_text("\n".join([*lines[:3], text.strip(), *lines[3:], ""]))
    assert reopened(tmp_path) == (first,)


def test_only_one_process_writes_it(tmp_path: Path) -> None:
    def other() -> None:
        Journal(tmp_path)

    with Journal(tmp_path), pytest.raises(JournalError, match="another process"):
        limited(other, 60)
    limited(other, 60)


def test_a_child_that_lives_on_keeps_others_out(tmp_path: Path) -> None:
    """It may still be asking the schedd."""
    ours, theirs = os.pipe()
    parent = os.fork()
    if parent == 0:
        Journal(tmp_path)
        if os.fork() == 0:
            os.write(theirs, str(os.getpid()).encode())
            time.sleep(600)
        os._exit(0)
    child = int(os.read(ours, 20))
    os.waitpid(parent, 0)
    with pytest.raises(JournalError, match="another process"):
        Journal(tmp_path)
    os.kill(child, 9)
    eventually(lambda: Journal(tmp_path).close())


def eventually(call: Callable[[], None], limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while True:
        try:
            return call()
        except JournalError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"none/journal\.jsonl: No such file"):
        Journal(tmp_path / "none")


def test_lines_are_json(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        begun = begin(journal)
        journal.failed(begun, 'a "reason"\nof two lines')
        lines = journal.path.read_text().splitlines()
    assert [next(iter(json.loads(line))) for line in lines] == ["begin", "failed"]


def test_without_room_the_old_file_is_gone_on_with(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        first = begin(journal)
        journal.settled(begin(journal), "all seen")
    path = tmp_path / "journal.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"begin": "torn')
    with room(20), Journal(tmp_path) as journal:
        assert [one.id for one in journal.open] == [first.id]
        with pytest.raises(JournalError):
            begin(journal)
    assert path.read_bytes() == whole
    assert [one.id for one in reopened(tmp_path)] == [first.id]
