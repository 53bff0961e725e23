"""Steps of publishing.feature."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.publishing_fixtures import Operator
from features.publishing_steps import Said, has_published, state
from orchestrator.stage.history import utc_now
from orchestrator.worktree import reconfig
from tests.configured import (
    assert_usable,
    assert_what_is_told_is_there,
    contents,
    killed_at,
)

scenarios("publishing.feature")


@pytest.fixture
def others() -> Iterator[ExitStack]:
    """What other operators hold until the end."""
    with ExitStack() as stack:
        yield stack


@given(parsers.parse("the factory signs with {kind}"))
def sign_with(operator: Operator, kind: str) -> None:
    operator.configured.change("factory.toml", "[web]", f'[web]\nsignature_type = "{kind}"')


@given(parsers.parse('the site of north is now "{site}"'))
def change_site(operator: Operator, site: str) -> None:
    operator.configured.change("entries/north.toml", '"Example"', f'"{site}"')


@given("the configuration has a misspelt key, a bad number and a missing file")
def mistakes(operator: Operator) -> None:
    operator.configured.change("entries/north.toml", "gatekeeper", "gatekeepr")
    operator.configured.change("factory.toml", "keep_days = 10", "keep_days = -1")
    operator.configured.change(
        "entries/south.toml", "site", "files = [{ source = 'no' }]\nsite"
    )


@given("another operator is publishing")
def another(operator: Operator, others: ExitStack) -> None:
    others.enter_context(reconfig.lock(operator.configured.load()))


@given("a published file was cut short", target_fixture="damaged")
def cut_short(operator: Operator) -> Path:
    (path,) = operator.configured.stage.glob("site_check.*.sh")
    path.write_bytes(path.read_bytes()[:5])
    return path


@given("a glidein of north is in the queue")
def in_the_queue(operator: Operator, told: dict[str, str]) -> None:
    record = operator.configured.work / "entries" / "north" / "queued.json"
    names = {"main": [told["descript"]], "entry": [told["descript_entry"]]}
    record.write_text(json.dumps(names))


@when(parsers.parse("the operator publishes {days:d} days later"))
def publishes_later(operator: Operator, days: int) -> None:
    operator.configured.reconfig(utc_now() + timedelta(days=days))


@when(parsers.parse("publishing is killed before its {n:d}th change on disk"))
def killed(operator: Operator, n: int) -> None:
    assert killed_at(n, operator.configured.reconfig, utc_now())


@then(parsers.parse("{tool} finds every file of every area as it was signed"))
def check_with(operator: Operator, said: Said, tool: str) -> None:
    assert said.returncode == 0, said.stderr
    signatures = list(operator.configured.stage.rglob("signature.*"))
    assert len(signatures) == 3
    for path in signatures:
        found = subprocess.run(
            [tool, "--check", "--strict", path.name],
            cwd=path.parent,
            capture_output=True,
            timeout=60,  # seconds
            check=False,
        )
        assert found.returncode == 0, found.stdout
        signed = found.stdout.decode().count(": OK\n")
        published = {one.name for one in path.parent.iterdir() if one.is_file()}
        assert signed == len(published - {path.name, "stop.lst"})


@then("every entry knows how to start its glideins")
def every_entry(operator: Operator) -> None:
    assert assert_what_is_told_is_there(operator.configured) == 2
    for name in ("north", "south"):
        said = operator.types("glidein-command", name)
        assert f" -entry {name} " in said.stdout, said.stderr


@then("only files of north were touched")
def only_north(operator: Operator, said: Said) -> None:
    assert said.returncode == 0, said.stderr
    after, work = state(operator), operator.configured.work
    touched = {path for path, now in after.items() if operator.before.get(path) != now}
    assert touched
    allowed = (operator.configured.stage / "entry_north", work / "entries" / "north")
    factory = work / "factory"
    for path in touched - {factory, factory / "published.json", factory / "seen.json"}:
        assert any(path.is_relative_to(folder) for folder in allowed), path


@then(parsers.parse('the plan names north and the site "{site}"'))
def plan_names(said: Said, site: str) -> None:
    assert "~ entry north: changed" in said.stdout
    assert f'attributes.GLIDEIN_Site: "Example" -> "{site}"' in said.stdout


@then(parsers.parse("the operator is told file and line of {count:d} mistakes"))
def told_of_mistakes(said: Said, count: int) -> None:
    assert said.returncode == 1
    assert f"{count + 1} mistakes" in said.stderr  # the misspelt key is also a missing one
    for place in ("factory.toml:8: ", "entries/north.toml:1: ", "entries/south.toml:3: "):
        assert place in said.stderr


@then("the operator is told how the key is spelt")
def told_of_spelling(said: Said) -> None:
    assert 'gatekeepr: unknown key, did you mean "gatekeeper"?' in said.stderr


@then("what glideins were told is still there")
@then("what glideins were told before is still there")
def still_there(operator: Operator, told: dict[str, str]) -> None:
    stage, kind = operator.configured.stage, told["sign_type"]
    assert_usable(stage, told["descript"], told["sign"], kind)
    assert_usable(stage / "entry_north", told["descript_entry"], told["sign_entry"], kind)


@then("what glideins are told now is there")
def now_there(operator: Operator) -> None:
    assert assert_what_is_told_is_there(operator.configured) == 2


@then("publishing again makes up for what was missed")
def made_up(operator: Operator, told: dict[str, str]) -> None:
    has_published(operator, {})
    now_there(operator)
    assert operator.configured.plan().empty
    left = contents(operator.configured.stage, operator.configured.work)
    assert not [name for name in left if ".part-" in name]
    record = operator.configured.work / "entries" / "north" / "entry.json"
    assert json.loads(record.read_text())["attributes"]["GLIDEIN_Site"] == "Elsewhere"


@then("the operator is told that another one is at work")
def told_of_another(said: Said) -> None:
    assert said.returncode == 1
    assert "another reconfig is at work" in said.stderr


@then("the operator is told which file is not what its name says")
def told_of_damage(said: Said, damaged: Path) -> None:
    assert said.returncode == 1
    assert f"{damaged}: its content is not what its name says" in said.stderr


@then("the damaged file is as it was")
def as_it_was(damaged: Path) -> None:
    assert damaged.stat().st_size == 5


@then("what only older glideins of north were told is gone")
def gone(operator: Operator, told: dict[str, str]) -> None:
    folder = operator.configured.stage / "entry_north"
    assert not (folder / told["descript_entry"]).exists()
    assert len(list(folder.glob("constants.*"))) == 1
