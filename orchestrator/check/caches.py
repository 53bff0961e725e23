"""The caches between the web server and worker nodes: do they give what is published?"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from orchestrator.check.finding import fail, ok, warn
from orchestrator.check.web import Site, stop_list
from orchestrator.explain.records import Finding
from orchestrator.worktree.factory_record import FactoryRecord

_WORDS = ("None", "OSG", "")  # values of an entry's proxy that name no address


def caches(record: FactoryRecord, proxies: Iterable[str]) -> Iterator[Finding]:
    """Look through each cache that entries name.

    One that is not to be reached from here may still be from its site: that is a warning.
    """
    for proxy in sorted({one for text in proxies for one in addresses(text)}):
        what = f"cache {proxy}"
        site = Site(record.web.url, Path(record.web.stage), proxy)
        wrong = site.differs(record.web.description)
        if wrong and "published are" in wrong:
            yield fail(what, f"gives something else: {wrong}", f"empty the cache {proxy}")
        elif wrong:
            yield warn(
                what,
                f"cannot be asked from here: {wrong}",
                "its site's nodes may reach it: look from there; else see its http_access",
            )
        else:
            yield ok(what, "gives what is published")
            yield from stop_list(record, proxy, f"stop list through {proxy}")


def addresses(text: str) -> list[str]:
    """Return the proxies in an entry's proxy argument: one, or several with ; or , between."""
    parts = [part.strip() for part in text.replace(";", ",").split(",")]
    named = [part for part in parts if part not in _WORDS]
    return [part if "://" in part else f"http://{part}" for part in named]
