"""Held glideins, grouped by the code of their hold."""

from collections import Counter
from collections.abc import Iterable

from orchestrator.deciding.sanitize import recoverable
from orchestrator.explain.records import HoldRecord
from orchestrator.queue.queue_view import Glidein, State
from orchestrator.worktree.entry_limits import Limits


def held(glideins: Iterable[Glidein], limits: Limits) -> list[HoldRecord]:
    """Return the held ones among ``glideins`` by code and subcode, the most frequent first."""
    groups: dict[tuple[int, int], list[Glidein]] = {}
    for one in glideins:
        if one.state is State.HELD:
            groups.setdefault((one.hold_code, one.hold_subcode), []).append(one)
    found = [_group(members, limits) for members in groups.values()]
    return sorted(found, key=lambda one: (-one["count"], one["code"], one["subcode"]))


def _group(members: list[Glidein], limits: Limits) -> HoldRecord:
    last = max(members, key=lambda one: (one.since, one.cluster, one.process))
    return {
        "code": last.hold_code,
        "subcode": last.hold_subcode,
        "count": len(members),
        "recoverable": sum(recoverable(one, limits) for one in members),
        "shares": dict(Counter(one.share for one in members).most_common()),
        "oldest": min(one.since for one in members),
        "newest": last.since,
        "reason": last.hold_reason,
        "sample": last.id,
    }
