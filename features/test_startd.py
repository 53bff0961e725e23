"""Steps of startd.feature."""

import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.glidein_fixtures import Factory, Node
from features.glidein_steps import joined, machines, wait_for
from orchestrator.trial.local_glidein import LocalGlidein
from orchestrator.trial.pool import Jobs, Pool

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
# What is told of every glidein, as the reference's slots tell it: a value, or with ~ a pattern
# of one that is not known before.
TOLD: dict[str, object] = {
    "IS_GLIDEIN": True,
    "GLIDEIN_COLLECTOR_NAME": "~127\\.0\\.0\\.1:[0-9]+",
    "GLIDEIN_MASTER_NAME": "~glidein_[0-9]+_[0-9]+@.+",
    "GLIDEIN_ToRetire": "~1[0-9]{9}",
    "GLIDEIN_ToDie": "~1[0-9]{9}",
    "GLIDEIN_Expire": "~1[0-9]{9}",
    "DaemonStopTime": "~1[0-9]{9}",
    "GLIDEIN_PARENT_PID": "~[0-9]+",
    "Start": "~.*GLIDEIN_ToRetire.*SiteWMS_WN_Draining.*",
    "LSB_RELEASE": "~.+",
    "LSB_DISTRIBUTOR_ID": "~.+",
    "LSB_DESCRIPTION": "~.+",
    "IS_MONITOR_VM": False,
    "HAS_MONITOR_VM": False,
    "USES_MONITOR_STARTD": False,
    "Monitoring_Name": None,
    "GLIDEIN_Factory": "Test",
    "GLIDEIN_Name": "test",
    "GLIDEIN_Entry_Name": "here",
    "GLIDEIN_Site": "Here",
    "GLIDEIN_ClusterId": 7,
    "GLIDEIN_ProcId": 0,
    "GLIDEIN_Schedd": "schedd@localhost",
    "GLIDEIN_CredentialIdentifier": "none",
    "GLIDEIN_Signature": "~[0-9a-f]{64}",
    "GLIDEIN_Entry_Signature": "~[0-9a-f]{64}",
    "GLIDEIN_Description_File": "~description\\.[0-9a-f]{16}\\.cfg",
    "GLIDEIN_Description_Entry_File": "~description\\.[0-9a-f]{16}\\.cfg",
    "GLIDEIN_Gatekeeper": "localhost",  # the entry's own: what somebody else says of it is not heard
    "GLIDEIN_GridType": "condor",
    "GLIDECLIENT_Name": "tester.main",
    "GLIDECLIENT_Group": "main",
    "GLIDECLIENT_Signature": AWKWARD["GLIDECLIENT_Signature"],
    "GLIDECLIENT_Group_Signature": AWKWARD["GLIDECLIENT_Group_Signature"],
    "GLIDECLIENT_ReqNode": AWKWARD["GLIDECLIENT_ReqNode"],
    "GLIDEIN_Max_Idle": 60,
    "GLIDEIN_Max_Tail": 2,
    "GLIDEIN_Max_Walltime": 100000,
    "GLIDEIN_Job_Max_Time": 129600,
    "GLIDEIN_Graceful_Shutdown": 5,
    "GLIDEIN_Tmp_Dir": "~/.*/glide_[0-9A-Za-z]+/tmp",
    "GLIDEIN_MaxMemMBs": 512,
    "GLIDEIN_Monitoring_Enabled": False,
    "GLIDEIN_BLACKHOLE": False,
    "GLIDEIN_SiteWMS": "~.+",
    "GLIDEIN_SiteWMS_Slot": "~.+",
    "GLIDEIN_SiteWMS_JobId": "~.+",
    "GLIDEIN_SiteWMS_Queue": "~.+",
    "SiteWMS_WN_Draining": False,
    "SiteWMS_WN_Preempt": False,
    "TRUST_DOMAIN": "~127\\.0\\.0\\.1:[0-9]+",
    "GLIDEIN_CONDOR_TOKEN": "~/.*/cred\\.d/idtokens/credential_test\\.idtoken",
    "USE_CCB": False,
    "PREEMPT_GRACE_TIME": "~.*SiteWMS_WN_Preempt.*1200.*10000000.*",
    "HOLD_GRACE_TIME": 0,
    "HAS_SINGULARITY": False,
    "GWMS_SINGULARITY_STATUS": "NEVER",
    "GLIDEIN_SINGULARITY_REQUIRE": "NEVER",
    "GLIDEIN_Singularity_Use": "NEVER",
    "SINGULARITY_IMAGE_RESTRICTIONS": "any",
    "GLIDEIN_REQUIRED_OS": "any",
    "REQUIRED_OS": "any",
    "GLIDEIN_Custom_Start": True,
    "JOB_INHERITS_STARTER_ENVIRONMENT": True,
    "HAS_UNPRIVILEGED_USER_NAMESPACES": "~.+",
}
QUICK = {
    "LIFETIME_UPDATE_S": "2",
    "LIFETIME_MIN_RETIRE_S": "1",
    "STARTD_FIRST_S": "1",
    "STARTD_RENEW_S": "1",
}
TOKEN = "credential_test.idtoken"
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
    factory: Factory,
    node: Node,
    pool: Pool | None,
    *options: str,
    name: str = "slot",
    env: str = "",
    **more: str,
) -> LocalGlidein:
    """Prepare a quick glidein; ``env`` is more of its environment, as ``NAME=VALUE NAME=VALUE``."""
    parameters = {
        "GLIDEIN_Max_Idle": "60",
        "GLIDEIN_Max_Tail": "2",
        "GLIDEIN_Graceful_Shutdown": "5",
        "FORCE_PARTITIONABLE": "True",
        **more,
    }
    given = QUICK | dict(pair.split("=", 1) for pair in env.split())
    return node.glidein(factory, *options, pool=pool, env=given, name=name, **parameters)


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
    more = {"GLIDEIN_Gatekeeper": "ce", "GLIDEIN_GridType": "condor"}
    more |= {"GLIDEIN_Max_Walltime": "100000"}
    options = ("-clientgroup", "main")
    glidein = prepare(published, node, home, *options, **AWKWARD, **more)
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


