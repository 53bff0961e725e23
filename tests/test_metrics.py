"""metrics.prom: a real parser takes it, the numbers are those of the queue, and of few labels."""

import json
import re
from collections import Counter
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from orchestrator.monitor.families import FAMILIES
from orchestrator.monitor.openmetrics import Family, Samples, page
from orchestrator.queue.queue_view import State
from orchestrator.share import share
from tests.decided import failed, useful
from tests.deciding import NOW, queue
from tests.test_monitor import ASKS, HAS
from tests.watched import Watched, everything

STATES = {
    State.WAIT: "wait",
    State.PENDING: "pending",
    State.STAGE_IN: "stage_in",
    State.IDLE_OTHER: "idle_other",
    State.RUNNING: "running_now",
    State.STAGE_OUT: "stage_out",
    State.RUNNING_OTHER: "running_other",
    State.HELD: "held",
}


def parsed(text: str) -> dict[str, Metric]:
    """Return what Prometheus' own parser makes of the text, by family."""
    families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return {one.name: one for one in families}


def values(metric: Metric, **labels: str) -> dict[tuple[str, ...], float]:
    """Return the samples with these labels, by the values of the others."""
    found = {}
    for one in metric.samples:
        if labels.items() <= one.labels.items():
            rest = tuple(text for name, text in one.labels.items() if name not in labels)
            found[rest] = one.value
    return found


def test_glideins_are_counted_again_from_the_queue(watched: Watched) -> None:
    watched.decided.decide("north", ASKS, HAS)
    watched.look()
    found = parsed(watched.metrics)
    counted = Counter(STATES[one.state] for one in queue(HAS).glideins)
    told = values(found["glidein_factory_entry_glideins"], entry="north")
    assert {state: n for (state,), n in told.items() if n} == counted
    cms = [one for one in queue(HAS).glideins if one.client == "cms.main"]
    told = values(
        found["glidein_factory_client_glideins"], entry="north", client="cms.main"
    )
    assert told["cms", "held"] == sum(one.state is State.HELD for one in cms)
    assert told["cms", "running"] == sum(one.state is State.RUNNING for one in cms)
    asked = values(found["glidein_factory_entry_requested_idle_glideins"])
    assert asked["north",] == 52


def test_what_ended_is_counted_again_and_never_becomes_less(watched: Watched) -> None:
    watched.decided.decide("north", ASKS, HAS)
    ends = [failed(f"1.{n}", "check: failed", at=NOW - 80 * 86_400 * n) for n in range(3)]
    watched.decided.ended("north", [*ends, useful("2.0")])  # months apart
    watched.look()
    watched.decided.ended("north", [failed("3.0", 'fetch: "quoted" \\ and\nbroken')])
    watched.look(NOW + 60)
    found = parsed(watched.metrics)
    causes = values(found["glidein_factory_entry_failed_glideins"], entry="north")
    assert causes == {
        ("cms", "check: failed"): 3,
        ("cms", 'fetch: "quoted" \\ and\nbroken'): 1,
    }
    results = values(found["glidein_factory_entry_ended_glideins"], entry="north")
    told = {"good": 1, "failed": 4, "removed": 0, "stopped": 0}
    assert results == {("cms", result): count for result, count in told.items()} | {
        ("atlas", result): 0 for result in told
    }
    seconds = values(found["glidein_factory_entry_glidein_seconds"], entry="north")
    assert seconds["cms", "total"] == 4 * 30 + 7_200


def test_names_and_units_are_as_prometheus_has_them(watched: Watched) -> None:
    everything(watched)
    text = watched.metrics
    assert text.endswith("# EOF\n")
    found = parsed(text)
    assert set(found) == {family.name for family in FAMILIES}  # each has a sample
    for name, metric in found.items():
        assert re.fullmatch(r"glidein_factory(_[a-z]+)*", name)
        assert metric.documentation
        assert not name.endswith("_total")
        if "timestamp" in name or "second" in name:
            assert metric.unit == "seconds", name
    labels = {label for one in found.values() for s in one.samples for label in s.labels}
    assert labels <= {
        *(
            "entry",
            "frontend",
            "client",
            "state",
            "kind",
            "rule",
            "code",
            "cause",
            "result",
        ),
        *("view", "factory", "daemon", "action", "security_class"),
    }, "a label with many values would fill Prometheus"


def test_no_hostile_text_breaks_a_line() -> None:
    samples = Samples()
    hostile = 'a"b\\c\nd{}=,# EOF\n\u2028 é'
    family = Family("glidein_factory_test", "gauge", 'Help with "quotes" and \\.')
    samples.add(family, 1.5, entry=hostile)
    samples.add(family, None, entry="not known")
    samples.add(family, float("nan"), entry="nor this")
    found = parsed(page([family], [samples.lines]))
    (one,) = found["glidein_factory_test"].samples
    assert (one.labels["entry"], one.value) == (hostile, 1.5)


def test_the_dashboard_asks_for_metrics_that_are_there(watched: Watched) -> None:
    everything(watched)
    found = parsed(watched.metrics)
    known = {sample.name for one in found.values() for sample in one.samples}
    text = (share("web") / "grafana.json").read_text()
    dashboard = json.loads(text)
    asked = set(re.findall(r"\bglidein_factory[a-z_]*\b", text))
    assert asked
    assert asked <= known, asked - known
    labels = {label for one in found.values() for s in one.samples for label in s.labels}
    used = set(re.findall(r"(\w+)(?:=~|!~|!=|=)\\\"", text))
    used |= {
        name for by in re.findall(r"by \(([\w, ]+)\)", text) for name in by.split(", ")
    }
    assert used <= labels | {"le"}, used - labels
    assert all(
        panel.get("targets") for panel in dashboard["panels"] if panel["type"] != "row"
    )


def test_the_content_type_is_that_of_openmetrics() -> None:
    for server in ("nginx", "apache"):
        text = Path(share("web") / f"{server}.conf").read_text()
        assert "application/openmetrics-text; version=1.0.0; charset=utf-8" in text
