"""A personal HTCondor pool on this machine: where glideins join and jobs wait for them.

Collector, negotiator and schedd under one master, behind one loopback port, in one folder, from an
unpacked HTCondor (profile ``pool``). All of it runs as one ordinary user, also when root starts
it: a schedd refuses root's jobs. The folder tells everything; nothing is written elsewhere.

    with Pool(condor, home) as pool:
        token.write_text(pool.token("glidein@pool", ADVERTISE_STARTD))
        jobs = pool.submit({"executable": "/bin/hostname"}, count=4)
        codes = pool.wait(jobs)
"""

import contextlib
import json
import logging
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import htcondor2 as htcondor
import tenacity

from orchestrator.errors import PoolError

log = logging.getLogger(__name__)

GLIDEIN = ("READ", "ADVERTISE_STARTD", "ADVERTISE_MASTER")  # what a glidein's token allows
_MARK = "GLIDEIN_POOL"  # not CONDOR_CONFIG, which users of the pool have as well
DOMAIN = "pool"  # identities are NAME@pool; also the trust domain, the issuer of tokens

_CONFIG = """\
# A personal pool, written by orchestrator/trial/pool.py.
RELEASE_DIR = {condor}
LOCAL_DIR   = {home}
BIN         = $(RELEASE_DIR)/bin
SBIN        = $(RELEASE_DIR)/sbin
LIBEXEC     = $(RELEASE_DIR)/libexec
LIB         = $(RELEASE_DIR)/lib
SHARE       = $(RELEASE_DIR)/share
ETC         = $(LOCAL_DIR)/etc
RUN         = $(LOCAL_DIR)/run
LOCK        = $(LOCAL_DIR)/lock
LOG         = $(LOCAL_DIR)/log
SPOOL       = $(LOCAL_DIR)/spool
EXECUTE     = $(LOCAL_DIR)/execute
LOCAL_CONFIG_DIR  = {home}/etc/config.d
LOCAL_CONFIG_FILE =
USER_CONFIG_FILE  =

DAEMON_LIST          = MASTER, SHARED_PORT, COLLECTOR, NEGOTIATOR, SCHEDD
CONDOR_HOST          = 127.0.0.1
NETWORK_INTERFACE    = 127.0.0.1
FULL_HOSTNAME        = localhost
COLLECTOR_HOST       = 127.0.0.1:{port}
USE_SHARED_PORT      = True
SHARED_PORT_PORT     = {port}
COLLECTOR_NAME       = {name}
SCHEDD_NAME          = schedd@localhost
ENABLE_KERNEL_TUNING = False

# One ordinary user is everybody: daemons (the family), tools and submitters (FS). Whoever comes
# from elsewhere, as a glidein does, shows a token that was signed with this pool's key.
UID_DOMAIN                       = {domain}
TRUST_DOMAIN                     = {domain}
SEC_DEFAULT_AUTHENTICATION       = REQUIRED
SEC_READ_AUTHENTICATION          = OPTIONAL
SEC_CLIENT_AUTHENTICATION        = PREFERRED
SEC_DEFAULT_AUTHENTICATION_METHODS = FS, IDTOKENS
# A glidein on this machine could prove its user as well, and is to be known by its token.
SEC_ADVERTISE_STARTD_AUTHENTICATION_METHODS = IDTOKENS, FS
SEC_ADVERTISE_MASTER_AUTHENTICATION_METHODS = IDTOKENS, FS
SEC_DEFAULT_INTEGRITY            = REQUIRED
SEC_READ_INTEGRITY               = OPTIONAL
SEC_CLIENT_INTEGRITY             = PREFERRED
SEC_TOKEN_POOL_SIGNING_KEY_FILE  = {home}/etc/key
SEC_PASSWORD_DIRECTORY           = {home}/etc
SEC_TOKEN_SYSTEM_DIRECTORY       = {home}/etc/tokens.d
SEC_TOKEN_DIRECTORY              = {home}/etc/tokens.d
ALLOW_READ          = *
ALLOW_WRITE         = *@{domain}, execute-side@matchsession, submit-side@matchsession
ALLOW_DAEMON        = {user}@{domain}, condor@{domain}, daemon@{domain}
ALLOW_ADMINISTRATOR = {user}@{domain}
ALLOW_NEGOTIATOR    = {user}@{domain}, condor@{domain}
ALLOW_ADVERTISE_STARTD = *@{domain}
ALLOW_ADVERTISE_MASTER = *@{domain}
ALLOW_ADVERTISE_SCHEDD = *@{domain}
# A glidein beside this pool must not get in as the user that both belong to.
DENY_ADVERTISE_STARTD  = {user}@{domain}
DENY_ADVERTISE_MASTER  = {user}@{domain}

# Quick, for people and tests that wait for it.
NEGOTIATOR_INTERVAL     = 2
NEGOTIATOR_MIN_INTERVAL = 1
NEGOTIATOR_CYCLE_DELAY  = 1
SCHEDD_INTERVAL         = 5
SCHEDD_MIN_INTERVAL     = 1
UPDATE_INTERVAL         = 5
MASTER_UPDATE_INTERVAL  = 5
CLASSAD_LIFETIME        = 900
"""


