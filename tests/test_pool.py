"""A personal pool: up within seconds, one user's, gone without a trace."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import PoolError
from orchestrator.tarball import condor_tarball
from orchestrator.trial.demo import tarballs
from orchestrator.trial.pool import Pool


@pytest.fixture(scope="module", params=["trixie", "sid"])
def condor(request: pytest.FixtureRequest) -> Iterator[Path]:
    """An unpacked HTCondor of each suite that every user may run."""
    folder = Path(tempfile.mkdtemp(prefix="pool-test."))
    folder.chmod(0o755)
    condor_tarball.unpack(tarballs(request.param, lambda said: None)[1], folder / "condor")
    yield folder / "condor"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def pool(condor: Path) -> Iterator[Pool]:
    with Pool(condor) as pool:
        yield pool


def running(pool: Pool) -> list[str]:
    """Return the command lines of processes that name the pool's folder in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if str(pool.home).encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text())
        except (OSError, NotADirectoryError):
            continue
    return found


def test_all_daemons_have_advertised(pool: Pool) -> None:
    types = {ad["MyType"] for ad in pool.ads("-any", attributes=["MyType"])}
    assert {"Collector", "Negotiator", "Scheduler"} <= types
    assert pool.slots() == []


def test_jobs_wait_in_the_queue_of_an_ordinary_user(pool: Pool) -> None:
    jobs = pool.submit({"executable": "/bin/true"}, count=2)
    queue = pool.queue(["ClusterId", "ProcId", "JobStatus", "Owner"])
    mine = [job for job in queue if job["ClusterId"] == jobs.cluster]
    assert [job["JobStatus"] for job in mine] == [1, 1]
    assert {job["Owner"] for job in mine} == {pool.user} != {"root"}
    pool.tool("condor_rm", str(jobs.cluster))


def test_waiting_has_a_limit_and_says_what_it_waits_for(pool: Pool) -> None:
    jobs = pool.submit({"executable": "/bin/true"})
    with pytest.raises(PoolError, match=r"0 of 1 jobs ended in 1 s; queue: .*JobStatus"):
        pool.wait(jobs, timeout_s=1)
    pool.tool("condor_rm", str(jobs.cluster))


def test_a_removed_job_ends_the_wait(pool: Pool) -> None:
    jobs = pool.submit({"executable": "/bin/true"})
    pool.tool("condor_rm", str(jobs.cluster))
    with pytest.raises(PoolError, match=f"job {jobs.cluster}.0: .*condor_rm"):
        pool.wait(jobs, timeout_s=20)


def test_tokens_are_private_and_limited(pool: Pool, tmp_path: Path) -> None:
    path = pool.token_file(tmp_path / "credential.idtoken")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().count(".") == 2
    assert pool.token("a@pool") != pool.token("b@pool")


def test_a_tool_that_fails_says_how(pool: Pool) -> None:
    with pytest.raises(PoolError, match="condor_rm -nonsense: exit 1"):
        pool.tool("condor_rm", "-nonsense")


def test_nothing_is_left_behind(condor: Path) -> None:
    pool = Pool(condor)
    with pool:
        assert running(pool)
    assert running(pool) == []
    assert not pool.home.exists()


def test_a_master_that_was_killed_leaves_nothing_either(condor: Path) -> None:
    pool = Pool(condor)
    with pool:
        assert pool._master is not None
        pool._master.kill()
        pool._master.wait()
    assert running(pool) == []


def test_a_pool_that_cannot_start_says_why(condor: Path) -> None:
    pool = Pool(condor, knobs={"COLLECTOR_PORT": "1", "DAEMON_LIST": "MASTER, NONSENSE"})
    with pytest.raises(PoolError, match="NONSENSE"), pool:
        pass
    assert running(pool) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="everybody else may enter what is theirs")
def test_refuses_a_folder_that_its_user_cannot_enter(condor: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    home = tmp_path / "home"
    with pytest.raises(PoolError, match="must be able to enter"):
        Pool(condor, home).start()
