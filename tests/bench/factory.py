"""What a working factory costs: ``make bench-factory`` prints a table, writes build/bench-factory.json.

Everything is the real thing: a collector and a schedd with the intervals they have by default, a
factory with its daemons, glideins in the queue that wait (the schedd has no slots for them), and
Frontend groups that ask every entry for what they have, with fresh keys each minute. For
each number of queued glideins, an object with:

entries, queued          how many there are
factory_cpu_s_per_min    CPU of all the factory's processes in a minute in which Frontends repeat
schedd_cpu_s_per_min     themselves; likewise of the schedd,
collector_cpu_s_per_min  and of the collector
daemons_pss_mb           proportional memory of all the factory's processes
pss_mb_per_entry         the median of one Entry daemon's
cycle_s                  what a full cycle takes: the view of all requests, and the slowest entry

A last object has what 500 entries cost that nobody asks anything of (``queued`` 0), and how long
it takes until 1,000 more glideins are in the queue that Frontends asked for (``submitted_s``).
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import htcondor2 as htcondor
from rich.console import Console
from rich.table import Table

from orchestrator import config
from orchestrator.arguments import ClientWeb
from orchestrator.daemon import state_file
from orchestrator.daemon.factory_daemon import MONITOR, VIEWS
from orchestrator.daemon.process import pss_mb
from orchestrator.limited import limited
from orchestrator.protocol.ads import Kind
from orchestrator.protocol.collector import Collector
from orchestrator.protocol.frontend import Envelope, Offer, RequestClient
from orchestrator.share import share
from orchestrator.stage import history
from orchestrator.tarball import condor_tarball
from orchestrator.trial.demo import demo_user, tarballs
from orchestrator.trial.pool import Pool
from orchestrator.worktree import reconfig
from tests.as_user import become
from tests.factory_user import let_user_in

RESULT = Path("build/bench-factory.json")
AIM_S = 10.0  # CPU of all three in a minute of repeats
FRONTEND = "vo@pool"
SCITOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ2byJ9."

# As HTCondor has them by default, where a test's pool is quick; and no slots.
KNOBS = {
    "ALLOW_ADVERTISE_MASTER": "*@pool",
    "DENY_ADVERTISE_MASTER": "",
    "NEGOTIATOR_INTERVAL": "3600",
    "NEGOTIATOR_CYCLE_DELAY": "3600",
    "SCHEDD_INTERVAL": "300",
    "SCHEDD_MIN_INTERVAL": "5",
    "UPDATE_INTERVAL": "300",
    "MASTER_UPDATE_INTERVAL": "300",
    "MAX_JOBS_SUBMITTED": "1000000",
    "MAX_JOBS_PER_OWNER": "1000000",
    "MAX_JOBS_PER_SUBMISSION": "1000000",
    "START_LOCAL_UNIVERSE": "False",
}
FACTORY = """\
factory = "Bench"
glidein = "all"
schedd = "schedd@localhost"
collector = ["{collector}"]

[web]
url = "http://localhost/stage"

[bounds]
glideins = 1_000_000

[frontends.vo]
identity = "{frontend}"
classes = {{ frontend = "vo" }}
"""
ENTRY = """\
gatekeeper = "localhost"
grid_type = "vanilla"
site = "Here"
auth_method = "scitoken"