@dataclass(frozen=True)
class Jobs:
    """One submitted cluster; ``folder`` holds its ``job.log``, and ``PROC.out``, ``PROC.err``."""

    cluster: int
    count: int
    folder: Path


class Pool:
    """A pool below ``home``, run from the unpacked HTCondor ``condor``.

    Without ``home`` the pool lives in a folder of its own below the machine's temporary one, and
    ``stop`` removes that. ``user`` is whom root starts the pool as. ``knobs`` are more
    configuration lines, last. Everybody may enter ``home``: its user must, and so may glideins.
    """

    def __init__(
        self,
        condor: Path,
        home: Path | None = None,
        *,
        user: str = "nobody",
        knobs: Mapping[str, str] | None = None,
    ) -> None:
        self.condor = condor.resolve()
        self._own_home = home is None
        if home is None:
            home = Path(tempfile.mkdtemp(prefix="pool."))
        self.home = home.resolve()
        self.root = os.geteuid() == 0
        self._user = pwd.getpwnam(user) if self.root else pwd.getpwuid(os.geteuid())
        self._knobs = dict(knobs or {})
        self.config_file = self.home / "etc" / "condor_config"
        self.port = 0
        self._master: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def user(self) -> str:
        """The name of the user that daemons and jobs belong to."""
        return self._user.pw_name

    @property
    def collector(self) -> str:
        """The address of the collector, for ``GLIDEIN_Collector`` and ``-pool``."""
        return f"127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """The environment in which this HTCondor's tools speak to this pool."""
        return {
            "CONDOR_CONFIG": str(self.config_file),
            _MARK: str(self.home),
            "PATH": f"{self.condor}/bin:{self.condor}/sbin:/usr/bin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
        }

    def start(self, timeout_s: float = 30) -> None:
        """Start the daemons and return when collector, negotiator and schedd have advertised.

        Raises:
            PoolError: they have not after ``timeout_s``; the message ends with what they logged.
        """
        self._lay_out()
        # Somebody may take the free port before the collector does: then try another one.
        for attempt in (1, 2, 3):
            self.port = _free_port()
            self._configure()
            self._master = self._popen([self.condor / "sbin/condor_master", "-f"])
            if self._advertised(timeout_s):
                log.info("pool home=%s collector=%s", self.home, self.collector)
                return
            said = self._log_tail()
            self._stop_daemons()
            if "Address already in use" not in said or attempt == 3:
                break
        raise PoolError(f"pool in {self.home}: not up after {timeout_s:.0f} s: {said}")

    def stop(self) -> None:
        """Stop what runs, wait for it, kill the rest; remove a home of our own making."""
        self._stop_daemons()
        if self._own_home:
            shutil.rmtree(self.home, ignore_errors=True)

    def tool(
        self, *command: str | Path, timeout_s: float = 30, stdin: str | None = None
    ) -> str:
        """Run one of HTCondor's tools as the pool's user and return what it printed.

        Raises:
            PoolError: it failed, or took longer than ``timeout_s``.
        """
        words = [str(word) for word in command]
        try:
            done: subprocess.CompletedProcess[str] = subprocess.run(
                words,
                env=self.env,
                input=stdin or "",
                cwd=self.home,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=True,
                **self._identity(),
            )
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout).strip()
            raise PoolError(
                f"{' '.join(words)}: exit {error.returncode}: {said}"
            ) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PoolError(f"{' '.join(words)}: {error}") from error
        return done.stdout

    def token(
        self, identity: str = f"glidein@{DOMAIN}", authz: Sequence[str] = GLIDEIN
    ) -> str:
        """Return a signed token for ``identity``, good for the ``authz`` levels (none: all)."""
        command = ["condor_token_create", "-key", "POOL", "-identity", identity]
        for level in authz:
            command += ["-authz", level]
        return self.tool(*command)

    def token_file(
        self,
        path: Path,
        identity: str = f"glidein@{DOMAIN}",
        authz: Sequence[str] = GLIDEIN,
        owner: str | None = None,
    ) -> Path:
        """Write a token that only ``owner`` (without: the caller) can read, and return ``path``."""
        text = self.token(identity, authz)
        path.unlink(missing_ok=True)
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
        ) as file:
            file.write(text)
        if owner is not None and self.root:
            shutil.chown(path, owner)
        return path

    def submit(self, commands: Mapping[str, str], count: int = 1) -> Jobs:
        """Submit ``count`` jobs; ``commands`` are those of a submit file.

        Raises:
            PoolError: the schedd, or condor_submit, refuses.
        """
        folder = Path(tempfile.mkdtemp(prefix="", dir=self.home / "jobs"))
        self._give_away(folder)
        description = {
            "initialdir": str(folder),
            "log": "job.log",
            "output": "$(Process).out",
            "error": "$(Process).err",
            "should_transfer_files": "YES",
            "transfer_executable": "False",
            "request_cpus": "1",
            "request_memory": "16",
            "request_disk": "1024",
            **commands,
        }
        text = "".join(f"{key} = {value}\n" for key, value in description.items())
        said = self.tool("condor_submit", "-terse", "-", stdin=f"{text}queue {count}\n")
        cluster = int(said.split(".")[0])
        log.info("pool submitted=%d cluster=%d", count, cluster)
        return Jobs(cluster, count, folder)

    def wait(self, jobs: Jobs, timeout_s: float = 120) -> dict[int, int]:
        """Wait until all jobs ended; return exit code, or minus the signal, by number of the job.

        Raises:
            PoolError: some have not ended after ``timeout_s``, or one was held or removed.
        """
        codes: dict[int, int] = {}
        deadline = time.monotonic() + timeout_s
        with contextlib.closing(
            htcondor.JobEventLog(str(jobs.folder / "job.log"))
        ) as events:
            while len(codes) < jobs.count:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    raise PoolError(
                        f"{len(codes)} of {jobs.count} jobs ended in {timeout_s:.0f} s;"
                        f" queue: {self.queue(['ProcId', 'JobStatus', 'HoldReason'])};"
                        f" slots: {self.slots(['Name', 'State', 'Activity'])}"
                    )
                for event in events.events(stop_after=min(int(left_s) + 1, 2)):
                    if event.type == htcondor.JobEventType.JOB_TERMINATED:
                        normally = event["TerminatedNormally"]
                        code = (
                            event["ReturnValue"]
                            if normally
                            else -event["TerminatedBySignal"]
                        )
                        codes[event.proc] = int(code)
                    elif event.type in (
                        htcondor.JobEventType.JOB_HELD,
                        htcondor.JobEventType.JOB_ABORTED,
                    ):
                        reason = event.get("HoldReason") or event.get("Reason")
                        raise PoolError(f"job {event.cluster}.{event.proc}: {reason}")
        return codes

    def ads(self, *options: str, attributes: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Return ads of the collector: ``options`` as condor_status takes them, say ``-any``."""
        wanted = ["-attributes", ",".join(attributes)] if attributes else []
        said = self.tool("condor_status", *options, *wanted, "-json", timeout_s=10)
        ads: list[dict[str, Any]] = json.loads(said or "[]")
        return ads

    def slots(self, attributes: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Return the slots that have joined."""
        # Not -startd: since HTCondor 24 that means the daemons.
        return self.ads(attributes=attributes)

    def queue(
        self, attributes: Sequence[str] = (), schedd: str = ""
    ) -> list[dict[str, Any]]:
        """Return the jobs in the schedd's queue, or in that of another one."""
        wanted = ["-attributes", ",".join(attributes)] if attributes else []
        wanted += ["-name", schedd] if schedd else []
        ads: list[dict[str, Any]] = json.loads(
            self.tool("condor_q", "-allusers", *wanted, "-json") or "[]"
        )
        return ads

    def _lay_out(self) -> None:
        """Make the folders and the signing key, once, for the pool's user."""
        for name in (
            "",
            "etc",
            "etc/config.d",
            "run",
            "lock",
            "log",
            "spool",
            "execute",
            "jobs",
        ):
            folder = self.home / name
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
            self._give_away(folder)
        tokens = self.home / "etc/tokens.d"
        tokens.mkdir(mode=0o700, exist_ok=True)
        self._give_away(tokens)
        key = self.home / "etc/key"
        if not key.exists():
            with os.fdopen(
                os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as f:
                # HTCondor reads a key up to the first NUL.
                f.write(secrets.token_hex(32).encode())
        self._give_away(key)
        for folder in (self.condor, *self.condor.parents, *self.home.parents):
            if self.root and not folder.stat().st_mode & 0o001:
                raise PoolError(f"{folder}: user {self.user} must be able to enter it")

    def _configure(self) -> None:
        text = _CONFIG.format(
            condor=self.condor,
            home=self.home,
            port=self.port,
            name=f"pool-{self.port}",
            domain=DOMAIN,
            user=self.user,
        )
        more = "".join(f"{name} = {value}\n" for name, value in self._knobs.items())
        self.config_file.write_text(text + more)

    def _identity(self) -> dict[str, Any]:
        """Arguments of subprocess: who the daemons and tools are."""
        if not self.root:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": ()}

    def _give_away(self, path: Path) -> None:
        if self.root:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _popen(self, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        with (self.home / "log/stderr").open("ab") as stderr:
            return subprocess.Popen(
                command,
                env=self.env,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                start_new_session=True,
                **self._identity(),
            )

    def _advertised(self, timeout_s: float) -> bool:
        """Wait for the ads of all daemons; say whether they came."""
        assert self._master is not None
        master = self._master

        def state() -> set[str]:
            if master.poll() is not None:
                raise EOFError  # no use in waiting
            return {str(ad.get("MyType")) for ad in self.ads("-any", attributes=["MyType"])}

        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(PoolError)
            | tenacity.retry_if_result(
                lambda types: not {"Collector", "Negotiator", "Scheduler"} <= types
            ),
            wait=tenacity.wait_fixed(0.2),  # seconds
            stop=tenacity.stop_after_delay(timeout_s),
        )
        try:
            attempts(state)
        except (tenacity.RetryError, EOFError):
            return False
        return True

    def _log_tail(self) -> str:
        lines: list[str] = []
        for path in sorted((self.home / "log").iterdir()):
            if path.is_file():
                lines += path.read_text(errors="replace").splitlines()[-5:]
        return "; ".join(lines)

    def _stop_daemons(self) -> None:
        if self._master is not None:
            if self._master.poll() is None:
                self._master.send_signal(signal.SIGQUIT)  # a master's "fast"
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._master.wait(timeout=10)
            self._master.kill()
            self._master.wait()
            self._master = None
        for _ in range(50):
            left = list(self._processes())
            if not left:
                return
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        log.warning("pool home=%s: still there: %s", self.home, left)

    def _processes(self) -> Iterator[int]:
        """Find processes of this pool: they carry its folder in their environment."""
        mark = f"{_MARK}={self.home}".encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                with contextlib.suppress(OSError):
                    if (
                        entry.stat().st_uid == self._user.pw_uid
                        and mark in (entry / "environ").read_bytes().split(b"\0")
                        and (entry / "stat").read_text().rpartition(")")[2].split()[0]
                        != "Z"
                    ):
                        yield int(entry.name)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
