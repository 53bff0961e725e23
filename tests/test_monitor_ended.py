"""What ended, by Frontend: the sums over entries are those of the outcomes, and never jump."""

from collections import Counter

import pytest

from orchestrator.monitor.grown import GrownSum
from orchestrator.outputs import outcomes
from orchestrator.outputs.outcome import Outcome
from tests.decided import failed, useful
from tests.deciding import NOW
from tests.test_metrics import parsed
from tests.test_monitor import ASKS, HAS
from tests.watched import Watched

ATLAS = {"client": "atlas.main", "share": "atlas:frontend"}


def some(entry: int) -> list[Outcome]:
    """Return glideins of both Frontends that ended at an entry."""
    cms = [failed(f"{entry}.{n}", "check: x", at=NOW - 300 - 3_600 * n) for n in range(3)]
    other = Outcome(
        f"{entry}.7", "atlas.main", "atlas:frontend", NOW - 100, "check: x", "queue"
    )
    return [*cms, other, useful(f"{entry}.8"), failed(f"{entry}.9", "stopped", code=3)]


def both(watched: Watched) -> None:
    for number, entry in enumerate(("north", "south")):
        watched.decided.decide(entry, ASKS, HAS)
        watched.decided.ended(entry, some(number))
    watched.look()


def test_failures_of_a_frontend_are_counted_by_cause_entry_and_hour(
    watched: Watched,
) -> None:
    both(watched)
    ended = watched.told("frontend/cms.json")["ended"]
    assert ended["ended"] == 10
    assert (ended["good"], ended["failed"], ended["stopped"]) == (2, 6, 2)
    (cause,) = ended["causes"]
    assert (cause["cause"], cause["count"]) == ("check: x", 6)
    assert cause["entries"] == {"north": 3, "south": 3}
    hours = Counter(str(int((NOW - 300 - 3_600 * n) // 3_600)) for n in range(3))
    assert cause["hours"] == {hour: 2 * count for hour, count in hours.items()}
    (cause,) = watched.told("frontend/atlas.json")["ended"]["causes"]
    assert cause["entries"] == {"north": 1, "south": 1}


def test_counters_of_all_frontends_are_those_of_the_outcomes(watched: Watched) -> None:
    both(watched)
    told: Counter[tuple[str, str, str]] = Counter()
    for entry in ("north", "south"):
        for line in outcomes.read(watched.work / f"entries/{entry}"):
            result = "good" if line.get("good") else "failed"
            result = "stopped" if line.get("code") == 3 else result
            told[entry, line["share"].split(":")[0], result] += 1
    metric = parsed(watched.metrics)["glidein_factory_entry_ended_glideins"]
    found = {
        tuple(one.labels[name] for name in ("entry", "frontend", "result")): one.value
        for one in metric.samples
        if one.value
    }
    assert found == told


@pytest.mark.parametrize("thing", ["factory", "frontend/cms"])
def test_history_shows_what_ended_and_no_more(watched: Watched, thing: str) -> None:
    both(watched)
    watched.decided.ended("north", [failed("5.0", "y"), useful("5.1")])
    watched.look(NOW + 60)
    watched.begin_anew()
    watched.look(NOW + 120)  # another process, which finds all of them there
    watched.decided.ended("south", [failed("6.0", "y")])
    watched.look(NOW + 180)
    span = watched.monitor._histories[thing].series.read(0, NOW, NOW + 180)
    assert span.grown("ended")[1:] == [2, 0, 1]
    assert span.grown("failed")[1:] == [1, 0, 1]


def test_what_ended_while_no_monitor_looked_is_in_the_history(watched: Watched) -> None:
    both(watched)
    watched.decided.ended("north", [failed("5.0", "y")])
    watched.begin_anew()
    watched.look(NOW + 60)
    span = watched.monitor._histories["factory"].series.read(0, NOW, NOW + 60)
    assert span.grown("ended")[1:] == [1]


def test_entries_that_come_and_go_do_not_make_a_sum_jump() -> None:
    total = GrownSum({"ended": 5.0})
    assert total.add({"a": {"ended": 1_000.0}}) == {"ended": 5}  # not known when that was
    assert total.add({"a": {"ended": 1_002.0}, "b": {"ended": 70.0}}) == {"ended": 7}
    assert total.add({"b": {"ended": 71.0}}) == {"ended": 8}  # a cannot be read for a while
    assert total.add({"a": {"ended": 1_004.0}, "b": {"ended": 71.0}}) == {"ended": 10}
    assert total.add({"a": {"ended": 3.0}}) == {"ended": 10}  # it was counted anew
    assert total.add({"a": {"ended": 4.0}}) == {"ended": 11}