@then("its slots carry all that is told of a glidein")
def told(ads: list[dict[str, object]], home: Pool) -> None:
    for ad in ads:
        wrong = {
            name: (ad.get(name, "missing"), expected)
            for name, expected in TOLD.items()
            if name not in ad or not is_as_told(ad[name], expected)
        }
        assert wrong == {}
        assert ad["TRUST_DOMAIN"] == ad["GLIDEIN_COLLECTOR_NAME"] == home.collector
        now, retire, die = (
            int(str(ad[n]))
            for n in ("DaemonStartTime", "GLIDEIN_ToRetire", "GLIDEIN_ToDie")
        )
        assert now < retire < die < now + 100000


def is_as_told(found: object, expected: object) -> bool:
    if isinstance(expected, str) and expected.startswith("~"):
        return re.fullmatch(expected[1:], str(found)) is not None
    return type(found) is type(expected) and found == expected


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
    more: dict[str, str] = {}
    pool: Pool | None = home
    options: list[str] = []
    env = ""
    victim, number = "", signal.SIGKILL
    match event:
        case "finds no work in one slot":
            more["GLIDEIN_Max_Idle"] = "2"
        case "finds no work in fixed slots":
            more |= {"GLIDEIN_Max_Idle": "2", "FORCE_PARTITIONABLE": "False"}
        case "finds no work in slots of 3 kinds":
            more["GLIDEIN_Max_Idle"] = "2"
            more["GLIDEIN_Resource_Slots"] = "tape,2,64,static;lic,2,64"
        case "its batch job will soon be over":
            more |= {"GLIDEIN_Max_Walltime": "100000", "GLIDEIN_Retire_Time_Spread": "0"}
            env = f"SLURM_JOB_ID=1 SLURM_JOB_END_TIME={int(time.time()) + 60}"
            env += " LIFETIME_MIN_RETIRE_S=5"
        case "the site shuts the node down":
            env = f"JOBFEATURES={node.folder / 'features'}"
            (node.folder / "features").mkdir()
        case "is only to be checked":
            options = ["-v", "check"]
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
            more |= {"GLIDEIN_Collector": home.collector, "GLIDEIN_Register_Timeout": "4"}
        case "joins what is no pool":
            more["GLIDEIN_Register_Timeout"] = "4"
            more["GLIDEIN_Collector"] = published.server.url.removeprefix("http://")
        case _:
            raise ValueError(f"no such event: {event}")
    glidein = prepare(published, node, pool, *options, env=env, **more)
    if event == "has a token of another pool":
        # No pool's key signed this; its form is right.
        token = "eyJhbGciOiJIUzI1NiIsImtpZCI6IlBPT0wifQ.eyJpc3MiOiJwb29sIn0.c2lnbmF0dXJl"
        path = glidein.folder / TOKEN
        path.write_text(token + "\n")
        path.chmod(0o600)
    glidein.start()
    if event == "the site shuts the node down":
        shut_down(node, home, glidein)
    if victim:
        wait_for("a slot of it", lambda: joined(home, glidein), 60, glidein.log)
        os.kill(daemon(node, victim), number)
    return glidein


