"""A personal pool that stays until it is told to stop, with tokens for whoever tries a factory."""

import contextlib
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from orchestrator.daemon.lock import Held, Lock
from orchestrator.errors import PoolError
from orchestrator.tarball import condor_tarball
from orchestrator.trial.demo import debian_arch
from orchestrator.trial.pool import DOMAIN, GLIDEIN, Pool

LOCK = "lock_of_pool"  # below the pool's folder
# A factory of the same user advertises itself here, which the pool otherwise keeps out.
_KNOBS = {"ALLOW_ADVERTISE_MASTER": f"*@{DOMAIN}", "DENY_ADVERTISE_MASTER": ""}
_FRONTEND = ("READ", "DAEMON", "ADVERTISE_MASTER")  # what a Frontend's token is good for
_LEAVE_S = 60  # for glideins, once their jobs are removed
_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def program() -> list[str]:
    """Return the command whose arguments are those of the verb."""
    return [sys.executable, "-m", "orchestrator", "trial-pool"]


def run(folder: Path, ready: Callable[[str], None]) -> None:
    """Run the pool in ``folder`` until SIGTERM, SIGINT or SIGHUP; ``ready`` is told when it is up.

    Raises:
        PoolError: it does not start, or one runs there already.
    """
    if os.geteuid() == 0:
        raise PoolError("be an ordinary user for this: a schedd takes no jobs of root's")
    folder.mkdir(parents=True, exist_ok=True)
    lock = Lock(str(folder / LOCK))
    try:
        lock.take()
    except Held as held:
        raise PoolError(f"{folder}: the pool runs already, process {held.pid}") from held
    condor = folder / "condor"
    if not (condor / "sbin").is_dir():
        tarball = condor_tarball.cached("trixie", "pool", debian_arch(), lambda said: None)
        condor_tarball.unpack(tarball, condor)
    told_to_stop = threading.Event()
    for number in _STOP:  # not blocked: the pool's daemons would inherit that
        signal.signal(number, lambda *_: told_to_stop.set())
    with Pool(condor, folder, knobs=_KNOBS) as pool:
        _write_env(pool)
        _write_tokens(pool)
        ready(f"the collector is {pool.collector}; next:  . {shlex.quote(str(folder))}/env")
        told_to_stop.wait()
        _empty(pool)


def _empty(pool: Pool) -> None:
    """Let glideins leave: who is cut off from its pool would count as failed on this node."""
    with contextlib.suppress(PoolError):  # there are none, or nothing answers any more
        pool.tool("condor_rm", "-all")
        deadline = time.monotonic() + _LEAVE_S
        while pool.queue(["ClusterId"]) and time.monotonic() < deadline:
            time.sleep(0.5)


def _write_env(pool: Pool) -> None:
    """Write what a shell reads to use this pool."""
    words = {"CONDOR_CONFIG": str(pool.config_file), "COLLECTOR": pool.collector}
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in words.items()]
    path = f"{pool.condor}/bin:{pool.condor}/sbin"
    lines.append(f'export PATH={shlex.quote(path)}:"$PATH"\n')
    (pool.home / "env").write_text("".join(lines))


def _write_tokens(pool: Pool) -> None:
    tokens = pool.home / "tokens"
    tokens.mkdir(mode=0o700, exist_ok=True)
    pool.token_file(tokens / "vo", f"vo@{DOMAIN}", _FRONTEND)
    pool.token_file(tokens / "glidein", f"glidein@{DOMAIN}", GLIDEIN)
    pool.token_file(tokens / "site", f"site@{DOMAIN}", ("READ",))
    # This user could sign any token; without one of their own they would be "condor" here.
    pool.token_file(pool.home / "etc/tokens.d/user", f"{pool.user}@{DOMAIN}", authz=())
