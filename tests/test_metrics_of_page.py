"""Every number of the page has its metric: the JSON is gone through, number by number.

A number that is in no table here is a failure: whoever shows another one says which metric has
it, or why none has.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from orchestrator.monitor.families import FAMILIES
from tests.test_metrics import parsed
from tests.watched import Watched, everything

# A place: names of keys, * for any name (of a client, a cause, …), # for the items of a list.
OVERVIEW = {
    "started": "start_timestamp_seconds",
    "views.silent_s": "daemon_sign_timestamp_seconds age",
    "views.cycle_s": "daemon_cycle_seconds",
    "views.accidents": "daemon_accidents",
    "monitor.silent_s": "daemon_sign_timestamp_seconds age",
    "monitor.cycle_s": "daemon_cycle_seconds",
    "monitor.accidents": "daemon_accidents",
    "looks.*.taken": "view_timestamp_seconds",
    "glideins.*": "glideins",
    "untold": "untold_entries",
    "unknown": "unknown_entries",
    "frontends#clients.*": "client_heard_timestamp_seconds",
    "frontends#heard": "frontend_heard_timestamp_seconds",
    "frontends#entries": "frontend_entries",
    "frontends#requests": "frontend_requests",
    "frontends#idle": "frontend_requested_idle_glideins",
    "frontends#max": "frontend_requested_max_glideins",
    "frontends#glideins.*": "frontend_glideins",
    "frontends#refused": "frontend_refused_requests",
    "frontends#refusals#count": "frontend_refused_requests",
    "credentials#expires": "credential_expiry_timestamp_seconds",
    "written": "written_timestamp_seconds",
    "problem_count": "problems",
    "limit": "glideins_limit",
    "daemons##": "daemons",
    "asked_idle": "requested_idle_glideins",
    "asked_max": "requested_max_glideins",
    "every_s": "write_interval_seconds",
    "took_s": "write_duration_seconds",
    "entries#idle": "entry_glideins_by_kind",
    "entries#running": "entry_glideins_by_kind",
    "entries#held": "entry_glideins_by_kind",
    "entries#unseen": "entry_glideins",
    "entries#asked_idle": "entry_requested_idle_glideins",
    "entries#asked_max": "entry_requested_max_glideins",
    "entries#ended": "entry_ended_glideins window",
    "entries#failed": "entry_failed_glideins window",
}
ENTRY = {
    "daemon.silent_s": "entry_sign_timestamp_seconds age",
    "daemon.cycle_s": "entry_cycle_seconds",
    "daemon.accidents": "entry_accidents",
    "decided": "entry_decision_timestamp_seconds",
    "views.*.taken": "entry_view_timestamp_seconds",
    "looks.*.taken": "view_timestamp_seconds",
    "glideins.idle": "entry_glideins_by_kind",
    "glideins.running": "entry_glideins_by_kind",
    "glideins.*": "entry_glideins",
    "unseen": "entry_glideins",
    "advertised": "entry_advertised_timestamp_seconds",
    "bounds#limit": "entry_limit",
    "bounds#used": "entry_limit_used with given",
    "bounds#given": "entry_limit_used with used",
    "shares.*.bounds#limit": "share_limit",
    "shares.*.bounds#used": "share_limit_used with given",
    "shares.*.bounds#given": "share_limit_used with used",
    "shares.*.has.*": "client_glideins sum",
    "backoffs#level": "entry_backoff_level",
    "backoffs#until": "entry_backoff_end_timestamp_seconds",
    "downtimes#start": "entry_downtime_start_timestamp_seconds",
    "downtimes#end": "entry_downtime_end_timestamp_seconds",
    "requests#heard": "client_heard_timestamp_seconds",
    "requests#asked.idle": "client_requested_idle_glideins",
    "requests#asked.max": "client_requested_max_glideins",
    "requests#has.*": "client_glideins",
    "requests#submit": "client_decision_glideins",
    "requests#remove": "client_decision_glideins",
    "requests#credential.expires": "credential_expiry_timestamp_seconds",
    "refused": "entry_refused_requests",
    "refusals#count": "entry_refused_requests",
    "submit": "entry_decision_glideins",
    "remove": "entry_decision_glideins",
    "release": "entry_decision_glideins",
    "to_remove": "entry_wanted_glideins",
    "to_release": "entry_wanted_glideins",
    "held#count": "entry_held_glideins",
    "held#recoverable": "entry_curable_held_glideins",
    "held#oldest": "entry_held_oldest_timestamp_seconds",
    "held#newest": "entry_held_newest_timestamp_seconds",
    "held#shares.*": "entry_held_glideins sum",
    "ended.early": "entry_early_failed_glideins window",
    "ended.*": "entry_ended_glideins window",
    "ended.shares.*.early": "entry_early_failed_glideins window",
    "ended.shares.*": "entry_ended_glideins window",
    "ended.causes#count": "entry_failed_glideins window",
    "ended.causes#early": "entry_early_failed_glideins window",
    "ended.causes#shares.*": "entry_failed_glideins window",
    "ended.causes#hours.*": "entry_failed_glideins window",
    "totals.ended": "entry_ended_glideins sum",
    "totals.good": "entry_ended_glideins",
    "totals.removed": "entry_ended_glideins",
    "totals.stopped": "entry_ended_glideins",
    "totals.launched": "entry_launched_glideins",
    "totals.early": "entry_early_failed_glideins",
    "totals.jobs": "entry_jobs",
    "totals.failed.*": "entry_failed_glideins",
    "totals.seconds.*": "entry_glidein_seconds",
    "totals.measured.*": "entry_measured_glideins",
}
FRONTEND = {
    **{
        place.removeprefix("frontends#"): metric
        for place, metric in OVERVIEW.items()
        if place.startswith("frontends#")
    },
    "credentials#expires": "credential_expiry_timestamp_seconds",
    "written": "written_timestamp_seconds",
    "rows#asked_idle": "client_requested_idle_glideins",
    "rows#asked_max": "client_requested_max_glideins",
    "rows#submit": "client_decision_glideins",
    "rows#remove": "client_decision_glideins",
    "rows#*": "client_glideins",
    "ended.early": "entry_early_failed_glideins window",
    "ended.*": "entry_ended_glideins window",
    "ended.causes#*": "entry_failed_glideins window",
}
# These have none, and that is so on purpose.
NONE = {
    "pid": "who, not how much",
    "now": "when the record was read, which is when something in it changed",
    "*#trend#": "the metrics' own history",
    "trend#": "the metrics' own history",
    "bounds#left": "the limit without what is used",
    "shares.*.bounds#left": "the limit without what is used",
    "requests#binds.*": "one of the limits",
    "requests#asked.margin": "how a removal is meant",
    "downtimes#line": "where in a file",
    "held#code": "a label",
    "held#subcode": "a label",
    "removals.*": "one glidein's reason each; the sum is what is removed",
    "releases.*": "one glidein's reason each; the sum is what is released",
    "ended.since": "where the window begins",
    "ended.causes#last": "of one glidein",
    "ended.causes#nodes.*": "a node is no label: there are too many",
    "ended.causes#sample.*": "of one glidein",
    "glideins_ended#*": "of one glidein",
}


def numbers(told: object, at: str = "") -> Iterator[tuple[str, float]]:
    """Yield all numbers of a JSON value, each with its place."""
    if isinstance(told, dict):
        for name, below in told.items():
            dot = "" if not at or at.endswith("#") else "."
            yield from numbers(below, f"{at}{dot}{str(name).replace('.', '_')}")
    elif isinstance(told, list):
        for below in told:
            yield from numbers(below, f"{at}#")
    elif isinstance(told, int | float) and not isinstance(told, bool):
        yield at, told


def fits(pattern: str, place: str) -> bool:
    """Whether a place is meant; * is any name, or anything below where it ends the pattern."""
    made = re.escape(pattern).replace(r"\*", "[^#.]+")
    if pattern.endswith("*"):
        made = made.removesuffix("[^#.]+") + ".+"
    return re.fullmatch(made, place) is not None


@pytest.mark.parametrize(
    ("file", "table"),
    [
        ("overview.json", OVERVIEW),
        ("entry/north.json", ENTRY),
        ("frontend/cms.json", FRONTEND),
    ],
)
def test_every_number_has_its_metric(
    watched: Watched, file: str, table: dict[str, str]
) -> None:
    everything(watched)
    told = watched.told(file)
    found = {
        name.removeprefix("glidein_factory_"): {one.value for one in metric.samples}
        for name, metric in parsed(watched.metrics).items()
    }
    unsaid, wrong = set(), []
    for place, number in numbers(told):
        if any(fits(pattern, place) for pattern in NONE):
            continue
        said = next((table[one] for one in table if fits(one, place)), None)
        if said is None:
            unsaid.add(place)
            continue
        metric, _, how = said.partition(" ")
        if number not in as_shown(metric, how, found):
            wrong.append(f"{place} is {number}, {metric} has {sorted(found[metric])}")
    assert not unsaid, "numbers of the page without a metric"
    assert not wrong


class Anything:
    """What cannot be compared: a part of a sum, or a day of a counter."""

    def __contains__(self, number: float) -> bool:
        return number >= 0


class Ages:
    """How long ago, or how soon, each of these times is; within what floats and rounding do."""

    def __init__(self, times: set[float], since: float) -> None:
        self._ages = [abs(since - one) for one in times]

    def __contains__(self, number: float) -> bool:
        return any(abs(abs(number) - one) < 0.01 for one in self._ages)


def as_shown(metric: str, how: str, found: Mapping[str, set[float]]) -> Any:
    """Return what the page may show of a metric's values."""
    values = found[metric]
    if how == "age":  # as the Factory daemon told
        (told_at,) = found["told_timestamp_seconds"]
        return Ages(values, told_at)
    return values if not how else Anything()


@pytest.mark.parametrize(
    "table", [OVERVIEW, ENTRY, FRONTEND], ids=["all", "entry", "frontend"]
)
def test_no_line_of_these_tables_is_of_the_past(
    watched: Watched, table: dict[str, str]
) -> None:
    everything(watched)
    files = ("overview.json", "entry/north.json", "frontend/cms.json")
    places = {place for file in files for place, _ in numbers(watched.told(file))}
    unused = [
        one for one in [*table, *NONE] if not any(fits(one, place) for place in places)
    ]
    assert unused == ["releases.*"]  # none of these is held for something curable
    known = {family.name.removeprefix("glidein_factory_") for family in FAMILIES}
    assert {said.split()[0] for said in table.values()} <= known