def shut_down(node: Node, pool: Pool, glidein: LocalGlidein) -> None:
    """Announce a shutdown when the glidein has joined; return when the pool knows of it."""
    wait_for("a slot of it", lambda: joined(pool, glidein), 60, glidein.log)
    end = int(time.time()) + 4000
    (node.folder / "features/shutdowntime_job").write_text(f"{end}\n")
    seen: list[dict[str, object]] = []

    def drains() -> bool:
        found = pool.slots(["Name", "SiteWMS_WN_Draining", "GLIDEIN_ToDie"])
        ours = [ad for ad in found if f"glidein_{glidein.pid}_" in str(ad["Name"])]
        seen.extend(ad for ad in ours if ad["SiteWMS_WN_Draining"] is True)
        return bool(seen) or glidein.poll() is not None

    wait_for("a slot of it that drains", drains, 60, glidein.log)
    assert all(int(str(ad["GLIDEIN_ToDie"])) <= end for ad in seen), (seen, end)


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
    "a glidein runs it whose entry holds jobs that run for long", target_fixture="glidein"
)
def run_and_hold(published: Factory, node: Node, home: Pool, jobs: Jobs) -> LocalGlidein:
    holds = "time() - JobStart > 2"
    glidein = prepare(published, node, home, GLIDEIN_Entry_Hold=f"({holds})")
    glidein.start()
    return glidein


@then("the job is held, and the startd says so")
def is_held(home: Pool, jobs: Jobs, glidein: LocalGlidein) -> None:
    def held() -> list[dict[str, object]]:
        found: list[dict[str, object]] = home.queue(["JobStatus", "HoldReasonCode"])
        return [job for job in found if job["JobStatus"] == 5]

    wait_for("a held job", lambda: bool(held()), 60, glidein.log)
    assert held()[0]["HoldReasonCode"] == 21, held()


@when(
    "a glidein has joined, and a new token comes to where the first one was",
    target_fixture="glidein",
)
def renew_token(published: Factory, node: Node, home: Pool) -> LocalGlidein:
    glidein = prepare(published, node, home)
    glidein.start()
    wait_for("a slot of it", lambda: joined(home, glidein), 60, glidein.log)
    home.token_file(glidein.folder / TOKEN, owner=home.user)
    return glidein


@then("the glidein's HTCondor has the new token")
def has_token(glidein: LocalGlidein) -> None:
    token = (glidein.folder / TOKEN).read_text().strip()

    def there() -> bool:
        copies = glidein.folder.glob(f"glide_*/cred.d/idtokens/{TOKEN}")
        return [copy.read_text().strip() for copy in copies] == [token]

    wait_for("the new token", there, 60, glidein.log)


@when(
    "a glidein that is to tell of failures lands on a node with too little disk",
    target_fixture="glidein",
)
def fail_and_tell(published: Factory, node: Node, home: Pool) -> LocalGlidein:
    more = {"GLIDEIN_Min_Disk_MB": "999999999", "GLIDEIN_Report_Failed": "ALIVEONLY"}
    more |= {"GLIDEIN_Failure_Shown_S": "5", "GLIDEIN_Factory_Collector": home.collector}
    glidein = prepare(published, node, home, **more)
    glidein.start()
    return glidein


@then("the pool shows a drained machine that says why")
def shows_failure(home: Pool, glidein: LocalGlidein) -> None:
    ad = failed(home, glidein)
    assert (ad["State"], ad["Activity"]) == ("Drained", "Retiring")


@then("the factory is shown the same of its master")
def shows_failed_master(home: Pool, glidein: LocalGlidein) -> None:
    failed(home, glidein, "-master")


def failed(pool: Pool, glidein: LocalGlidein, *kind: str) -> dict[str, object]:
    """Return the ad by which a glidein tells of its failure."""
    found: list[dict[str, object]] = []

    def shown() -> bool:
        found.extend(
            ad for ad in pool.ads(*kind) if f"glidein_{glidein.pid}_" in str(ad["Name"])
        )
        return bool(found)

    wait_for("an ad of a failed glidein", shown, 60, glidein.log)
    ad = found[0]
    assert (ad["GLIDEIN_Failed"], ad["GLIDEIN_EXIT_CODE"]) == (True, 40)
    assert "disk: found" in str(ad["GLIDEIN_FAILURE_REASON"])
    assert ad["GLIDEIN_LAST_SCRIPT"] == "glidein_startup.sh"
    assert ad["GLIDEIN_Entry_Name"] == "here"
    return ad


@then("the pool shows nothing of it any more")
def shows_nothing(home: Pool, glidein: LocalGlidein) -> None:
    names = [str(ad["Name"]) for ad in [*home.ads("-master"), *home.slots()]]
    left = [name for name in names if f"glidein_{glidein.pid}_" in name]
    assert left == [], glidein.log()[-4000:]


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
