"""A TOML file, and in which line of it a key stands.

``tomllib`` forgets where it read a value. :class:`Lines` finds it again, well enough for a
message: the line of the key itself or, inside an inline table, of the key that holds it.
"""

import functools
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

Place = tuple[str | int, ...]  # ("files", 0, "kind"): as pydantic names a place

_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")
_STRINGS = re.compile(r'"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*')
_LINE_IN_ERROR = re.compile(r"^(.*) \(at line (\d+), column \d+\)$")


class TomlError(Exception):
    """The file is not TOML; ``line`` is None when the parser did not say where."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line


class Lines:
    """For each key of one file, its line; looked for only when somebody asks."""

    def __init__(self, text: str) -> None:
        self._text = text

    @functools.cached_property
    def _found(self) -> dict[Place, int]:
        return _locate(self._text)

    def of(self, place: Place) -> int | None:
        """Return the line of ``place`` or of the nearest thing around it."""
        for length in range(len(place), 0, -1):
            line = self._found.get(place[:length])
            if line is not None:
                return line
        return None


def load(path: Path) -> tuple[dict[str, Any], Lines]:
    """Return what the file says, and where.

    Raises:
        TomlError: it cannot be read, or is not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin with a mark
    except (OSError, UnicodeDecodeError) as error:
        raise TomlError(f"cannot be read: {error}", None) from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = _LINE_IN_ERROR.match(str(error))
        if said:
            raise TomlError(said[1], int(said[2])) from error
        raise TomlError(str(error), None) from error
    except RecursionError as error:
        raise TomlError("cannot be read: nested too deeply", None) from error
    return data, Lines(text)


def _locate(text: str) -> dict[Place, int]:
    """Find the line of each key in ``text``, which is known to be TOML."""
    found: dict[Place, int] = {}
    table: Place = ()
    elements: Counter[Place] = Counter()  # how many [[name]] came so far
    within: str | None = None  # the quotes of the string that we are in the middle of
    depth = 0  # of brackets that are still open
    for number, raw in enumerate(text.splitlines(), start=1):
        fresh = within is None and depth == 0
        bare, within = _without_strings(raw, within)
        if fresh and bare.lstrip().startswith("["):
            table = _header(raw.strip(), elements)
            found.setdefault(table, number)
            continue
        if fresh and "=" in bare:
            place = table
            for part in _parts(raw):
                place = (*place, part)
                found.setdefault(place, number)
        depth += sum(bare.count(b) for b in "[{") - sum(bare.count(b) for b in "]}")
    return found


def _header(line: str, elements: Counter[Place]) -> Place:
    """Return the place that ``[a.b]`` or ``[[a]]`` opens; counts the latter."""
    many = line.startswith("[[")
    place: Place = ()
    parts = _parts(line.lstrip("["))
    for index, part in enumerate(parts):
        place = (*place, part)
        if many and index == len(parts) - 1:
            elements[place] += 1
        if elements[place]:
            place = (*place, elements[place] - 1)
    return place


def _parts(line: str) -> list[str]:
    """Return the parts of the dotted key at the start of ``line``."""
    parts, at = [], 0
    while match := _PART.match(line, at):
        parts.append(next(group for group in match.groups() if group is not None))
        if line[match.end() : match.end() + 1] != ".":
            break
        at = match.end() + 1
    return parts


def _without_strings(line: str, within: str | None) -> tuple[str, str | None]:
    """Return ``line`` less strings and comment, and the quotes still open at its end."""
    kept = ""
    while True:
        if within is not None:
            _, end, line = line.partition(within)
            if not end:
                return kept, within
            within = None
        match = _STRINGS.search(line)
        if match is None:
            return kept + line, None
        kept += line[: match.start()]
        line = line[match.end() :]
        if match[0] in ('"""', "'''"):
            within = match[0]
