"""What verbs print: tables that fit the terminal, colours on a terminal alone, times in words.

Whatever comes from worker nodes, sites or Frontends is shown, and nothing of it reaches the
terminal as a command. (rich makes the tables that are short; one of 1,000 entries takes it 0.7 s.)
"""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import click

from orchestrator.span import span

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")  # all but tab
_LEAST = 12  # columns that a long text keeps
GAP = "  "

BAD, WARN, GOOD, FAINT = "red", "yellow", "green", "bright_black"


class Styled(NamedTuple):
    """A text with a colour of click's."""

    text: str
    colour: str


Cell = str | int | float | Styled | None


def coloured() -> bool:
    """Return whether stdout takes colours, and nobody asked for none (no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty()


def say(text: str, colour: str | None = None) -> None:
    """Print a line; what it may hold besides text of ours must be :func:`printable`."""
    shown = coloured()
    click.echo(click.style(text, fg=colour) if shown and colour else text, color=shown)


def printable(text: object) -> str:
    """Return ``text`` with control characters written out: a terminal would obey them."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", str(text))


def width() -> int | None:
    """Return the columns of the terminal; None when stdout is none, and nothing need be cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Print rows under their head, cut to the terminal: the longest texts are cut first.

    Numbers stand right; None is "?", for it is not known.
    """
    cells = [[_text(cell) for cell in row] for row in rows]
    texts = [list(head), *([text for text, _, _ in row] for row in cells)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    widths = _fitted(widths, width())
    heading = [_placed(name, size, False) for name, size in zip(head, widths, strict=True)]
    say(GAP.join(heading).rstrip(), FAINT)
    shown = coloured()
    lines = []
    for row in cells:
        line = []
        for (text, colour, right), size in zip(row, widths, strict=True):
            placed = _placed(text, size, right)
            line.append(click.style(placed, fg=colour) if shown and colour else placed)
        lines.append(GAP.join(line).rstrip() + "\n")
    click.echo("".join(lines), nl=False, color=shown)


def ago(age_s: float | None) -> str:
    """Return an age in words."""
    return "never" if age_s is None else f"{span(age_s)} ago"


def known(value: object) -> str:
    """Return a value for a person; "?" when it is not known."""
    return "?" if value is None else str(value)


def _text(cell: Cell) -> tuple[str, str | None, bool]:
    if isinstance(cell, Styled):
        return printable(cell.text), cell.colour, cell.text.isdigit()
    right = cell is None or isinstance(cell, int | float)
    return printable(known(cell)), None, right


def _placed(text: str, size: int, right: bool) -> str:
    if len(text) > size:
        return text[: size - 1] + "…"
    return text.rjust(size) if right else text.ljust(size)


def _fitted(widths: list[int], room: int | None) -> list[int]:
    if room is None:
        return widths
    spare = room - len(GAP) * (len(widths) - 1)
    while sum(widths) > spare:
        longest = max(widths)
        if longest <= _LEAST:
            break
        widths[widths.index(longest)] -= 1
    return widths
