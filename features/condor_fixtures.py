"""Fixtures of HTCondor tarballs: worker nodes that have an old C library, or none.

A node is a folder that becomes the root of a few processes, in a mount and a process namespace
of their own: they vanish with the process that holds them.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import PoolError
from orchestrator.share import cache_dir
from orchestrator.tarball import condor_tarball, debian
from orchestrator.trial.pool import Jobs, Pool
from tests.needs import need

LIB = Path(__file__).parent.parent / "glidein/lib"
BASH = shutil.which(os.environ.get("GLIDEIN_BASH", "bash")) or "bash"
USER = "nobody"

_DEBIAN_11 = ["bash", "coreutils", "gzip", "mawk", "sed", "tar"]

# In the namespaces: $1 is the root, $2 the work directory, $3 user and group.
_ENTER = """\
mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && mount --bind "$2" "$1/mnt" \\
  && mount --bind "$2/hosts" "$1/etc/hosts" \\
  && exec chroot --userspec="$3" "$1" /bin/bash /mnt/worker.sh /mnt
"""

_WORKER = """\
set -uo pipefail
cd "$1" && source lib/log.sh && source lib/config.sh && source lib/condor.sh || exit
condor_unpack condor.tar.gz "$PWD/condor" && condor_version "$PWD/condor" || exit
log_info "HTCondor version=$REPLY"
export CONDOR_CONFIG=$PWD/condor_config
exec "$PWD/condor/sbin/condor_master" -f
"""

_CONFIG = """\
RELEASE_DIR = {work}/condor
LOCAL_DIR   = {work}
BIN         = $(RELEASE_DIR)/bin
SBIN        = $(RELEASE_DIR)/sbin
LIB         = $(RELEASE_DIR)/lib
LIBEXEC     = $(RELEASE_DIR)/libexec
LOG         = {work}/log
LOCK        = {work}/log
RUN         = {work}/log
SPOOL       = {work}/spool
EXECUTE     = {work}/execute
LOCAL_CONFIG_DIR  =
LOCAL_CONFIG_FILE =
USER_CONFIG_FILE  =
DAEMON_LIST       = MASTER, STARTD
COLLECTOR_HOST    = {collector}
NETWORK_INTERFACE = 127.0.0.1
USE_SHARED_PORT   = False
ENABLE_KERNEL_TUNING = False
MASTER_NAME       = {name}
STARTD_NAME       = {name}
UID_DOMAIN        = pool
TRUST_DOMAIN      = pool
SEC_DEFAULT_AUTHENTICATION         = REQUIRED
SEC_DEFAULT_AUTHENTICATION_METHODS = IDTOKENS
SEC_TOKEN_DIRECTORY                = {work}/tokens.d
SEC_USE_FAMILY_SESSION             = False
ALLOW_READ     = *
ALLOW_WRITE    = *
ALLOW_DAEMON   = *
NUM_CPUS       = 1
MEMORY         = 256
START          = TARGET.NodeWanted =?= "{name}"
UPDATE_INTERVAL = 5
RunBenchmarks   = False
# What a 25.14 startd writes by itself, a 23.9 negotiator reads with other precedences: no match.
WithinResourceLimits = TARGET.RequestCpus <= MY.Cpus && TARGET.RequestMemory <= MY.Memory
"""


@dataclass
class Machine:
    """A kind of worker node; without ``root`` it is this machine."""

    root: Path | None

    @property
    def release(self) -> str:
        """What its /etc/debian_version says."""
        return ((self.root or Path("/")) / "etc/debian_version").read_text()


@pytest.fixture(scope="session")
def machines() -> Callable[[str], Machine]:
    """How to make a worker node of a kind."""
    kinds: dict[str, Callable[[Path], None]] = {
        "of Debian 11": _lay_debian_11,
        "without any C library": _lay_static,
    }

    def make(kind: str) -> Machine:
        if kind == "like this machine":
            return Machine(None)
        need("unshare", "chroot", "mount", root=True)
        root = cache_dir() / "roots" / kind.replace(" ", "-")
        if not root.exists():
            new = Path(tempfile.mkdtemp(dir=cache_dir()))
            kinds[kind](new)
            _finish(new)
            root.parent.mkdir(exist_ok=True)
            with contextlib.suppress(OSError):  # another process was as quick
                new.rename(root)
            shutil.rmtree(new, ignore_errors=True)
        return Machine(root)

    return make


@pytest.fixture(scope="session")
def condor_pool() -> Iterator[Pool]:
    """A pool whose HTCondor is that of Debian trixie."""
    condor = Path(tempfile.mkdtemp(prefix="condor."))
    try:
        condor.chmod(0o755)
        condor_tarball.unpack(condor_tarball.cached("trixie", "pool"), condor)
        with Pool(condor, user=USER) as pool:
            yield pool
    finally:
        shutil.rmtree(condor, ignore_errors=True)


@dataclass
class Worker:
    """One node at work, and where that is seen from outside."""

    machine: Machine
    process: "subprocess.Popen[bytes]"
    work: Path

    def said(self) -> str:
        """What the worker and its daemons logged, for the message of a failure."""
        files = [self.work / "said", *sorted(self.work.glob("log/*Log"))]
        return "\n".join(
            f"--- {file.name}\n{file.read_text(errors='replace')[-3000:]}"
            for file in files
            if file.exists()
        )


@pytest.fixture
def start_worker() -> Iterator[Callable[[Machine, Path, Pool, str], Worker]]:
    """How to start the HTCondor of a tarball on a machine, by the means of condor.sh."""
    with contextlib.ExitStack() as stack:

        def start(machine: Machine, tarball: Path, pool: Pool, name: str) -> Worker:
            work = Path(tempfile.mkdtemp(prefix="worker."))
            stack.callback(shutil.rmtree, work, ignore_errors=True)
            inside = Path("/mnt") if machine.root else work
            shutil.copytree(LIB, work / "lib")
            shutil.copy(tarball, work / "condor.tar.gz")
            (work / "worker.sh").write_text(_WORKER)
            config = _CONFIG.format(work=inside, collector=pool.collector, name=name)
            (work / "condor_config").write_text(config)
            # HTCondor waits a minute for the name of a node that does not resolve.
            (work / "hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
            for folder in ("log", "spool", "execute", "tokens.d"):
                (work / folder).mkdir()
            (work / "tokens.d").chmod(0o700)
            pool.token_file(work / "tokens.d/pool")
            identity: dict[str, Any] = _give_to_user(work) if os.geteuid() == 0 else {}
            if machine.root:
                user = pwd.getpwnam(USER)
                owner = f"{user.pw_uid}:{user.pw_gid}"
                words = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
                words += ["sh", "-c", _ENTER, "sh", str(machine.root), str(work), owner]
                identity = {}
            else:
                words = [BASH, str(work / "worker.sh"), str(work)]
            with (work / "said").open("wb") as said:
                process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                    start_new_session=True,
                    **identity,
                )
            stack.callback(_stop, process)
            return Worker(machine, process, work)

        yield start


def wait_for(pool: Pool, jobs: Jobs, worker: Worker, limit_s: float = 90) -> dict[int, int]:
    """Return the exit codes of the jobs; fail with what the worker said."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        assert worker.process.poll() is None, worker.said()
        with contextlib.suppress(PoolError):
            return pool.wait(jobs, timeout_s=5)
    raise AssertionError(f"no end after {limit_s} s\n{worker.said()}")


