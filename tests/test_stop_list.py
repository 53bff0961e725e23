"""The stop list as operators change it, and how many glideins obeyed."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.errors import FactoryError
from orchestrator.explain import entry, stopped
from orchestrator.stage import stop_list
from orchestrator.stage.stop_list import Stop
from orchestrator.verbs import stop_list as verb
from orchestrator.worktree.downtimes import DowntimesFile
from tests.decided import Decided, failed
from tests.deciding import NOW


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("entry north", Stop("entry", "north")),
        ("entry north now # fire", Stop("entry", "north", True, "fire")),
        ("  frontend cms # bad  token", Stop("frontend", "cms", False, "bad  token")),
        ("factory", Stop("factory")),
        ("factory now", Stop("factory", "", True)),
        ("factory # all", Stop("factory", "", False, "all")),
        ("entry", None),
        ("factory north", None),
        ("# entry north", None),
        ("site north", None),
        ("", None),
    ],
)
def test_a_line_is_read_as_glideins_read_it(line: str, says: Stop | None) -> None:
    assert stop_list.parse(line) == says


def test_lines_of_others_stay(tmp_path: Path) -> None:
    path, lock = tmp_path / "stop.lst", tmp_path / "lock"
    path.write_text("# ours\nentry north # old\nnot a line\n")
    stop_list.add(path, Stop("entry", "north", True, "new"), lock)
    stop_list.add(path, Stop("frontend", "cms"), lock)
    assert path.read_text() == "# ours\nnot a line\nentry north now # new\nfrontend cms\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert stop_list.remove(path, "entry north", lock)
    assert not stop_list.remove(path, "entry north", lock)
    assert path.read_text() == "# ours\nnot a line\nfrontend cms\n"


@pytest.mark.parametrize("name", ["a b", "a#b", "", "x\ny", "-x"])
def test_what_would_be_another_line_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "stop.lst"
    if not name:
        return
    with pytest.raises(FactoryError):
        stop_list.add(path, Stop("entry", name), tmp_path / "lock")
    with pytest.raises(FactoryError):
        stop_list.add(path, Stop("entry", "x", why="a\nfactory now"), tmp_path / "lock")
    assert not path.exists()


def run(decided: Decided, *words: str) -> Result:
    return CliRunner().invoke(verb.command, ["--config", str(decided.work.parent), *words])


def test_an_entry_is_stopped_and_down_and_those_who_obeyed_are_counted(
    decided: Decided,
) -> None:
    decided.decide("north", {"cms": "5 idle of 9"}, {"cms": "2 pending, 3 running"})
    done = run(decided, "add", "entry", "north", "--why", "broken switch", "--yes")
    assert done.exit_code == 0, done.output
    (published,) = stop_list.read(decided.work.parent / "stage/stop.lst")
    assert published == Stop("entry", "north", False, "broken switch")
    (down,) = DowntimesFile(decided.work).read().lines
    assert (down.entry, down.comment) == ("north", "stop list: broken switch")

    (told,) = stopped.explain(decided.work)
    assert told["since"] is not None
    assert (told["idle"], told["running"], told["obeyed"]) == (2, 3, 0)
    at = told["since"] + 5
    decided.ended("north", [failed(f"1.{n}", "stopped", at=at, code=3) for n in range(4)])
    decided.ended(
        "north", [failed("2.0", "check", at=at), failed("3.0", "old", at=NOW, code=3)]
    )
    decided.ended("south", [failed("4.0", "stopped", at=at, code=3)])
    (told,) = stopped.explain(decided.work, now=at + 10)
    # The one that ended in 2027 (NOW) ended after the list was written, too.
    assert told["obeyed"] == 5
    assert "broken switch" in run(decided).output

    found = {one["what"]: one for one in entry.explain(decided.work, "north")["findings"]}
    assert found["stop list"]["mend"] == "glidein-factory stop-list remove entry north"
    assert entry.explain(decided.work, "south")["stopped"] == []

    assert run(decided, "remove", "entry", "north").exit_code == 0
    assert stop_list.read(decided.work.parent / "stage/stop.lst") == []
    assert isinstance(run(decided, "remove", "entry", "north").exception, FactoryError)


def test_a_question_is_asked_and_no_is_no(decided: Decided) -> None:
    done = CliRunner().invoke(
        verb.command,
        ["--config", str(decided.work.parent), "add", "factory", "--now"],
        input="n\n",
    )
    assert done.exit_code == 1
    assert "their jobs too" in done.output
    assert stop_list.read(decided.work.parent / "stage/stop.lst") == []


def test_an_entry_that_is_not_known_is_named(decided: Decided) -> None:
    done = run(decided, "add", "entry", "nort", "--yes")
    assert "did you mean north?" in str(done.exception)


def test_of_a_frontend_only_its_glideins_count(decided: Decided) -> None:
    decided.decide(
        "north",
        {"cms": "5 idle of 9", "atlas": "1 idle of 9"},
        {"cms": "2 pending, 3 running", "atlas": "7 running"},
    )
    done = run(decided, "add", "frontend", "cms", "--yes")
    assert "no downtime was begun" in done.output  # this factory.toml has no Frontends
    (told,) = stopped.explain(decided.work)
    assert (told["idle"], told["running"]) == (2, 3)
