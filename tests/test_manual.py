"""The manual: complete, and such that man has nothing to complain about."""

import re
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from orchestrator import manual
from orchestrator.__main__ import group
from orchestrator.config import model
from orchestrator.config.model import Part
from orchestrator.exits import EXITS
from orchestrator.manual import guides, settings
from orchestrator.manual.roff import Page
from orchestrator.verbs.manual import command

PAGES = manual.pages()
BY_NAME = {page.name: page for page in PAGES}


@pytest.mark.needs("mandoc")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_man_understands_every_line(page: Page) -> None:
    lint = ["mandoc", "-T", "lint", "-W", "warning"]
    done = subprocess.run(
        lint, input=page.text, capture_output=True, text=True, check=False
    )
    # No date: a page is made anew with each version, and would differ each day.
    said = [line for line in done.stdout.splitlines() if "missing date" not in line]
    assert said == []


def test_there_is_a_page_for_each_verb_with_each_option() -> None:
    verbs = Path(manual.__file__).parent.parent / "verbs"
    names = {path.stem.rstrip("_").replace("_", "-") for path in verbs.glob("[a-z]*.py")}
    assert names == {
        page.name.removeprefix("glidein-factory-")
        for page in PAGES
        if page.section == 1 and page.name.startswith("glidein-factory-")
    }
    assert r"\fB\-\-from\-debian SUITE\fR" in BY_NAME["glidein-factory-condor-tarball"].text
    assert "glidein\\-factory init my\\-factory" in BY_NAME["glidein-factory-init"].text


def test_every_key_of_the_configuration_has_its_meaning() -> None:
    parts = {
        name: set(part.model_fields)
        for name, part in vars(model).items()
        if isinstance(part, type) and issubclass(part, Part) and part is not Part
    }
    assert {name: set(keys) for name, keys in settings.meanings().items()} == parts
    text = BY_NAME[settings.NAME].text
    for keys in parts.values():
        for key in keys:
            assert f"\\fB{key}\\fR" in text


def test_every_table_of_an_entry_is_on_the_page() -> None:
    tables = [place for place, _ in settings.tables(model.Entry)]
    assert "[limits.per_frontend.NAME]" in tables
    assert "[release.recoverable[]]" in tables


def test_the_glidein_page_has_every_option_and_exit_code() -> None:
    text = BY_NAME["glidein_startup"].text
    for word in ("EXIT STATUS", "OPTIONS FOR PEOPLE", r"\-\-dry\-run", r"\-clientweb"):
        assert word in text
    for code in EXITS:
        assert re.search(rf"^ *{code}  ", text, re.MULTILINE), code


@pytest.mark.parametrize(
    "path", sorted(guides.GUIDE.glob("*.md")), ids=lambda path: path.stem
)
def test_pages_that_a_guide_names_are_there(path: Path) -> None:
    named = re.findall(r"([a-z_.-]+)\((\d)\)", path.read_text())
    ours = [one for one in named if one[0].startswith("glidein")]
    assert ours
    for name, section in ours:
        assert BY_NAME[name].section == int(section)


def test_the_verb_lists_shows_and_writes(tmp_path: Path) -> None:
    run = CliRunner().invoke
    listed = run(command, []).output
    assert all(f"{page.name}({page.section})" in listed for page in PAGES)
    assert run(command, ["--write", str(tmp_path)]).exit_code == 0
    assert (tmp_path / "man7/glidein-factory-first-hour.7").is_file()
    assert run(command, ["no-such-page"]).exit_code == 2


def test_every_exit_code_of_a_glidein_is_explained_in_the_same_words() -> None:
    text = (guides.GUIDE / "exit-codes.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.+?) \| .+ \|$", text, re.MULTILINE)
    assert {int(code): said for code, said in rows} == EXITS


@pytest.mark.parametrize(
    "path", sorted(guides.GUIDE.glob("*.md")), ids=lambda path: path.stem
)
def test_verbs_and_options_that_a_guide_names_are_there(path: Path) -> None:
    text = path.read_text().replace("\\\n", " ")
    context = click.Context(group)
    said = r"(?:^|[`/ (])glidein-factory ([a-z-]+ ?[^`\n]*)"
    for words in re.findall(said, text, re.MULTILINE):
        verb, *rest = words.split()
        command = group.get_command(context, verb)
        if command is None:
            continue  # prose
        if isinstance(command, click.Group) and rest and rest[0] in command.commands:
            command = command.commands[rest[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        named = {word for word in rest if word.startswith("--")}
        foreign = {"--dry-run", "--check", "--keep", "--shell"}  # of glidein_startup.sh
        assert named - foreign <= known | {"--help"}, words
