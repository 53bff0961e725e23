"""What is not known is a gap in plots, a dash on the page, and no sample: never 0, never as before."""

import math

from orchestrator.monitor.series import GAUGES
from orchestrator.protocol.requests_view import Writer
from tests.deciding import NOW
from tests.test_metrics import parsed, values
from tests.test_monitor import ASKS, HAS
from tests.watched import Watched

ASKED = ("asked_idle", "asked_max")
HOUR_S = 3_600


def test_plots_are_gaps_where_no_request_could_be_seen(watched: Watched) -> None:
    watched.decided.decide("north", ASKS, HAS)
    watched.decided.decide("south", {})  # it rests, and does not decide when a view fails
    watched.look()
    Writer(watched.work).problem("the collector does not answer")
    watched.decided.decide("north", ASKS, HAS, requests="failed")
    Writer(watched.work).problem("the collector does not answer")
    watched.look(NOW + 60)
    watched.begin_anew()  # so that the files of plots are made anew
    watched.look(NOW + 120)
    for thing in ("frontend/cms", "entry/north", "entry/south", "factory"):
        columns = watched.monitor._histories[thing].series.read(0, NOW, NOW + 60)
        for name in ASKED:
            first, second = columns.of(name)
            assert not math.isnan(first), thing
            assert math.isnan(second), f"{thing}: {name} was {second} without a view"
        assert columns.of("running")[1] == columns.of("running")[0], thing
    found = parsed(watched.metrics)
    for name in ("frontend", "entry", "client"):
        metric = f"glidein_factory_{name}_requested_idle_glideins"
        assert metric not in found or not found[metric].samples, metric
    told = watched.told("overview.json")
    assert {row["asked_idle"] for row in told["entries"]} == {None}
    assert {one["idle"] for one in told["frontends"]} == {None}
    assert told["asked_idle"] is None
    assert {row["asked_idle"] for row in watched.told("frontend/cms.json")["rows"]} == {
        None
    }


def test_a_view_that_nobody_took_for_long_is_none(watched: Watched) -> None:
    watched.decided.decide("south", {})
    watched.look()
    assert watched.row("south")["asked_idle"] == 0
    watched.look(NOW + HOUR_S)
    assert watched.row("south")["asked_idle"] is None


def test_glideins_of_an_entry_without_a_daemon_are_in_no_sum(watched: Watched) -> None:
    watched.decided.decide("north", ASKS, HAS)
    watched.decided.decide("south", {"cms": "1 idle of 5"}, {"cms": "2 running"})
    gone = {"state": "left down", "problem": "ended by SIGKILL"}
    watched.look(north=gone)
    told = watched.told("overview.json")
    assert told["glideins"] == {"idle": 0, "running": 2, "held": 0}
    assert (told["unknown"], told["untold"]) == (1, 0)
    assert [watched.row("north")[name] for name in GAUGES] == [None] * len(GAUGES)
    assert watched.told("frontend/cms.json")["glideins"]["running"] == 2
    found = parsed(watched.metrics)
    assert values(found["glidein_factory_glideins"])["running",] == 2
    assert values(found["glidein_factory_unknown_entries"]) == {(): 1}
    kinds = values(found["glidein_factory_entry_glideins_by_kind"], kind="running")
    assert kinds == {("south",): 2}


def test_of_nothing_known_there_is_no_sum(watched: Watched) -> None:
    watched.look()
    told = watched.told("overview.json")
    assert set(told["glideins"].values()) == {None}
    assert "glidein_factory_glideins{" not in watched.metrics
    assert set(watched.told("frontend/cms.json")["glideins"].values()) == {None}


def test_a_frontend_that_asks_no_more_still_has_its_glideins(watched: Watched) -> None:
    watched.decided.decide("north", {"cms": "1 idle of 5"}, HAS)
    watched.look()
    atlas = watched.monitor._histories["frontend/atlas"].series.read(0, NOW, NOW)
    assert (atlas.of("running"), atlas.of("asked_idle")) == ([6], [0])
