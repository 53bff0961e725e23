"""A pool with a schedd, the work tree of one entry, and code that runs as their ordinary user.

Code of the factory runs in a child process: root's is nobody's there, for a schedd takes no jobs
of root's, and HTCondor's library reads the pool's configuration.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import htcondor2 as htcondor
import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from orchestrator.arguments import ClientWeb, Pilot
from orchestrator.deciding.request import Credentials, Removal, Request
from orchestrator.errors import PoolError
from orchestrator.limited import limited
from orchestrator.queue.journal import Journal
from orchestrator.queue.queue_reader import QueueReader
from orchestrator.queue.schedd import Schedd
from orchestrator.queue.submission import Submitter
from orchestrator.tarball import condor_tarball
from orchestrator.trial.demo import tarballs
from orchestrator.trial.pool import DOMAIN, Pool
from orchestrator.worktree.entry_record import EntryRecord

Result = TypeVar("Result")

PILOT = Pilot(
    verbosity="std",
    glidein="first",
    entry="north",
    schedd="schedd@localhost",
    proxy="None",
    factory="Example",
    web="http://factory.example.org/stage",
    sign="a" * 64,
    sign_entry="b" * 64,
    sign_type="sha256",
    descript="description.main.cfg",
    descript_entry="description.entry.cfg",
    work_dir=".",
    slots_layout="fixed",
)
RECORD = EntryRecord(PILOT, {}, {}, gatekeeper="localhost", grid_type="vanilla")
WEB = ClientWeb(
    url="http://frontend.example.org/stage",
    sign="c" * 40,
    sign_type="sha1",
    descript="description.client.cfg",
    group="main",
    group_url="http://frontend.example.org/stage/group_main",
    group_sign="d" * 40,
    group_descript="description.group.cfg",
)
REQUEST = Request(
    name="ABCDEFGH_north@first@Example@Frontend.main",
    entry="north",
    client="Frontend.main",
    frontend="Frontend",
    security_class="frontend",
    identity="frontend@example.org",
    idle=10,
    max_glideins=100,
    removal=Removal.NO,
    margin=0,
    idle_lifetime_s=0,
    parameters={},
    web=WEB,
    credentials=Credentials("ABCDEFGH"),
)
QUIET = """\
#!/bin/sh
sleep 600
"""


@dataclass
class Entry:
    """The work tree of a factory with one entry, and the pool whose schedd it submits to."""

    pool: Pool
    work: Path
    record: EntryRecord = field(default=RECORD)

    @property
    def folder(self) -> Path:
        """The entry's folder."""
        return self.work / "entries" / self.record.name

    def lay_out(self, startup: str = QUIET) -> None:
        """Write what reconfig would; ``startup`` is the script that is submitted."""
        script = self.work / "glidein_startup.sh"
        script.write_text(startup)
        script.chmod(0o755)
        (self.folder / "glideins").mkdir(parents=True)
        (self.work / "credentials").mkdir(mode=0o700)
        (self.work / "views").mkdir()
        self.give_away()

    def put_credentials(self, files: dict[str, str]) -> None:
        """Write credential files, by name."""
        for name, text in files.items():
            path = self.work / "credentials" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o600)
        self.give_away()

    def give_away(self) -> None:
        """Let all of the work tree be the user's."""
        if self.pool.root:
            for path in [self.work, *self.work.rglob("*")]:
                shutil.chown(path, self.pool.user)

    def as_user(self, call: Callable[[], Result], limit_s: float = 120) -> Result:
        """Return what ``call()`` returns in a process of the pool's user."""

        def ask() -> Result:
            self.become_user()
            return call()

        return limited(ask, limit_s)

    def become_user(self) -> None:
        """Turn this process into one of the user's that speaks to the pool."""
        os.environ.update(self.pool.env)
        if self.pool.root:
            identity = self.pool._identity()
            os.setgroups([])
            os.setresgid(*[identity["group"]] * 3)
            os.setresuid(*[identity["user"]] * 3)
            self.pool.root = False  # the pool's tools run as this user then
        os.umask(0o022)
        htcondor.reload_config()

    def schedd(self, limit_s: float = 30) -> Schedd:
        """The entry's schedd, found in the pool's collector."""
        return Schedd(self.record.schedd, [self.pool.collector], limit_s)

    def daemon(self, shared_s: float = 0.0, limit_s: float = 30) -> "Daemon":
        """What an Entry daemon has; only one at a time."""
        journal = Journal(self.folder)
        schedd = self.schedd(limit_s)
        reader = QueueReader(self.work, self.record, schedd, journal, shared_s)
        submitter = Submitter(self.work, self.record, schedd, journal, reader)
        return Daemon(journal, schedd, reader, submitter)

    def clear(self) -> None:
        """Remove what is still in the queue of this entry."""
        constraint = f'GlideinEntryName == "{self.record.name}"'
        with contextlib.suppress(PoolError):  # there is nothing
            self.pool.tool("condor_rm", "-constraint", constraint)

    def jobs(self) -> list[dict[str, object]]:
        """What is in the queue of this entry, says the schedd."""
        attributes = ["ClusterId", "ProcId", "JobStatus", "GlideinSubmission"]
        ads = self.pool.queue([*attributes, "GlideinEntryName"])
        return [ad for ad in ads if ad.get("GlideinEntryName") == self.record.name]


@dataclass
class Daemon:
    """The parts of an Entry daemon that touch the queue."""

    journal: Journal
    schedd: Schedd
    reader: QueueReader
    submitter: Submitter


def let_user_in(pool: Pool) -> None:
    """Give the pool's user a token: a process that was root's cannot show whose it is now."""
    token = pool.home / "etc/tokens.d/user"
    pool.token_file(token, f"{pool.user}@{DOMAIN}", authz=(), owner=pool.user)


@pytest.fixture(scope="session")
def condor() -> Iterator[Path]:
    """An unpacked HTCondor of Debian stable that every user may run."""
    folder = Path(tempfile.mkdtemp(prefix="condor-test."))
    folder.chmod(0o755)
    condor_tarball.unpack(tarballs("trixie", lambda said: None)[1], folder / "condor")
    yield folder / "condor"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def queue_pool(condor: Path) -> Iterator[Pool]:
    """A pool without any slots: what is queued stays there."""
    with Pool(condor) as pool:
        let_user_in(pool)
        yield pool


@pytest.fixture
def entry(queue_pool: Pool, request: pytest.FixtureRequest) -> Iterator[Entry]:
    """An entry of its own name, so that tests do not see each other's glideins."""
    folder = Path(tempfile.mkdtemp(prefix="entry-test."))
    folder.chmod(0o755)
    name = folder.name.replace(".", "_")
    record = replace(RECORD, pilot=replace(PILOT, entry=name))
    made = Entry(queue_pool, folder / "work", record)
    made.work.mkdir()
    made.lay_out()
    yield made
    made.clear()
    for attempt in Retrying(
        retry=retry_if_exception_type(OSError),
        stop=stop_after_delay(60),
        wait=wait_fixed(0.2),
    ):
        with attempt:  # the schedd may still be writing to the log of what was just removed
            shutil.rmtree(folder)
