"""Steps of web_area.feature."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from pytest_bdd import given, parsers, scenarios, then, when

from features.publishing_fixtures import Operator
from orchestrator.stage import area
from orchestrator.stage.static_server import StaticServer, serving
from orchestrator.stage.web_server import Kind, Running, Settings, free_port, running
from tests.needs import need

scenarios("web_area.feature")

KINDS: dict[str, Kind] = {"nginx": "nginx", "Apache": "apache"}
TARBALL = "condor-25.14.1-x86_64"
HAVE = 300_000  # bytes of the tarball that came before the download broke off
TIMEOUT = (5, 30)  # seconds to connect, between bytes


@dataclass
class Site:
    """A served area, as worker nodes see it."""

    operator: Operator
    servers: ExitStack
    url: str = ""
    web: Running | StaticServer | None = None
    cache: Running | None = None
    fetched: dict[str, list[requests.Response]] = field(default_factory=dict)
    reply: requests.Response | None = None

    @property
    def stage(self) -> Path:
        return self.operator.configured.stage

    def get(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        """Ask as a worker node does: through the cache where there is one."""
        # Not requests.get: it would tidy up the path before it asks.
        request = requests.Request(method, self.url, headers=headers).prepare()
        request.url = self.url + path
        with requests.Session() as session:
            session.trust_env = False
            proxies = {"http": self.cache.url} if self.cache else {}
            return session.send(request, timeout=TIMEOUT, proxies=proxies)

    def signed(self) -> dict[str, str]:
        """Return the hash of each signed file by its path."""
        found = {}
        for signature in self.stage.rglob("signature.*"):
            folder = "/" + f"{signature.parent.relative_to(self.stage)}/".removeprefix("./")
            for line in self.get(folder + signature.name).text.splitlines():
                if not line.startswith("#"):
                    value, name = line.split("  ")
                    found[folder + name] = value
        return found

    def fetch_all(self, times: int = 1) -> None:
        """Fetch every signed file, and the stop list."""
        paths = [*self.signed(), f"/{area.STOP_LIST}"]
        for _ in range(times):
            for path in paths:
                self.fetched.setdefault(path, []).append(self.get(path))


@pytest.fixture
def site(operator: Operator) -> Iterator[Site]:
    with ExitStack() as servers:
        yield Site(operator, servers)


@given("a published area")
def publish(operator: Operator) -> None:
    operator.configured.reconfig()


@given(parsers.parse("the area has a tarball of {size:d} MB"))
def large_tarball(operator: Operator, size: int) -> None:
    tarball = operator.configured.folder / f"{TARBALL}.tar.gz"
    tarball.write_bytes(b"\x1f\x8b" + os.urandom(size * 1_000_000))  # begins as gzip does
    shutil.rmtree(operator.configured.stage)
    operator.configured.reconfig()


@given(parsers.parse("{server} serves the area"))
def serve(site: Site, server: str) -> None:
    if server == "the factory":
        site.web = site.servers.enter_context(serving(site.stage))
        site.url = site.web.url
        return
    kind = KINDS[server]
    need("apache2" if kind == "apache" else kind)
    folder = Path(tempfile.mkdtemp(dir=site.operator.configured.folder, prefix="web."))
    settings = Settings(folder, free_port(), root=site.stage)
    site.web = site.servers.enter_context(running(kind, settings))
    site.url = site.web.url


@given("a Squid in front of it")
def cached(site: Site) -> None:
    need("squid")
    folder = Path(tempfile.mkdtemp(dir=site.operator.configured.folder, prefix="squid."))
    settings = Settings(
        folder, free_port(), origins=["127.0.0.1"], cache_mb=200, memory_mb=16
    )
    site.cache = site.servers.enter_context(running("squid", settings))


@given(parsers.parse("the stage folder also holds {something}"))
def also_holds(site: Site, something: str) -> None:
    secrets = site.stage.parent / "secrets"
    secrets.mkdir()
    (secrets / "secret").write_text("secret\n")
    (site.stage.parent / "secret").write_text("secret\n")
    match something:
        case "a link to a secret":
            (site.stage / "link.txt").symlink_to(secrets / "secret")
        case "a link to a folder":
            (site.stage / "folder").symlink_to(secrets)
        case "a half-written file":
            (site.stage / ".part-object").write_text("half")
        case "nothing else":
            pass
        case _:
            raise ValueError(f"no such thing: {something}")


@given("a worker node has fetched the stop list")
def fetched_stop_list(site: Site) -> None:
    assert "north" not in site.get("/stop.lst").text
    assert "north" not in site.get("/stop.lst").text


@when("somebody fetches all that the area lists")
def fetch_all(site: Site) -> None:
    site.fetch_all()


@when("two worker nodes fetch all that the area lists, and the stop list")
def fetch_twice(site: Site) -> None:
    site.fetch_all(times=2)


@when(parsers.parse("somebody asks for the file {path}"))
def ask_for(site: Site, path: str) -> None:
    site.reply = site.get(path)


@when("somebody asks for the rest of the tarball")
def ask_for_the_rest(site: Site) -> None:
    (path,) = site.stage.glob(f"{TARBALL}.*")
    site.reply = site.get(f"/{path.name}", Range=f"bytes={HAVE}-")


@when("somebody sends a file to the stop list")
def send(site: Site) -> None:
    site.reply = site.get("/stop.lst", method="PUT")


@when("the operator stops the entry north")
def stop_north(site: Site) -> None:
    (site.stage / area.STOP_LIST).write_text("entry north\n")


@when("somebody asks the cache for another web server")
def ask_for_another(site: Site) -> None:
    site.url = site.url.replace("127.0.0.1", "localhost")
    site.reply = site.get("/stop.lst")


@then("every file is as it was signed")
def as_signed(site: Site) -> None:
    mirror = Path(tempfile.mkdtemp(dir=site.operator.configured.folder))
    for path, replies in site.fetched.items():
        target = mirror / path.lstrip("/")
        target.parent.mkdir(exist_ok=True)
        assert {reply.status_code for reply in replies} == {200}, path
        assert len({hashlib.sha256(reply.content).digest() for reply in replies}) == 1, path
        target.write_bytes(replies[0].content)
    signatures = list(site.stage.rglob("signature.*"))
    assert len(signatures) == 3
    for signature in signatures:
        folder = mirror / signature.parent.relative_to(site.stage)
        found = subprocess.run(
            ["sha256sum", "--check", "--strict", "--quiet", signature],
            cwd=folder,
            capture_output=True,
            timeout=60,  # seconds
            check=False,
        )
        assert found.returncode == 0, found.stdout


@then("every file with a hash in its name may be kept for ever")
def kept_for_ever(site: Site) -> None:
    for path in [*site.signed(), *(f"/{p.name}" for p in site.stage.glob("signature.*"))]:
        headers = site.get(path, method="HEAD").headers
        assert headers["Cache-Control"] == "public, max-age=31536000, immutable", path


@then("the stop list must be asked for anew")
def asked_anew(site: Site) -> None:
    assert site.get("/stop.lst").headers["Cache-Control"] == "no-cache"


@then("nothing may be kept of a file that is missing")
def missing_not_kept(site: Site) -> None:
    reply = site.get("/condor.0123456789abcdef.tar.gz")
    assert reply.status_code == 404
    assert "max-age" not in reply.headers.get("Cache-Control", "")


@then("no file is ever taken for what it is not")
def nosniff(site: Site) -> None:
    for path in (*site.signed(), "/stop.lst"):
        headers = site.get(path, method="HEAD").headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert "Content-Encoding" not in headers, path


@then("it is refused")
def refused(site: Site) -> None:
    assert site.reply is not None
    assert 400 <= site.reply.status_code < 500, site.reply.text
    assert "secret" not in site.reply.text
    assert "constants" not in site.reply.text  # a listing


@then("the stop list is as it was")
def stop_list_as_it_was(site: Site) -> None:
    assert site.get("/stop.lst").content == (site.stage / area.STOP_LIST).read_bytes()
    assert (site.stage / area.STOP_LIST).stat().st_size > 0


@then("only the rest arrives")
def only_the_rest(site: Site) -> None:
    (path,) = site.stage.glob(f"{TARBALL}.*")
    assert site.reply is not None
    assert site.reply.status_code == 206
    size = path.stat().st_size
    assert site.reply.headers["Content-Range"] == f"bytes {HAVE}-{size - 1}/{size}"
    assert site.reply.content == path.read_bytes()[HAVE:]


def asked(server: Running | StaticServer | None) -> Counter[str]:
    """Return how often the web server was asked for each path."""
    assert isinstance(server, Running)
    return Counter(re.findall(r'"GET (\S+) HTTP', server.access_log.read_text()))


@then("the web server was asked once for every signed file")
def asked_once(site: Site) -> None:
    counted = asked(site.web)
    assert {path: counted[path] for path in site.signed()} == dict.fromkeys(
        site.signed(), 1
    )
    assert counted["/stop.lst"] == 2


@then("the second worker node got every signed file from the cache")
def from_the_cache(site: Site) -> None:
    for path in site.signed():
        first, second = site.fetched[path]
        assert first.headers["X-Cache"].startswith("MISS"), path
        assert second.headers["X-Cache"].startswith("HIT"), path
        assert int(second.headers["Age"]) >= 0


@then("the next worker node sees that north is stopped")
def sees_stop(site: Site) -> None:
    assert site.get("/stop.lst").text == "entry north\n"
