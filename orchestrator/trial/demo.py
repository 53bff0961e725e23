"""The demo: from a machine with nothing to users' jobs running in real glideins, in one command.

Builds the HTCondor tarballs, starts a personal pool, publishes an area and serves it, starts two
glideins as ordinary processes through the shipped single file, submits four jobs and shows what
happens. Everything lives below one folder and is stopped at the end, also on Ctrl-C.
"""

import contextlib
import os
import pwd
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from orchestrator import config
from orchestrator.arguments import Client
from orchestrator.errors import FactoryError
from orchestrator.share import share
from orchestrator.stage import history
from orchestrator.stage.static_server import serving
from orchestrator.stage.web_server import Settings, free_port, running
from orchestrator.tarball import condor_tarball
from orchestrator.trial.local_glidein import LocalGlidein
from orchestrator.trial.pool import Jobs, Pool
from orchestrator.worktree import reconfig
from orchestrator.worktree.entry_record import read_entry

GLIDEINS = 2
JOBS = 4
JOB_S = 3  # seconds each job works
DEADLINE_S = 180  # for the jobs to end and the glideins to leave

_FACTORY = """\
factory = "Demo"
glidein = "demo"
schedd = "nobody@localhost"
work = "work"
condor_tarballs = ["{tarball}"]

[web]
url = "{url}"
stage = "stage"
"""

_ENTRY = """\
gatekeeper = "localhost"
grid_type = "condor"
site = "ThisMachine"
work_dir = "."
proxy = {proxy}

[slot]
cpus = 1
memory_mb = 512
"""


@dataclass
class State:
    """What the table shows."""

    glideins: list[LocalGlidein] = field(default_factory=list)
    jobs: Jobs | None = None
    job_states: dict[int, str] = field(default_factory=dict)
    where: dict[int, str] = field(default_factory=dict)


def run(suite: str, web: str, squid: bool, console: Console) -> None:
    """Run the demo; ``web`` is ``embedded`` or ``nginx``, ``squid`` puts a web cache between.

    Raises:
        FactoryError: a part of it did not work; the message says which and where its logs are.
    """
    started = time.monotonic()

    def say(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - started:5.1f} s[/]  {text}")

    say(f"HTCondor from Debian {suite}: the glideins' tarball and the pool's")
    tarball, pool_tarball = tarballs(suite, say)
    home = Path(tempfile.mkdtemp(prefix="glidein-demo."))
    home.chmod(0o755)
    try:
        with _stop_on_signal(), contextlib.ExitStack() as stack:
            condor = home / "condor"
            condor_tarball.unpack(pool_tarball, condor)
            say("starting a pool: collector, negotiator, schedd")
            pool = stack.enter_context(Pool(condor, home / "pool"))
            stage = home / "stage"
            stage.mkdir()
            url, proxy = _serve(stack, web, squid, stage, home / "web")
            say(
                f"serving signed files at {url}"
                + (f", through Squid at {proxy}" if proxy else "")
            )
            arguments = _publish(home, tarball, url, proxy, pool)
            state = State()
            stack.callback(_stop_glideins, state)
            say(f"starting {GLIDEINS} glideins, submitting {JOBS} jobs")
            _start_glideins(state, home, arguments, pool)
            state.jobs = pool.submit(
                {"executable": "/bin/sh", "arguments": f"\"-c 'hostname; sleep {JOB_S}'\""},
                JOBS,
            )
            if console.is_terminal and not console.is_dumb_terminal:
                with Live(_table(state), console=console, refresh_per_second=4) as live:
                    _watch(state, pool, lambda: live.update(_table(state)), started)
            else:
                told: set[str] = set()
                _watch(state, pool, lambda: _tell_news(state, told, say), started)
                console.print(_table(state))
            _verdict(state, say)
    finally:
        shutil.rmtree(home / "condor", ignore_errors=True)
        for text in (
            f"logs: {home}  (glidein-0/glidein.err, pool/log/, web/)",
            f"one glidein in full:  glidein-factory logs {home}/glidein-0/glidein.*",
        ):
            console.print(text, soft_wrap=True)  # to be copied: no line break in a path


def _serve(
    stack: contextlib.ExitStack, web: str, squid: bool, stage: Path, folder: Path
) -> tuple[str, str]:
    """Start what serves the stage, and a cache before it if asked for; return both URLs."""
    folder.mkdir()
    proxy = ""
    if web == "nginx":
        settings = Settings(folder / "nginx", free_port(), root=stage)
        url = stack.enter_context(running("nginx", settings)).url
    else:
        url = stack.enter_context(serving(stage)).url
    if squid:
        settings = Settings(folder / "squid", free_port(), origins=[url])
        proxy = stack.enter_context(running("squid", settings)).url
    return url, proxy


def tarballs(suite: str, say: Callable[[str], None]) -> tuple[Path, Path]:
    """Return the tarball for glideins and that for the pool; both are kept in the cache."""
    glidein, pool = (
        condor_tarball.cached(suite, profile, debian_arch(), say)
        for profile in ("glidein", "pool")
    )
    return glidein, pool


def debian_arch() -> str:
    """Return Debian's name of this machine's processor.

    Raises:
        FactoryError: there is no HTCondor in Debian for it.
    """
    machine = os.uname().machine
    for debian, uname in condor_tarball.ARCHITECTURES.items():
        if uname == machine:
            return debian
    raise FactoryError(f"no HTCondor in Debian for this machine's processor, {machine}")


