"""Batch systems that a factory submits to, each with an own folder and ports, as one ordinary user.

* ``slurm``: munged, slurmctld and slurmd of Debian; jobs run on this machine.
* ``ce``: what an HTCondor-CE is to a factory: another pool with a schedd, and slots of its own.
* ``factory_pool``: the pool of the factory host; its schedd reaches that Slurm.

All are stopped by process id.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from orchestrator.trial.pool import Pool
from tests.factory_user import let_user_in
from tests.needs import need, program

USER = "nobody"

_SLURM_CONF = """\
ClusterName=test
SlurmctldHost=localhost
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
AuthInfo=socket={home}/munge.socket
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
# Told numbers, whatever the machine has.
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1
# Tools remember what they were told of a number, so no two tests may use the same one.
FirstJobId={first}
NodeName=localhost CPUs=4 RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""


# A schedd that hands jobs on, quickly, for tests that wait for it.
HAND_ON = {
    "TMP_DIR": "$(RUN)",
    "GRIDMANAGER_CONTACT_SCHEDD_DELAY": "1",
    "GRIDMANAGER_JOB_PROBE_INTERVAL": "1",
    "GRIDMANAGER_CHECKPROXY_INTERVAL": "5",
    "GRIDMANAGER_MINIMUM_PROXY_TIME": "1",
    "CONDOR_JOB_POLL_INTERVAL": "1",
    "C_GAHP_CONTACT_SCHEDD_DELAY": "1",
    "C_GAHP_LOG": "$(LOG)/CGAHPLog",
    "C_GAHP_WORKER_THREAD_LOG": "$(LOG)/CGAHPWorkerLog",
}


def slurm_found(home: Path) -> dict[str, str]:
    """Return what lets a schedd find the Slurm below ``home``."""
    return {"SCHEDD_ENVIRONMENT": f'"SLURM_CONF={home}/slurm.conf"'}


class Slurm:
    """A Slurm below ``home``; its commands find it by the variable SLURM_CONF."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.config = home / "slurm.conf"
        self._processes: list[subprocess.Popen[bytes]] = []
        root = os.geteuid() == 0
        self.user = pwd.getpwnam(USER) if root else pwd.getpwuid(os.geteuid())
        # Not as root: then all of it is this user's, and so are the jobs.
        self._identity: dict[str, Any] = (
            {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": ()}
            if root
            else {}
        )

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def env(self) -> dict[str, str]:
        """The environment in which Slurm's commands speak to this one."""
        return {"SLURM_CONF": str(self.config), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

    def start(self, limit_s: float = 60) -> None:
        """Start the daemons and return when a node waits for jobs."""
        for name in ("state", "spool"):
            (self.home / name).mkdir()
        key = self.home / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        self.config.write_text(
            _SLURM_CONF.format(
                home=self.home,
                user=self.user.pw_name,
                controller=_free_port(),
                node=_free_port(),
                first=1000 + secrets.randbelow(60_000_000),
            )
        )
        for path in [self.home, *self.home.iterdir()]:
            shutil.chown(path, self.user.pw_uid, self.user.pw_gid)
        self._start(
            "munged",
            "--foreground",
            "--force",  # whoever owns the folders above
            f"--socket={self.home}/munge.socket",
            f"--key-file={key}",
            f"--pid-file={self.home}/munged.pid",
            f"--log-file={self.home}/munged.log",
            f"--seed-file={self.home}/munge.seed",
        )
        self._wait("munged", lambda: (self.home / "munge.socket").exists(), limit_s)
        self._start("slurmctld", "-D", "-c")
        self._start("slurmd", "-D", "-N", "localhost")
        self._wait("sinfo", lambda: "idle" in self.ask("sinfo", "-h", "-o", "%t"), limit_s)

    def ask(self, *command: str) -> str:
        """Run one of Slurm's commands as the user; return what it printed."""
        done = subprocess.run(
            command,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=30,  # seconds
            check=False,
            **self._identity,
        )
        return str(done.stdout)

    def stop(self) -> None:
        """Cancel the jobs and stop the daemons."""
        if len(self._processes) > 1:
            self.ask("scancel", "--user", self.user.pw_name, "--signal=KILL")
            with contextlib.suppress(AssertionError):
                self._wait("squeue", lambda: not self.ask("squeue", "-h").strip(), 30)
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def said(self) -> str:
        """The end of the logs, for the message of a failure."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}"
            for path in sorted(self.home.glob("*.log"))
        )

    def _start(self, name: str, *options: str) -> None:
        path = program(name)
        assert path is not None, name
        with (self.home / f"{name}.out.log").open("wb") as said:
            self._processes.append(
                subprocess.Popen(
                    [path, *options],
                    env=self.env,
                    cwd=self.home,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    **self._identity,
                )
            )

    def _wait(self, what: str, come: Any, limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        while not come():
            for process in self._processes:
                assert process.poll() is None, f"{process.args!r}: ended\n{self.said()}"
            assert time.monotonic() < deadline, f"{what}: {limit_s:g} s\n{self.said()}"
            time.sleep(0.1)


@pytest.fixture(scope="session")
def slurm_home() -> Iterator[Path]:
    """The folder of a Slurm that may be started later."""
    home = Path(tempfile.mkdtemp(prefix="slurm-test."))
    home.chmod(0o755)
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def slurm(slurm_home: Path) -> Iterator[Slurm]:
    """A Slurm with one node of four processors."""
    need("slurmctld", "slurmd", "sbatch", "munged")
    made = Slurm(slurm_home)
    # Where HTCondor's own tools for Slurm keep what they were told; nobody else clears it.
    cache = Path(f"/var/tmp/slurm_cache_{made.user.pw_name}")
    was_there = cache.exists()
    with made:
        yield made
    if not was_there:
        shutil.rmtree(cache, ignore_errors=True)


@pytest.fixture(scope="session")
def ce(condor: Path) -> Iterator[Pool]:
    """A pool with slots, whose schedd others submit to."""
    knobs = {
        "DAEMON_LIST": "MASTER, SHARED_PORT, COLLECTOR, NEGOTIATOR, SCHEDD, STARTD",
        "SCHEDD_NAME": "ce@localhost",
        # Its own slots join as its own user.
        "DENY_ADVERTISE_STARTD": "",
        "DENY_ADVERTISE_MASTER": "",
        "NUM_CPUS": "4",
        "MEMORY": "2048",
        "START": "True",
        "RunBenchmarks": "False",
        "STARTER_UPDATE_INTERVAL": "2",
        "JOB_EXECDIR_PERMISSIONS": "user",
    }
    with Pool(condor, knobs=knobs) as pool:
        let_user_in(pool)
        yield pool


@pytest.fixture(scope="session")
def factory_pool(condor: Path, slurm_home: Path) -> Iterator[Pool]:
    """The pool of a factory host: no slots, and a schedd that hands glideins on."""
    knobs = HAND_ON | slurm_found(slurm_home) | {"START_LOCAL_UNIVERSE": "True"}
    with Pool(condor, knobs=knobs) as pool:
        let_user_in(pool)
        yield pool


@dataclass(frozen=True)
class Place:
    """Where an entry's glideins go: its grid type, its gatekeeper, and the schedd's pool."""

    grid_type: str
    gatekeeper: str
    pool: Pool
    schedd: str


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
