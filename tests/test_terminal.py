"""Tables that fit, colours that are only for terminals, and nothing that a terminal would obey."""

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator import terminal
from orchestrator.terminal import Cell, Styled
from tests.decided import Decided

_ROWS: list[Sequence[Cell]] = [
    ("north", 5, None, Styled("broken " * 20, "red")),
    ("south_with_a_name", 12, 3, ""),
]


def test_numbers_stand_right_and_what_is_not_known_is_a_question_mark(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal.table(("entry", "idle", "run", "words"), _ROWS)
    head, north, south = capsys.readouterr().out.splitlines()
    assert head.split() == ["entry", "idle", "run", "words"]
    assert north.split()[:3] == ["north", "5", "?"]
    assert north.index("5") == south.index("12") + 1
    assert north.count("broken") == 20  # on a pipe nothing is cut


def test_on_a_terminal_the_longest_texts_are_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "width", lambda: 60)
    terminal.table(("entry", "idle", "run", "words"), _ROWS)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) == 60
    assert lines[1].endswith("…")
    assert "south_with_a_name" in lines[2]


def test_what_nodes_say_is_no_command() -> None:
    assert terminal.printable("a\x1b[31mb\nc") == "a\\x1b[31mb\\x0ac"


@pytest.mark.parametrize(("set_", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_terminals_alone(
    decided: Decided, set_: dict[str, str], coloured: bool
) -> None:
    words = [sys.executable, "-m", "orchestrator", "status"]
    words += ["--config", str(decided.work.parent)]
    env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    env |= {"TERM": "xterm", **set_}
    piped = subprocess.run(words, capture_output=True, env=env, timeout=60, check=False)
    assert piped.returncode == 3, piped.stderr
    assert b"the factory does not run" in piped.stdout
    assert b"\x1b" not in piped.stdout

    ours, theirs = pty.openpty()
    shown = subprocess.Popen(words, stdout=theirs, env=env)
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 4096):
            said += part
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
        shown.wait(60)
    assert b"the factory does not run" in said
    assert (b"\x1b[" in said) is coloured


def test_json_is_the_record(decided: Decided, tmp_path: Path) -> None:
    decided.decide("north", {"cms": "5 idle of 9"})
    words = [sys.executable, "-m", "orchestrator", "why", "north", "--json"]
    words += ["--config", str(decided.work.parent)]
    done = subprocess.run(words, capture_output=True, timeout=60, check=True)
    assert b'"binds"' in done.stdout
