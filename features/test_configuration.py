"""Steps of configuration.feature."""

from pytest_bdd import given, parsers, scenarios, then, when

from features.publishing_fixtures import Operator
from features.publishing_steps import Said, publishes
from orchestrator.worktree.entry_record import read_entry
from orchestrator.worktree.factory_record import read_factory

scenarios("configuration.feature")


@given(parsers.parse('a template of north says that its site is "{site}"'))
def template(operator: Operator, site: str) -> None:
    operator.configured.write("templates/shared.toml", f'site = "{site}"\n')
    operator.configured.change("entries/north.toml", 'site = "Example"\n', "")
    operator.configured.change("entries/north.toml", "gate", 'inherits = ["shared"]\ngate')


@given(parsers.parse('{who} says that the site of north is "{site}"'))
def somebody_says(operator: Operator, who: str, site: str) -> None:
    match who:
        case "the entry":
            operator.configured.change(
                "entries/north.toml", "gate", f'site = "{site}"\ngate'
            )
        case "a template":
            operator.configured.write("templates/later.toml", f'site = "{site}"\n')
            operator.configured.change(
                "entries/north.toml", '"shared"', '"shared", "later"'
            )
        case "an override":
            text = f'[entries.north]\nsite = "{site}"\n'
            operator.configured.write("overrides/moved.toml", text)
        case _:
            raise ValueError(f"nobody: {who}")


@given("a template of north and south has a misspelt key")
def misspelt(operator: Operator) -> None:
    operator.configured.write("templates/shared.toml", '\nwork_dri = "."\n')
    for name in ("north", "south"):
        file = f"entries/{name}.toml"
        operator.configured.change(file, "gate", 'inherits = ["shared"]\ngate')


@when("the operator takes the override back and publishes", target_fixture="said")
def takes_back(operator: Operator) -> Said:
    (operator.configured.folder / "overrides" / "moved.toml").unlink()
    return publishes(operator)


@when("the operator removes south, adds west and publishes", target_fixture="said")
def removes_and_adds(operator: Operator) -> Said:
    entries = operator.configured.folder / "entries"
    (entries / "south.toml").rename(entries / "west.toml")
    return publishes(operator)


@then(parsers.parse('{name} offers itself to Frontends as site "{site}"'))
def offers(operator: Operator, said: Said, name: str, site: str) -> None:
    assert said.returncode == 0, said.stderr
    assert read_entry(operator.configured.work, name).attributes["GLIDEIN_Site"] == site


@then("the operator is told one mistake, with file and line of the template")
def one_mistake(said: Said) -> None:
    assert said.returncode == 1
    head, *lines = said.stderr.splitlines()
    assert "1 mistake " in head
    assert lines == [
        '  templates/shared.toml:2: work_dri: unknown key, did you mean "work_dir"?'
    ]


@then(parsers.parse("the factory knows {first} and {second}"))
def knows(operator: Operator, said: Said, first: str, second: str) -> None:
    assert said.returncode == 0, said.stderr
    assert read_factory(operator.configured.work).entries == (first, second)
    for name in (first, second):
        assert read_entry(operator.configured.work, name).name == name


@then(parsers.parse("the record of {name} is kept aside"))
def kept_aside(operator: Operator, name: str) -> None:
    folder = operator.configured.work / "entries" / name
    assert [path.name for path in folder.iterdir()] == ["retired.json"]
