"""A factory at work: its daemons, the pool they use, a Frontend that asks for glideins.

One identity per actor: the factory's daemons are the pool's user, a Frontend has a token.
"""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from features.batch_systems_fixtures import HAND_ON, slurm_found
from features.glidein_fixtures import USER
from orchestrator import config
from orchestrator.daemon import state_file
from orchestrator.daemon.factory_daemon import MONITOR, VIEWS
from orchestrator.errors import PoolError
from orchestrator.explain.daemons import Daemons
from orchestrator.protocol.ads import Ad, Kind
from orchestrator.protocol.collector import Collector
from orchestrator.protocol.frontend import Offer, RequestClient, publish_empty_areas
from orchestrator.share import share
from orchestrator.stage.static_server import serving
from orchestrator.tarball import condor_tarball
from orchestrator.trial.pool import Pool
from orchestrator.worktree import reconfig
from tests.factory_user import let_user_in

FRONTEND = "vo@pool"
SECOND = "second@localhost"
KNOBS = {
    "ALLOW_ADVERTISE_MASTER": "*@pool",
    "DENY_ADVERTISE_MASTER": "",
    # A site takes so many; others wait here.
    "GRIDMANAGER_MAX_SUBMITTED_JOBS_PER_RESOURCE": "4",
    "MASTER_BACKOFF_CONSTANT": "1",  # seconds until the collector is there again
    **HAND_ON,
    # A second schedd; nothing is executed here, so that folder is free.
    "DAEMON_LIST": "MASTER, SHARED_PORT, COLLECTOR, NEGOTIATOR, SCHEDD, SECOND",
    "DC_DAEMON_LIST": "+SECOND",
    "SECOND": "$(SCHEDD)",
    "SECOND_ARGS": "-f -local-name SECOND",
    "SECOND.SCHEDD_NAME": SECOND,
    "SECOND.SPOOL": "$(EXECUTE)",
    "SECOND.HISTORY": "$(EXECUTE)/history",
    "SECOND.SCHEDD_LOG": "$(LOG)/SecondLog",
    "SECOND.SCHEDD_ADDRESS_FILE": "$(EXECUTE)/.schedd_address",
    "SECOND.SCHEDD_DAEMON_AD_FILE": "$(EXECUTE)/.schedd_classad",
}
LIMIT_S = 120
SCITOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ2byJ9."  # of a site that takes any

FACTORY = """\
factory = "Test"
glidein = "here"
schedd = ["schedd@localhost", "second@localhost"]
collector = ["{collector}"]
condor_tarballs = {tarballs}

[web]
url = "{url}"

[frontends.vo]
identity = "{frontend}"
classes = {{ frontend = "vo", production = "vo" }}

[cycle]
delay_s = 1
jitter = 0.1
advertise_every = 3
full_query_s = 60
collector_limit_s = 10
schedd_limit_s = 20

[restarts]
delay_s = 0.2
max_delay_s = 1
attempts = 3
heartbeat_s = 60
"""
ENTRY = """\
gatekeeper = "{gatekeeper}"
grid_type = "{grid_type}"
schedd = "{schedd}"
site = "Here"
auth_method = "scitoken"

[slot]
cpus = 1
memory_mb = 512

[submit.attributes]
request_memory = "16"
request_disk = "1024"
{more}
"""
SLEEP = """\
#!/bin/sh
exec sleep 600
"""


def wait_for(what: str, look: Callable[[], Any], limit_s: float = LIMIT_S) -> Any:
    """Return what ``look`` finds, once it finds something."""
    deadline = time.monotonic() + limit_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"no {what} after {limit_s:.0f} s"
        time.sleep(0.1)
    return found


def files_with(text: str, folder: Path) -> list[Path]:
    """Return the files below ``folder`` in which there is a text."""
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # gone meanwhile, or no file
            if (
                path.is_file()
                and not path.is_symlink()
                and text.encode() in path.read_bytes()
            ):
                found.append(path)
    return found


