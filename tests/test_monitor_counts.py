"""The numbers that ads carry, by the names that Frontends know."""

from orchestrator.deciding.decision import decide
from orchestrator.deciding.monitor_counts import MonitorCounts, monitor_counts
from orchestrator.deciding.request import RequestsView
from tests import deciding
from tests.deciding import NOW

HAS = {
    "cms": "1 waiting, 2 pending, 3 staging-in, 4 idle-other, 5 unseen, 6 running",
    "cms/2": "1 running-other, 2 staging-out, 3 held code 1",
    "osg": "7 pending",
}
MONITOR = {
    "Idle": 40,
    "Running": 9,
    "GlideinsTotal": 8,
    "GlideinsRunningCores": 64,
    "Odd": 5,
}


def numbers(down: str = "") -> MonitorCounts:
    """Return the numbers when two credentials of cms ask, and osg, which is heard of late."""
    asked = (
        deciding.request("cms", "20 idle of 100", monitor=MONITOR),
        deciding.request("cms/2", "9 idle of 50", monitor={"Idle": 2}),
        deciding.request("osg", "7 idle of 8"),
    )
    decision = decide(
        RequestsView(NOW - 5, asked),
        deciding.queue(HAS),
        deciding.limits({"share_idle": 22, "entry_idle": 24, "submit_cycle": 1}),
        entry="site",
        now=NOW,
        factory_room=1_000,
        downtimes=deciding.downtimes(down),
    )
    return monitor_counts(decision, 8, {"cms.main": NOW - 30, "osg.main": NOW - 60})


def test_status_of_a_client_sums_over_its_credentials() -> None:
    client = numbers().clients["cms.main"]
    status = {
        name.removeprefix("GlideinMonitorStatus"): value
        for name, value in client.items()
        if "MonitorStatus" in name
    }
    assert status == {
        "Idle": 15,
        "Wait": 6,
        "Pending": 2,
        "StageIn": 3,
        "IdleOther": 4,
        "Running": 7,
        "StageOut": 2,
        "Held": 3,
        "RunningCores": 56,
    }


def test_what_is_asked_before_and_after_limits() -> None:
    found = numbers()
    client = found.clients["cms.main"]
    assert client["GlideinMonitorRequestedIdle"] == 29
    assert client["GlideinMonitorRequestedIdleCores"] == 29 * 8
    assert client["GlideinMonitorRequestedMaxGlideins"] == 150
    assert client["GlideinMonitorRequestedMaxCores"] == 150 * 8
    # 22 idle at the entry and one more now: one remains of its 24. The one credential has 15
    # idle, the other none; one of them got one.
    assert client["GlideinMonitorRequestedAdjustedIdle"] == (15 + 1 + 1) + (0 + 1)
    assert found.clients["osg.main"]["GlideinMonitorRequestedAdjustedIdle"] == 7
    assert found.totals["GlideinMonitorTotalRequestedIdle"] == 36


def test_in_a_downtime_nothing_is_left_of_the_wish() -> None:
    client = numbers("new CE").clients["cms.main"]
    assert client["GlideinMonitorRequestedIdle"] == 29
    assert client["GlideinMonitorRequestedAdjustedIdle"] == 0


def test_more_idle_than_asked_for_is_no_more_than_asked_for() -> None:
    decision = decide(
        deciding.requests({"cms": "2 idle of 100"}),
        deciding.queue({"cms": "9 pending"}),
        deciding.limits({}),
        entry="site",
        now=NOW,
        factory_room=1_000,
    )
    assert (
        monitor_counts(decision, 1).totals["GlideinMonitorTotalRequestedAdjustedIdle"] == 2
    )


def test_what_a_frontend_says_of_itself_goes_back_by_the_other_names() -> None:
    found = numbers()
    client = {
        name.removeprefix("GlideinMonitorClientMonitor"): value
        for name, value in found.clients["cms.main"].items()
        if "ClientMonitor" in name
    }
    assert client.pop("InfoAge") == 30
    assert {name: value for name, value in client.items() if value} == {
        "JobsIdle": 42,
        "JobsRunning": 9,
        "GlideTotal": 8,
        "CoresRunning": 64,
    }
    assert found.totals["GlideinMonitorTotalClientMonitorInfoAge"] == 40
    assert found.totals["GlideinMonitorTotalClientMonitorJobsIdle"] == 42


def test_totals_count_also_those_nobody_asks_for() -> None:
    found = numbers()
    assert found.totals["GlideinMonitorTotalStatusIdle"] == 22
    assert found.totals["GlideinMonitorTotalStatusHeld"] == 3
    assert found.shares["osg:frontend"]["GlideinMonitorStatusPending"] == 7


def test_all_names_of_the_protocol_are_there() -> None:
    names = {name.removeprefix("GlideinMonitorTotal") for name in numbers().totals}
    status = "Idle Running Held Wait Pending StageIn IdleOther StageOut RunningCores"
    asked = "Idle AdjustedIdle MaxGlideins IdleCores MaxCores"
    client = (
        "InfoAge JobsIdle JobsRunning JobsRunHere GlideIdle GlideRunning GlideTotal"
        " CoresIdle CoresRunning CoresTotal"
    )
    assert names == {
        *(f"Status{item}" for item in status.split()),
        *(f"Requested{item}" for item in asked.split()),
        *(f"ClientMonitor{item}" for item in client.split()),
    }


def test_limits_that_were_hit_are_named_with_their_numbers() -> None:
    decision = decide(
        deciding.requests({"cms": "20 idle of 100"}),
        deciding.queue({"cms": "3 pending, 2 running", "osg": "4 held code 12"}),
        deciding.limits({"share_idle": 5, "entry_held": 9, "share_glideins": 7}),
        entry="site",
        now=NOW,
        factory_room=1_000,
    )
    assert monitor_counts(decision, 1).limits == {
        "GlideinMonitorStatus_GlideFactoryLimitIdlePerClass_cms:frontend": "count=5, limit=5",
        "GlideinMonitorStatus_GlideFactoryLimitTotalPerClass_cms:frontend": "count=7, limit=7",
    }
