"""What the page shows first: a row for each entry, and what is wrong, the worst first."""

from collections.abc import Mapping
from typing import Any

from orchestrator.explain.records import EntryRecord, EntrySummary

# From bad to good; the page sorts and colours by them.
BAD, WARN, DOWN, OK, IDLE, UNKNOWN = "bad", "warn", "down", "ok", "idle", "unknown"
_MANY = 5  # glideins that ended: fewer say nothing of an entry
_MOST = 0.5  # of them that failed: then the entry is in trouble
_TEXT = 300  # characters


def row(
    summary: EntrySummary, about: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the row of an entry; ``about`` is what :func:`about` made of its whole record, and
    ``values`` are those of its history, None where they are not known now.
    """
    level, words = trouble(summary, about)
    return {
        "name": summary["entry"],
        "level": level,
        "words": words[:_TEXT],
        "state": summary["state"],
        **{name: values.get(name) for name in _VALUES},
        **{name: about.get(name) for name in _ABOUT},
    }


_VALUES = ("idle", "unseen", "running", "held", "asked_idle", "asked_max")
_ABOUT = ("site", "frontends", "ended", "failed", "trend")


def about(record: EntryRecord, site: str) -> dict[str, Any]:
    """Return what a row needs of an entry's whole record; small, for it is kept."""
    ended, requests = record["ended"], record["requests"]
    return {
        "site": site,
        "frontends": sorted({one["frontend"] for one in requests}),
        "ended": ended["ended"],
        "failed": ended["failed"],
        "cause": ended["causes"][0]["cause"] if ended["causes"] else "",
        "held_why": record["held"][0]["reason"] if record["held"] else "",
        "backoff_why": next((one["why"] for one in record["backoffs"]), ""),
        "binds": sorted(
            {
                one["binds"]["words"]
                for one in requests
                if one["binds"] and one["asked"]["idle"] > _idle(one["has"])
            }
        )[:3],
    }


def _idle(has: Mapping[str, int] | None) -> int:
    return has.get("idle", 0) if has else 0


def _has(summary: EntrySummary) -> int:
    return (summary["idle"] or 0) + (summary["running"] or 0) + (summary["held"] or 0)


def trouble(summary: EntrySummary, about: Mapping[str, Any]) -> tuple[str, str]:
    """Return how an entry is, and the one sentence that says why."""
    if summary["problems"]:
        return BAD, summary["problems"][0]
    if summary["daemon"] != "running":
        return UNKNOWN, f"its daemon: {summary['daemon']}"
    if summary["idle"] is None:
        return UNKNOWN, "it has told nothing yet"
    if summary["queue"] not in ("fresh", "unknown"):
        return BAD, summary["words"]
    if summary["backoffs"]:
        why = about.get("backoff_why", "")
        return WARN, f"waits after failures: {', '.join(summary['backoffs'])}: {why}"
    ended, failed = about.get("ended") or 0, about.get("failed") or 0
    if failed >= _MANY and failed > _MOST * ended:
        cause = about.get("cause", "")
        return WARN, f"{failed} of {ended} glideins failed in 24 h, most often: {cause}"
    held = summary["held"] or 0
    if held > (summary["running"] or 0):
        return WARN, f"{held} glideins held: {about.get('held_why', '')}"
    if summary["down"]:
        return DOWN, summary["down"]
    if summary["refused"]:
        many = summary["refused"] > 1
        return WARN, f"{summary['refused']} request{'s are' if many else ' is'} not served"
    if summary["state"] == "idle" or not (summary["requests"] or _has(summary)):
        return IDLE, "nobody asks for anything"
    if about.get("binds"):
        return OK, "; ".join(about["binds"])
    return OK, "has what is asked for" if summary["requests"] else summary["words"]
