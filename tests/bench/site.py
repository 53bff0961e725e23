"""What a start is measured against: a published area, nginx and Squid, a link, a collector.

Everything but the collector, a socket that listens, is the real thing, with the configurations
of ``web/`` but for the format of the access log.
"""

import contextlib
import grp
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator import config
from orchestrator.arguments import Client
from orchestrator.share import share
from orchestrator.stage import history, web_server
from orchestrator.worktree import reconfig
from orchestrator.worktree.entry_record import read_entry
from tests import netlink
from tests.bench import requests

SIGNED_FILES = 60
SCRIPTS = 5  # of these are run
USER = "nobody"  # of servers and glideins
START_S = 15  # a server that does not listen by then has failed

FACTORY = """\
factory = "Bench"
glidein = "bench"
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


@dataclass(frozen=True)
class Network:
    """How far the web server is, and whether a Squid is near: "", "cold" or "warm"."""

    name: str
    rtt_ms: float = 0
    squid: str = ""


@dataclass
class Place:
    """Where servers and glideins run: this machine's loopback, or two namespaces."""

    home: Path
    link: netlink.Link | None
    collector: str = ""

    @property
    def web_ip(self) -> str:
        """The web server's and the collector's address."""
        return self.link.far_ip if self.link else "127.0.0.1"

    @property
    def near_ip(self) -> str:
        """The address of the glidein, and of a Squid beside it."""
        return self.link.near_ip if self.link else "127.0.0.1"

    def far(self, command: list[str]) -> list[str]:
        """Return the command that runs a command where the web server is."""
        return self.link.inside(self.link.far, command) if self.link else command

    def near(self, command: list[str]) -> list[str]:
        """Return the command that runs a command where the glidein is."""
        return self.link.inside(self.link.near, command) if self.link else command

    def glidein(self, proxy: str) -> list[str]:
        """Return the command of a glidein of the published entry."""
        work = self.home / "config" / "work"
        arguments = read_entry(work, "here").arguments(
            Client("bench.main"), {"GLIDEIN_Collector": self.collector}
        )
        if proxy:
            arguments[arguments.index("-proxy") + 1] = proxy
        return ["bash", str(work / reconfig.STARTUP), *arguments]


@dataclass(frozen=True)
class Front:
    """The server that glideins talk to: how to read its log, and their option -proxy."""

    kind: web_server.Kind
    log: Path
    proxy: str = ""

    def forget(self) -> None:
        """Empty the log."""
        with self.log.open("w"):
            pass

    def asked(self) -> list[requests.Request]:
        """Return the requests since the log was emptied."""
        return requests.read(self.log, self.kind)


@contextlib.contextmanager
def prepared(network: Network, tarball: Path) -> Iterator[Place]:
    """Publish, serve and listen for one network, in a folder of its own."""
    home = Path(tempfile.mkdtemp(prefix="glidein-bench."))
    home.chmod(0o755)
    try:
        with contextlib.ExitStack() as stack:
            link = None
            if network.rtt_ms:
                link = stack.enter_context(netlink.delayed(network.rtt_ms))
            place = Place(home, link)
            port = web_server.free_port()
            signed = publish(home, tarball, f"http://{place.web_ip}:{port}")
            assert signed == SIGNED_FILES, f"{signed} signed files"
            stage = home / "config" / "stage"
            settings = web_server.Settings(home / "nginx", port, place.web_ip, USER, stage)
            stack.enter_context(_serving("nginx", settings, place.far))
            place.collector = stack.enter_context(_collector(place))
            yield place
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def front(place: Place, network: Network) -> Iterator[Front]:
    """Yield the server that glideins talk to: nginx, or a Squid that was empty at its start."""
    if not network.squid:
        yield Front("nginx", place.home / "nginx" / "access.log")
        return
    folder = Path(tempfile.mkdtemp(prefix="squid.", dir=place.home))
    settings = web_server.Settings(
        folder,
        web_server.free_port(),
        place.near_ip,
        USER,
        clients=["0.0.0.0/0"],
        origins=[place.web_ip],
        cache_mb=200,
    )
    with _serving("squid", settings, place.near):
        yield Front(
            "squid", folder / "access.log", f"http://{place.near_ip}:{settings.port}"
        )


