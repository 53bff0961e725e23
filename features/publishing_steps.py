"""Steps that features about the configuration share: an operator publishes, and looks."""

import json
import subprocess
from pathlib import Path

import pytest
from pytest_bdd import given, then, when

from features.publishing_fixtures import Operator
from tests.configured import everything

Said = subprocess.CompletedProcess[str]


def state(operator: Operator) -> dict[Path, tuple[int, int, int]]:
    return everything(operator.configured.stage, operator.configured.work)


@pytest.fixture
def told() -> dict[str, str]:
    """What glideins of north were told at first."""
    return {}


@given("a factory with the entries north and south")
def factory(operator: Operator) -> None:
    assert list(operator.configured.load().entries) == ["north", "south"]


@given("the operator has published")
def has_published(operator: Operator, told: dict[str, str]) -> None:
    said = operator.types("reconfig")
    assert said.returncode == 0, said.stderr
    operator.before = state(operator)
    record = operator.configured.work / "entries" / "north" / "entry.json"
    for key, value in json.loads(record.read_text())["arguments"].items():
        told.setdefault(key, value)


@when("the operator publishes", target_fixture="said")
def publishes(operator: Operator) -> Said:
    return operator.types("reconfig")


@when("the operator asks for the plan", target_fixture="said")
def plans(operator: Operator) -> Said:
    return operator.types("reconfig", "--plan")


@then("not one file was touched")
def nothing_touched(operator: Operator, said: Said) -> None:
    assert said.returncode == 0, said.stderr
    assert state(operator) == operator.before


@then("nothing is published")
def nothing_published(operator: Operator) -> None:
    assert not operator.configured.stage.exists()
    assert not operator.configured.work.exists()