def _give_to_user(work: Path) -> dict[str, int]:
    user = pwd.getpwnam(USER)
    for path in [work, *work.rglob("*")]:
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    return {"user": user.pw_uid, "group": user.pw_gid}


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask the master to leave; the process namespace ends what does not."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGQUIT)  # fast; unshare itself does not listen
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _packages(suite: str, names: list[str]) -> list[debian.Package]:
    archive = debian.Suite(suite, "amd64", debian.find_mirror())
    return archive.fetch(names, lambda name: name.startswith("lib"))


def _lay_debian_11(root: Path) -> None:
    for package in _packages("bullseye", _DEBIAN_11):
        debian.unpack(package, root)
    (root / "etc/debian_version").write_text("11\n")
    (root / "bin/sh").symlink_to("bash")


def _lay_static(root: Path) -> None:
    for package in _packages("bookworm", ["bash-static", "busybox-static"]):
        debian.unpack(package, root)
    (root / "bin/bash").symlink_to("bash-static")
    (root / "bin/sh").symlink_to("bash-static")
    applets = subprocess.check_output([root / "bin/busybox", "--list"], text=True).split()
    for name in applets:
        if not (root / "bin" / name).is_symlink() and name not in ("busybox", "bash"):
            (root / "bin" / name).symlink_to("busybox")
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/debian_version").write_text("no Debian\n")
    assert not list(root.rglob("*libc.so*")) + list(root.rglob("ld-*"))


def _finish(root: Path) -> None:
    """What every root needs besides programs."""
    root.chmod(0o755)
    for name in ("dev", "proc", "mnt", "tmp", "etc"):
        (root / name).mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    user = pwd.getpwnam(USER)
    (root / "etc/passwd").write_text(f"{USER}:x:{user.pw_uid}:{user.pw_gid}::/:/bin/sh\n")
    (root / "etc/group").write_text(f"nogroup:x:{user.pw_gid}:\n")
    (root / "etc/hosts").touch()