[limits.default_per_frontend]
idle = 5000
"""
WEB = ClientWeb(
    url="http://localhost/client",
    sign="c" * 40,
    sign_type="sha1",
    descript="description.client.cfg",
    group="main",
    group_url="http://localhost/client/group_main",
    group_sign="d" * 40,
    group_descript="description.group.cfg",
)


@dataclass(frozen=True)
class Result:
    """One measurement; what was not measured is None."""

    entries: int
    queued: int
    groups: int
    factory_cpu_s_per_min: float
    schedd_cpu_s_per_min: float
    collector_cpu_s_per_min: float
    daemons_pss_mb: float
    pss_mb_per_entry: float
    cycle_s: float
    ready_s: float | None = None
    submitted_s: float | None = None

    @property
    def cpu_s(self) -> float:
        return (
            self.factory_cpu_s_per_min
            + self.schedd_cpu_s_per_min
            + self.collector_cpu_s_per_min
        )


class Frontends:
    """Groups of a Frontend, each asking every entry for glideins."""

    def __init__(self, pool: Pool, groups: int, entries: Sequence[str]) -> None:
        token = pool.token(FRONTEND, ("READ", "DAEMON", "ADVERTISE_MASTER"))
        self._entries = entries
        self.clients = [
            RequestClient(
                Collector(pool.collector, token=token),
                "vo",
                FRONTEND,
                f"vo.group{number:02}",
                WEB,
                Offer(scitoken=SCITOKEN),
            )
            for number in range(groups)
        ]

    def ask(self, idle: int, more: int = 0, of: int = 0) -> None:
        """Let each ask every entry for ``idle`` idle glideins, fresh keys and all; the first
        of ``of`` entries for ``more`` more."""
        for client in self.clients:
            factory = client.discover()
            envelope = Envelope(factory.key, FRONTEND)
            ads = []
            for place, entry in enumerate(self._entries):
                wanted = idle + (more if place < of and client is self.clients[0] else 0)
                ads.append(
                    client.request_ad(
                        f"{entry}@{factory.name}", envelope, idle=wanted, most=100_000
                    )
                )
            client.collector.advertise(
                [client.global_ad(factory.name, envelope)], Kind.REQUEST_GLOBAL
            )
            for start in range(0, len(ads), 100):
                client.collector.advertise(ads[start : start + 100], Kind.REQUEST)


class Bench:
    """A pool, and a factory of so many entries that works there."""

    def __init__(self, home: Path, pool: Pool, entries: int) -> None:
        self.home = home
        self.pool = pool
        self.entries = [f"entry_{number:04}" for number in range(entries)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def work(self) -> Path:
        return self.home / "work"

    def configure(self) -> None:
        (self.home / "entries").mkdir()
        text = FACTORY.format(collector=self.pool.collector, frontend=FRONTEND)
        (self.home / "factory.toml").write_text(text)
        for name in self.entries:
            (self.home / f"entries/{name}.toml").write_text(ENTRY)
        configuration = config.load(self.home)
        with reconfig.lock(configuration):
            plan = reconfig.make_plan(configuration, share("glidein"))
            reconfig.carry_out(plan, history.utc_now())
        if self.pool.root:
            for path in [self.work, *self.work.rglob("*")]:
                shutil.chown(path, self.pool.user)

    def start(self) -> float:
        """Start the daemons; return after how many seconds all entries are advertised."""
        began = time.monotonic()
        words = ["tests.as_user", self.pool.user, "orchestrator.daemon.__main__"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", *words, str(self.work)],
            stdin=subprocess.DEVNULL,
            stderr=(self.home / "said").open("ab"),
            env={**os.environ, **self.pool.env, "PATH": os.environ["PATH"]},
        )
        collector = Collector(self.pool.collector)
        while len(collector.ads(Kind.FACTORY)) < len(self.entries):
            time.sleep(0.5)
            if self._process.poll() is not None or time.monotonic() - began > 300:
                raise SystemExit(f"the factory does not start; see {self.home}/said")
        return time.monotonic() - began

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def daemons(self) -> dict[str, dict[str, Any]]:
        daemons: dict[str, dict[str, Any]] = state_file.read(
            self.work / "factory/status.json"
        ).get("daemons", {})
        return daemons

    def settle(self, *, working: bool, limit_s: float = 600) -> None:
        """Wait until all entries know their queue, and do (or do not) have requests."""
        deadline = time.monotonic() + limit_s
        left = set(self.entries)
        while left:
            for name in sorted(left):
                told = state_file.read(self.work / "entries" / name / "status.json")
                asked = bool((told.get("decision") or {}).get("requests"))
                if told.get("queue") == "fresh" and asked == working:
                    left.discard(name)
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(left)} entries are not settled: {sorted(left)[:3]}")
            time.sleep(1)
        daemons = self.daemons()
        while not working and any(not one["pid"] for one in daemons.values()):
            time.sleep(1)
            daemons = self.daemons()

    def queue(self, count: int, groups: int) -> int:
        """Put ``count`` glideins into the queue, spread over entries and groups; how many."""
        share_ = max(1, count // (len(self.entries) * groups))
        clients = [f"vo.group{number:02}" for number in range(groups)]
        offer = Offer(scitoken=SCITOKEN)
        items = [
            {"client": client, "credential": offer.identifier(client)} for client in clients
        ]

        def submit() -> None:
            os.environ.update(self.pool.env)
            become(self.pool.user)
            htcondor.reload_config()
            location = htcondor.Collector(self.pool.collector).locate(
                htcondor.DaemonType.Schedd, "schedd@localhost"
            )
            schedd = htcondor.Schedd(location)
            for name in self.entries:
                folder = self.work / "entries" / name / "glideins"
                folder.mkdir(exist_ok=True)
                job = htcondor.Submit(
                    {
                        "universe": "vanilla",
                        "executable": "/bin/sleep",
                        "transfer_executable": "False",
                        "log": f"{folder}/events.19700101.log",
                        "My.GlideinFactory": '"Bench"',
                        "My.GlideinName": '"all"',
                        "My.GlideinEntryName": f'"{name}"',
                        "My.GlideinClient": '"$(client)"',
                        "My.GlideinFrontendName": '"vo:frontend"',
                        "My.GlideinCredentialIdentifier": '"$(credential)"',
                        "My.GlideinSubmission": f'"{name}"',
                    }
                )
                schedd.submit(job, count=share_, itemdata=iter(items))

        limited(submit, 3600)
        return share_

    def queued(self) -> int:
        """How many glideins there are in the queue, says the schedd."""
        said = self.pool.tool("condor_q", "-allusers", "-totals", timeout_s=120)
        found = re.search(r"Total for query: (\d+) jobs", said)
        assert found, said
        return int(found[1])

    def measure(self, minutes: float) -> dict[str, float]:
        """Return CPU seconds per minute, by who used them."""
        before, began = self._cpu(), time.monotonic()
        time.sleep(minutes * 60)
        after, minutes = self._cpu(), (time.monotonic() - began) / 60
        return {who: (after[who] - before[who]) / minutes for who in before}

    def memory(self) -> tuple[float, float]:
        """Return the memory of all daemons, and the median of the Entry daemons' (MB)."""
        assert self._process is not None
        by_name = {
            name: pss_mb(one["pid"]) or 0.0
            for name, one in self.daemons().items()
            if one["pid"]
        }
        total = sum(by_name.values()) + (pss_mb(self._process.pid) or 0.0)
        entries = [
            mb for name, mb in by_name.items() if name not in (VIEWS, MONITOR) and mb
        ]
        return total, statistics.median(entries)

    def cycle_s(self) -> float:
        """Return what the last view of all requests took, and the slowest entry."""
        took = {name: one["cycle_s"] for name, one in self.daemons().items()}
        views = took.pop(VIEWS)
        took.pop(MONITOR)
        return float(views + max(took.values()))

    def _cpu(self) -> dict[str, float]:
        """Return CPU seconds so far: of the factory with all it ever started, and of the pool's
        daemons."""
        assert self._process is not None
        family = [self._process.pid, *_below(self._process.pid)]
        cpu = {"factory": sum(_cpu_of(pid, with_ended=True) for pid in family)}
        for pid in self.pool._processes():
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            for who in ("schedd", "collector"):
                if name.startswith(f"condor_{who}"[:15]):
                    cpu[who] = cpu.get(who, 0.0) + _cpu_of(pid, with_ended=True)
        return cpu