def others_may_read(path: Path) -> bool:
    """Return whether a file can be read by those who are neither its owner nor in its group."""
    return bool(path.stat().st_mode & stat.S_IROTH) and all(
        folder.stat().st_mode & stat.S_IXOTH for folder in path.parents
    )


@dataclass(frozen=True)
class Site:
    """Where an entry submits to; ``more`` is TOML that goes on with ``submit.attributes``."""

    grid_type: str = "vanilla"
    gatekeeper: str = "localhost"
    more: str = ""
    schedd: str = "schedd@localhost"


@dataclass
class WorkingFactory:
    """A factory: its configuration and all it writes below ``folder``, its daemons in ``pool``."""

    folder: Path
    pool: Pool
    url: str
    tarballs: list[Path] = field(default_factory=list)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def configure(
        self,
        *entries: str,
        site: Site | None = None,
        sites: Mapping[str, Site] | None = None,
    ) -> None:
        """Write the configuration of these entries, and no others, and take it over.

        ``sites`` by entry; those that have none there submit to ``site``.
        """
        (self.folder / "entries").mkdir(exist_ok=True)
        for tarball in self.tarballs:
            with contextlib.suppress(FileExistsError):
                os.link(tarball, self.folder / tarball.name)
        (self.folder / "factory.toml").write_text(
            FACTORY.format(
                collector=self.pool.collector,
                url=self.url,
                frontend=FRONTEND,
                tarballs=[tarball.name for tarball in self.tarballs],
            )
        )
        for path in (self.folder / "entries").glob("*.toml"):
            path.unlink()
        for name in entries:
            text = ENTRY.format(**vars((sites or {}).get(name) or site or Site()))
            (self.folder / f"entries/{name}.toml").write_text(text)
        configuration = config.load(self.folder)
        with reconfig.lock(configuration):
            plan = reconfig.make_plan(configuration, share("glidein"))
            reconfig.carry_out(plan, datetime.now(UTC))
        if self.pool.root:
            page = self.folder / "stage" / "monitor"
            page.mkdir(exist_ok=True)
            for path in [page, self.work, *self.work.rglob("*")]:
                with contextlib.suppress(FileNotFoundError):  # daemons are at work there
                    shutil.chown(path, USER)

    def let_glideins_sleep(self) -> None:
        """Have glideins do nothing for ten minutes, until the next reconfiguration."""
        script = self.work / reconfig.STARTUP
        script.unlink()
        script.write_text(SLEEP)
        script.chmod(0o755)

    def start(self) -> None:
        """Start the daemons, and return when they are ready."""
        ours, theirs = os.pipe()
        with os.fdopen(ours, "rb") as ready:
            words = ["tests.as_user", USER, "orchestrator.daemon.__main__", str(self.work)]
            try:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", *words, "--ready-fd", str(theirs)],
                    stdin=subprocess.DEVNULL,
                    stderr=(self.folder / "said").open("ab"),
                    pass_fds=[theirs],
                    env={**os.environ, **self.pool.env, "PATH": os.environ["PATH"]},
                )
            finally:
                os.close(theirs)
            assert ready.readline(), self.said()

    def said(self) -> str:
        """What the daemons logged."""
        return (self.folder / "said").read_text()

    def daemon(self, entry: str) -> dict[str, Any]:
        """What the Factory daemon says of an entry's daemon; nothing when there is none."""
        return Daemons.of(self.work).entries.get(entry, {})

    def told(self, entry: str) -> dict[str, Any]:
        """What an entry's daemon says of itself."""
        return state_file.read(self.work / f"entries/{entry}/status.json")

    def some_cycles(self, entry: str) -> None:
        """Wait until an entry's daemon has done some more cycles."""

        def done() -> int:
            return int(self.daemon(entry).get("cycles", 0))

        before = done()
        wait_for(f"more cycles of {entry}", lambda: done() >= before + 3)

    def pid(self, daemon: str) -> int:
        """The process of a daemon: of an entry by its name, "views" or "monitor"."""
        told = state_file.read(self.work / "factory/status.json").get("daemons", {})
        name = {"views": VIEWS, "monitor": MONITOR}.get(daemon, daemon)
        pid: int = told.get(name, {}).get("pid", 0)
        return pid

    def kill(self, daemon: str) -> None:
        """Kill a daemon with SIGKILL: "Factory" or as for :meth:`pid`; see it gone."""
        assert self.process is not None
        if daemon == "Factory":
            self.process.kill()
            self.process.wait()
            return
        pid = wait_for(daemon, lambda: self.pid(daemon))
        os.kill(pid, signal.SIGKILL)
        wait_for(f"other process of {daemon}", lambda: self.pid(daemon) not in (pid, 0))

    def stop(self) -> int:
        """Tell the daemons to stop, wait, and return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_S)

    def ads(self, kind: Kind) -> list[Ad]:
        """The factory's ads that the collector has."""
        return self.collector().ads(kind)

    def entry_ad(self, entry: str) -> Ad:
        """An entry's ad, {} while there is none."""
        found = [ad for ad in self.ads(Kind.FACTORY) if ad["EntryName"] == entry]
        return found[0] if found else {}

    def collector(self) -> Collector:
        """The collector as a Frontend sees it."""
        levels = ("READ", "DAEMON", "ADVERTISE_MASTER")
        return Collector(self.pool.collector, token=self.pool.token(FRONTEND, levels))

    def glideins(self, entry: str, schedd: str = "") -> list[dict[str, Any]]:
        """The entry's glideins in the queue, or in that of another schedd."""
        attributes = (
            *("ClusterId", "ProcId", "JobStatus", "GridJobStatus", "GlideinEntryName"),
            *("GlideinClient", "GlideinFrontendName", "GlideinSubmission"),
        )
        jobs = self.pool.queue(attributes, schedd)
        return [job for job in jobs if job.get("GlideinEntryName") == entry]


