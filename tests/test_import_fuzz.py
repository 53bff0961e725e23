"""Broken XML, whatever is broken: a message with file and line, or a configuration that loads."""

import random
import re
import shutil
from pathlib import Path

import pytest

from orchestrator import config
from orchestrator.errors import ConfigError
from orchestrator.importer import conversion, written
from orchestrator.importer.report import Report
from tests.test_import_sets import EXPANDED, SET
from tests.test_import_whole import MAIN

TEXTS = [MAIN.read_text(), SET, EXPANDED.format("True")]
_PIECES = [
    *(
        "<",
        ">",
        "/",
        '"',
        "'",
        "&",
        "&amp;",
        "&#0;",
        "&#x1f600;",
        "&x;",
        "<!--",
        "-->",
        "]]>",
    ),
    *(
        "<![CDATA[",
        "<?xml version='1.0'?>",
        "\0",
        "\x0b",
        "é",
        "\ufeff",
        "\u202e",
        "-1",
        "1e999",
    ),
    *("9" * 40, "True", "", " ", "None", "$(", "$(A)", "$$(GLIDEIN_Site)", "..", "/", "\n"),
    '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>',
    *(
        "<entries>",
        "</entries>",
        "<entry/>",
        "<attr/>",
        "<config>",
        "<file/>",
        "<!DOCTYPE x>",
    ),
]


def _broken(text: str, chance: random.Random) -> str:
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(text))
        end = min(len(text), start + chance.choice((0, 0, 1, 5, 40)))
        if chance.random() < 0.6:  # a value of an attribute, most often
            found = chance.choice([*re.finditer('"([^"]*)"', text)])
            start, end = found.span(1)
        text = text[:start] + chance.choice(_PIECES) + text[end:]
    return text


def _complaint(path: Path, out: Path) -> str:
    """Return why the XML is refused; or nothing, then ``out`` is what it became."""
    report = Report()
    try:
        _, files = conversion.converted([path], report, ignore_unknown=False)
    except ConfigError as error:
        return str(error)
    written.write(out, files.with_report(report), over=False)
    return ""


def _mistakes(folder: Path) -> list[str]:
    """Return what is wrong with a result, but that an operator's own files are not here."""
    try:
        config.load(folder)
    except ConfigError as error:
        return [
            line for line in str(error).split("\n")[1:] if "expected a file" not in line
        ]
    return []


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_broken(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    refused = loaded = 0
    path, out = tmp_path / "broken.xml", tmp_path / "out"
    for _ in range(120):
        text = _broken(TEXTS[seed], chance)
        path.write_text(text, encoding="utf-8")
        if complaint := _complaint(path, out):
            assert re.search(rf"{path}(:[0-9]+)?: ", complaint), (complaint, text)
            assert len(complaint) < 5_000
            refused += 1
        else:
            assert _mistakes(out) == [], text
            loaded += 1
            shutil.rmtree(out)
    assert refused > 10
    assert loaded > 10
