"""What it costs to start a glidein: ``make bench`` prints a table, writes build/bench-startup.json.

Everything is the real thing: the shipped single file, the tarball of ``condor-tarball``, areas
published by ``reconfig`` (60 signed files beside the tarball), nginx and Squid. Only the pool is
a socket that listens: what counts here ends with the launch of condor_master. The node is a cold
one: nothing of an earlier glidein is on it.

Per network, medians of five timed starts; then one under strace for the last two:

wall_s       from exec of the script until /proc shows condor_master running
cpu_s        user and system time of the script and all its children, up to there
requests     lines in the access log of the server that the glidein talks to
round_trips  the longest chain of requests that each waited for another (requests.py)
processes    the script itself and every fork, vfork and clone that is not a thread
peak_rss_mb  the largest sum of the resident sizes of its processes, looked at every 10 ms

Networks: loopback; rtt50 and rtt150, where web server and collector are so many milliseconds of
round trip away (netlink.py); squid-cold and squid-warm, where a Squid beside the glidein, empty
or not, stands before a web server 50 ms away.
"""

import argparse
import contextlib
import json
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from orchestrator.tarball import condor_tarball
from tests import needs
from tests.bench import site
from tests.bench.one_start import Start, start
from tests.bench.requests import round_trips
from tests.bench.site import Network

RUNS = 5
RESULT = Path("build/bench-startup.json")
NETWORKS = (
    Network("loopback"),
    Network("rtt50", 50),
    Network("rtt150", 150),
    Network("squid-cold", 50, "cold"),
    Network("squid-warm", 50, "warm"),
)
AIMS = {"requests": 8, "round_trips": 4, "processes": 200}
WALL_AIMS = {"loopback": 1.5, "rtt150": 3.0}  # seconds


@dataclass(frozen=True)
class Result:
    """What build/bench-startup.json holds for each network."""

    network: str
    wall_s: float
    cpu_s: float
    requests: int
    round_trips: int
    processes: int
    peak_rss_mb: float


def measure(network: Network, tarball: Path, runs: int, say: Console) -> list[Start]:
    """Start so many glideins over one network, and a last one under strace."""
    starts = []
    with site.prepared(network, tarball) as place, contextlib.ExitStack() as stack:
        kept = None
        if network.squid == "warm":
            kept = stack.enter_context(site.front(place, network))
            start(place, kept)
        for number in range(runs + 1):
            traced = number == runs
            fresh = contextlib.nullcontext(kept) if kept else site.front(place, network)
            with fresh as front:
                starts.append(start(place, front, traced))
            what = "under strace" if traced else f"run {number + 1} of {runs}"
            say.print(f"{network.name}: {what}: {starts[-1].wall_s:.2f} s", highlight=False)
    return starts


def result(network: Network, starts: list[Start]) -> Result:
    """Return the medians of the timed starts, and what the traced one counted."""
    *timed, traced = starts
    # What Squid is asked for does not come from far.
    rtt_s = 0.0 if network.squid else network.rtt_ms / 1000
    median = statistics.median
    return Result(
        network.name,
        round(median(one.wall_s for one in timed), 2),
        round(median(one.cpu_s for one in timed), 2),
        int(median(len(one.requests) for one in timed)),
        int(median(round_trips(one.requests, rtt_s) for one in timed)),
        traced.processes,
        round(traced.peak_rss_mb, 1),
    )


def table(results: list[Result]) -> Table:
    """Return the results as a table; what misses its aim is marked with "!"."""
    made = Table(title="the start of a glidein, to the launch of condor_master")
    for key in Result.__dataclass_fields__:
        made.add_column(key, justify="left" if key == "network" else "right")
    for one in results:
        aims = {**AIMS, "wall_s": WALL_AIMS.get(one.network)}
        cells = []
        for key, value in asdict(one).items():
            aim = aims.get(key)
            cells.append(f"! {value}" if aim is not None and value > aim else str(value))
        made.add_row(*cells)
    made.add_section()
    aims_shown = ["aim", "1.5, rtt150: 3", "", *map(str, AIMS.values()), ""]
    made.add_row(*aims_shown)
    return made


def phases(starts: dict[str, list[Start]]) -> Table:
    """Return a table of the medians of the phases, in milliseconds."""
    names = list(
        dict.fromkeys(n for runs in starts.values() for one in runs for n in one.phases)
    )
    made = Table("network", *names, title="phases, ms")
    for network, runs in starts.items():
        medians = (
            statistics.median(one.phases.get(n, 0) for one in runs[:-1]) for n in names
        )
        made.add_row(network, *(f"{ms:.0f}" for ms in medians))
    return made


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--network", action="append", choices=[n.name for n in NETWORKS])
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument(
        "--tarball", type=Path, help="by default one of Debian stable's HTCondor"
    )
    given = parser.parse_args()
    tools = ("nginx", "squid", "strace", "curl", "setpriv")
    if lacks := needs.missing(*tools, root=True, namespaces=True):
        sys.exit("make bench needs " + ", ".join(lacks))
    say = Console(width=110)
    tarball = (given.tarball or condor_tarball.cached(say=say.print)).absolute()
    starts = {
        network.name: measure(network, tarball, given.runs, say)
        for network in NETWORKS
        if not given.network or network.name in given.network
    }
    results = [result(n, starts[n.name]) for n in NETWORKS if n.name in starts]
    say.print(phases(starts))
    say.print(table(results))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps([asdict(one) for one in results], indent=2) + "\n")
    say.print(f"written: {RESULT}")


if __name__ == "__main__":
    main()
