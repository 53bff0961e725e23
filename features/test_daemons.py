"""Steps of daemons.feature."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.factory_fixtures import (
    LIMIT_S,
    SCITOKEN,
    Site,
    WorkingFactory,
    files_with,
    others_may_read,
    wait_for,
)
from orchestrator.errors import FactoryError
from orchestrator.outputs import outcomes
from orchestrator.outputs.glidein_output import read_output
from orchestrator.protocol.ads import Kind
from orchestrator.protocol.frontend import RequestClient, Series
from orchestrator.trial.pool import Jobs, Pool
from orchestrator.worktree.entry_record import read_entry
from orchestrator.worktree.factory_record import read_factory

scenarios("daemons.feature")

IDLE, RUNNING = 1, 2  # JobStatus
JOB_S = 2


@given(parsers.parse('a factory at work with the entries "{one}" and "{other}"'))
def at_work(factory_at_work: WorkingFactory, one: str, other: str) -> None:
    factory_at_work.configure(one, other)
    factory_at_work.start()


@given(
    parsers.parse('a factory at work with the entry "{entry}" whose glideins run {where}')
)
def at_work_where(
    factory_at_work: WorkingFactory,
    entry: str,
    where: str,
    tarball_of: Callable[[str], tuple[Path, Path]],
    request: pytest.FixtureRequest,
) -> None:
    factory_at_work.tarballs.append(tarball_of("trixie")[0])
    match where:
        case "on the schedd's machine":
            factory_at_work.configure(entry, site=Site("local"))
        case "in Slurm":
            request.getfixturevalue("slurm")
            factory_at_work.configure(entry, site=Site("batch slurm"))
        case "behind an HTCondor-CE":
            ce: Pool = request.getfixturevalue("ce")
            site = Site("condor", f"ce@localhost {ce.collector}")
            factory_at_work.configure(entry, site=site)
        case _:
            raise ValueError(where)
    factory_at_work.start()


def ask(
    factory: WorkingFactory, asker: RequestClient, entry: str, idle: int, pool: str = ""
) -> None:
    """Ask as soon as the entry is there; what a Frontend asks it repeats, so it may be late."""
    wait_for(f"ad of {entry}", lambda: factory.entry_ad(entry), LIMIT_S)
    parameters = {"GLIDEIN_Collector": pool} if pool else {}
    parameters |= {"GLIDEIN_Max_Idle": "60", "GLIDEIN_Max_Tail": "10"}
    asker.ask(entry, idle=idle, most=idle, parameters=parameters)


@given(parsers.parse('a Frontend has got {count:d} glideins of "{entry}"'))
@when(parsers.parse('a Frontend asks "{entry}" for {count:d} idle glideins'))
def asks(
    factory_at_work: WorkingFactory, asker: RequestClient, entry: str, count: int
) -> None:
    ask(factory_at_work, asker, entry, count)
    if not down(factory_at_work, entry):
        waiting(factory_at_work, count, entry)


def down(factory: WorkingFactory, entry: str) -> bool:
    return str(factory.entry_ad(entry).get("GLIDEIN_In_Downtime")).lower() == "true"


@then(parsers.parse('{count:d} glideins of "{entry}" wait in the queue'))
def waiting(factory_at_work: WorkingFactory, count: int, entry: str) -> None:
    def enough() -> bool:
        return len(factory_at_work.glideins(entry)) >= count

    wait_for(f"{count} glideins of {entry}: {factory_at_work.said()}", enough)
    settled(factory_at_work, count, entry)


def settled(factory: WorkingFactory, count: int, entry: str) -> None:
    """See that there are so many, and still so many some cycles later."""
    if factory.process is not None and factory.process.poll() is None:
        factory.some_cycles(entry)
    there = factory.glideins(entry)
    assert len(there) == count, factory.said()
    assert {job["JobStatus"] for job in there} <= {IDLE, RUNNING}


@then(
    parsers.parse(
        'the factory tells the Frontend that it has {count:d} idle glideins at "{entry}"'
    )
)
def tells_idle(asker: RequestClient, count: int, entry: str) -> None:
    tells(asker, entry, "GlideinMonitorStatusIdle", count)


@then(
    parsers.parse('the factory tells the Frontend that {count:d} glidein runs at "{entry}"')
)
def tells_running(asker: RequestClient, count: int, entry: str) -> None:
    tells(asker, entry, "GlideinMonitorStatusRunning", count)


def tells(asker: RequestClient, entry: str, attribute: str, count: int) -> None:
    wait_for(
        f"{attribute}={count} in {asker.answer(entry)}",
        lambda: (asker.answer(entry) or {}).get(attribute) == count,
    )


@then(parsers.parse('nothing is submitted for "{entry}"'))
def nothing(factory_at_work: WorkingFactory, entry: str) -> None:
    settled(factory_at_work, 0, entry)


@when(parsers.parse("the {daemon} daemon is killed"), target_fixture="since")
def killed(factory_at_work: WorkingFactory, daemon: str) -> int:
    since = int(time.time())
    factory_at_work.kill("north" if daemon == "Entry" else daemon)
    if daemon == "Factory":
        factory_at_work.start()
    return since


@when("the collector is killed", target_fixture="since")
def collector_killed(wms: Pool) -> int:
    since = int(time.time())
    for pid in wms._processes():
        if Path(f"/proc/{pid}/comm").read_text().startswith("condor_collecto"):
            os.kill(pid, signal.SIGKILL)
            return since
    raise AssertionError("no collector")


@then(parsers.parse('the entries "{one}" and "{other}" are advertised anew'))
def advertised_anew(
    factory_at_work: WorkingFactory, since: int, one: str, other: str
) -> None:
    def anew() -> bool:
        heard = {
            str(ad["EntryName"]): int(ad["LastHeardFrom"])
            for ad in factory_at_work.ads(Kind.FACTORY)
        }
        return all(heard.get(name, 0) > since for name in (one, other))

    wait_for("newer ads", lambda: unless_away(anew))
    wait_for("global ad", lambda: factory_at_work.ads(Kind.GLOBAL))


def unless_away(look: Callable[[], bool]) -> bool:
    """Return what is seen; nothing while the collector is away."""
    try:
        return look()
    except FactoryError:
        return False


@then(parsers.parse('the Frontend still has {count:d} glideins of "{entry}"'))
def still_has(factory_at_work: WorkingFactory, count: int, entry: str) -> None:
    settled(factory_at_work, count, entry)


@then(parsers.parse('a Frontend that asks "{entry}" for {count:d} idle glidein gets it'))
def asks_and_gets(
    factory_at_work: WorkingFactory, asker: RequestClient, entry: str, count: int
) -> None:
    ask(factory_at_work, asker, entry, count)
    waiting(factory_at_work, count, entry)


@given(parsers.parse('the entry "{entry}" is in a downtime, for "{comment}"'))
def in_downtime(factory_at_work: WorkingFactory, entry: str, comment: str) -> None:
    start = datetime.fromtimestamp(time.time() - 60, UTC).isoformat()
    line = f"{start} None {entry} # {comment}\n"
    (factory_at_work.work / "downtimes.lst").write_text(line)
    wait_for("downtime in the ad", lambda: down(factory_at_work, entry))


@then(parsers.parse('the entry "{entry}" is advertised as down, for "{comment}"'))
def advertised_as_down(factory_at_work: WorkingFactory, entry: str, comment: str) -> None:
    def says() -> bool:
        told = str(factory_at_work.entry_ad(entry).get("GLIDEIN_Downtime_Comment", ""))
        return down(factory_at_work, entry) and comment in told

    wait_for(f"{comment} in the ad: {factory_at_work.said()}", says)


@then(parsers.parse('after the downtime the Frontend gets {count:d} glideins of "{entry}"'))
def after_downtime(factory_at_work: WorkingFactory, count: int, entry: str) -> None:
    (factory_at_work.work / "downtimes.lst").write_text("")
    waiting(factory_at_work, count, entry)


@when("the Entry daemon is killed again and again")
def killed_again(factory_at_work: WorkingFactory) -> None:
    def left_down() -> bool:
        daemon = factory_at_work.daemon("north")
        if daemon["state"] == "left down":
            return True
        if daemon["pid"]:
            with contextlib.suppress(ProcessLookupError):  # the status is a moment old
                os.kill(daemon["pid"], signal.SIGKILL)
        return False

    wait_for("daemon that was left down", left_down)


@then(parsers.parse('the entry "{entry}" is in service'))
def in_service(factory_at_work: WorkingFactory, entry: str) -> None:
    assert factory_at_work.entry_ad(entry)
    assert not down(factory_at_work, entry)


@when(parsers.parse('the operator retires "{old}" and adds "{new}"'))
def reconfigures(factory_at_work: WorkingFactory, old: str, new: str) -> None:
    names = {*read_factory(factory_at_work.work).entries} - {old} | {new}
    factory_at_work.configure(*sorted(names))


@then(parsers.parse('"{entry}" is advertised'))
def is_advertised(factory_at_work: WorkingFactory, entry: str) -> None:
    wait_for(f"ad of {entry}", lambda: factory_at_work.entry_ad(entry))
    assert not down(factory_at_work, entry)


@then(parsers.parse('"{entry}" is advertised as down until its glideins are gone'))
def down_until_gone(factory_at_work: WorkingFactory, wms: Pool, entry: str) -> None:
    wait_for("downtime in the ad", lambda: down(factory_at_work, entry))
    settled(factory_at_work, 2, entry)
    wms.tool("condor_rm", "-constraint", f'GlideinEntryName == "{entry}"')
    wait_for("end of the ad", lambda: not factory_at_work.entry_ad(entry))
    wait_for("end of its daemon", lambda: not factory_at_work.daemon(entry))
    queued = factory_at_work.work / f"entries/{entry}/queued.json"
    assert json.loads(queued.read_text())["credentials"] == {}


@when("the factory is told to stop")
def told_to_stop(factory_at_work: WorkingFactory) -> None:
    assert factory_at_work.stop() == 0, factory_at_work.said()


@then("no ad of the factory is left")
def no_ad_left(factory_at_work: WorkingFactory) -> None:
    kinds = (Kind.FACTORY, Kind.GLOBAL, Kind.CLIENT)
    wait_for("end of all ads", lambda: not any(factory_at_work.ads(kind) for kind in kinds))


@given("a user whose job waits in the Frontend's pool", target_fixture="job")
def user_job(pool: Pool) -> Jobs:
    return pool.submit({"executable": "/bin/sleep", "arguments": str(JOB_S)})


@when(
    parsers.parse(
        'the Frontend, of series {series}, asks "{entry}" for {count:d} idle glidein, for its pool'
    )
)
def asks_for_pool(
    factory_at_work: WorkingFactory,
    asker: RequestClient,
    pool: Pool,
    series: Series,
    entry: str,
    count: int,
) -> None:
    asker.series = series
    asker.offer = type(asker.offer)(scitoken=asker.offer.scitoken, idtoken=pool.token())
    ask(factory_at_work, asker, entry, count, pool.collector)


@then("the job runs in the glidein")
def job_runs(job: Jobs, pool: Pool, factory_at_work: WorkingFactory) -> None:
    # Two queues and two negotiations lie between; another glidein follows one that was late.
    assert pool.wait(job, 3 * LIMIT_S) == {0: 0}, factory_at_work.said()
    record = read_entry(factory_at_work.work, "here")
    told = {
        "GLIDEIN_Entry_Name": "here",
        "GLIDECLIENT_Name": "vo.main",
        "GLIDEIN_Gatekeeper": record.gatekeeper,
        "GLIDEIN_GridType": record.grid_type,
    }
    slots = pool.slots([*told])
    assert slots
    assert [slot for slot in slots if slot != told] == []


@then("nobody else sees the glidein's tokens")
def tokens_unseen(
    factory_at_work: WorkingFactory, asker: RequestClient, slurm_home: Path
) -> None:
    # The signature: what comes before is the same in tokens of other tests.
    secrets = [asker.offer.idtoken.rpartition(".")[2].strip(), SCITOKEN]
    for secret in secrets:
        assert files_with(secret, factory_at_work.work), "the factory itself has them"
        assert processes_showing(secret) == []
        for folder in (factory_at_work.folder, factory_at_work.pool.home, slurm_home):
            assert files_showing(secret, folder) == []


def processes_showing(secret: str) -> list[str]:
    """Return the processes that have a text among their arguments or in their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):  # it has just ended, or is not ours
                if secret.encode() in (place / name).read_bytes():
                    found.append(f"{place}/{name}")
    return found


