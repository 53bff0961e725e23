"""Steps of node_memory.feature."""

from collections.abc import Callable

from pytest_bdd import given, parsers, scenarios, then, when

from features.glidein_fixtures import Factory, Node
from orchestrator.trial.local_glidein import LocalGlidein
from orchestrator.trial.pool import Pool

scenarios("node_memory.feature")

NO = '[[files]]\nsource = "no.sh"\nkind = "exec"\n'


def run(glidein: LocalGlidein, code: int = 0) -> LocalGlidein:
    glidein.start()
    assert glidein.wait(60) == code, glidein.log()[-4000:]
    return glidein


@given("a node where a glidein has run before", target_fixture="here")
def ran_before(factory_with: Callable[..., Factory], node: Node) -> Factory:
    here = factory_with()
    run(node.glidein(here, "--dry-run"))
    here.server.served.clear()
    return here


@given("somebody has damaged what it left in the cache")
def damage(node: Node) -> None:
    objects = [path for path in (node.folder / "cache").rglob("*") if path.is_file()]
    largest = max(objects, key=lambda path: path.stat().st_size)
    assert largest.stat().st_size > 1_000_000, "HTCondor is not in the cache"
    with largest.open("r+b") as file:
        file.seek(4096)
        file.write(b"damage")


@when("another glidein runs there", target_fixture="glidein")
def another(here: Factory, node: Node) -> LocalGlidein:
    glidein = node.glidein(here, "--dry-run", env={"BACKOFF_MAX_S": "30"}, name="slot2")
    glidein.start()
    glidein.wait(60)
    return glidein


@then("it brings only descriptions and the stop list over the network")
def brings_little(glidein: LocalGlidein, here: Factory) -> None:
    assert glidein.poll() == 0, glidein.log()
    asked = sorted(
        request.path.split("/")[-1].split(".")[0] for request in here.server.served
    )
    assert asked == ["description", "description", "stop"]
    fetched = glidein.report()["fetch"]
    assert (fetched["requests"], fetched["from_node_cache"]) == (3, 5)


@then("it succeeds, and says which object was damaged")
def succeeds(glidein: LocalGlidein, here: Factory) -> None:
    assert glidein.poll() == 0, glidein.log()
    assert "removed from the cache" in glidein.log()
    assert any("/condor-" in request.path for request in here.server.served)


@given("a node where three glideins in a row failed", target_fixture="here")
def failed_before(factory_with: Callable[..., Factory], node: Node) -> Factory:
    bad = factory_with(factory=NO, files={"no.sh": "#!/bin/sh\nexit 1\n"})
    for _ in range(3):
        run(node.glidein(bad, "--dry-run"), code=61)
    return factory_with()


@then("it waits before it tries, and its report says how long")
def waits(glidein: LocalGlidein) -> None:
    assert glidein.poll() == 0, glidein.log()
    told = glidein.report()["backoff"]
    assert told["failures"] == 3
    assert 1 <= told["waited_s"] <= 30
    prepare = glidein.phases()[0]
    assert prepare.ms >= 1000 * (told["waited_s"] - 1)


@then("a glidein that succeeds makes the node forget")
def forgets(here: Factory, node: Node, pool: Pool) -> None:
    fine = node.glidein(here, pool=pool, name="fine", GLIDEIN_Max_Idle="1")
    fine.start()
    assert fine.wait(90) == 0, fine.log()[-4000:]
    following = run(node.glidein(here, "--dry-run", name="following"))
    assert following.report()["backoff"] == {"failures": 0, "waited_s": 0}


@given(parsers.parse("a node that may keep {limit:d} MB"), target_fixture="limit_mb")
def limited(limit: int) -> int:
    return limit


@when("a glidein has run there")
def has_run(factory: Factory, node: Node, limit_mb: int) -> None:
    run(node.glidein(factory, "--dry-run", env={"CACHE_MAX_MB": str(limit_mb)}))


@then("no more than that is kept")
def bounded(node: Node, limit_mb: int) -> None:
    kept = [path.stat().st_size for path in (node.folder / "cache").iterdir()]
    assert kept, "nothing is kept at all"
    assert sum(kept) <= limit_mb * 1024 * 1024
