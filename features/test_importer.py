"""Steps of importer.feature."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from orchestrator.worktree.downtimes import FACTORY, DowntimesFile, epoch
from orchestrator.worktree.entry_record import read_entry
from tests.imported import CORPUS, differences, meaning_of_toml, meaning_of_xml

scenarios("importer.feature")

ROOT = Path(__file__).parent.parent
WHOLE = CORPUS.parent / "glideinwms-whole"
HARMFUL = {
    "an entity bomb": '<!DOCTYPE g [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>\n<glidein>&b;</glidein>',
    "an external entity": '<!DOCTYPE g [<!ENTITY a SYSTEM "/etc/passwd">]>\n<glidein>&a;</glidein>',
    "an end before its end": "<glidein>\n<entries>\n",
    "a misspelt element": "<glidein>\n<entries><entry name='a' gatekeeper='b'><atrs/></entry>"
    "</entries></glidein>",
}


@dataclass
class Mover:
    """Somebody who moves a factory over; ``files`` are what is to be imported into ``out``."""

    folder: Path
    files: list[Path] = field(default_factory=list)
    said: str = ""
    status: int = 0

    @property
    def out(self) -> Path:
        return self.folder / "factory"

    def types(self, *words: object) -> None:
        """Run ``glidein-factory``; what it says and its exit status are kept."""
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=240,  # seconds
            check=False,
        )
        self.said, self.status = done.stdout + done.stderr, done.returncode


@pytest.fixture
def mover() -> Iterator[Mover]:
    folder = Path(tempfile.mkdtemp(prefix="glidein-import."))
    folder.chmod(0o755)  # so that web servers may enter the stage
    yield Mover(folder)
    shutil.rmtree(folder)


@given("the XML of a factory with 138 entries")
def real_entries(mover: Mover) -> None:
    mover.files = [CORPUS]


@given("the XML of a whole factory, its downtimes, and those of OSG topology")
def whole_factory(mover: Mover) -> None:
    """Lay it out; its own files are where it says they are, but not in /etc."""
    files = mover.folder / "files"
    files.mkdir()
    for name in ("check.sh", "setup.sh", "last.sh"):
        (files / name).write_text("#!/bin/sh\n")
    shutil.make_archive(str(files / "lib"), "gztar", WHOLE / "config.d")
    for name in ("glideinWMS.xml", "config.d/20-more.xml", "glideinWMS.downtimes"):
        path = mover.folder / name
        path.parent.mkdir(exist_ok=True)
        text = (WHOLE / name).read_text()
        path.write_text(text.replace("/etc/gwms-factory/", f"{files}/"))
    (mover.folder / "topology").mkdir()
    shutil.copy(WHOLE / "Example_downtime.yaml", mover.folder / "topology")
    names = ("glideinWMS.xml", "config.d", "glideinWMS.downtimes")
    mover.files = [mover.folder / name for name in names]
    mover.files.append(mover.folder / "topology" / "Example_downtime.yaml")


@given(parsers.parse("XML with {something}"))
def harmful(mover: Mover, something: str) -> None:
    path = mover.folder / "harmful.xml"
    path.write_text(HARMFUL[something])
    mover.files = [path]


@given("the operator has imported it")
@when("the operator imports it")
def imports(mover: Mover) -> None:
    mover.types("import", *mover.files, "--out", mover.out)


@when("the operator publishes it")
def publishes_it(mover: Mover) -> None:
    mover.types("reconfig", "--config", mover.out)
    assert mover.status == 0, mover.said


@when("the operator types what README.md says of moving")
def types_all(mover: Mover) -> None:
    section = (ROOT / "README.md").read_text().split("## Moving from GlideinWMS")[1]
    found = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert found
    commands = found[1]
    assert commands.count("glidein-factory ") == 5
    shim = mover.folder / "bin" / "glidein-factory"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m orchestrator "$@"\n')
    shim.chmod(0o755)
    done = subprocess.run(
        ["bash", "-euxc", commands],
        cwd=mover.folder,
        env={
            **os.environ,
            "PATH": f"{shim.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=240,  # seconds
        check=False,
    )
    mover.said, mover.status = done.stdout + done.stderr, done.returncode


@then("every entry means what it meant")
def means_the_same(mover: Mover) -> None:
    assert mover.status == 0, mover.said
    xml = meaning_of_xml(sorted(CORPUS.glob("*.xml")))
    assert len(xml) == 138
    assert not differences(xml, meaning_of_toml(mover.out))


@then("the operator has less than a fifth to read")
def less_to_read(mover: Mover) -> None:
    before = sum(path.stat().st_size for path in CORPUS.glob("*.xml"))
    assert 5 * sum(path.stat().st_size for path in mover.out.rglob("*.toml")) < before


@then("the operator is told the file and line of all that has no counterpart")
def told_of_all(mover: Mover) -> None:
    report = (mover.out / "import-report.txt").read_text()
    for path in CORPUS.glob("*.xml"):
        for number, line in enumerate(path.read_text().split("\n"), start=1):
            if "<infosys_ref " in line and "<!--" not in line:
                assert f"{path}:{number}: " in report
    assert "<infosys_ref>" in mover.said


@then("the factory would publish every entry that was enabled")
def would_publish(mover: Mover) -> None:
    mover.types("reconfig", "--plan", "--config", mover.out)
    assert mover.status == 0, mover.said
    xml = meaning_of_xml(sorted(CORPUS.glob("*.xml")))
    enabled = {name for name, one in xml.items() if one["enabled"] == "True"}
    assert set(re.findall(r"(?m)^\+ entry (.+): new", mover.said)) == enabled
    assert not (mover.out / "stage").exists()


@then(parsers.parse("entry {name} offers itself to Frontends with"))
def offers(mover: Mover, name: str, datatable: list[list[str]]) -> None:
    attributes = read_entry(mover.out / "work", name).attributes
    assert datatable[1:]
    for attribute, value in datatable[1:]:
        assert attributes[attribute] == value


@then("publishing once more changes nothing")
def nothing_changes(mover: Mover) -> None:
    mover.types("reconfig", "--config", mover.out)
    assert "nothing to change: 99 entries" in mover.said


@then(parsers.parse('{name} is down on {day}, because of "{why}"'))
def is_down(mover: Mover, name: str, day: str, why: str) -> None:
    assert mover.status == 0, mover.said
    found = DowntimesFile(mover.out / "work").read().of(name, None, None, noon(day))
    assert found is not None
    assert found.comment == why


@then(parsers.parse("{name} is up on {day}"))
def is_up(mover: Mover, name: str, day: str) -> None:
    assert DowntimesFile(mover.out / "work").read().of(name, None, None, noon(day)) is None


@then(parsers.parse("the whole factory is down on {day}"))
def all_is_down(mover: Mover, day: str) -> None:
    assert DowntimesFile(mover.out / "work").read().of(FACTORY, None, None, noon(day))


def noon(day: str) -> int:
    return epoch(f"{day}T12:00:00Z")


@then(parsers.parse('the operator is told "{reason}", with file and line'))
def told(mover: Mover, reason: str) -> None:
    assert mover.status == 1
    assert re.search(rf"harmful\.xml:[123]: .*{re.escape(reason)}", mover.said), mover.said


@then("nothing was written")
def nothing_written(mover: Mover) -> None:
    assert not mover.out.exists()


@then("each command succeeds")
def succeeds(mover: Mover) -> None:
    assert mover.status == 0, mover.said
    assert "OSG 1005710" in mover.said
