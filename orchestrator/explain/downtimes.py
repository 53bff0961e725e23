"""The downtimes that concern an entry."""

from orchestrator.explain.records import DowntimeRecord
from orchestrator.worktree.downtimes import ALL, FACTORY, Downtimes


def concerning(downtimes: Downtimes, entry: str, now: float) -> list[DowntimeRecord]:
    """Return those of ``entry``, wider ones too, that are not over; the next to begin first."""
    found = [
        one
        for one in downtimes.lines
        if one.entry in (entry, ALL, FACTORY) and not one.over(now)
    ]
    return [
        {
            "start": one.start,
            "end": one.end,
            "entry": one.entry,
            "frontend": one.frontend,
            "security_class": one.security_class,
            "comment": one.comment,
            "holds": one.holds(now),
            "line": one.line,
            "problem": one.problem,
        }
        for one in sorted(found, key=lambda one: (one.start, one.line))
    ]
