"""Steps of downtimes.feature."""

import time

from pytest_bdd import given, parsers, scenarios, then, when

from features.publishing_fixtures import Operator
from features.publishing_steps import Said
from orchestrator.worktree.downtimes import FILE, DowntimesFile

scenarios("downtimes.feature")

SCOPES = {"all entries": ("--all",), "the factory": ("--factory",)}


@given(parsers.parse("the operator took {what} out of service"))
def took_down(operator: Operator, what: str) -> None:
    started = "2026-11-24T10:00+01:00"
    said = operator.types("down", *SCOPES.get(what, (what,)), "--from", started)
    assert said.returncode == 0, said.stderr


@when(
    parsers.re("the operator takes (?P<what>.*) out of service(?P<hours> for 2 hours)?$"),
    target_fixture="said",
)
def takes_down(operator: Operator, what: str, hours: str | None) -> Said:
    limit = ("--for", "2h") if hours else ()
    return operator.types("down", *SCOPES.get(what, (what,)), *limit)


@when(parsers.parse("the operator takes {what} back into service"), target_fixture="said")
def takes_up(operator: Operator, what: str) -> Said:
    return operator.types("up", *SCOPES.get(what, (what,)))


@when("somebody writes a downtime of north that has no time zone", target_fixture="said")
def writes(operator: Operator) -> Said:
    text = "# by hand\n2026-11-24T10:00:00 None north # new disks\n"
    (operator.configured.work / FILE).write_text(text)
    return operator.types("downtimes")


def is_down(operator: Operator, name: str, now: float) -> bool:
    found = DowntimesFile(operator.configured.work).read()
    return found.of(name, "vofrontend", "frontend", now) is not None


@then(parsers.re("(?P<name>north|south) is (?P<state>up|down)"))
def is_in(operator: Operator, said: Said, name: str, state: str) -> None:
    assert said.returncode == 0, said.stderr
    assert is_down(operator, name, time.time()) == (state == "down")


@then(parsers.parse("{hours:d} hours later {name} is up"))
def later(operator: Operator, hours: int, name: str) -> None:
    assert not is_down(operator, name, time.time() + 3600 * hours)


@then("the downtime can still be seen")
def still_seen(operator: Operator) -> None:
    said = operator.types("downtimes", "--ended")
    assert said.stdout.startswith("over    2026-11-24T09:00:00Z"), said.stdout


@then("the operator is told which line cannot be read")
def told_which(said: Said) -> None:
    assert f'{FILE}:2: "2026-11-24T10:00:00" has no time zone' in said.stdout


@then("the operator is asked whether north is meant")
def asked(said: Said) -> None:
    assert said.returncode == 1
    assert "no entry 'nort' here; did you mean north" in said.stderr
