"""Downtimes: what the file says, who is down when, and the verbs that change it."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import FactoryError
from orchestrator.verbs import down, up
from orchestrator.verbs import downtimes as listing
from orchestrator.worktree import downtimes, downtimes_edit
from orchestrator.worktree.downtimes import Downtime, Downtimes, DowntimesFile, epoch, parse
from orchestrator.worktree.factory_record import FactoryRecord, Frontend, WebRecord
from orchestrator.worktree.records import record_json

NOON = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp())
FROM, TO = "2026-11-24T11:00:00Z", "2026-11-24T13:00:00Z"

words = st.text(
    st.characters(exclude_categories=("Z", "C"), exclude_characters="#"), min_size=1
).filter(downtimes.is_word)
comments = st.text(st.characters(exclude_categories=("C", "Zl", "Zp"))).map(str.strip)
times = st.integers(0, 253_402_300_798)


@given(times, st.none() | times, words, words, words, comments)
def test_what_is_written_is_read(
    start: int, end: int | None, entry: str, frontend: str, sec: str, comment: str
) -> None:
    if end is not None and end <= start:
        start, end = end, start + 1
    one = Downtime(start, end, entry, frontend, sec, comment)
    (read,) = parse(str(one))
    assert (read, read.problem) == (one, "")


@given(st.text())
def test_any_line_is_a_comment_or_a_downtime(text: str) -> None:
    said = [line for line in text.split("\n") if line.partition("#")[0].split()]
    assert len(list(parse(text))) == len(said)


@pytest.mark.parametrize(
    ("text", "asked", "is_down"),
    [
        ("CE All All", ("CE", "fe", "c"), True),
        ("CE All All", ("CE", None, None), True),
        ("CE", ("CE", "fe", "c"), True),
        ("CE All All", ("other", "fe", "c"), False),
        ("All All All", ("other", "fe", "c"), True),
        ("All All All", ("factory", None, None), False),
        ("factory All All", ("other", "fe", "c"), True),
        ("factory All All", ("factory", None, None), True),
        ("CE fe All", ("CE", "fe", "c"), True),
        ("CE fe", ("CE", "fe", "c"), True),
        ("CE fe All", ("CE", "other", "c"), False),
        ("CE fe All", ("CE", None, None), False),
        ("CE fe c", ("CE", "fe", "c"), True),
        ("CE fe c", ("CE", "fe", "d"), False),
        ("CE All c", ("CE", "fe", "c"), True),
    ],
)
def test_who_is_down(
    text: str, asked: tuple[str, str | None, str | None], is_down: bool
) -> None:
    found = Downtimes(parse(f"{FROM} {TO} {text} # why"))
    assert found.problems == ()
    assert (found.of(*asked, NOON) is not None) == is_down


@pytest.mark.parametrize(
    ("start", "end", "now", "is_down"),
    [
        (FROM, TO, NOON, True),
        (FROM, "None", NOON + 10**9, True),
        (FROM, TO, epoch(FROM), True),
        (FROM, TO, epoch(FROM) - 1, False),
        (FROM, TO, epoch(TO), False),
        (FROM, TO, epoch(TO) - 1, True),
        ("2026-11-24T13:00+02:00", "2026-11-24T15:00+02:00", epoch(FROM), True),
        ("2026-11-24T13:00+02:00", "2026-11-24T15:00+02:00", epoch(TO), False),
    ],
)
def test_when_it_is_down(start: str, end: str, now: int, is_down: bool) -> None:
    found = Downtimes(parse(f"{start} {end} CE"))
    assert found.problems == ()
    assert (found.of("CE", None, None, now) is not None) == is_down


def test_the_widest_and_longest_is_told() -> None:
    text = f"{FROM} None CE fe c # narrow\n{FROM} {TO} CE # short\n{FROM} None CE # long\n"
    found = Downtimes(parse(text)).of("CE", "fe", "c", NOON)
    assert found is not None
    assert (found.comment, found.line) == ("long", 3)


@pytest.mark.parametrize(
    ("line", "said", "also_others"),
    [
        (f"{FROM} CE", "got 2 words", True),
        (f"{FROM} {TO} CE All All why", "got 6 words", False),
        (f"{FROM} 2026-11-24T13:00:00 CE", "has no time zone", False),
        ("2026-11-24T25:00:00Z None CE", "is not a time", False),
        ("1969-11-24T25:00:00Z None CE", "is not a time", False),
        ("1969-11-24T23:00:00Z None CE", "1970 to 9999", False),
        (f"{TO} {FROM} CE", "is not after the start", False),
        (f"{TO} None CE All All why", "got 6 words", False),
        (f"CE {FROM} {TO}", "is not a time", True),
        (f"{FROM} CE {TO}", "is not a time", True),
        ("now None CE", "is not a time", True),
        ("???", "got 1 words", True),
    ],
)
def test_a_broken_line_is_down_and_names_itself(
    line: str, said: str, also_others: bool
) -> None:
    found = Downtimes(parse(f"# head\n{line}\n", "work/downtimes.lst"))
    (problem,) = found.problems
    assert problem.startswith("work/downtimes.lst:2: ")
    assert said in problem
    one = found.of("CE", "fe", "c", NOON)
    assert one is not None
    assert problem in one.comment
    assert (found.of("other", "fe", "c", NOON) is not None) == also_others


def test_the_file_is_read_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = DowntimesFile(tmp_path)
    assert file.read().lines == ()
    downtimes_edit.begin(tmp_path, Downtime(NOON, None, "CE"))
    first = file.read()
    assert first.of("CE", None, None, NOON) is not None
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_text", None)  # it would raise
        assert file.read() is first
    downtimes_edit.end(tmp_path, ("CE", "All", "All"), NOON + 5)
    assert file.read().of("CE", None, None, NOON + 5) is None
    file.path.write_bytes(b"\xff")
    broken = file.read()
    assert broken.of("any", None, None, NOON) is not None
    assert "cannot be read" in broken.problems[0]
    file.path.unlink()
    assert file.read().lines == ()


def test_changes_leave_other_lines_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / downtimes.FILE
    kept = [
        "# a comment",
        "",
        f"{FROM}   {TO} other",
        "broken",
        f"{FROM} {TO} CE fe",
        "2020-01-01T00:00Z 2020-01-02T00:00Z CE # over",
    ]
    path.write_text("\n".join([*kept, f"{FROM} None CE # now", f"{TO} None CE # planned"]))
    ended = downtimes_edit.end(tmp_path, ("CE", "All", "All"), NOON)
    assert [one.comment for one in (*ended.cut, *ended.dropped)] == ["now", "planned"]
    noon = f"{FROM}  2026-11-24T12:00:00Z  CE  All  All  # now"
    assert path.read_text() == "\n".join([*kept, noon, ""])
    assert downtimes_edit.prune(tmp_path, NOON - 1) == 1
    assert path.read_text() == "\n".join([*kept[:-1], noon, ""])


@pytest.mark.parametrize(
    "wanted",
    [
        Downtime(NOON, None, "C E"),
        Downtime(NOON, None, "CE", "#"),
        Downtime(NOON, None, "CE", comment="a\nb"),
        Downtime(NOON, NOON, "CE"),
    ],
)
def test_what_could_not_be_read_is_not_written(tmp_path: Path, wanted: Downtime) -> None:
    with pytest.raises(FactoryError):
        downtimes_edit.begin(tmp_path, wanted)
    assert not (tmp_path / downtimes.FILE).exists()


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from orchestrator.worktree import downtimes_edit as e;"
        "from orchestrator.worktree.downtimes import Downtime;"
        "[e.begin(Path(sys.argv[1]), Downtime(n, None, sys.argv[2])) for n in range(10)]"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name])
        for name in ("a", "b", "c")
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    lines = DowntimesFile(tmp_path).read().lines
    assert len({(one.entry, one.start) for one in lines}) == 30


@pytest.fixture
def factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The work tree of a factory with two entries, in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("factory.toml").write_text("work = \"w\"\nbroken = 'all the rest'\n")
    web = WebRecord("http://f", "/stage", "stop.lst", "sha256", "d", "s")
    frontends = {"fe": Frontend("fe@x", {"class": "user"})}
    record = FactoryRecord("F", "g", web, ("CE1", "CE2"), frontends=frontends)
    (tmp_path / "w" / "factory").mkdir(parents=True)
    (tmp_path / "w" / "factory" / "factory.json").write_bytes(record_json(record))
    return tmp_path / "w"


def run(verb: str, *arguments: str) -> Result:
    command = {"down": down, "up": up, "downtimes": listing}[verb].command
    return CliRunner().invoke(command, arguments)


def test_down_and_up_again(factory: Path) -> None:
    said = run("down", "CE1", "--frontend", "fe", "--class", "class", "--comment", "why so")
    assert said.exit_code == 0, said.output
    file = DowntimesFile(factory)
    (one,) = file.read().lines
    assert (one.scope, one.end, one.comment) == (("CE1", "fe", "class"), None, "why so")
    assert "down    " in run("downtimes").stdout
    assert run("up", "CE1").exit_code == 1, "that is another scope"
    said = run("up", "CE1", "--frontend", "fe", "--class", "class")
    assert said.exit_code == 0, said.output
    assert all(line.end is not None for line in file.read().lines)
    assert "nothing is down" in run("downtimes").stdout


def test_a_planned_downtime(factory: Path) -> None:
    run("down", "--all", "--from", "2126-11-24T10:00Z", "--for", "1d2h")
    (one,) = json.loads(run("downtimes", "--json").stdout)
    assert one["end"] - one["start"] == 26 * 3600
    assert (one["entry"], one["state"]) == ("All", "planned")
    assert "dropped: " in run("up", "--all").stdout
    assert DowntimesFile(factory).read().lines == ()


def test_what_stays_down_is_named(factory: Path) -> None:
    run("down", "--factory", "--comment", "move")
    run("down", "CE1", "--from", FROM.replace("2026", "2020"))
    said = run("up", "CE1")
    assert said.exit_code == 0
    assert "ended: " in said.stdout
    assert "still down, by line 3: " in said.stderr
    assert "# move" in said.stderr


def test_the_list_shows_what_is_wrong(factory: Path) -> None:
    (factory / downtimes.FILE).write_text(f"{FROM} None CE3\nCE1\n{FROM} {FROM} CE1\n")
    said = run("downtimes").stdout.splitlines()
    assert said[0].endswith("CE3  All  All (no such entry now)")
    assert said[1].startswith("broken  ")
    assert "downtimes.lst:2: expected START END ENTRY" in said[1]
    (factory / downtimes.FILE).write_text(f"{FROM} {TO} CE1\n".replace("2026", "2020"))
    assert "nothing is down" in run("downtimes").stdout
    assert run("downtimes", "--ended").stdout.startswith("over    ")
    assert "1 removed" in run("downtimes", "--prune", "7").stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["CE"], 1, "no entry 'CE' here; did you mean CE2 or CE1?"),
        (["CE1", "--frontend", "ef"], 1, "no Frontend 'ef' here"),
        (["CE1", "--frontend", "fe", "--class", "c"], 1, "no class 'c' here"),
        (["CE1", "--class", "class"], 2, "--class needs --frontend"),
        (["CE1", "--all"], 2, "say one of"),
        ([], 2, "say one of"),
        (["CE1", "--to", "2126-01-01T00:00"], 2, "has no time zone"),
        (["CE1", "--to", "2020-01-01T00:00Z"], 1, "that would be over"),
        (["CE1", "--for", "2"], 2, "expected a duration"),
        (["CE1", "--for", "2h", "--to", "2126-01-01T00:00Z"], 2, "either --to or --for"),
        (
            ["CE1", "--from", "2127-01-01T00:00Z", "--to", "2126-01-01T00:00Z"],
            1,
            "must end after",
        ),
        (["CE1", "--comment", "a\nb"], 1, "a comment is one line"),
    ],
)
def test_what_is_not_understood_changes_nothing(
    factory: Path, arguments: list[str], code: int, said: str
) -> None:
    result = run("down", *arguments)
    assert (result.exit_code, said in f"{result.output}{result.exception}") == (code, True)
    assert not (factory / downtimes.FILE).exists()


def test_a_retired_entry_can_come_up(factory: Path) -> None:
    (factory / downtimes.FILE).write_text(f"{FROM} None old\n")
    assert run("up", "old").exit_code == 1
    (factory / "entries" / "old").mkdir(parents=True)
    assert run("up", "old").exit_code == 0


def test_the_lock_of_somebody_who_died_is_gone(factory: Path) -> None:
    child = os.fork()
    if child == 0:
        with downtimes_edit._alone(factory):
            os._exit(0)
    os.waitpid(child, 0)
    assert run("down", "CE1").exit_code == 0
