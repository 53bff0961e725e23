"""Steps of protocol.feature."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.glidein_fixtures import USER, Factory, Node
from orchestrator.arguments import Client
from orchestrator.deciding.request import RequestsView
from orchestrator.errors import CollectorError
from orchestrator.protocol import records, requests_view
from orchestrator.protocol.ads import (
    Ad,
    Kind,
    Sequences,
    Withdrawal,
    client_ad,
    global_ad,
    withdrawal_of_factory,
)
from orchestrator.protocol.collector import Collector
from orchestrator.protocol.credentials import Store
from orchestrator.protocol.frontend import Offer, RequestClient, Series
from orchestrator.protocol.keys import GRACE_S, Keyring
from orchestrator.protocol.reader import Reader, Terms
from orchestrator.protocol.requests_view import Writer, take
from orchestrator.tarball import condor_tarball
from orchestrator.trial.pool import Pool
from orchestrator.worktree.factory_record import Frontend
from tests.protocol.sample import TOKEN, WEB
from tests.protocol.test_ads import PILOT, entry_ad

scenarios("protocol.feature")

FACTORY, FRONTEND, THIEF = "gfactory@pool", "vo@pool", "thief@pool"
LEVELS = ("READ", "DAEMON", "ADVERTISE_MASTER")
KNOBS = {
    "ALLOW_DAEMON": f"{USER}@pool, condor@pool, daemon@pool, {FACTORY}",
    "ALLOW_ADVERTISE_MASTER": "*@pool",
}
DEADLINE_S = 60


@pytest.fixture(scope="module")
def wms_of(
    open_folder: Path, tarball_of: Callable[[str], tuple[Path, Path]]
) -> Iterator[Callable[[str], Pool]]:
    """A pool in which Factories and Frontends may advertise, of a suite's HTCondor."""
    pools: dict[str, Pool] = {}

    def get(suite: str) -> Pool:
        if suite not in pools:
            condor = open_folder / f"wms-condor-{suite}"
            condor_tarball.unpack(tarball_of(suite)[1], condor)
            pools[suite] = Pool(
                condor, open_folder / f"wms-{suite}", user=USER, knobs=KNOBS
            )
            pools[suite].start()
        return pools[suite]

    yield get
    for pool in pools.values():
        pool.stop()


@dataclass
class Daemon:
    """The parts of a Factory that speak the protocol, put together as its daemons do."""

    work: Path
    collector: Collector
    name: str = "inst1@factoryX"
    clock: Callable[[], float] = time.time
    keyring: Keyring = field(init=False)
    sequences: Sequences = field(default_factory=Sequences)

    def start(self) -> None:
        self.keyring = Keyring.start(self.work / "factory", clock=self.clock)
        glidein, factory = self.name.split("@")
        self.collector.advertise(
            [
                global_ad(
                    glidein,
                    factory,
                    key=self.keyring.public,
                    started=int(time.time()),
                    sequence=self.sequences.next(self.name),
                )
            ],
            Kind.GLOBAL,
        )
        made = entry_ad(key=self.keyring.public, sequence=self.sequences.next("here"))
        made |= {
            "Name": f"here@{self.name}",
            "EntryName": "here",
            "GlideinName": glidein,
            "FactoryName": factory,
        }
        self.collector.advertise([made], Kind.FACTORY)

    def reader(self) -> Reader:
        return Reader(
            self.name,
            self.keyring,
            {"vo": Frontend(FRONTEND, {"frontend": "alice"})},
            {"here": Terms("here", "scitoken")},
            Store(records.credential_folder(self.work)),
        )

    def look(self) -> RequestsView:
        """Take the view, write it, and read it back for the entry."""
        Writer(self.work).write(take(self.collector, self.reader()))
        return requests_view.read(self.work, "here")


