"""The page on web servers with our configurations, and through a cache."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import requests
from pytest_bdd import given, parsers, scenarios, then, when

from features.browser_fixtures import LIMIT_S, WIDE, Browser, ShownFactory
from features.factory_fixtures import wait_for
from features.page_steps import PAGES, go
from orchestrator.monitor.openmetrics import CONTENT_TYPE
from orchestrator.monitor.published import Published
from orchestrator.stage.static_server import serving
from orchestrator.stage.web_server import Kind, Settings, free_port, running
from tests.needs import need

scenarios("page_served.feature")

HASHED = "entry/x.0123456789abcdef.json"


@dataclass
class PageSite:
    """A page on a web server, and what was seen of it through a cache."""

    published: Published
    url: str
    cache: str
    seen: list[int] = field(default_factory=list)

    def get(self, file: str) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            url = f"{self.url}/monitor/{file}"
            return session.get(url, proxies={"http": self.cache}, timeout=LIMIT_S)


@contextmanager
def served(server: str, folder: Path) -> Iterator[str]:
    """Serve ``folder/stage``; yields the address."""
    stage = folder / "stage"
    if server == "the factory":
        with serving(stage) as ours:
            yield ours.url
    elif server == "Python's own server":
        with python_server(stage) as url:
            yield url
    else:
        kind = cast(Kind, {"nginx": "nginx", "Apache": "apache"}[server])
        with running(kind, Settings(folder / "web", free_port(), root=stage)) as theirs:
            yield theirs.url


@contextmanager
def python_server(stage: Path) -> Iterator[str]:
    port = free_port()
    words = (sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1")
    with subprocess.Popen(
        words, cwd=stage, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            wait_for("Python's server", lambda: answers(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@given(parsers.parse("{server} serves what its monitor wrote"), target_fixture="address")
def serves_what_was_written(server: str, shown_factory: ShownFactory) -> Iterator[str]:
    need(*({"nginx": ["nginx"], "Apache": ["apache2"]}.get(server, [])))
    folder = Path(tempfile.mkdtemp(prefix="page-test."))
    folder.chmod(0o755)
    shutil.copytree(shown_factory.configured.stage / "monitor", folder / "stage/monitor")
    with served(server, folder) as url:
        yield f"{url}/monitor/index.html"
    shutil.rmtree(folder)


@when("somebody looks at all its pages there")
def look_at_all(browser: Browser, address: str) -> None:
    browser.size(*WIDE)
    browser.driver.get("about:blank")
    browser.complaints()
    browser.driver.get(address)
    for page in PAGES:
        go(browser, page)


@given(
    parsers.parse("{server} serves a page, with a Squid in front of it"),
    target_fixture="site",
)
def served_page(server: str) -> Iterator[PageSite]:
    need("squid", *({"nginx": ["nginx"], "Apache": ["apache2"]}.get(server, [])))
    folder = Path(tempfile.mkdtemp(prefix="page-test."))
    folder.chmod(0o755)
    (folder / "stage").mkdir()
    published = Published(folder / "stage/monitor")
    published.put("metrics.prom", b"# EOF\n")
    published.put(HASHED, b"{}")
    with ExitStack() as servers:
        url = servers.enter_context(served(server, folder))
        settings = Settings(folder / "squid", free_port(), origins=(url,), cache_mb=64)
        cache = servers.enter_context(running("squid", settings)).url
        yield PageSite(published, url, cache)
    shutil.rmtree(folder)


@when("a number changes between two looks through the Squid")
def changes(site: PageSite) -> None:
    for number in (1, 2):
        site.published.put("overview.json", b'{"written": %d}' % number)
        # Servers tell by the second whether a file is another one; no look is sooner than that.
        os.utime(site.published.root / "overview.json", (number, number))
        site.seen.append(site.get("overview.json").json()["written"])


@then("the second look shows the new number")
def new_number(site: PageSite) -> None:
    assert site.seen == [1, 2]


@then("the metrics come with the type that Prometheus wants")
def type_of_metrics(site: PageSite) -> None:
    assert site.get("metrics.prom").headers["Content-Type"] == CONTENT_TYPE


@then("caches keep nothing of an entry that is called like a hash")
def like_a_hash(site: PageSite) -> None:
    reply = site.get(HASHED)
    assert (reply.status_code, reply.headers["Cache-Control"]) == (200, "no-cache")
