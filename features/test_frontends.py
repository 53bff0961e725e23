"""Steps of frontends.feature."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.factory_fixtures import (
    SECOND,
    Site,
    WorkingFactory,
    client_of,
    made,
    wait_for,
)
from orchestrator.daemon import state_file
from orchestrator.deciding.request import Removal
from orchestrator.errors import PoolError
from orchestrator.protocol.ads import Ad, Kind
from orchestrator.protocol.collector import Collector
from orchestrator.protocol.frontend import RequestClient
from orchestrator.trial.pool import Pool

scenarios("frontends.feature")

IDLE, RUNNING, HELD = 1, 2, 5  # JobStatus
STATUS = "GlideinMonitorStatus"
CLIENTS = {"frontend": "vo.main", "production": "vo.production"}  # by security class
# Holds of a person; others would go at once.
CURABLE = "[release]\nrecoverable = [1]"
# What is different of an entry; it goes on with [submit.attributes].
MORE = {
    "mixed": f'requirements = "MY.ProcId < 2"\n{CURABLE}',
    "ce": f'"+remote_Requirements" = "$(Process) < 2"\n{CURABLE}',
    "entry-idle": "[limits.entry]\nidle = 3",
    "entry-glideins": "[limits.entry]\nglideins = 3",
    "each-idle": "[limits.default_per_frontend]\nidle = 3",
    "each-glideins": "[limits.default_per_frontend]\nglideins = 3",
    "one-class": '[limits.per_frontend."vo:frontend"]\nidle = 3',
    "held": f"[limits.entry]\nheld = 1\n{CURABLE}",
    **dict.fromkeys(("down", "replay", "moved", "stopped", "hung"), ""),
}


@pytest.fixture(scope="module")
def factory(wms: Pool, ce: Pool) -> Iterator[WorkingFactory]:
    """The factory of all scenarios; each has an entry of its own."""
    with made(wms) as factory:
        factory.configure(*MORE, sites=sites(ce))
        factory.let_glideins_sleep()
        factory.start()
        yield factory


def sites(ce: Pool) -> dict[str, Site]:
    """Return where the entries submit to."""
    found = {name: Site(more=more) for name, more in MORE.items()}
    found["mixed"] = Site("local", more=MORE["mixed"])
    found["ce"] = Site("condor", f"ce@localhost {ce.collector}", MORE["ce"])
    return found


Clients = Callable[..., RequestClient]


@pytest.fixture
def client(factory: WorkingFactory) -> Iterator[Clients]:
    """A client by FRONTEND.GROUP; what it asked for is withdrawn at the end."""
    found: dict[str, RequestClient] = {}

    def get(
        name: str = CLIENTS["frontend"], security_class: str = "frontend"
    ) -> RequestClient:
        if name not in found:
            found[name] = client_of(factory, name, security_class)
        return found[name]

    yield get
    for one in found.values():
        one.withdraw()


def ask(factory: WorkingFactory, client: RequestClient, entry: str, **what: Any) -> Ad:
    wait_for(f"ad of {entry}", lambda: factory.entry_ad(entry))
    return client.ask(entry, **what)


def numbers(factory: WorkingFactory, entry: str, client: str = "") -> tuple[int, int, int]:
    """Return how many glideins of an entry (and one client) are idle, running, held."""
    there = [
        one["JobStatus"]
        for one in factory.glideins(entry)
        if not client or one["GlideinClient"] == client
    ]
    assert set(there) <= {IDLE, RUNNING, HELD}
    return there.count(IDLE), there.count(RUNNING), there.count(HELD)


def settle(
    factory: WorkingFactory, entry: str, look: Callable[[], Any], expected: Any
) -> None:
    """Wait until ``look`` finds what is expected, and see that it is still so some cycles later."""

    def there() -> bool:
        with contextlib.suppress(PoolError, AssertionError):
            return bool(look() == expected)
        return False

    try:
        wait_for(str(expected), there)
    except AssertionError as error:
        raise AssertionError(f"{error}; found {look()}: {factory.said()[-3000:]}") from None
    factory.some_cycles(entry)
    assert look() == expected, factory.said()[-3000:]


def hold(factory: WorkingFactory, jobs: list[dict[str, Any]]) -> None:
    """Hold the first of these, as an operator does."""
    job = f"{jobs[0]['ClusterId']}.{jobs[0]['ProcId']}"
    factory.pool.tool("condor_hold", job)


# --- what there is, and what is told ---------------------------------------------------------


@when(
    parsers.parse(
        'the group "{name}" asks "{entry}" for {idle:d} idle glideins, {most:d} at most,'
        " and {running:d} of them run"
    )
)
def group_asks(
    factory: WorkingFactory,
    client: Clients,
    name: str,
    entry: str,
    idle: int,
    most: int,
    running: int,
) -> None:
    ask(factory, client(name), entry, idle=idle, most=most)
    expected = (most - running, running, 0)
    settle(factory, entry, lambda: numbers(factory, entry, name), expected)


@when(parsers.parse('a person holds one of those of "{name}" that run'))
def hold_running(factory: WorkingFactory, name: str) -> None:
    of_client = [one for one in factory.glideins("mixed") if one["GlideinClient"] == name]
    hold(factory, [one for one in of_client if one["JobStatus"] == RUNNING])


@then(
    parsers.parse(
        '"{name}" has {idle:d} idle, {running:d} running and {held:d} held glideins at'
        ' "{entry}", and is told so'
    )
)
def told_own(
    factory: WorkingFactory,
    client: Clients,
    name: str,
    entry: str,
    idle: int,
    running: int,
    held: int,
) -> None:
    expected = (idle, running, held)
    settle(factory, entry, lambda: numbers(factory, entry, name), expected)
    wait_for("answer", lambda: told(client(name).answer(entry)) == expected)


@then(
    parsers.parse(
        "each is told of {idle:d} idle, {running:d} running and {held:d} held glideins at"
        ' "{entry}" in all'
    )
)
def told_all(
    factory: WorkingFactory, client: Clients, entry: str, idle: int, running: int, held: int
) -> None:
    expected = (idle, running, held)
    assert numbers(factory, entry) == expected
    total = STATUS.replace("Status", "TotalStatus")
    answers = [client(name).answer for name in ("vo.one", "vo.two")]
    wait_for("answers", lambda: all(told(one(entry), total) == expected for one in answers))
    wait_for("totals", lambda: told(factory.entry_ad(entry), total) == expected)


def told(ad: Ad | None, prefix: str = STATUS) -> tuple[Any, ...]:
    """Return what an ad says of idle, running, held."""
    return tuple((ad or {}).get(prefix + name) for name in ("Idle", "Running", "Held"))


# --- removal ---------------------------------------------------------------------------------


@given(
    parsers.parse(
        "the Frontend has {running:d} running, {submitted:d} submitted and {waiting:d} waiting"
        ' glideins at "{entry}"'
    )
)
def has_all_kinds(
    factory: WorkingFactory,
    client: Clients,
    running: int,
    submitted: int,
    waiting: int,
    entry: str,
) -> None:
    count = running + submitted + waiting
    ask(factory, client(), entry, idle=count, most=count)
    keeps(factory, running, submitted, waiting, entry)


@when(parsers.parse('it gives up all of them at "{entry}", removing {mode:w}'))
def gives_up(client: Clients, entry: str, mode: str) -> None:
    client().ask(entry, idle=0, most=0, removal=Removal(mode))


@when(
    parsers.parse(
        'it gives up all of them at "{entry}", removing {mode:w} but for a margin of {margin:d}'
    )
)
def gives_up_margin(client: Clients, entry: str, mode: str, margin: int) -> None:
    client().ask(entry, idle=0, most=0, removal=Removal(mode), margin=margin)


@when(parsers.parse('a person holds one of them at "{entry}"'))
def hold_one(factory: WorkingFactory, entry: str) -> None:
    hold(factory, factory.glideins(entry))
    wait_for("hold", lambda: numbers(factory, entry)[2] == 1)


@then(
    parsers.parse(
        "it keeps {running:d} running, {submitted:d} submitted and {waiting:d} waiting glideins"
        ' at "{entry}"'
    )
)
def keeps(
    factory: WorkingFactory, running: int, submitted: int, waiting: int, entry: str
) -> None:
    def look() -> tuple[int, int, int]:
        jobs = factory.glideins(entry)
        idle = [one for one in jobs if one["JobStatus"] == IDLE]
        at_site = sum("GridJobStatus" in one for one in idle)
        assert len(jobs) - len(idle) == numbers(factory, entry)[1], jobs
        return len(jobs) - len(idle), at_site, len(idle) - at_site

    settle(factory, entry, look, (running, submitted, waiting))


@then(parsers.parse('nothing of "{entry}" is left at the site'))
def gone(ce: Pool) -> None:
    # Ended ones are kept for a while, for whoever submitted them.
    alive = (IDLE, RUNNING, HELD)
    wait_for(
        "end at the site",
        lambda: not [one for one in ce.queue(["JobStatus"]) if one["JobStatus"] in alive],
    )


# --- limits ----------------------------------------------------------------------------------


@when(
    parsers.parse(
        'the Frontend asks "{entry}" for {idle:d} idle glideins, {most:d} at most'
    )
)
def asks(
    factory: WorkingFactory, client: Clients, entry: str, idle: int, most: int
) -> None:
    ask(factory, client(), entry, idle=idle, most=most)


@given(parsers.parse('the Frontend has {count:d} glideins at "{entry}"'))
def given_has(factory: WorkingFactory, client: Clients, count: int, entry: str) -> None:
    ask(factory, client(), entry, idle=count, most=count)
    has(factory, count, entry)


@then(parsers.parse('the Frontend has {count:d} glideins at "{entry}"'))
def has(factory: WorkingFactory, count: int, entry: str) -> None:
    settle(factory, entry, lambda: len(factory.glideins(entry)), count)


@then(parsers.parse('the Frontend has {count:d} glideins at "{entry}", for "{rule}"'))
def has_because(factory: WorkingFactory, count: int, entry: str, rule: str) -> None:
    has(factory, count, entry)
    (one,) = factory.told(entry)["decision"]["requests"]
    assert (one["binds"]["rule"], one["submit"]) == (rule, 0)
    assert one["binds"]["words"] in one["words"]


@then(parsers.parse('it is told that {limit} is reached: "{numbers}"'))
def told_limit(
    factory: WorkingFactory, client: Clients, limit: str, numbers: str, request: Any
) -> None:
    (asked,) = client().asked()
    entry = str(asked["ReqName"]).partition("@")[0]
    name = f"GlideinMonitorStatus_GlideFactoryLimit{limit}"
    wait_for(
        f"{name} in {client().answer(entry)}",
        lambda: (client().answer(entry) or {}).get(name) == numbers,
    )


@when(parsers.parse('the class "{name}" asks "{entry}" for {idle:d} idle glideins'))
def class_asks(
    factory: WorkingFactory, client: Clients, name: str, entry: str, idle: int
) -> None:
    ask(factory, client(CLIENTS[name], name), entry, idle=idle, most=99)


@then(
    parsers.parse(
        'the class "{one}" has {mine:d} glideins at "{entry}", and "{other}" has {theirs:d}'
    )
)
def classes_have(
    factory: WorkingFactory, one: str, mine: int, other: str, theirs: int, entry: str
) -> None:
    def look() -> dict[str, int]:
        shares = [job["GlideinFrontendName"] for job in factory.glideins(entry)]
        return {name: shares.count(f"vo:{name}") for name in (one, other)}

    settle(factory, entry, look, {one: mine, other: theirs})


@given(parsers.parse('the class "{name}" is in a downtime at "{entry}", for "{comment}"'))
def class_down(factory: WorkingFactory, name: str, entry: str, comment: str) -> None:
    start = datetime.fromtimestamp(time.time() - 60, UTC).isoformat()
    line = f"{start} None {entry} vo {name} # {comment}\n"
    (factory.work / "downtimes.lst").write_text(line)


@then(parsers.parse('the class "{name}" alone is told that "{entry}" is down'))
def told_down(client: Clients, factory: WorkingFactory, name: str, entry: str) -> None:
    def down(ad: Ad | None) -> bool | None:
        return None if not ad else str(ad.get("GLIDEIN_In_Downtime")).lower() == "true"

    expected = {one: one == name for one in CLIENTS}
    wait_for(
        "answers",
        lambda: (
            {one: down(client(CLIENTS[one], one).answer(entry)) for one in CLIENTS}
            == expected
        ),
    )
    assert down(factory.entry_ad(entry)) is False


# --- somebody else ---------------------------------------------------------------------------


@given(
    parsers.parse(
        'the ads by which the Frontend asked "{entry}" for nothing were captured'
    ),
    target_fixture="captured",
)
def captured(factory: WorkingFactory, client: Clients, entry: str) -> dict[Kind, list[Ad]]:
    ask(factory, client(), entry, idle=0, most=0)
    mine = 'ClientName =?= "vo.main"'
    kinds = (Kind.REQUEST_GLOBAL, Kind.REQUEST)
    found = {kind: factory.collector().ads(kind, constraint=mine) for kind in kinds}
    assert [len(ads) for ads in found.values()] == [1, 1]
    client().withdraw()
    return found


@when(parsers.parse("somebody else advertises them, asking for {count:d} idle glideins"))
def replayed(factory: WorkingFactory, captured: dict[Kind, list[Ad]], count: int) -> None:
    token = factory.pool.token("thief@pool", ("READ", "DAEMON", "ADVERTISE_MASTER"))
    advertise(Collector(factory.pool.collector, token=token), captured, count)


@when(
    parsers.parse("the Frontend itself advertises them, asking for {count:d} idle glideins")
)
def said_again(factory: WorkingFactory, captured: dict[Kind, list[Ad]], count: int) -> None:
    advertise(factory.collector(), captured, count)


def advertise(collector: Collector, captured: dict[Kind, list[Ad]], count: int) -> None:
    for kind, ads in captured.items():
        more = {"ReqIdleGlideins": count, "ReqMaxGlideins": count}
        changed = [{**ad, **(more if kind is Kind.REQUEST else {})} for ad in ads]
        collector.advertise(changed, kind)


@then(parsers.parse('the factory refuses them, for "{reason}"'))
def refuses(factory: WorkingFactory, reason: str) -> None:
    def refused() -> list[Any]:
        found = [
            *state_file.read(factory.work / "views/requests.json")["refusals"],
            *factory.told("replay")["decision"]["refusals"],
        ]
        return [one for one in found if reason in str(one)]

    wait_for(f"refusal: {factory.said()[-2000:]}", refused)


# --- another schedd --------------------------------------------------------------------------


@when(parsers.parse('the operator gives "{entry}" another schedd'))
def other_schedd(factory: WorkingFactory, ce: Pool, entry: str) -> None:
    factory.configure(*MORE, sites=sites(ce) | {entry: Site(schedd=SECOND)})
    factory.let_glideins_sleep()


@then(parsers.parse('the Frontend has {count:d} glideins of "{entry}" in the other schedd'))
def has_there(factory: WorkingFactory, count: int, entry: str) -> None:
    settle(factory, entry, lambda: len(factory.glideins(entry, SECOND)), count)
    assert factory.glideins(entry) == []


# --- a lost schedd ---------------------------------------------------------------------------


@when(parsers.re("the schedd (?P<how>is stopped|hangs)"))
def schedd_lost(factory: WorkingFactory, how: str, request: pytest.FixtureRequest) -> None:
    request.addfinalizer(lambda: schedd_back(factory))
    if how == "hangs":
        (pid,) = schedds(factory.pool)
        os.kill(pid, signal.SIGSTOP)
        return
    factory.pool.tool("condor_off", "-fast", "-daemon", "schedd")
    wait_for("end of the schedd", lambda: not schedds(factory.pool))


def schedds(pool: Pool) -> list[int]:
    """Return the processes of a pool that are its schedd, not the second one."""
    found = []
    for pid in pool._processes():
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"condor_schedd" in words and b"-local-name" not in words:
                found.append(pid)
    return found


@then(parsers.parse('the factory says that it does not know the queue of "{entry}"'))
def queue_unknown(factory: WorkingFactory, entry: str) -> None:
    def says() -> bool:
        told = factory.told(entry)
        (one,) = told["decision"]["requests"]
        return (told["queue"], one["binds"]["rule"], one["submit"]) == (
            "failed",
            "queue view",
            0,
        )

    wait_for(f"failed view: {factory.said()[-2000:]}", says)


@when("the schedd is back")
def schedd_back(factory: WorkingFactory) -> None:
    for pid in schedds(factory.pool):
        os.kill(pid, signal.SIGCONT)
    factory.pool.tool("condor_on", "-daemon", "schedd")

    def answers() -> bool:
        with contextlib.suppress(PoolError):
            factory.pool.queue(["ClusterId"])
            return True
        return False

    wait_for("schedd", answers)