@pytest.fixture(scope="module")
def wms(
    open_folder: Path, tarball_of: Callable[[str], tuple[Path, Path]], slurm_home: Path
) -> Iterator[Pool]:
    """The pool of a factory host: the WMS collector, and the schedd that glideins wait in.

    That schedd reaches the Slurm of the fixture ``slurm``, and any other schedd.
    """
    condor = open_folder / "factory-condor"
    condor_tarball.unpack(tarball_of("trixie")[1], condor)
    knobs = KNOBS | slurm_found(slurm_home)
    with Pool(condor, open_folder / "factory-pool", user=USER, knobs=knobs) as pool:
        let_user_in(pool)
        yield pool


@contextlib.contextmanager
def made(pool: Pool) -> Iterator[WorkingFactory]:
    """Make a factory that is not configured yet; its daemons and glideins are gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="factory-test."))
    folder.chmod(0o755)
    (folder / "stage").mkdir()
    try:
        with serving(folder / "stage") as server:
            factory = WorkingFactory(folder, pool, server.url)
            try:
                yield factory
            finally:
                if factory.process is not None and factory.process.poll() is None:
                    factory.stop()
                with contextlib.suppress(PoolError):  # there are none
                    pool.tool("condor_rm", "-constraint", "GlideinFactory =!= undefined")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def client_of(
    factory: WorkingFactory, name: str = "vo.main", security_class: str = "frontend"
) -> RequestClient:
    """Return a client (FRONTEND.GROUP) that asks ``factory``; its areas are empty."""
    folder = factory.folder / "stage" / name
    web = publish_empty_areas(folder, f"{factory.url}/{name}")
    return RequestClient(
        factory.collector(),
        "vo",
        FRONTEND,
        name,
        web,
        Offer(scitoken=SCITOKEN, idtoken=factory.pool.token()),
        security_class=security_class,
    )


@pytest.fixture
def factory_at_work(wms: Pool) -> Iterator[WorkingFactory]:
    """A factory of this scenario alone, not configured yet."""
    with made(wms) as factory:
        yield factory


@pytest.fixture
def asker(factory_at_work: WorkingFactory) -> Iterator[RequestClient]:
    """A Frontend's client; what it asked for is withdrawn at the end."""
    client = client_of(factory_at_work)
    yield client
    client.withdraw()
