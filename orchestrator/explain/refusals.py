"""Requests that are not served, grouped by who made them and why they are refused."""

from collections.abc import Iterable

from orchestrator.deciding.request import Refusal
from orchestrator.explain.records import RefusalRecord


def grouped(refusals: Iterable[Refusal]) -> list[RefusalRecord]:
    """Return refusals by client and reason, the most frequent first."""
    found: dict[tuple[str, str, str], RefusalRecord] = {}
    for one in refusals:
        group = found.setdefault(
            (one.client, one.identity, one.reason),
            {
                "client": one.client,
                "identity": one.identity,
                "reason": one.reason,
                "count": 0,
                "request": one.name,
            },
        )
        group["count"] += 1
    return sorted(found.values(), key=lambda one: (-one["count"], one["client"]))