def files_showing(secret: str, folder: Path) -> list[str]:
    """Return the files below ``folder`` that have a text in them and that others may read."""
    return [str(path) for path in files_with(secret, folder) if others_may_read(path)]


@then("once the glidein has ended, the factory has its outputs and counts a good one")
def outputs_back(factory_at_work: WorkingFactory, asker: RequestClient) -> None:
    asker.withdraw()
    folder = factory_at_work.work / "entries/here"

    def with_job() -> list[
        dict[str, Any]
    ]:  # one before it may have left: no job came in time
        return [one for one in outcomes.read(folder) if one["jobs"]]

    wait_for("outcome", with_job)
    (told,) = with_job()
    assert (told["good"], told["source"], told["jobs"]) == (True, "report", 1), told
    assert told["job_s"] >= JOB_S <= told["good_job_s"], told
    assert told["validation_s"] < told["before_job_s"] <= told["total_s"] - JOB_S, told
    totals = outcomes.load(folder).since(2, time.time())
    ended = len([*outcomes.read(folder)])
    assert (totals.ended, totals.good, totals.failed) == (ended, ended, {})
    out = folder / f"glideins/{asker.client}/job.{told['glidein']}.out"
    logs = read_output(out.read_text() + out.with_suffix(".err").read_text()).logs
    assert {"MasterLog", "StartdLog"} <= logs.keys()
    wait_for("end in the queue", lambda: not factory_at_work.glideins("here"))
