"""Steps of startd.feature."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.glidein_fixtures import Factory, Node
from features.glidein_steps import joined, machines, wait_for
from orchestrator.local_glidein import LocalGlidein
from orchestrator.pool import Jobs, Pool

scenarios("startd.feature")

# What a slot says of itself, through quotes, macros and escapes of three languages.
AWKWARD = {
    "GLIDECLIENT_ReqNode": 'a "quoted" $(LOG) $ENV(HOME) \\n \' end',
    "GLIDECLIENT_Signature": "pool:9618?addrs=[::1]&x=$RANDOM_INTEGER(1,9)#not \\a comment",
    "GLIDECLIENT_Group_Signature": "C:\\main\\\\ ",
}
FRONTEND_COUNTS_BY = {
    "GLIDEIN_Factory",
    "GLIDEIN_Name",
    "GLIDEIN_Entry_Name",
    "GLIDECLIENT_Name",
    "GLIDECLIENT_ReqNode",
    "GLIDEIN_CredentialIdentifier",
    "GLIDEIN_Schedd",
    "State",
    "Activity",
    "Cpus",
    "Memory",
    "TotalSlots",
    "TotalSlotCpus",
    "EnteredCurrentState",
}
QUICK = {"LIFETIME_UPDATE_S": "2", "LIFETIME_MIN_RETIRE_S": "1", "STARTD_FIRST_S": "1"}
STAYS = "STAYS_BEHIND"  # the name of what jobs leave running
LEAVES_BEHIND = {
    "in a session of its own": "setsid {sleep} 300 &",
    "in a session and environment of its own": "env -i setsid {sleep} 300 &",
}


@given(parsers.parse("a pool of Debian {suite}"), target_fixture="home")
def a_pool(pool_of: Callable[[str], Pool], suite: str) -> Iterator[Pool]:
    pool = pool_of(suite)
    yield pool
    if pool.queue(
        ["ProcId"]
    ):  # what is left must not go to the glidein of the next scenario
        pool.tool("condor_rm", "-all")


@given("a job that waits in it", target_fixture="jobs")
def a_job(home: Pool) -> Jobs:
    return submit(home, "pwd; env; ls -a")


@given(parsers.parse("a job that leaves a process behind, {how}"), target_fixture="jobs")
def a_job_that_stays(home: Pool, how: str) -> Jobs:
    sleep = home.home / "jobs" / STAYS
    shutil.copy("/bin/sleep", sleep)
    sleep.chmod(0o755)
    return submit(home, LEAVES_BEHIND[how].format(sleep=sleep) + " sleep 300")


@given("a job that ignores signals", target_fixture="jobs")
def a_deaf_job(home: Pool) -> Jobs:
    name = home.home / "jobs" / STAYS
    return submit(
        home, f"trap : TERM INT QUIT HUP; while :; do (exec -a {name} sleep 1); done"
    )


@given(parsers.parse("a job that takes {seconds:d} seconds"), target_fixture="jobs")
def a_long_job(home: Pool, seconds: int) -> Jobs:
    return submit(home, f"sleep {seconds}")


def submit(pool: Pool, code: str) -> Jobs:
    quoted = code.replace("'", "''").replace('"', '""')
    return pool.submit({"executable": "/bin/bash", "arguments": f"\"-c '{quoted}'\""})


def prepare(
    factory: Factory, node: Node, pool: Pool | None, *, name: str = "slot", **more: str
) -> LocalGlidein:
    parameters = {
        "GLIDEIN_Max_Idle": "60",
        "GLIDEIN_Max_Tail": "2",
        "GLIDEIN_Graceful_Shutdown": "5",
        "FORCE_PARTITIONABLE": "True",
        **more,
    }
    return node.glidein(factory, pool=pool, env=QUICK, name=name, **parameters)


@pytest.fixture
def published(
    home: Pool, factory: Factory, factory_with: Callable[..., Factory]
) -> Factory:
    """A factory that publishes the pool's HTCondor."""
    return factory_with(suite="sid") if home.home.name.endswith("sid") else factory


@when(
    "a glidein joins, with quotes, macros and backslashes among what it is to advertise",
    target_fixture="glidein",
)
def join_awkward(
    published: Factory, node: Node, home: Pool, jobs: Jobs, ads: list[dict[str, object]]
) -> LocalGlidein:
    glidein = prepare(published, node, home, **AWKWARD)
    glidein.start()
    wait_for("a slot of it", lambda: joined(home, glidein), 60, glidein.log)
    ads += [ad for ad in home.slots() if f"glidein_{glidein.pid}_" in str(ad["Name"])]
    return glidein


@pytest.fixture
def ads() -> list[dict[str, object]]:
    """What the pool showed of the glidein's slots."""
    return []


@then("the pool shows these values unchanged")
def shows(ads: list[dict[str, object]]) -> None:
    shown = {name: ads[0].get(name) for name in AWKWARD}
    assert shown == AWKWARD


@then("its slots carry all that a Frontend counts by")
def counted(ads: list[dict[str, object]]) -> None:
    for ad in ads:
        assert set(ad) >= FRONTEND_COUNTS_BY, FRONTEND_COUNTS_BY - set(ad)
        assert "IS_MONITOR_VM" in ad
        assert ad["IS_MONITOR_VM"] is False


@then("the job ran in its own folder, and saw where")
def saw(jobs: Jobs, home: Pool, glidein: LocalGlidein) -> None:
    assert home.wait(jobs, 60) == {0: 0}, glidein.log()
    said = (jobs.folder / "0.out").read_text().splitlines()
    assert "/execute/dir_" in said[0]
    assert str(glidein.folder) in said[0]
    assert f"GLIDECLIENT_ReqNode={AWKWARD['GLIDECLIENT_ReqNode']}" in said
    assert "GLIDEIN_Entry_Name=here" in said