def until(what: str, said: Callable[[], Any]) -> Any:
    """Wait for what a collector has taken, but does not show yet."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := said()):
        assert time.monotonic() < deadline, f"no {what} after {DEADLINE_S} s"
        time.sleep(0.1)
    return found


def as_somebody(wms: Pool, identity: str) -> Collector:
    return Collector(wms.collector, token=wms.token(identity, LEVELS))


@given(parsers.parse("a collector of Debian {suite}"), target_fixture="wms")
def a_collector(wms_of: Callable[[str], Pool], suite: str) -> Iterator[Pool]:
    wms = wms_of(suite)
    yield wms
    # The next scenario begins with nothing there.
    as_somebody(wms, FACTORY).withdraw(Withdrawal(kind, "true") for kind in Kind)


@given('a Factory that advertises the entry "here"', target_fixture="daemon")
def a_factory(wms: Pool, tmp_path: Path) -> Daemon:
    daemon = Daemon(tmp_path / "work", as_somebody(wms, FACTORY))
    daemon.start()
    return daemon


@given("another Factory in the same collector", target_fixture="other")
def another_factory(wms: Pool, tmp_path: Path) -> Daemon:
    other = Daemon(tmp_path / "other", as_somebody(wms, FACTORY), "inst2@factoryX")
    other.start()
    return other


def make_client(wms: Pool, series: Series = "3.10", factory: str = "") -> RequestClient:
    return RequestClient(
        as_somebody(wms, FRONTEND),
        "vo",
        FRONTEND,
        "vo.main",
        WEB,
        Offer(scitoken=TOKEN, idtoken=TOKEN),
        series=series,
        factory=factory,
    )


def ask(client: RequestClient, idle: int, most: int) -> Ad:
    until("entry", lambda: client.discover().entries.get("here"))
    made = client.ask(
        "here", idle=idle, most=most, parameters={"GLIDEIN_Collector": "vo:9618"}
    )
    return dict(
        until(
            "request",
            lambda: [one for one in client.asked() if one["Name"] == made["Name"]],
        )[0]
    )


@given(
    'a Frontend that asks "here" for 2 idle glideins',
    target_fixture="asked",
)
def asks_already(wms: Pool) -> Ad:
    return ask(make_client(wms, factory="inst1@factoryX"), 2, 5)


@when(
    parsers.parse(
        'a Frontend like those of {series} asks "here" for {idle:d} idle glideins, {most:d} at most'
    ),
    target_fixture="asked",
)
def asks(wms: Pool, series: Series, idle: int, most: int) -> Ad:
    return ask(make_client(wms, series), idle, most)


@then(
    "the ads are of the types that the other side looks for, and from whom they should be"
)
def types_and_identities(wms: Pool, daemon: Daemon) -> None:
    seen = {
        (ad["MyType"], ad["Name"], ad["AuthenticatedIdentity"])
        for ad in wms.ads(
            "-any", attributes=["MyType", "Name", "AuthenticatedIdentity", "GlideinMyType"]
        )
        if ad.get("GlideinMyType")
    }
    (request,) = (one for one in seen if one[0] == "glideclient")
    assert str(request[1]).endswith("_here@inst1@factoryX@vo.main")
    assert seen == {
        ("glidefactory", "here@inst1@factoryX", FACTORY),
        ("glidefactoryglobal", "inst1@factoryX", FACTORY),
        ("glideclientglobal", "inst1@factoryX@vo.main", FRONTEND),
        ("glideclient", request[1], FRONTEND),
    }
    masters = wms.ads("-master", attributes=["MyType"])
    assert {ad["MyType"] for ad in masters} >= {"glideclient", "glideclientglobal"}


@then(
    parsers.parse("the Factory sees a request for {idle:d} idle glideins, {most:d} at most")
)
def sees(daemon: Daemon, idle: int, most: int) -> None:
    view = daemon.look()
    assert view.refusals == ()
    (request,) = view.requests
    assert (request.idle, request.max_glideins) == (idle, most)
    assert (request.client, request.identity) == ("vo.main", FRONTEND)
    assert view.heard["vo.main"] <= time.time() + 1
    own = requests_view.take_own(daemon.collector, daemon.reader(), "here")
    assert own.requests == view.requests


@then("it keeps the tokens that came with it, for nobody else to read")
def keeps_tokens(daemon: Daemon) -> None:
    (request,) = requests_view.read(daemon.work, "here").requests
    folder = records.credential_folder(daemon.work)
    assert folder.stat().st_mode & 0o777 == 0o700
    for purpose in ("scitoken", "idtoken"):
        path = folder / request.credentials.files[purpose]
        assert path.read_text() == TOKEN
        assert path.stat().st_mode & 0o777 == 0o600


@when(parsers.parse("another identity advertises the same ad {how}"))
def replay(wms: Pool, asked: Ad, how: str) -> None:
    by_collector = (
        "AuthenticatedIdentity",
        "AuthenticationMethod",
        "MyAddress",
        "LastHeardFrom",
    )
    stolen = {
        name: value
        for name, value in asked.items()
        if name not in by_collector and not name.startswith("Updates")
    }
    match how:
        case "under another name":
            stolen["Name"] = f"STOLEN_{stolen['Name']}"
        case "in its place":
            pass
        case _:
            raise ValueError(f"no such way: {how}")
    thief = as_somebody(wms, THIEF)
    # It may claim what it likes: the collector says who it is.
    thief.advertise([{**stolen, "AuthenticatedIdentity": FRONTEND}], Kind.REQUEST)
    until(
        "stolen ad",
        lambda: [
            ad
            for ad in thief.ads(Kind.REQUEST)
            if ad["Name"] == stolen["Name"] and ad["AuthenticatedIdentity"] == THIEF
        ],
    )


@then("the Factory refuses what the other one sent, for who sent it")
def refuses(daemon: Daemon) -> None:
    (refusal,) = daemon.look().refusals
    assert refusal.identity == THIEF
    assert refusal.reason == f"sent by '{THIEF}', but made by '{FRONTEND}'"


@then(parsers.parse("the request of the Frontend {stays}"))
def stays(wms: Pool, daemon: Daemon, stays: str) -> None:
    match stays:
        case "is served all the same":
            pass
        case "is served when repeated":
            assert daemon.look().requests == ()
            ask(make_client(wms), 2, 5)
        case _:
            raise ValueError(f"no such outcome: {stays}")
    until("request of the Frontend", lambda: daemon.look().requests)


@when("the Factory answers the Frontend, and stops")
def answers_and_stops(daemon: Daemon) -> None:
    answer = client_ad(
        PILOT, "vo.main", attributes={}, parameters={}, monitor={}, sequence=0
    )
    daemon.collector.advertise([answer], Kind.CLIENT)
    until("answer", lambda: daemon.collector.ads(Kind.CLIENT))
    daemon.collector.withdraw(withdrawal_of_factory(*daemon.name.split("@")))


@then("no ad of the Factory is left")
def nothing_left(daemon: Daemon) -> None:
    def gone() -> bool:
        ads = daemon.collector.ads(Kind.FACTORY, Kind.GLOBAL, Kind.CLIENT)
        return not [ad for ad in ads if str(ad["Name"]).rpartition("inst1@")[1]]

    until("end of the Factory's ads", gone)


@then("those of the other Factory, and of the Frontend, are")
def others_are(daemon: Daemon) -> None:
    names = {str(ad["MyType"]): str(ad["Name"]) for ad in daemon.collector.ads(*Kind)}
    assert names.keys() == {
        "glidefactory",
        "glidefactoryglobal",
        "glideclient",
        "glideclientglobal",
    }
    assert names["glidefactory"] == "here@inst2@factoryX"
    assert names["glidefactoryglobal"] == "inst2@factoryX"


@when("the Frontend withdraws")
def withdraws(wms: Pool, daemon: Daemon) -> None:
    assert daemon.look().requests
    make_client(wms).withdraw()


@then("the Factory sees no request")
def sees_none(daemon: Daemon) -> None:
    until("end of the requests", lambda: not daemon.look().requests)
    assert daemon.collector.ads(Kind.REQUEST, Kind.REQUEST_GLOBAL) == []


@when("the Factory is started again with a new key", target_fixture="old_key")
def new_key(daemon: Daemon) -> str:
    old = daemon.keyring.public.id
    path = daemon.work / "factory" / "rsa.key"
    aged = time.time() - GRACE_S - 1
    os.utime(path, (aged, aged))
    daemon.start()
    assert daemon.keyring.public.id != old
    return old


@then("after the time of grace it refuses the request, for its key")
def after_grace(daemon: Daemon, old_key: str) -> None:
    daemon.keyring = Keyring.load(
        daemon.work / "factory", clock=lambda: time.time() + GRACE_S + 1
    )
    view = daemon.look()
    assert view.requests == ()
    (refusal,) = view.refusals
    assert refusal.reason == f"encrypted for a key that is not ours: '{old_key}'"


@then("the Frontend is understood when it asks again")
def asks_again(wms: Pool, daemon: Daemon) -> None:
    client = make_client(wms)
    until("new key", lambda: client.discover().key == daemon.keyring.public)
    client.ask("here", idle=2, most=5)
    until("request under the new key", lambda: daemon.look().requests)


@when("the collector stops answering", target_fixture="waited_s")
def stops_answering(daemon: Daemon) -> Iterator[float]:
    assert daemon.look().requests
    with socket.socket() as deaf:  # it takes connections and says nothing
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        daemon.collector = Collector(address, token=TOKEN, query_s=2, patience_s=0)
        started = time.monotonic()
        with pytest.raises(CollectorError, match=address) as caught:
            daemon.look()
        waited_s = time.monotonic() - started
        Writer(daemon.work).problem(str(caught.value))
        yield waited_s


@then("the view says so within seconds, and still has the request")
def still_there(daemon: Daemon, waited_s: float) -> None:
    assert waited_s < 20
    view = requests_view.read(daemon.work, "here")
    assert "no answer from a collector: 127.0.0.1:" in view.problem
    assert [one.idle for one in view.requests] == [2]
    assert 0 < view.taken < time.time()


@dataclass
class Operator:
    """Who runs the command line, with the token of the Frontend."""

    folder: Path
    token: Path

    def request(self, *words: str) -> str:
        """Run the verb for the entry "here" and return what it printed."""
        command = [sys.executable, "-m", "orchestrator", "request", "here"]
        options = ["--frontend", "vo", "--token", str(self.token)]
        options += ["--config", str(self.folder)]
        said: subprocess.CompletedProcess[str] = subprocess.run(
            [*command, *options, *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert said.returncode == 0, said.stdout + said.stderr
        return said.stdout


@given("a Factory whose configuration knows the Frontend", target_fixture="daemon")
def configured_factory(wms: Pool, published: Factory) -> Daemon:
    work = published.folder / "work"
    path = work / "factory" / "factory.json"
    told = json.loads(path.read_text())
    told["collectors"] = [wms.collector]
    told["frontends"] = {"vo": {"identity": FRONTEND, "classes": {"frontend": "alice"}}}
    path.write_text(json.dumps(told))
    daemon = Daemon(
        work, as_somebody(wms, FACTORY), published.entry.ad_name.partition("@")[2]
    )
    daemon.start()
    until("entry", lambda: daemon.collector.ads(Kind.FACTORY))
    return daemon


@pytest.fixture
def published(factory_with: Callable[..., Factory]) -> Factory:
    """A configuration of its own, its areas on a web server."""
    return factory_with()


@when('an operator asks "here" for 1 idle glidein', target_fixture="operator")
def operator_asks(
    wms: Pool, published: Factory, daemon: Daemon, tmp_path: Path
) -> Operator:
    site = tmp_path / "site.token"
    site.write_text(TOKEN)
    operator = Operator(
        published.folder / "config", wms.token_file(tmp_path / "vo.token", FRONTEND, LEVELS)
    )
    operator.request(
        *("--idle", "1", "--max", "2", "--pool", wms.collector),
        *("--scitoken", str(site), "--parameter", "GLIDEIN_Max_Idle=60"),
    )
    until("request", lambda: daemon.collector.ads(Kind.REQUEST))
    return operator


@then("a glidein can work with the areas that came with it")
def areas_work(wms: Pool, published: Factory, daemon: Daemon, node: Node) -> None:
    (request,) = daemon.look().requests
    assert request.parameters["GLIDEIN_Collector"] == wms.collector
    assert request.parameters["GLIDEIN_Max_Idle"] == "60"
    client = Client(request.client, request.credentials.identifier, request.web)
    arguments = published.entry.arguments(client, request.parameters)
    glidein = node.glidein(published, *arguments, "--dry-run")
    glidein.start()
    assert glidein.wait(60) == 0, glidein.log()[-4000:]


@then("the operator is shown what the Factory answered")
def operator_is_shown(published: Factory, daemon: Daemon, operator: Operator) -> None:
    assert "none yet" in operator.request("--show")
    answer = records.client_ad(
        published.entry,
        "vo.main",
        monitor={"GlideinMonitorStatusIdle": 1, "GlideinMonitorTotalStatusIdle": 7},
        downtime=False,
        sequence=0,
    )
    daemon.collector.advertise([answer], Kind.CLIENT)
    until("answer", lambda: daemon.collector.ads(Kind.CLIENT))
    said = operator.request("--show")
    assert re.search(r"StatusIdle\W+1\b", said), said
    assert re.search(r"idle, at most\W+1, 2\b", said), said


@then("nothing of it is left when the operator withdraws it")
def operator_withdraws(daemon: Daemon, operator: Operator) -> None:
    operator.request("--withdraw")
    sees_none(daemon)