def _cpu_of(pid: int, *, with_ended: bool) -> float:
    """Return the CPU seconds of a process, and of its children that have ended."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    ticks = sum(map(int, words[11 : 15 if with_ended else 13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _below(pid: int) -> Iterator[int]:
    """Yield the processes that descend from one."""
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from _below(int(child))


class Repeating:
    """The Frontends, in a process of their own, asking each minute until the end."""

    def __init__(self, frontends: Frontends, idle: int) -> None:
        self._pid = os.fork()
        if self._pid == 0:
            try:
                while True:
                    began = time.monotonic()
                    frontends.ask(idle)
                    time.sleep(max(0.0, 60 - (time.monotonic() - began)))
            finally:
                os._exit(1)

    def stop(self) -> None:
        os.kill(self._pid, 9)
        os.waitpid(self._pid, 0)


def run(
    entries: int,
    queued: Sequence[int],
    groups: int,
    minutes: float,
    more: int,
    console: Console,
) -> list[Result]:
    """Measure; ``queued`` are increasing numbers of glideins in the queue."""
    results: list[Result] = []

    def say(text: str) -> None:
        console.print(f"[dim]{time.strftime('%H:%M:%S')}  {text}[/]")

    home = Path(tempfile.mkdtemp(prefix="factory-bench."))
    home.chmod(0o755)
    condor = home / "condor"
    try:
        condor_tarball.unpack(tarballs("sid", say)[1], condor)
        with Pool(condor, home / "pool", user=demo_user(), knobs=KNOBS) as pool:
            let_user_in(pool)
            (home / "factory").mkdir()
            bench = Bench(home / "factory", pool, entries)
            bench.configure()
            try:
                say(f"{entries} entries that nobody asks anything of")
                ready_s = bench.start()
                bench.settle(working=False)
                time.sleep(75)
                results.append(_result(bench, 0, 0, minutes, ready_s))
                frontends = Frontends(pool, groups, bench.entries)
                there = 0
                for count in queued:
                    bench.stop()
                    say(f"queueing glideins: {count - there}")
                    there += bench.queue(count - there, groups) * entries * groups
                    ready_s = bench.start()
                    idle = there // (entries * groups)
                    say(
                        f"{groups} groups ask {entries} entries, {there} glideins are queued"
                    )
                    repeating = Repeating(frontends, idle)
                    try:
                        bench.settle(working=True)
                        time.sleep(75)
                        results.append(_result(bench, there, groups, minutes, ready_s))
                    finally:
                        repeating.stop()
                if more and results:
                    say(f"Frontends ask for {more} more")
                    submitted_s = _submit(bench, frontends, there, more)
                    last = results.pop()
                    results.append(Result(**{**asdict(last), "submitted_s": submitted_s}))
            finally:
                bench.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return results


def _result(
    bench: Bench, queued: int, groups: int, minutes: float, ready_s: float
) -> Result:
    cpu = bench.measure(minutes)
    total, median = bench.memory()
    return Result(
        len(bench.entries),
        queued,
        groups,
        round(cpu["factory"], 2),
        round(cpu["schedd"], 2),
        round(cpu["collector"], 2),
        round(total, 1),
        round(median, 2),
        round(bench.cycle_s(), 2),
        round(ready_s, 1),
    )


def _submit(bench: Bench, frontends: Frontends, there: int, more: int) -> float:
    """Return after how many seconds ``more`` glideins are in the queue that were asked for."""
    few = min(10, len(bench.entries))
    idle = there // (len(bench.entries) * len(frontends.clients))
    before = bench.queued()
    frontends.ask(idle, more // few, few)
    began = time.monotonic()
    while bench.queued() < before + more // few * few:
        if time.monotonic() - began > 600:
            raise SystemExit(f"{bench.queued() - before} glideins after ten minutes")
        time.sleep(2)
    return round(time.monotonic() - began, 1)


def show(results: Sequence[Result], console: Console) -> None:
    """Print the table."""
    table = Table("", *(f"{one.queued} queued" for one in results))
    for name in asdict(results[0]):
        if name != "queued":
            table.add_row(name, *(str(getattr(one, name)) for one in results))
    table.add_row("cpu of all three", *(f"{one.cpu_s:.2f}" for one in results))
    console.print(table)
    for one in results:
        if one.groups and one.cpu_s > AIM_S:
            console.print(
                f"[red]{one.queued} queued: {one.cpu_s:.1f} s, aim {AIM_S:g} s[/]"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a working factory costs.")
    parser.add_argument("--entries", type=int, default=500)
    parser.add_argument("--queued", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--groups", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5, help="of each measurement")
    parser.add_argument(
        "--more", type=int, default=1000, help="glideins to ask for at the end"
    )
    given = parser.parse_args()
    console = Console()
    results = run(
        given.entries, given.queued, given.groups, given.minutes, given.more, console
    )
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps([asdict(one) for one in results], indent=2) + "\n")
    show(results, console)


if __name__ == "__main__":
    main()
