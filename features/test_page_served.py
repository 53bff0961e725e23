"""The page on web servers with our configurations, and through a cache."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import requests
from pytest_bdd import given, parsers, scenarios, then, when

from features.browser_fixtures import LIMIT_S
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
        if server == "the factory":
            url = servers.enter_context(serving(folder / "stage")).url
        else:
            kind = cast(Kind, {"nginx": "nginx", "Apache": "apache"}[server])
            settings = Settings(folder / "web", free_port(), root=folder / "stage")
            url = servers.enter_context(running(kind, settings)).url
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
