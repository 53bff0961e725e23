"""Steps that features about whole glideins share: what a node looks like afterwards, how it ended."""

import time
from collections.abc import Callable

import pytest
from pytest_bdd import given, parsers, then

from features.glidein_fixtures import Factory, Node
from orchestrator.trial.local_glidein import LocalGlidein
from orchestrator.trial.pool import Pool


def wait_for(
    what: str, look: Callable[[], bool], limit_s: float, said: Callable[[], str]
) -> None:
    """Return when ``look`` says yes; fail with the last state after ``limit_s`` seconds."""
    deadline = time.monotonic() + limit_s
    while not look():
        if time.monotonic() > deadline:
            pytest.fail(
                f"not within {limit_s:.0f} s: {what}\n{said()[-4000:]}", pytrace=False
            )
        time.sleep(0.1)


@given("a published factory", target_fixture="here")
def a_published_factory(factory: Factory) -> Factory:
    return factory


@given(
    parsers.parse("a factory that publishes HTCondor of Debian {suite}"),
    target_fixture="here",
)
def a_factory(
    factory: Factory, factory_with: Callable[..., Factory], suite: str
) -> Factory:
    return factory if suite == "trixie" else factory_with(suite=suite)


@given("a glidein that has joined the pool", target_fixture="glidein")
def a_joined_glidein(
    factory_with: Callable[..., Factory], pool: Pool, node: Node
) -> LocalGlidein:
    glidein = node.glidein(factory_with(), pool=pool, GLIDEIN_Stop_Interval="2")
    glidein.start()
    wait_for("a slot of it in the pool", lambda: joined(pool, glidein), 60, glidein.log)
    return glidein


def joined(pool: Pool, glidein: LocalGlidein) -> bool:
    """Say whether the pool knows a machine of this glidein, by the script's process id."""
    if glidein.poll() is not None:
        pytest.fail(
            f"it ended early: {glidein.poll()}\n{glidein.log()[-4000:]}", pytrace=False
        )
    return bool(machines(pool, glidein))


def machines(pool: Pool, glidein: LocalGlidein) -> list[str]:
    """Return the names of the pool's startd ads of this glidein."""
    names = [str(ad.get("Name")) for ad in pool.slots(["Name"])]
    return [name for name in names if f"glidein_{glidein.pid}_" in name]


@then("nothing of it remains on the node")
@then("nothing of the glidein remains")
def nothing_remains(node: Node) -> None:
    for glidein in node.glideins:
        assert glidein.poll() is not None, "it still runs"
    assert node.processes() == []
    assert node.leftovers() == []


@then(parsers.parse("it ends within {limit:d} seconds with code {code:d}"))
def ends_with(glidein: LocalGlidein, limit: int, code: int) -> None:
    assert glidein.wait(limit) == code, glidein.log()[-4000:]


@then(parsers.parse("it ends with code {code:d}"))
def ends(glidein: LocalGlidein, code: int) -> None:
    assert glidein.wait(60) == code, glidein.log()[-4000:]


@then(parsers.parse('its log says "{words}"'))
def log_says(glidein: LocalGlidein, words: str) -> None:
    assert words in glidein.log()
