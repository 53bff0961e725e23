"""How a measurement is read: chains of requests from a log, processes from a trace.

And what does not depend on how busy this machine is, held to its aims: requests, round trips
and processes of one start. Times are for ``make bench``.
"""

from pathlib import Path

import pytest

from orchestrator.tarball import condor_tarball
from tests.bench import requests, site
from tests.bench.one_start import count_processes, start
from tests.bench.requests import Request, round_trips
from tests.bench.startup import AIMS


def asked(*spans: tuple[float, float]) -> list[Request]:
    """Requests that began and ended at these milliseconds."""
    return [
        Request(1e9 + start / 1000, 1e9 + end / 1000, "1", 200, "/") for start, end in spans
    ]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], 0),
        ([(0, 0)], 1),
        ([(0, 0), (0, 0), (1, 1)], 1),  # side by side
        ([(0, 0), (100, 100), (200, 200)], 3),
        ([(0, 0), (100, 400), (110, 110), (210, 210)], 3),  # a long one beside short ones
        ([(0, 300), (100, 100), (299, 300)], 2),  # only what ended before can be waited for
        ([(200, 200), (0, 0), (100, 100)], 3),  # whatever the order of the lines
    ],
)
def test_round_trips_without_delay(spans: list[tuple[float, float]], expected: int) -> None:
    assert round_trips(asked(*spans)) == expected


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 0), (40, 40)], 1),  # too soon: the first response had not arrived
        ([(0, 0), (50, 50)], 2),
        ([(0, 0), (50, 80), (60, 60), (110, 110)], 3),
    ],
)
def test_round_trips_from_far(spans: list[tuple[float, float]], expected: int) -> None:
    assert round_trips(asked(*spans), rtt_s=0.05) == expected


def test_nginx_and_squid_say_the_same(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("1700000000.250 0.200 7 200 /a b\n1700000000.120 0.020 7 404 /c\n")
    later, earlier = requests.read(log, "nginx")
    assert (later.url, earlier.url) == ("/a b", "/c")
    assert later.start_s == pytest.approx(1700000000.05)
    log.write_text("1700000000.250    200 7 200 /a b\n1700000000.120     20 7 404 /c\n")
    assert requests.read(log, "squid") == [later, earlier]


TRACE = """\
10 execve("/usr/bin/bash", ["bash", "/x/glidein_startup.sh"], 0x7f /* 5 vars */) = 0
10 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, child_tidptr=0x7f) = 11
11 execve("/usr/bin/curl", ["curl", "--version"], 0x5 /* 5 vars */) = 0
11 clone3({flags=CLONE_VM|CLONE_THREAD|CLONE_SIGHAND, stack=0x7f}, 88) = 12
11 vfork( <unfinished ...>
10 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD <unfinished ...>
11 <... vfork resumed>) = 13
10 <... clone resumed>, child_tidptr=0x7f) = 14
10 fork() = -1 EAGAIN (Resource temporarily unavailable)
14 execve("/w/condor/sbin/condor_master", ["/w/condor/sbin/condor_master", "-v"], 0x1) = 0
14 execve("/w/condor/sbin/condor_master", ["/w/condor/sbin/condor_master", "-f"], 0x1) = 0
14 fork() = 15
"""


def test_processes_are_counted_up_to_the_launch() -> None:
    assert count_processes(TRACE) == 4  # the script, one clone, one vfork, one clone


def test_a_trace_without_launch_is_an_error() -> None:
    with pytest.raises(ValueError, match="no launch"):
        count_processes(TRACE.replace('"-f"', '"-t"'))


@pytest.mark.slow
@pytest.mark.condor
@pytest.mark.needs("nginx", "strace", "setpriv", "curl", namespaces=True)
def test_a_start_from_far_keeps_to_its_budget() -> None:
    network = site.Network("far", rtt_ms=40)
    with (
        site.prepared(network, condor_tarball.cached()) as place,
        site.front(place, network) as front,
    ):
        seen = start(place, front, traced=True)
    asked = [request.url for request in seen.requests]
    assert len(asked) <= AIMS["requests"], asked
    assert round_trips(seen.requests, rtt_s=0.04) <= AIMS["round_trips"], seen.requests
    assert 1 < seen.processes <= AIMS["processes"]
