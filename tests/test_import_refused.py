"""XML that is hostile, broken or not a factory's: refused with file and line, and nothing written."""

import time
from pathlib import Path

import pytest

from orchestrator import config
from orchestrator.importer import xml_file
from tests.imported import run

BOMB = (
    '<!DOCTYPE glidein [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY a{n} "&a{n - 1 if n else ""};&a{n - 1 if n else ""};">'
        for n in range(40)
    )
    + "]><glidein>&a39;</glidein>"
)
SECRET = '<!DOCTYPE g [<!ENTITY s SYSTEM "file:///etc/passwd">]>\n<glidein>&s;</glidein>'
ENTRY = (
    '<glidein>\n<entries>\n<entry name="e" gatekeeper="x">{}</entry></entries></glidein>'
)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (BOMB, 1, "a document type (DOCTYPE) is refused"),
        (SECRET, 1, "a document type (DOCTYPE) is refused"),
        ("<glidein>\n&s;</glidein>", 2, "undefined entity"),
        ("<glidein>\n<entries>\n</glidein>", 3, "mismatched tag"),
        ("", 1, "no element found"),
        ("<glidein>\n", 2, "no element found"),
        ("<glidein>\x00</glidein>", 1, "not well-formed"),
        ('<?xml version="1.0" encoding="x-none"?>\n<glidein/>', 1, ""),
        ("<frontend/>", 1, "expected <glidein>"),
        (
            f"<glidein>{'<a>' * 100}{'</a>' * 100}</glidein>",
            1,
            "more than 64 elements within",
        ),
        ("<glidein>\n\n<entrees/></glidein>", 3, "<entrees>"),
        (ENTRY.format("<attr/>"), 3, "<attr>"),
        (ENTRY.format('\n<attrs><attr name="A"/></attrs>'), 4, '"value" is missing'),
        (
            ENTRY.format('\n<attrs><attr name="A" value="x" type="int"/></attrs>'),
            4,
            "A: value",
        ),
        (
            ENTRY.format('<attrs><attr name="A" value="x" type="float"/></attrs>'),
            3,
            "A: type",
        ),
        (
            ENTRY.format('\n<attrs><attr name="A" value="x" const="yes"/></attrs>'),
            4,
            "A: const",
        ),
        (
            ENTRY.format(
                '\n<attrs><attr name="A" value="1"/>\n<attr name="A" value="2"/></attrs>'
            ),
            5,
            'attribute "A" is there twice, with different',
        ),
        (
            ENTRY.format('<config>\n<release sleep="soon"/></config>'),
            4,
            "sleep: expected a number",
        ),
        (
            ENTRY.format('<config><max_jobs>\n<per_entry idle="1e9"/></max_jobs></config>'),
            4,
            "idle: expected a whole number",
        ),
        ("<glidein>\n<entries><entry name='a'/></entries></glidein>", 2, '"gatekeeper" is'),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    path = tmp_path / "bad.xml"
    path.write_text(text)
    began = time.monotonic()
    done = run(path, "--out", tmp_path / "out")
    assert time.monotonic() - began < 30
    assert done.exit_code != 0
    message = str(done.exception)
    assert f"{path}:{line}: " in message, message
    assert said in message
    assert not (tmp_path / "out").exists()


def test_too_large_a_file_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xml_file, "LIMIT", 1024 * 1024)
    (tmp_path / "a.xml").write_text("<glidein>" + " " * 1024 * 1024 + "</glidein>")
    assert "a.xml: more than 1 MB" in str(run(tmp_path / "a.xml", "--out", "x").exception)


def test_unknown_elements_can_be_listed_instead(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(ENTRY.format('<atrs x="1"/>'))
    done = run(tmp_path / "a.xml", "--ignore-unknown", "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert (
        f'{tmp_path}/a.xml:3: x="1"' in (tmp_path / "out" / "import-report.txt").read_text()
    )


def test_a_folder_that_is_there_is_written_over_only_when_told(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(ENTRY.format(""))
    (tmp_path / "b.xml").write_text(ENTRY.replace('"e"', '"f"').format(""))
    out = tmp_path / "out"
    (out / "overrides").mkdir(parents=True)
    mine = out / "overrides" / "mine.toml"
    mine.write_text("num_factories = 3\n")
    (out / "factory.toml").write_text("")
    done = run(tmp_path / "a.xml", "--replace", "--out", out)
    assert "no earlier import" in str(done.exception)
    (out / "factory.toml").unlink()
    done = run(tmp_path / "a.xml", "--out", out)
    assert f"{out}: there is something already" in str(done.exception)
    assert list(out.rglob("*.toml")) == [mine]
    assert run(tmp_path / "a.xml", "--replace", "--out", out).exit_code == 0
    assert run(tmp_path / "b.xml", "--replace", "--out", out).exit_code == 0
    made = config.load(out)
    assert list(made.entries) == ["f"]
    assert made.factory.num_factories == 3


@pytest.mark.parametrize(
    "name", ["../../x", "a b", "factory", "All", "", "é", "-x", "a" * 300]
)
def test_an_entry_that_cannot_be_called_so_is_left_out(tmp_path: Path, name: str) -> None:
    text = ENTRY.replace('"e"', f'"{name}"').format("")
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    done = run(tmp_path / "a.xml", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.exception
    assert list((tmp_path / "out" / "entries").iterdir()) == []
    assert f'a.xml:3: "{name}"' in (tmp_path / "out" / "import-report.txt").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xml", "out"]


@pytest.mark.parametrize(
    ("within", "said"),
    [
        (
            '<attrs><attr name="A" value="1" publish="False" parameter="False"/></attrs>',
            "A=",
        ),
        ('<attrs><attr name="GLIDEIN_UUID" value="1"/></attrs>', "GLIDEIN_UUID="),
        ('<attrs><attr name="A B" value="1"/></attrs>', 'A B="1"'),
        ('<files><file absfname="/x" relfname="condor_vars.lst"/></files>', "e: /x"),
        ('<monitorgroups><monitorgroup group_name="a b"/></monitorgroups>', '"a b"'),
        (
            (
                '<config><submit><submit_attrs><submit_attr name="executable" value="/bin/x"/>'
                "</submit_attrs></submit></config>"
            ),
            'executable="/bin/x"',
        ),
    ],
)
def test_what_cannot_be_said_here_is_left_out_and_listed(
    tmp_path: Path, within: str, said: str
) -> None:
    (tmp_path / "a.xml").write_text(ENTRY.format(within))
    done = run(tmp_path / "a.xml", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.exception
    report = (tmp_path / "out" / "import-report.txt").read_text()
    assert any("a.xml:3: " in line and said in line for line in report.split("\n")), report
    config.load(tmp_path / "out")


def test_an_entry_whose_frontends_cannot_be_said_is_not_open_to_all(tmp_path: Path) -> None:
    within = '<allow_frontends><allow_frontend name="a b"/></allow_frontends>'
    (tmp_path / "a.xml").write_text(ENTRY.format(within))
    assert run(tmp_path / "a.xml", "--out", tmp_path / "out").exit_code == 0
    assert "enabled = false" in (tmp_path / "out" / "entries" / "e.toml").read_text()
