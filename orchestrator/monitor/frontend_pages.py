"""Each Frontend for the page: its record, a row for each of its clients at each entry, and how its
glideins ended in the last day, by cause, entry and hour.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from orchestrator.explain.failures import VERDICTS
from orchestrator.explain.records import EndedRecord, FrontendRecord
from orchestrator.monitor.timeless import timeless

_CAUSES = 20  # shown
_ENTRIES = 5  # named for a cause


class Page(Protocol):
    """What is kept of an entry."""

    @property
    def clients(self) -> Mapping[str, Mapping[str, Any]]: ...

    @property
    def ended(self) -> Mapping[str, Any]: ...


def by_frontend(ended: EndedRecord) -> dict[str, Any]:
    """Return what an entry's record says of each Frontend, by its name: ``sums`` by verdict, and for
    each of its ``causes`` how many in each hour.
    """
    found: dict[str, Any] = {}

    def of(share: str) -> Any:
        name = share.rpartition(":")[0]
        return found.setdefault(name, {"sums": Counter(), "causes": {}})

    for share, sums in ended["shares"].items():
        of(share)["sums"].update(sums)
    for cause in ended["causes"]:
        for share, hours in cause["hours"].items():
            of(share)["causes"].setdefault(cause["cause"], Counter()).update(hours)
    return found


def frontend_page(
    record: FrontendRecord, pages: Mapping[str, Page], now: float
) -> dict[str, Any]:
    """Return what the page says of a Frontend; ``pages`` are those of all entries, by name."""
    name = record["frontend"]
    rows = [
        {"entry": entry, "client": client, **about}
        for entry, page in pages.items()
        for client, about in page.clients.items()
        if about["frontend"] == name
    ]
    told = timeless(record)
    ended = _ended(
        (entry, page.ended[name]) for entry, page in pages.items() if name in page.ended
    )
    return {**told, "written": round(now), "rows": rows, "ended": ended}


def _ended(parts: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return the sum over entries of what :func:`by_frontend` told of one Frontend."""
    sums: Counter[str] = Counter()
    causes: dict[str, Any] = {}
    for entry, part in parts:
        sums.update(part["sums"])
        for cause, hours in part["causes"].items():
            about = causes.setdefault(cause, {"hours": Counter(), "entries": Counter()})
            about["hours"].update(hours)
            about["entries"][entry] += hours.total()
    ranked = sorted(
        (
            {"cause": cause, "count": one["entries"].total(), **one}
            for cause, one in causes.items()
        ),
        key=lambda one: (-one["count"], one["cause"]),
    )
    for one in ranked:
        one["entries"] = dict(one["entries"].most_common(_ENTRIES))
    return {**{name: sums[name] for name in VERDICTS}, "causes": ranked[:_CAUSES]}
