"""Whether a view may be acted on. Only a fresh one may: unknown is neither zero nor as before."""

from orchestrator.deciding.request import RequestsView
from orchestrator.queue.queue_view import Freshness, QueueView
from orchestrator.span import span
from orchestrator.worktree.entry_limits import Limits

CLOCK_S = (
    60  # so far in the future a view may be: two processes, one clock, read in any order
)


def queue_unusable(view: QueueView, limits: Limits, now: float) -> str:
    """Return why the queue view may not be acted on; "" when it may."""
    if view.freshness is not Freshness.FRESH:
        problem = f": {view.problem}" if view.problem else ""
        return f"the queue view is {view.freshness}{problem}{_seen(view.taken, now)}"
    return _age_problem("queue", view.taken, limits.view_max_age_s, now)


def requests_unusable(view: RequestsView, limits: Limits, now: float) -> str:
    """Return why the requests view may not be acted on; "" when it may."""
    if view.problem:
        return f"the requests view is failed: {view.problem}{_seen(view.taken, now)}"
    return _age_problem("requests", view.taken, limits.requests_max_age_s, now)


def _age_problem(what: str, taken: float, limit_s: int, now: float) -> str:
    age = now - taken
    if taken <= 0:
        return f"the {what} view is failed: never taken"
    if age > limit_s:
        return f"the {what} view is stale: {span(age)} old, {span(limit_s)} is the limit"
    if age < -CLOCK_S:
        return f"the {what} view is of {span(-age)} in the future: the clock was set back"
    return ""


def _seen(taken: float, now: float) -> str:
    return f"; last seen {span(now - taken)} ago" if taken > 0 else "; never seen"