def publish(home: Path, tarball: Path, url: str) -> int:
    """Publish a tarball and :data:`SIGNED_FILES` other files; return how many were signed."""
    folder = home / "config"
    (folder / "entries").mkdir(parents=True)
    (folder / "files").mkdir()
    (folder / "entries" / "here.toml").write_text(ENTRY)
    already = _reconfig(folder, tarball, url, files=SCRIPTS)
    for name in ("stage", "work"):
        shutil.rmtree(folder / name)
    return _reconfig(folder, tarball, url, files=SCRIPTS + SIGNED_FILES - already)


def _reconfig(folder: Path, tarball: Path, url: str, files: int) -> int:
    """Publish so many files of our own; return how many signed ones that makes."""
    text = FACTORY.format(tarball=tarball, url=url)
    for number in range(files):
        name = f"file_{number:02}"
        script = number < SCRIPTS
        content = (
            f"#!/bin/sh\n# {name}\ntest -d /tmp\n" if script else f"{name}\n" * 40 * number
        )
        (folder / "files" / name).write_text(content)
        kind = "exec" if script else "regular"
        text += f'[[files]]\nsource = "files/{name}"\nkind = "{kind}"\n'
    (folder / "factory.toml").write_text(text)
    configuration = config.load(folder)
    with reconfig.lock(configuration):
        plan = reconfig.make_plan(configuration, share("glidein"))
        reconfig.carry_out(plan, history.utc_now())
    signed = [
        line
        for path in (folder / "stage").glob("**/signature.*")
        for line in path.read_text().splitlines()
        if not line.startswith("#")
    ]
    return len(signed) - 1  # the tarball


@contextlib.contextmanager
def _serving(
    kind: web_server.Kind,
    settings: web_server.Settings,
    where: Callable[[list[str]], list[str]],
) -> Iterator[None]:
    """Run a server with its configuration of web/, its access log as :mod:`requests` reads it."""
    settings.folder.mkdir(exist_ok=True)
    path = web_server.write_config(kind, settings)
    pattern, logged = {
        "nginx": (r"log_format timed '[^']*'", f"log_format timed {requests.NGINX}"),
        "squid": (r"logformat timed .*", f"logformat timed {requests.SQUID}"),
    }[kind]
    text, count = re.subn(pattern, logged, path.read_text())
    assert count == 1, f"{path}: where is the format of the log?"
    path.write_text(text)
    for below in (settings.folder, *settings.folder.rglob("*")):
        shutil.chown(below, USER, group(USER))
    command = where([*as_user(), *web_server.start_command(kind, path)])
    with (settings.folder / "output.log").open("ab") as output:
        if kind == "squid":
            subprocess.run([*command, "-z"], stdout=output, stderr=output, check=True)
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        try:
            _await_port(settings.listen, settings.port, where)
        except TimeoutError as error:
            said = (settings.folder / "output.log").read_text()
            raise TimeoutError(f"{error}: {said}") from error
        yield
    finally:
        end(process)


@contextlib.contextmanager
def _collector(place: Place) -> Iterator[str]:
    """Listen where a collector would be; yield its address."""
    port = web_server.free_port()
    code = (
        "import socket\n"
        f"listening = socket.create_server(('{place.web_ip}', {port}))\n"
        "while True: listening.accept()[0].close()\n"
    )
    process = subprocess.Popen(place.far([sys.executable, "-c", code]))
    try:
        _await_port(place.web_ip, port, place.far)
        yield f"{place.web_ip}:{port}"
    finally:
        end(process)


def _await_port(ip: str, port: int, where: Callable[[list[str]], list[str]]) -> None:
    code = f"import socket; socket.create_connection(('{ip}', {port}), 5)"
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        command = where([sys.executable, "-c", code])
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise TimeoutError(f"nobody listens at {ip}:{port} after {START_S} s")


def group(user: str) -> str:
    """Return the name of a user's own group."""
    return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name


def as_user() -> list[str]:
    """Return the command that goes on as the user of servers and glideins."""
    return ["setpriv", f"--reuid={USER}", f"--regid={group(USER)}", "--clear-groups"]


def end(process: "subprocess.Popen[bytes]") -> None:
    """Stop a server."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
