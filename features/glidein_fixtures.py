"""Fixtures for whole glideins: HTCondor tarballs, a pool, a published factory, glideins to start.

The glidein is the shipped single file, run as an ordinary user in a folder of its own with
exactly the environment written here.
"""

import contextlib
import os
import pwd
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator import config
from orchestrator.arguments import Client
from orchestrator.share import share
from orchestrator.stage import history
from orchestrator.stage.static_server import StaticServer, serving
from orchestrator.tarball import condor_tarball
from orchestrator.trial.demo import debian_arch, tarballs
from orchestrator.trial.local_glidein import LocalGlidein
from orchestrator.trial.pool import Pool
from orchestrator.worktree import reconfig
from orchestrator.worktree.entry_record import EntryRecord, read_entry

BASH = (
    shutil.which(os.environ.get("GLIDEIN_BASH", "bash")) or "bash"
)  # the oldest bash we support, in CI
USER = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
SUITES = ("trixie", "sid")

FACTORY = """\
factory = "Test"
glidein = "test"
schedd = "schedd@localhost"
work = "work"
condor_tarballs = ["{tarball}"]

[web]
url = "{url}"
stage = "stage"
"""
ENTRY = """\
gatekeeper = "localhost"
grid_type = "condor"
site = "Here"
work_dir = "."

[slot]
cpus = 1
memory_mb = 512
"""


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="glidein-test."))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def tarball_of() -> Callable[[str], tuple[Path, Path]]:
    """The tarballs of a Debian suite: for glideins, and for pools."""
    assert debian_arch()
    return lambda suite: tarballs(suite, lambda said: None)


@pytest.fixture(scope="session")
def pool_of(
    open_folder: Path, tarball_of: Callable[[str], tuple[Path, Path]]
) -> Iterator[Callable[[str], Pool]]:
    """A running pool of a suite's HTCondor; each is started when first asked for."""
    pools: dict[str, Pool] = {}

    def get(suite: str) -> Pool:
        if suite not in pools:
            condor = open_folder / f"condor-{suite}"
            condor_tarball.unpack(tarball_of(suite)[1], condor)
            pools[suite] = Pool(condor, open_folder / f"pool-{suite}", user=USER)
            pools[suite].start()
        return pools[suite]

    yield get
    for pool in pools.values():
        pool.stop()


@pytest.fixture(scope="session")
def pool(pool_of: Callable[[str], Pool]) -> Pool:
    """A running pool of Debian stable's HTCondor."""
    return pool_of("trixie")


@dataclass
class Factory:
    """A configuration, its published areas, and the web server in front of them."""

    folder: Path
    server: StaticServer
    script: Path
    entry: EntryRecord

    @property
    def stage(self) -> Path:
        """The folder that the web server serves."""
        return self.folder / "stage"

    def arguments(self, **parameters: str) -> list[str]:
        """Return a glidein's arguments; ``parameters`` go in as ``-param_NAME``."""
        return self.entry.arguments(Client("tester.main"), parameters, cluster="7")


def publish(
    folder: Path,
    tarball: Path,
    url: str,
    factory: str = "",
    entry: str = "",
    files: Mapping[str, str | bytes] | None = None,
) -> None:
    """Write and publish a configuration below ``folder``.

    ``factory`` and ``entry`` are more TOML, ``files`` go beside factory.toml, by name.
    """
    settings = folder / "config"
    (settings / "entries").mkdir(parents=True, exist_ok=True)
    for name, content in (files or {}).items():
        data = content if isinstance(content, bytes) else content.encode()
        (settings / name).write_bytes(data)
    for name in ("stage", "work"):
        (folder / name).mkdir(exist_ok=True)
        if not (settings / name).exists():
            (settings / name).symlink_to(folder / name)
    if not (settings / tarball.name).exists():
        os.link(tarball, settings / tarball.name)
    text = FACTORY.format(tarball=tarball.name, url=url) + factory
    (settings / "factory.toml").write_text(text)
    (settings / "entries" / "here.toml").write_text(ENTRY + entry)
    configuration = config.load(settings)
    with reconfig.lock(configuration):
        plan = reconfig.make_plan(configuration, share("glidein"))
        reconfig.carry_out(plan, history.utc_now())


