"""Steps of operators.feature."""

import base64
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.factory_fixtures import Site, WorkingFactory, wait_for
from features.glidein_fixtures import USER
from orchestrator.protocol.frontend import RequestClient
from orchestrator.stage.static_server import serving
from orchestrator.trial.pool import Pool

scenarios("operators.feature")

LIMIT_S = 180
FEW = "\n[limits.entry]\nidle = {count}\n"
NO_ROOM = '\n[attributes]\nGLIDEIN_Min_Disk_MB = "999999999"\n'


@dataclasses.dataclass
class Desk:
    """Where the operator sits: the factory's host, as the factory's user."""

    factory: WorkingFactory

    def types(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a verb; return what it said."""
        command = [sys.executable, "-m", "tests.verb_as_user", USER]
        env = os.environ | self.factory.pool.env
        env["GLIDEIN_FACTORY_CONFIG"] = str(self.factory.folder)
        return subprocess.run(
            [*command, *words],
            capture_output=True,
            text=True,
            env=env,
            timeout=LIMIT_S,
            check=False,
        )

    def json(self, *words: str) -> Any:
        """Run a verb with --json; return the record."""
        done = self.types(*words, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def does(self, *words: str) -> str:
        """Run a verb that must not fail; return what it printed."""
        done = self.types(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def desk(factory_at_work: WorkingFactory) -> Desk:
    """The operator of a factory."""
    return Desk(factory_at_work)


# --- factories -------------------------------------------------------------------------------


@given(parsers.parse('an operator\'s factory with the entry "{entry}"'))
def at_work(factory_at_work: WorkingFactory, entry: str) -> None:
    factory_at_work.configure(entry)
    factory_at_work.start()


@given(
    parsers.parse(
        'an operator\'s factory with the entry "{entry}" that may have {count:d} idle glideins'
    )
)
def with_limit(factory_at_work: WorkingFactory, entry: str, count: int) -> None:
    factory_at_work.configure(entry, site=Site(more=FEW.format(count=count)))
    factory_at_work.start()


@given(
    parsers.parse(
        'an operator\'s factory with the entry "{entry}" whose nodes have no room'
    )
)
def without_room(
    factory_at_work: WorkingFactory,
    entry: str,
    tarball_of: Callable[[str], tuple[Path, Path]],
) -> None:
    factory_at_work.tarballs.append(tarball_of("trixie")[0])
    factory_at_work.configure(entry, site=Site("local", more=NO_ROOM))
    factory_at_work.start()


@given(
    parsers.parse('an operator\'s factory with the entry "{entry}" that runs glideins here')
)
def runs_here(
    factory_at_work: WorkingFactory,
    entry: str,
    tarball_of: Callable[[str], tuple[Path, Path]],
) -> None:
    factory_at_work.tarballs.append(tarball_of("trixie")[0])
    factory_at_work.configure(entry, site=Site("local"))
    stage = factory_at_work.folder / "stage"  # the operator's, as on any host
    if factory_at_work.pool.root:
        for path in (stage, stage / "stop.lst"):
            shutil.chown(path, USER)
    factory_at_work.start()


@given(
    parsers.parse(
        'an operator\'s factory with the entry "{entry}" whose web server serves a copy'
    ),
    target_fixture="copy",
)
def serves_copy(
    factory_at_work: WorkingFactory, entry: str, tmp_path: Path
) -> Iterator[Path]:
    copy = tmp_path / "copy"
    copy.mkdir()
    with serving(copy) as server:
        factory_at_work.url = server.url
        factory_at_work.configure(entry)
        shutil.copytree(factory_at_work.folder / "stage", copy, dirs_exist_ok=True)
        yield copy


# --- Frontends -------------------------------------------------------------------------------


@given(parsers.parse("a Frontend there asks for {count:d} idle glideins, in vain"))
@when(parsers.parse("a Frontend there asks for {count:d} idle glideins"))
def asks(factory_at_work: WorkingFactory, asker: RequestClient, count: int) -> None:
    wait_for("ad of north", lambda: factory_at_work.entry_ad("north"))
    asker.ask("north", idle=count, most=10)


@given(parsers.parse("a Frontend there has {count:d} idle glideins"))
def has(factory_at_work: WorkingFactory, asker: RequestClient, count: int) -> None:
    asks(factory_at_work, asker, count)
    wait_for(
        f"{count} glideins: {factory_at_work.said()}",
        lambda: len(factory_at_work.glideins("north")) == count,
    )


@when("a Frontend there asks with a token that expired an hour ago")
def asks_late(factory_at_work: WorkingFactory, asker: RequestClient) -> None:
    parts = ({"alg": "none"}, {"sub": "vo", "exp": int(time.time()) - 3_600})
    coded = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode() for one in parts]
    token = ".".join([*(one.rstrip("=") for one in coded), "x"])
    asker.offer = dataclasses.replace(asker.offer, scitoken=token)
    asks(factory_at_work, asker, 1)


# --- why, status, analyze --------------------------------------------------------------------


def bound(desk: Desk, rule: str) -> dict[str, Any] | None:
    """Return what binds the only request, if it is that rule."""
    found = [one["binds"] for one in desk.json("why", "north")["requests"]]
    return next((one for one in found if one and one["rule"] == rule), None)


@then(parsers.parse('"why north" says that "{rule}" binds, with the limit {limit:d}'))
def binds(desk: Desk, rule: str, limit: int) -> None:
    found = wait_for(f"{rule} that binds", lambda: bound(desk, rule))
    assert found["limit"] == limit
    told = desk.json("why", "north")
    (request,) = told["requests"]
    assert request["asked"]["idle"] == 5
    assert told["views"]["queue"]["freshness"] == "fresh"
    assert told["looks"]["requests"]["age_s"] < LIMIT_S
    words = desk.does("why", "north")
    assert f"[{rule}] the entry may have {limit} idle" in words
    assert "<- binds" in words


@then('"status" shows the Frontend, what it asks for, and its credential')
def shows_frontend(desk: Desk, asker: RequestClient) -> None:
    told = desk.json("status")
    (frontend,) = told["frontends"]
    assert (frontend["frontend"], frontend["idle"], frontend["max"]) == ("vo", 5, 10)
    assert frontend["heard_age_s"] < LIMIT_S
    (credential,) = told["credentials"]
    assert (credential["client"], "scitoken" in credential["purposes"]) == ("vo.main", True)
    assert "vo.main" in desk.types("status").stdout


@then(parsers.parse('"why north" counts failures of "{cause}", with a sample'))
def counts_failures(desk: Desk, cause: str) -> None:
    def enough() -> bool:
        found = desk.json("why", "north")["ended"]["causes"]
        return any(one["cause"] == cause and one["count"] >= 2 for one in found)

    wait_for(f"failures of {cause}: {desk.factory.said()}", enough, LIMIT_S)
    told = desk.json("why", "north")["ended"]
    assert told["failed"] == told["early"] >= 2
    sample = told["causes"][0]["sample"]
    assert sample["there"]
    assert "disk" in sample["detail"]


@then('the command that "why north" names shows the report of that sample')
def shows_report(desk: Desk) -> None:
    said = desk.does("why", "north")
    command = next(line for line in said.splitlines() if "-> glidein-factory logs" in line)
    shown = desk.does(*command.split("glidein-factory ")[1].split())
    assert "exit code 40" in shown
    assert "999999999 MB" in shown


@then('"analyze" counts them for the entry, the Frontend and the node')
def analyzed(desk: Desk) -> None:
    told = desk.json("analyze", "--since", "1h")
    assert told["entries"]["north"]["early"] >= 2
    assert told["frontends"]["vo"]["failed"] >= 2
    assert told["nodes"][0]["entry"] == "north"
    assert "check: this node failed a check" in desk.does("analyze")


# --- hold, release, rm -----------------------------------------------------------------------


@when("the operator holds one of them", target_fixture="held")
def holds(desk: Desk) -> str:
    ident: str = desk.json("queue", "north")[0]["id"]
    desk.does("hold", ident, "--why", "to look at it")
    return ident


@then(
    '"queue north" shows it as held, with the operator\'s words, and the factory leaves it there'
)
def is_held(desk: Desk, held: str) -> None:
    def seen() -> bool:
        groups = desk.json("why", "north")["held"]
        return any(one["sample"] == held for one in groups)

    wait_for("the entry to see the hold", seen)
    desk.factory.some_cycles("north")
    (one,) = desk.json("queue", "north", "--state", "held")
    assert (one["id"], one["hold_code"]) == (held, 1)
    assert "to look at it" in one["words"]
    assert "to look at it" in desk.does("queue", "north")


@then('"why" tells its life')
def tells_life(desk: Desk, held: str) -> None:
    told = desk.json("why", held)
    assert [one["what"] for one in told["events"]] == ["submitted", "was held"]
    assert told["queue"]["state"] == "held"
    assert "to look at it" in desk.does("why", held)


@when("the operator releases it")
def releases(desk: Desk, held: str) -> None:
    desk.does("release", held)


@then('"queue north" shows 2 idle glideins or more, and none held')
def none_held(desk: Desk) -> None:
    found = desk.json("queue", "north")
    assert {one["state"] for one in found} == {"idle"}
    assert len(found) >= 2


@when("the operator removes it")
def removes(desk: Desk, held: str) -> None:
    desk.does("rm", held, "--why", "enough")


@then("it is gone, and the Frontend gets another")
def gone(desk: Desk, held: str) -> None:
    def others() -> bool:
        found = {one["id"] for one in desk.json("queue", "north")}
        return held not in found and len(found) >= 2

    wait_for("another glidein", others)
    told = desk.json("why", held)
    assert told["queue"] is None
    assert told["events"][-1]["what"] == "was removed"


@when("the schedd stops answering")
def schedd_stops(wms: Pool, request: pytest.FixtureRequest) -> None:
    found = [
        pid
        for pid in wms._processes()
        if Path(f"/proc/{pid}/comm").read_text().startswith("condor_schedd")
    ]
    assert found
    for pid in found:
        os.kill(pid, signal.SIGSTOP)
        request.addfinalizer(partial(os.kill, pid, signal.SIGCONT))


@then('"rm --entry north --yes" fails and says that the schedd did not answer')
def rm_fails(desk: Desk, wms: Pool) -> None:
    done = desk.types("rm", "--entry", "north", "--yes")
    assert done.returncode == 1
    assert "schedd@localhost: queue:" in done.stderr
    assert "removed" not in done.stdout


@then('"check pool" names the schedd and what mends it')
def check_schedd(desk: Desk) -> None:
    done = desk.types("check", "pool")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "FAIL  schedd schedd@localhost: 1 entries submit there" in done.stdout
    assert "-> condor_q -name schedd@localhost" in done.stdout


# --- by hand, the stop list ------------------------------------------------------------------


@given(parsers.parse('the operator takes the entry "{entry}" down'))
def takes_down(desk: Desk, entry: str) -> None:
    desk.does("down", entry, "--comment", "new disks")


@when(parsers.parse('the operator takes the entry "{entry}" up'))
def takes_up(desk: Desk, entry: str) -> None:
    desk.does("up", entry)


@when(
    parsers.parse('the operator submits one glidein of "{entry}" by hand'),
    target_fixture="by_hand",
)
def submits(desk: Desk, entry: str) -> str:
    wait_for("request", lambda: desk.json("why", entry)["requests"])
    assert desk.json("queue", entry) == []
    (cluster,) = desk.json("submit", entry)["clusters"]
    return f"{cluster}.0"


@then(parsers.parse('1 glidein of "{entry}" waits, and no other while it is down'))
def only_by_hand(desk: Desk, by_hand: str, entry: str) -> None:
    wait_for("count of it", lambda: desk.json("why", entry)["glideins"]["idle"] == 1)
    desk.factory.some_cycles("north")
    assert [one["id"] for one in desk.json("queue", entry)] == [by_hand]


@then(parsers.parse('2 glideins of "{entry}" wait, the one by hand among them'))
def with_by_hand(desk: Desk, by_hand: str, entry: str) -> None:
    wait_for("second glidein", lambda: len(desk.json("queue", entry)) == 2)
    desk.factory.some_cycles("north")
    found = [one["id"] for one in desk.json("queue", entry)]
    assert len(found) == 2
    assert by_hand in found


@given(
    parsers.parse('one glidein of "{entry}" runs and one is queued'), target_fixture="two"
)
def runs_and_waits(
    factory_at_work: WorkingFactory,
    asker: RequestClient,
    pool: Pool,
    desk: Desk,
    entry: str,
) -> list[str]:
    wait_for(f"ad of {entry}", lambda: factory_at_work.entry_ad(entry))
    asker.offer = dataclasses.replace(asker.offer, idtoken=pool.token())
    parameters = {"GLIDEIN_Collector": pool.collector, "GLIDEIN_Stop_Interval": "1"}
    asker.ask(entry, idle=2, most=2, parameters=parameters)

    def running() -> list[str]:
        found = desk.json("queue", entry, "--state", "running")
        return [one["id"] for one in found] if len(found) == 2 else []

    two = wait_for(f"two that run: {factory_at_work.said()}", running, LIMIT_S)
    desk.does("hold", two[1])  # which puts it back, as one that has not started
    wait_for("a startd", lambda: pool.slots(["Name"]), LIMIT_S)
    return list(two)


@then('"why" finds the one that runs by the name that its pool has for it')
def found_by_name(desk: Desk, pool: Pool, slot: str, two: list[str]) -> None:
    assert desk.json("why", slot)["glidein"] == two[0]


@pytest.fixture
def slot(pool: Pool, two: list[str]) -> str:
    """The slot of the glidein that is not held; the other one's may still be there."""

    def found() -> str:
        ads = pool.slots(["Name", "GLIDEIN_ClusterId", "GLIDEIN_ProcId"])
        ids = {f"{ad['GLIDEIN_ClusterId']}.{ad['GLIDEIN_ProcId']}": ad for ad in ads}
        return str(ids[two[0]]["Name"]) if two[0] in ids else ""

    name: str = wait_for(f"slot of {two[0]}", found, LIMIT_S)
    return name


@then('"why" finds the one that ran by the name that its pool had for it')
def found_later(desk: Desk, slot: str, two: list[str]) -> None:
    told = desk.json("why", slot.partition("@")[2])
    assert (told["glidein"], told["outcome"]["name"] in slot) == (two[0], True)


@when(parsers.parse('the operator puts the entry "{entry}" on the stop list'))
def stops(desk: Desk, entry: str, two: list[str]) -> None:
    said = desk.does("stop-list", "add", "entry", entry, "--why", "broken switch", "--yes")
    assert f"and down: {entry} All All" in said
    desk.does("release", two[1])


@then('both leave, and "stop-list" counts those that obeyed')
def both_leave(desk: Desk, two: list[str]) -> None:
    def left(ident: str) -> bool:
        return (desk.json("why", ident)["outcome"] or {}).get("code") == 3

    # Another one may have come meanwhile for the one on hold.
    for ident in two:
        wait_for(
            f"{ident} that obeyed: {desk.factory.said()}", partial(left, ident), LIMIT_S
        )
        assert "the operator's stop list told it to leave" in desk.does("why", ident)
    (told,) = desk.json("stop-list")
    assert told["obeyed"] >= len(two)
    assert "broken switch" in desk.does("stop-list")


@then(parsers.parse('no other glidein of "{entry}" comes'))
def no_other(desk: Desk, entry: str) -> None:
    wait_for("an empty queue", lambda: desk.json("queue", entry) == [])
    desk.factory.some_cycles("north")
    assert desk.json("queue", entry) == []


# --- check -----------------------------------------------------------------------------------


@then('"check web" finds nothing wrong')
def web_is_well(desk: Desk, copy: Path) -> None:
    assert " 0 wrong" in desk.does("check", "web")


@when("the operator publishes something new")
def publishes(factory_at_work: WorkingFactory) -> None:
    factory_at_work.configure("north", site=Site(more=NO_ROOM))


@then('"check web" says that the web server does not serve it')
def web_is_old(desk: Desk, copy: Path) -> None:
    done = desk.types("check", "web")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "404" in done.stdout
    assert "-> serve " in done.stdout


@then('"check secrets" and "why north" say that it expired')
def token_is_over(desk: Desk) -> None:
    wait_for("request", lambda: desk.json("why", "north")["requests"])
    done = desk.types("check", "secrets")
    assert done.returncode == 4
    assert "of vo.main expired 1 h" in done.stdout
    assert "of vo.main expired 1 h" in desk.does("why", "north")