@when(parsers.parse("a glidein runs in it and {event}"), target_fixture="glidein")
def run_and(event: str, published: Factory, node: Node, home: Pool) -> LocalGlidein:
    more: dict[str, str] = {"GLIDEIN_Register_Timeout": "4"}
    pool: Pool | None = home
    victim, number = "", signal.SIGKILL
    match event:
        case "finds no work in one slot":
            more["GLIDEIN_Max_Idle"] = "2"
        case "finds no work in fixed slots":
            more |= {"GLIDEIN_Max_Idle": "2", "FORCE_PARTITIONABLE": "False"}
        case "its time for new jobs is over":
            more |= {"GLIDEIN_Retire_Time": "4", "GLIDEIN_Retire_Time_Spread": "0"}
        case "its time is over":
            more |= {"GLIDEIN_Retire_Time": "3", "GLIDEIN_Retire_Time_Spread": "0"}
            more |= {"GLIDEIN_Job_Max_Time": "0"}
        case "condor_master is killed":
            victim = "condor_master"
        case "condor_startd is killed":
            victim = "condor_startd"
        case "condor_startd crashes":
            victim, number = "condor_startd", signal.SIGSEGV
        case "has no token" | "has a token of another pool":
            pool = None
            more["GLIDEIN_Collector"] = home.collector
        case "joins what is no pool":
            more["GLIDEIN_Collector"] = published.server.url.removeprefix("http://")
        case _:
            raise ValueError(f"no such event: {event}")
    glidein = prepare(published, node, pool, **more)
    if event == "has a token of another pool":
        # No pool's key signed this; its form is right.
        token = "eyJhbGciOiJIUzI1NiIsImtpZCI6IlBPT0wifQ.eyJpc3MiOiJwb29sIn0.c2lnbmF0dXJl"
        path = glidein.folder / "credential_test.idtoken"
        path.write_text(token + "\n")
        path.chmod(0o600)
    glidein.start()
    if victim:
        wait_for("a slot of it", lambda: joined(home, glidein), 60, glidein.log)
        os.kill(daemon(node, victim), number)
    return glidein


def daemon(node: Node, name: str) -> int:
    """Return the process id of the glidein's daemon of that name."""
    found = [line for line in node.processes() if name in line.split()[1]]
    assert len(found) == 1, node.processes()
    return int(found[0].partition(":")[0])


@then(parsers.parse('its report says it ended "{cause}"'))
def reports(glidein: LocalGlidein, cause: str) -> None:
    assert glidein.report()["end"]["cause"] == cause, glidein.log()


@when("a glidein runs it and is told to stop", target_fixture="glidein")
def run_and_stop(published: Factory, node: Node, home: Pool, jobs: Jobs) -> LocalGlidein:
    return stop_while_running(prepare(published, node, home), home, jobs)


@when(
    parsers.parse("a glidein that grants {seconds:d} seconds runs it and is told to stop"),
    target_fixture="glidein",
)
def run_and_stop_soon(
    published: Factory, node: Node, home: Pool, jobs: Jobs, seconds: int
) -> LocalGlidein:
    glidein = prepare(published, node, home, GLIDEIN_Graceful_Shutdown=str(seconds))
    return stop_while_running(glidein, home, jobs)


def stop_while_running(glidein: LocalGlidein, pool: Pool, jobs: Jobs) -> LocalGlidein:
    glidein.start()
    wait_for("the job at work", lambda: stays(pool) != [], 60, glidein.log)
    glidein.signal(signal.SIGTERM)
    return glidein


def stays(pool: Pool) -> list[str]:
    """Return the processes that jobs of this pool leave behind."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == bytes(pool.home / "jobs" / STAYS):
            found.append(f"{entry.name}: {words!r}")
    return found


@then("nothing of the job remains either")
def job_is_gone(home: Pool, node: Node, glidein: LocalGlidein) -> None:
    assert stays(home) == [], glidein.log()
    assert node.processes() == []
    assert machines(home, glidein) == []


@when("the stop list names the glidein that runs it", target_fixture="glidein")
def name_in_stop_list(
    factory_with: Callable[..., Factory], node: Node, home: Pool, jobs: Jobs
) -> LocalGlidein:
    own = factory_with(suite="sid")
    glidein = prepare(own, node, home, GLIDEIN_Stop_Interval="1")
    glidein.start()
    wait_for("the job at work", lambda: running(home), 60, glidein.log)
    (own.stage / "stop.lst").write_text("entry here\n")
    return glidein


def running(pool: Pool) -> bool:
    return any(job["JobStatus"] == 2 for job in pool.queue(["JobStatus"]))


@when(
    parsers.parse("a glidein joins from a folder with {oddity}"), target_fixture="glidein"
)
def join_from(
    oddity: str, published: Factory, node: Node, home: Pool, jobs: Jobs
) -> LocalGlidein:
    names = {
        "blanks and a comma": "a slot, with blanks",
        "a very long name": "/".join(["long" * 8] * 4),
    }
    (node.folder / names[oddity]).mkdir(parents=True)
    for path in (node.folder / names[oddity]).relative_to(node.folder).parents:
        (node.folder / path).chmod(0o755)
    glidein = prepare(published, node, home, name=names[oddity])
    glidein.start()
    return glidein


@then("the job ends well")
def ends_well(jobs: Jobs, home: Pool, glidein: LocalGlidein) -> None:
    try:
        assert home.wait(jobs, 60) == {0: 0}
    finally:
        print(glidein.log())