@pytest.fixture(scope="session")
def factory_with(
    open_folder: Path, tarball_of: Callable[[str], tuple[Path, Path]]
) -> Iterator[Callable[..., Factory]]:
    """Make a factory of its own: ``factory_with(suite="sid", factory=TOML, entry=TOML)``."""
    stack = contextlib.ExitStack()

    def make(
        suite: str = "trixie",
        factory: str = "",
        entry: str = "",
        files: Mapping[str, str | bytes] | None = None,
    ) -> Factory:
        folder = Path(tempfile.mkdtemp(prefix="factory.", dir=open_folder))
        folder.chmod(0o755)
        (folder / "stage").mkdir()
        server = stack.enter_context(serving(folder / "stage"))
        publish(folder, tarball_of(suite)[0], server.url, factory, entry, files)
        record = read_entry(folder / "work", "here")
        return Factory(folder, server, folder / "work" / reconfig.STARTUP, record)

    with stack:
        yield make


@pytest.fixture(scope="session")
def factory(factory_with: Callable[..., Factory]) -> Factory:
    """A factory with one entry, ``here``; tests that change it make their own."""
    return factory_with()


@dataclass
class Node:
    """A worker node: a folder below which one user's glideins are started."""

    folder: Path
    mark: str
    glideins: list[LocalGlidein] = field(default_factory=list)

    def glidein(
        self,
        factory: Factory,
        *options: str,
        pool: Pool | None = None,
        env: Mapping[str, str] | None = None,
        name: str = "slot",
        **parameters: str,
    ) -> LocalGlidein:
        """Prepare a glidein; its batch slot is the folder ``name``. Nothing runs yet.

        Later options win over the factory's. With ``pool``, it has a token and joins there;
        without, its collector is a port that answers but is none.
        """
        slot = self.folder / name
        slot.mkdir(exist_ok=True)
        nobodys = factory.server.url.removeprefix("http://")
        given = parameters
        parameters = {"GLIDEIN_Collector": nobodys, **given}
        if pool is not None:
            parameters = {**parameters, "GLIDEIN_Collector": pool.collector, **given}
            pool.token_file(slot / "credential_test.idtoken")
        own = {
            "BACKOFF_MAX_S": "0",
            "BACKOFF_DIR": str(self.folder / "backoff"),
            "GLIDEIN_CACHE": str(self.folder / "cache"),
            "GLIDEIN_TEST_MARK": self.mark,
        }
        glidein = LocalGlidein(
            factory.script,
            [*factory.arguments(**parameters), *options],
            slot,
            user=USER,
            env={**own, **(env or {})},
            bash=BASH,
        )
        self.glideins.append(glidein)
        return glidein

    def processes(self) -> list[str]:
        """Return the command lines of what still runs of this node's glideins."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            try:
                text = (
                    (entry / "cmdline")
                    .read_bytes()
                    .replace(b"\0", b" ")
                    .decode(errors="replace")
                )
                marked = self.mark.encode() in (entry / "environ").read_bytes()
                inside = str(entry.joinpath("cwd").readlink()).startswith(str(self.folder))
            except OSError:
                continue
            if marked or inside or str(self.folder) in text:
                found.append(f"{entry.name}: {text}")
        return found

    def leftovers(self) -> list[str]:
        """Return the files in the slots that were not there before the glideins came."""
        ours = {"glidein.out", "glidein.err", "credential_test.idtoken"}
        slots = {glidein.folder for glidein in self.glideins}
        return [
            str(path.relative_to(self.folder))
            for slot in sorted(slots)
            for path in slot.iterdir()
            if path.name not in ours
        ]


@pytest.fixture
def node(open_folder: Path) -> Iterator[Node]:
    """A worker node; its glideins are stopped and its folder removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="node.", dir=open_folder))
    if os.geteuid() == 0:
        shutil.chown(folder, USER)
    folder.chmod(0o755)
    node = Node(folder, f"mark-{uuid.uuid4()}")
    yield node
    for glidein in node.glideins:
        glidein.stop()
    shutil.rmtree(folder, ignore_errors=True)
