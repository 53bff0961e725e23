"""In which line a key stands."""

from pathlib import Path

import pytest

from orchestrator import toml_file
from orchestrator.toml_file import Lines, Place, TomlError

TEXT = '''\
a = 1
b.c = "x = 1"  # d = 2
list = [
  1,
  [2], # [no.table]
]
tables = [
  { fake = 1 },
]
text = """
fake = 1
[fake]
"""
inline = { one = 1, two = { three = 3 } }
[table]
key = 'it # is'
"odd key" = 2
[table.below]
key = 3
[[files]]
source = "a"
[[files]]
source = "b"
[files.more]
deep = 1
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("a",), 1),
        (("b", "c"), 2),
        (("list",), 3),
        (("list", 1), 3),
        (("tables",), 7),
        (("tables", 0, "fake"), 7),
        (("text",), 10),
        (("inline",), 14),
        (("inline", "two", "three"), 14),
        (("table",), 15),
        (("table", "key"), 16),
        (("table", "odd key"), 17),
        (("table", "below", "key"), 19),
        (("files", 0, "source"), 21),
        (("files", 1, "source"), 23),
        (("files", 1, "more", "deep"), 25),
        (("d",), None),
        (("fake",), None),
        (("nowhere",), None),
    ],
)
def test_line_of_a_key(place: Place, line: int | None) -> None:
    assert Lines(TEXT).of(place) == line


def test_a_file_that_is_no_toml_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("a = 1\nb = \n")
    with pytest.raises(TomlError) as caught:
        toml_file.load(path)
    assert caught.value.line == 2


def test_a_mark_that_an_editor_leaves_at_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\n")
    assert toml_file.load(path)[0] == {"a": 1}


@pytest.mark.parametrize("content", [None, b"a = '\xff'", b"a = " + b"[" * 5000])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TomlError, match="cannot be read"):
        toml_file.load(path)
