"""Steps of network.feature: a node behind a firewall, which is a network namespace of its own."""

import pwd
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.glidein_fixtures import USER, Factory, Node
from orchestrator.stage.static_server import serving
from orchestrator.stage.web_server import Settings, running
from orchestrator.tarball import condor_tarball
from orchestrator.trial.local_glidein import LocalGlidein
from orchestrator.trial.pool import GLIDEIN, Jobs, Pool
from tests import netlink

scenarios("network.feature")

PROXY_PORT = 3128  # in a namespace of its own
BEHIND_ONE_PORT = {
    "NETWORK_INTERFACE": netlink.FAR_IP,
    "CONDOR_HOST": netlink.FAR_IP,
    "COLLECTOR_HOST": f"{netlink.FAR_IP}:$(SHARED_PORT_PORT)",
}
# The queue has ports of its own, and the collector goes there for those who may not.
BEHIND_A_BROKER = BEHIND_ONE_PORT | {
    "SCHEDD.USE_SHARED_PORT": "False",
    "SHADOW.USE_SHARED_PORT": "False",
    "CCB_OUTBOUND_PROXY": "True",
    "CCB_OUTBOUND_TARGET_ALLOWLIST": netlink.FAR_IP,
    # Going out through the broker is a right of daemons: of ours here, and of whom a token gives it.
    "COLLECTOR.ALLOW_DAEMON": "*@pool",
}
NAME = "pool.test"  # what the node calls the pool; it has no name server
ENTER = 'mount --bind "$0" /etc/hosts && exec "$@"'
QUICK = {"LIFETIME_UPDATE_S": "2", "STARTD_FIRST_S": "2"}
OUTBOUND = {"USE_CCB": "True", "GLIDEIN_Use_Outbound_CCB": "True"}
SETTINGS = {
    "CCB": {"USE_CCB": "True"},
    "CCB and a shared port": {"USE_CCB": "True", "USE_SHARED_PORT": "True"},
    "outbound CCB": OUTBOUND,
    "outbound CCB, and a token without that right,": {**OUTBOUND, "GLIDEIN_Max_Idle": "15"},
}


@dataclass
class Far:
    """What lies on the other side of the firewall."""

    link: netlink.Link
    pool: Pool
    collector: str
    factory: Factory


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@given(
    parsers.parse(
        "a node that reaches nothing but a web proxy and the {way} of a pool of Debian {suite}"
    ),
    target_fixture="far",
)
def far_pool(
    way: str,
    suite: str,
    servers: ExitStack,
    open_folder: Path,
    tarball_of: Callable[[str], tuple[Path, Path]],
    factory: Factory,
    factory_with: Callable[..., Factory],
) -> Far:
    published = factory if suite == "trixie" else factory_with(suite=suite)
    folder = Path(tempfile.mkdtemp(prefix="far.", dir=open_folder))
    folder.chmod(0o755)
    servers.callback(shutil.rmtree, folder, ignore_errors=True)
    condor_tarball.unpack(tarball_of(suite)[1], folder / "condor")
    link = servers.enter_context(netlink.delayed(rtt_ms=1, walled=True))
    servers.enter_context(link.entered(link.far))
    # The same stage at the same address, which is the loopback of the far side only.
    port = int(published.server.server_address[1])
    servers.enter_context(serving(published.stage, port=port))
    proxy = Settings(
        folder / "squid",
        PROXY_PORT,
        netlink.FAR_IP,
        clients=[netlink.NEAR_IP],
        origins=["127.0.0.1"],
        cache_mb=100,
        memory_mb=16,
    )
    servers.enter_context(running("squid", proxy))
    knobs = BEHIND_ONE_PORT if way == "port" else BEHIND_A_BROKER
    pool = Pool(folder / "condor", folder / "pool", user=USER, knobs=knobs)
    servers.enter_context(pool)
    for opened in (PROXY_PORT, pool.port):
        link.open(opened)
    return Far(link, pool, f"{NAME}:{pool.port}", published)


@given("a job that waits in that pool", target_fixture="jobs")
def a_waiting_job(far: Far) -> Jobs:
    return far.pool.submit(
        {"executable": "/bin/readlink", "arguments": "/proc/self/ns/net"}
    )


@when(parsers.parse("a glidein with {settings} starts there"), target_fixture="glidein")
def start_behind_the_wall(settings: str, far: Far, node: Node) -> LocalGlidein:
    parameters = {
        "GLIDEIN_Collector": far.collector,
        "GLIDEIN_Max_Idle": "60",
        "GLIDEIN_Max_Tail": "2",
        "GLIDEIN_Graceful_Shutdown": "5",
        **SETTINGS[settings],
    }
    proxy = f"http://{netlink.FAR_IP}:{PROXY_PORT}"
    glidein = node.glidein(
        far.factory, "-proxy", proxy, pool=far.pool, env=QUICK, **parameters
    )
    if settings == "outbound CCB":
        far.pool.token_file(
            glidein.folder / "credential_test.idtoken", authz=[*GLIDEIN, "DAEMON"]
        )
    user = pwd.getpwnam(USER)
    identity = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    hosts = node.folder / "hosts"
    own = socket.gethostname()  # HTCondor waits a minute for one that does not resolve
    hosts.write_text(
        f"127.0.0.1 localhost\n{netlink.NEAR_IP} {own}\n{netlink.FAR_IP} {NAME}\n"
    )
    enter = ["unshare", "--mount", "sh", "-c", ENTER, str(hosts), "setpriv", *identity]
    glidein.wrap(far.link.inside(far.link.near, enter), as_root=True)
    glidein.start()
    return glidein


@then("the job ends well on that node")
def job_ends_well(jobs: Jobs, far: Far, glidein: LocalGlidein) -> None:
    try:
        assert far.pool.wait(jobs, 120) == {0: 0}
    finally:
        print(glidein.log()[-6000:])
    there = (netlink.NETNS / far.link.near).stat().st_ino
    assert (jobs.folder / "0.out").read_text().strip() == f"net:[{there}]"


@then(parsers.parse("the glidein leaves with code {code:d}, and nothing of it remains"))
def leaves(code: int, glidein: LocalGlidein, node: Node) -> None:
    assert glidein.wait(120) == code, glidein.log()[-4000:]
    assert node.processes() == []
    assert node.leftovers() == []


@then(
    parsers.parse(
        "the glidein leaves with code {code:d}, blaming the version of its HTCondor"
    )
)
def blames_the_version(code: int, glidein: LocalGlidein) -> None:
    assert glidein.wait(120) == code, glidein.log()[-4000:]
    assert (
        "GLIDEIN_Use_Outbound_CCB needs HTCondor 25.13 or later, this is 23.9"
        in glidein.log()
    )


@then("it ends without a job, and says who was out of reach")
def out_of_reach(glidein: LocalGlidein) -> None:
    assert glidein.wait(120) == 0, glidein.log()[-4000:]
    assert int(glidein.report()["condor"]["unreached"]) > 0
    assert "no job came: others were out of reach" in glidein.log()