def _publish(home: Path, tarball: Path, url: str, proxy: str, pool: Pool) -> list[str]:
    """Write a configuration, publish it, and return the arguments of its glideins."""
    folder = home / "config"
    (folder / "entries").mkdir(parents=True)
    shutil.copy(tarball, folder / tarball.name)
    (folder / "factory.toml").write_text(_FACTORY.format(tarball=tarball.name, url=url))
    proxies = f'["{proxy}"]' if proxy else '"None"'
    (folder / "entries" / "here.toml").write_text(_ENTRY.format(proxy=proxies))
    for name in ("stage", "work"):
        (folder / name).symlink_to(home / name)
    (home / "work").mkdir()
    configuration = config.load(folder)
    with reconfig.lock(configuration):
        plan = reconfig.make_plan(configuration, share("glidein"))
        reconfig.carry_out(plan, history.utc_now())
    parameters = {
        "GLIDEIN_Collector": pool.collector,
        "GLIDEIN_Max_Idle": "30",
        "GLIDEIN_Max_Tail": "6",
    }
    return read_entry(configuration.work, "here").arguments(Client("demo.main"), parameters)


def _start_glideins(state: State, home: Path, arguments: list[str], pool: Pool) -> None:
    for number in range(GLIDEINS):
        folder = home / f"glidein-{number}"
        folder.mkdir()
        pool.token_file(folder / "credential_demo.idtoken")
        user = pool.user if pool.root else None
        glidein = LocalGlidein(
            home / "work" / reconfig.STARTUP,
            arguments,
            folder,
            user=user,
            env={"BACKOFF_MAX_S": "0", "GLIDEIN_CACHE": "none"},
        )
        state.glideins.append(glidein)
        glidein.start()


def _stop_glideins(state: State) -> None:
    for glidein in state.glideins:
        glidein.signal(signal.SIGTERM)
    for glidein in state.glideins:
        glidein.stop()


def _watch(state: State, pool: Pool, show: Callable[[], None], started: float) -> None:
    """Look at queue and glideins until all glideins have left, or the demo's time is over."""
    while time.monotonic() - started < DEADLINE_S:
        _look(state, pool)
        show()
        if all(glidein.poll() is not None for glidein in state.glideins):
            return
        time.sleep(0.25)


def _look(state: State, pool: Pool) -> None:
    words = {1: "idle", 2: "running", 4: "done", 5: "held", 6: "running"}
    assert state.jobs is not None
    queue = {ad["ProcId"]: ad for ad in pool.queue(["ProcId", "JobStatus", "RemoteHost"])}
    for number in range(JOBS):
        if number in queue:
            state.job_states[number] = words.get(queue[number]["JobStatus"], "?")
            host = str(queue[number].get("RemoteHost", ""))
            if host:
                state.where[number] = host.split("@", 1)[-1].split("@", 1)[0]
        elif state.job_states.get(number):
            state.job_states[number] = "done"


def _table(state: State) -> Group:
    glideins = Table("glidein", "phases (ms)", "state", title_justify="left")
    for number, glidein in enumerate(state.glideins):
        phases = "  ".join(
            f"{phase.name} {phase.ms}"
            + ("" if phase.verdict == "ok" else f" {phase.verdict}")
            for phase in glidein.phases()
        )
        code = glidein.poll()
        glideins.add_row(
            str(number), phases, "running" if code is None else f"left, exit code {code}"
        )
    jobs = Table("job", "state")
    for number in range(JOBS):
        jobs.add_row(str(number), state.job_states.get(number, "submitted"))
    return Group(glideins, jobs)


def _tell_news(state: State, told: set[str], say: Callable[[str], None]) -> None:
    """Say what happened since the last look: for those who see no table change."""
    news = [
        f"glidein {number}: {phase.name} {phase.verdict}, {phase.ms} ms"
        for number, glidein in enumerate(state.glideins)
        for phase in glidein.phases()
    ]
    for number, job in sorted(state.job_states.items()):
        news.append(f"job {number}: {job}")
    for text in news:
        if text not in told:
            told.add(text)
            say(text)


def _verdict(state: State, say: Callable[[str], None]) -> None:
    """Say how it went.

    Raises:
        FactoryError: a job did not end, or a glidein did not leave by itself with code 0.
    """
    done = sum(job == "done" for job in state.job_states.values())
    codes = [glidein.poll() for glidein in state.glideins]
    if done != JOBS or codes != [0] * GLIDEINS:
        raise FactoryError(
            f"{done} of {JOBS} jobs ended; exit codes of the glideins: {codes}"
        )
    for number, glidein in enumerate(state.glideins):
        report = glidein.report()
        end, jobs = report.get("end", {}), report.get("run", {}).get("jobs")
        say(f"glidein {number}: {jobs} jobs, then it left: {end.get('cause')}")
    say(f"{done} jobs ran in {GLIDEINS} glideins")


@contextlib.contextmanager
def _stop_on_signal() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the demo as Ctrl-C does: through every clean-up."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt)
        for number in (signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def demo_user() -> str:
    """Return who the demo's pool and glideins run as."""
    return "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
