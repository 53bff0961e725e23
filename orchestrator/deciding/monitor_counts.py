"""The numbers that ads carry as GlideinMonitor…: what is there, what was asked, what hit a limit.

Protocol sections 2 and 10. Status counts glideins of the queue, those not yet seen as waiting
in it; Requested is what requests ask for, before and after the factory's limits; ClientMonitor
is what the Frontend says of itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestrator.deciding.bounds import Bound, Rule
from orchestrator.deciding.queue_counts import Counts
from orchestrator.deciding.request import Request
from orchestrator.deciding.verdict import Decision, Verdict

PREFIX = "GlideinMonitor"
TOTAL = "Total"

# How ClientMonitor calls what a request calls GlideinMonitor….
_CLIENT = {
    "JobsIdle": "Idle",
    "JobsRunning": "Running",
    "JobsRunHere": "RunningHere",
    "GlideIdle": "GlideinsIdle",
    "GlideRunning": "GlideinsRunning",
    "GlideTotal": "GlideinsTotal",
    "CoresIdle": "GlideinsIdleCores",
    "CoresRunning": "GlideinsRunningCores",
    "CoresTotal": "GlideinsTotalCores",
}
# These pass with the cycle; they do not make what is asked for any less.
_PASSING = frozenset((Rule.CYCLE, Rule.UNSEEN))


@dataclass(frozen=True)
class MonitorCounts:
    """Attributes ready for ads.

    ``totals`` go into the entry's ad and into each client's; ``clients`` (by FRONTEND.GROUP,
    those with a request) into that client's; ``limits`` are strings, by full name; ``shares``
    (by FRONTEND:CLASS) are for our own page.
    """

    totals: dict[str, int] = field(default_factory=dict)
    clients: dict[str, dict[str, int]] = field(default_factory=dict)
    shares: dict[str, dict[str, int]] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)


def monitor_counts(
    decision: Decision, cores: int, heard: Mapping[str, float] | None = None
) -> MonitorCounts:
    """Return the numbers of one entry after ``decision``.

    Args:
        cores: What one glidein of the entry has, GLIDEIN_CPUS.
        heard: When the collector last heard of each client's requests (epoch), where known.
    """
    cores = max(1, cores)
    verdicts = decision.verdicts
    ages = {
        client: max(0, round(decision.now - when)) for client, when in (heard or {}).items()
    }
    counts = decision.counts
    by_client = _grouped((one.request.client, one) for one in verdicts)
    by_share = _grouped((one.request.share, one) for one in verdicts)
    return MonitorCounts(
        _named(PREFIX + TOTAL, _items(counts.entry, verdicts, decision, cores, ages)),
        {
            name: _named(PREFIX, _items(counts.client(name), ours, decision, cores, ages))
            for name, ours in sorted(by_client.items())
        },
        {
            name: _named(
                PREFIX,
                _items(counts.share(name), by_share.get(name, []), decision, cores, ages),
            )
            for name in sorted({*by_share, *counts.by_share})
        },
        limits_hit(decision),
    )


def limits_hit(decision: Decision) -> dict[str, str]:
    """Return an attribute for each limit of entry or share that has no room left."""
    hit: dict[str, str] = {}
    for share, bounds in {"": decision.bounds, **decision.share_bounds}.items():
        for bound in bounds:
            name = _LIMITS.get(bound.rule)
            if name and bound.limit is not None and bound.left == 0:
                count = bound.used + bound.given
                key = f"{PREFIX}Status_GlideFactoryLimit{name}{share}"
                hit[key] = f"count={count}, limit={bound.limit}"
    return hit


_LIMITS = {
    Rule.ENTRY_IDLE: "IdleGlideinsPerEntry",
    Rule.ENTRY_HELD: "HeldGlideinsPerEntry",
    Rule.ENTRY_GLIDEINS: "TotalGlideinsPerEntry",
    Rule.SHARE_IDLE: "IdlePerClass_",
    Rule.SHARE_GLIDEINS: "TotalPerClass_",
}


def status_items(counts: Counts, cores: int) -> dict[str, int]:
    """Return the items of Status; what transfers its output back is no longer running."""
    running = counts.running_now + counts.running_other
    return {
        "Idle": counts.idle,
        "Running": running,
        "Held": counts.held,
        "Wait": counts.wait + counts.unseen,
        "Pending": counts.pending,
        "StageIn": counts.stage_in,
        "IdleOther": counts.idle_other,
        "StageOut": counts.stage_out,
        "RunningCores": running * cores,
    }


def requested_items(
    verdicts: Iterable[Verdict], decision: Decision, cores: int
) -> dict[str, int]:
    """Return the items of Requested, summed over requests."""
    idle = adjusted = most = 0
    for one in verdicts:
        idle += max(0, one.request.idle)
        most += max(0, one.request.max_glideins)
        adjusted += adjusted_idle(one, decision)
    return {
        "Idle": idle,
        "AdjustedIdle": adjusted,
        "MaxGlideins": most,
        "IdleCores": idle * cores,
        "MaxCores": most * cores,
    }


def adjusted_idle(verdict: Verdict, decision: Decision) -> int:
    """Return how many idle glideins the request gets in time: what limits leave of its wish."""
    if verdict.bounds[0].limit is None:  # shut out
        return 0
    share = decision.share_bounds.get(verdict.request.share, ())
    bounds = (*verdict.bounds, *share, *decision.bounds)
    lasting: list[Bound] = [one for one in bounds if one.rule not in _PASSING]
    left = min((room for one in lasting if (room := one.left) is not None), default=0)
    return min(max(0, verdict.request.idle), verdict.has.idle + verdict.submit + left)


def client_items(requests: Iterable[Request], ages: Mapping[str, int]) -> dict[str, int]:
    """Return the items of ClientMonitor, summed over requests; InfoAge is their mean."""
    items = dict.fromkeys(_CLIENT, 0)
    known: list[int] = []
    for request in requests:
        for name, asked in _CLIENT.items():
            items[name] += request.monitor.get(asked, 0)
        if request.client in ages:
            known.append(ages[request.client])
    if known:
        items["InfoAge"] = round(sum(known) / len(known))
    return items


def _items(
    counts: Counts,
    verdicts: Iterable[Verdict],
    decision: Decision,
    cores: int,
    ages: Mapping[str, int],
) -> dict[str, int]:
    verdicts = list(verdicts)
    return {
        **_named("Status", status_items(counts, cores)),
        **_named("Requested", requested_items(verdicts, decision, cores)),
        **_named("ClientMonitor", client_items((one.request for one in verdicts), ages)),
    }


def _named(prefix: str, items: Mapping[str, int]) -> dict[str, int]:
    return {prefix + name: value for name, value in items.items()}


def _grouped(pairs: Iterable[tuple[str, Verdict]]) -> dict[str, list[Verdict]]:
    groups: dict[str, list[Verdict]] = {}
    for name, one in pairs:
        groups.setdefault(name, []).append(one)
    return groups
