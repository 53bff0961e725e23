"""Steps of stop_list.feature."""

import time
from collections.abc import Callable, Iterator

from pytest_bdd import given, parsers, scenarios, then, when

from features.glidein_fixtures import Factory, Node
from features.glidein_steps import wait_for
from orchestrator.trial.local_glidein import LocalGlidein
from orchestrator.trial.pool import Pool

scenarios("stop_list.feature")


@given(
    parsers.parse('a factory whose operator stops the entry, because of "{why}"'),
    target_fixture="here",
)
def stopped(factory_with: Callable[..., Factory], why: str) -> Factory:
    here = factory_with()
    (here.stage / "stop.lst").write_text(f"entry here # {why}\n")
    return here


@when("a glidein starts there", target_fixture="glidein")
def starts(here: Factory, node: Node) -> LocalGlidein:
    # Under load the first look may take longer than what is large waits for it on a far-away node.
    glidein = node.glidein(here, env={"STOP_LIST_WAIT_STEPS": "500"})
    glidein.start()
    return glidein


@then("it asked for descriptions, signatures and the stop list, and for nothing else")
def asked(here: Factory) -> None:
    names = sorted(one.path.rsplit("/", 1)[-1].split(".")[0] for one in here.server.served)
    assert names == ["description", "description", "signature", "signature", "stop"]


@then(
    parsers.parse(
        'its report says how it was stopped: "{how}", because of "{why}", at its "{when}"'
    )
)
def told(glidein: LocalGlidein, how: str, why: str, when: str) -> None:
    expected = {"what": "entry here", "how": how, "why": why, "when": when}
    assert glidein.report()["stop_list"] == expected


@given("a pool with a job that takes long", target_fixture="home")
def a_pool(pool: Pool) -> Iterator[Pool]:
    pool.submit({"executable": "/bin/sleep", "arguments": "300"})
    yield pool
    pool.tool("condor_rm", "-all")


@given(
    "a glidein that runs it and looks at the stop list every second",
    target_fixture="glidein",
)
def runs_it(
    factory_with: Callable[..., Factory], node: Node, home: Pool
) -> Iterator[LocalGlidein]:
    here = factory_with()
    glidein = node.glidein(
        here, pool=home, GLIDEIN_Stop_Interval="1", GLIDEIN_Graceful_Shutdown="3"
    )
    glidein.start()
    wait_for("the job at work", lambda: running(home), 90, glidein.log)
    (node.folder / "stage").symlink_to(here.stage)
    yield glidein
    (node.folder / "stage").unlink()


def running(pool: Pool) -> bool:
    return any(job["JobStatus"] == 2 for job in pool.queue(["JobStatus"]))


@when("the operator puts the entry on the list")
def puts(node: Node) -> None:
    (node.folder / "stage" / "stop.lst").write_text("entry here # move\n")


@then("the glidein stays for its job")
def stays(glidein: LocalGlidein, home: Pool) -> None:
    wait_for("the glidein's word", lambda: "how=retire" in glidein.log(), 30, glidein.log)
    time.sleep(2)  # a glidein that left now would be gone by then, mostly
    assert glidein.poll() is None
    assert running(home)


@when(parsers.parse('the operator adds "now" because of "{why}"'))
def adds(node: Node, why: str) -> None:
    (node.folder / "stage" / "stop.lst").write_text(f"entry here now # {why}\n")
