"""Real entries, imported: nothing is lost, nothing is changed, and what is left says less twice."""

import random
import shutil
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from orchestrator import config
from tests.configured import contents
from tests.imported import CORPUS, differences, meaning_of_toml, meaning_of_xml, run

FILES = sorted(CORPUS.glob("*.xml"))


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole corpus, imported once."""
    folder = tmp_path_factory.mktemp("corpus") / "out"
    done = run(*FILES, "--out", folder)
    assert done.exit_code == 0, done.output
    print(done.output)
    return folder


def test_each_entry_means_what_the_xml_means(imported: Path) -> None:
    xml, toml = meaning_of_xml(FILES), meaning_of_toml(imported)
    assert len(xml) == 138
    assert not differences(xml, toml)
    values = sum(
        len(one) + len(one["attrs"]) + len(one["submit_attrs"]) for one in xml.values()
    )
    print(f"{len(xml)} entries, {values} values")


def test_a_single_changed_value_shows(imported: Path, tmp_path: Path) -> None:
    xml = meaning_of_xml(FILES)
    for number, (file, old, new) in enumerate(
        [
            ("templates/arc.toml", '"grid_proxy"', '"scitoken"'),
            ("templates/base.toml", "max_per_cycle = 10", "max_per_cycle = 11"),
            (
                "factory.toml",
                "CONDOR_OS = { const = false }",
                "CONDOR_OS = { const = true }",
            ),
            (
                "entries/DUNE_UK_SGridDurham_ce3.toml",
                'batch_queue = "ce3"',
                'batch_queue = "x"',
            ),
        ]
    ):
        folder = tmp_path / str(number)
        shutil.copytree(imported, folder)
        path = folder / file
        text = path.read_text()
        assert old in text, (old, text)
        path.write_text(text.replace(old, new))
        assert differences(xml, meaning_of_toml(folder)), file


def test_it_says_five_times_less(imported: Path) -> None:
    before = sum(path.stat().st_size for path in FILES)
    after = sum(path.stat().st_size for path in imported.rglob("*.toml"))
    print(f"{before} bytes of XML, {after} of TOML")
    assert before > 5 * after


def test_templates_are_few_and_have_names(imported: Path) -> None:
    entries = list((imported / "entries").glob("*.toml"))
    templates = {path.stem for path in (imported / "templates").glob("*.toml")}
    assert {"base", "arc", "condor", "RAL", "NIKHEF"} <= templates
    assert len(templates) < len(entries) / 3
    for path in entries:
        inherits = [line for line in path.read_text().split("\n") if "inherits" in line]
        assert len(inherits) == 1
        assert inherits[0].count('"') == 2, "one template an entry"


def test_the_same_input_gives_the_same_bytes(imported: Path, tmp_path: Path) -> None:
    run(CORPUS, "--out", tmp_path / "again")
    again = {
        name: text.replace(bytes(tmp_path / "again"), b"")
        for name, text in contents(tmp_path / "again").items()
    }
    assert list(again.values()) == list(contents(imported).values())


def test_what_was_not_taken_is_listed_with_file_and_line(imported: Path) -> None:
    report = (imported / "import-report.txt").read_text().split("\n")

    def lines(what: str) -> list[str]:
        start = next(n for n, line in enumerate(report) if what in line)
        end = next(n for n in range(start, len(report)) if not report[n])
        return report[start + 1 : end]

    infosys = lines("<infosys_ref>")
    assert len(infosys) == 16
    assert all(f"{CORPUS}/" in line for line in infosys)
    assert len(lines("require_glidein_glexec_use")) == 137
    assert len(lines("blanks around an attribute's value")) == 2
    twice = lines("an attribute that is there twice")
    assert twice[0].startswith(f"    {CORPUS}/15-noncms-arc.xml:913: DUNE_UK_SGrid_Oxford")
    assert len(lines("replaced by a later file")) == 3
    comments = sum(path.read_text().count("<!--") for path in FILES)
    assert len(lines("a comment at an entry, kept")) == comments


def test_comments_stay_at_their_entry(imported: Path) -> None:
    texts = "".join(path.read_text() for path in (imported / "entries").glob("*.toml"))
    assert "# Setting held limits to a huge number because Syracuse always removes" in texts
    assert "# GLIDEIN_Supported_VOs: temporarily remove vos: SBGrid,GLUEX" in texts


def test_thousands_of_entries_take_seconds(tmp_path: Path) -> None:
    copies = 15
    for number in range(copies):
        for path in FILES:
            text = path.read_text().replace('<entry name="', f'<entry name="C{number}_')
            (tmp_path / f"{path.stem}-{number:02}.xml").write_text(text)
    began = time.monotonic()
    done = run(tmp_path, "--out", tmp_path / "out")
    took = time.monotonic() - began
    assert done.exit_code == 0, done.output
    count = len(list((tmp_path / "out" / "entries").iterdir()))
    print(f"{count} entries in {took:.1f} s")
    assert count == copies * 138
    assert took < 60, "seconds; about 5 when nothing else runs"


_STRANGE = [
    '"',
    "'",
    "\\",
    "é",
    "#",
    "a = b",
    "[x]",
    "\t",
    "''' \"\"\"",
    "\u2028",
    "$(x)",
    "{",
    "0",
    "007",
    "-0",
]


@pytest.mark.parametrize(
    "seed", [0, 1, 3]
)  # in the other file two attributes are there twice
def test_entries_changed_at_random_mean_the_same_too(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    root = ET.parse(FILES[seed]).getroot()
    for entry in root.iter("entry"):
        for element in entry.iter():
            _change(element, chance)
    path = tmp_path / "changed.xml"
    ET.ElementTree(root).write(path, encoding="utf-8")
    done = run(path, "--out", tmp_path / "out")
    assert done.exit_code == 0, (done.output, done.exception)
    assert not differences(meaning_of_xml([path]), meaning_of_toml(tmp_path / "out"))


def _change(element: ET.Element, chance: random.Random) -> None:
    """Change an element's attributes here and there, to what the reference would take as well."""
    for key, said in list(element.attrib.items()):
        if chance.random() > 0.15:
            continue
        if key in ("glidein_publish", "job_publish", "enabled", "require_voms_proxy"):
            element.set(key, chance.choice(("True", "False")))
        elif key in ("const", "publish"):
            element.set(key, "True")
            element.set("parameter", chance.choice(("True", "False")))
        elif key in ("glideins", "idle", "held", "max_per_cycle", "cluster_size"):
            element.set(key, str(chance.randint(1, 9999)))
        elif key in ("comment", "rsl") or (key == "value" and element.get("type") != "int"):
            words = [chance.choice(_STRANGE) for _ in range(chance.randint(0, 4))]
            text = " ".join([said, *words]).strip()
            if element.tag != "entry":
                text = "".join(letter for letter in text if letter.isprintable())
            element.set(key, text)
        elif key == "value":
            element.set(key, chance.choice(("0", "-5", "007", "+3", "12345678")))
        elif key == "type" and element.get("value", "x").isdigit():
            element.set(key, chance.choice(("int", "string", "expr")))
    if element.tag == "attrs" and len(element) and chance.random() < 0.3:
        element.remove(chance.choice(list(element)))


def test_disabled_entries_come_along(imported: Path) -> None:
    enabled = config.load(imported).entries
    said = {name for name, one in meaning_of_xml(FILES).items() if one["enabled"] == "True"}
    assert set(enabled) == said
    assert len(said) == 99
