"""Steps of condor_tarball.feature."""

import filecmp
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.condor_fixtures import BASH, LIB, Machine, Worker, wait_for
from orchestrator.tarball import condor_tarball, elf
from orchestrator.trial.pool import Jobs, Pool

scenarios("condor_tarball.feature")

MAX_BYTES = 16_000_000
NEEDED = {
    "sbin/condor_master",
    "sbin/condor_startd",
    "sbin/condor_starter",
    "sbin/condor_procd",
    "bin/condor_version",
    "bin/condor_config_val",
    "libexec/condor_shared_port",
    "libexec/condor_chirp",
}


@given(
    parsers.parse("an HTCondor tarball made from Debian {suite}"), target_fixture="tarball"
)
def from_debian(suite: str) -> Path:
    return condor_tarball.cached(suite)


@given("a pool with a job", target_fixture="job")
def submit(condor_pool: Pool, request: pytest.FixtureRequest) -> Jobs:
    return condor_pool.submit(
        {
            "executable": "/bin/bash",
            "arguments": "\"-c 'read -r release </etc/debian_version; echo $release'\"",
            "+NodeWanted": f'"{node_name(request)}"',
        }
    )


@when(
    parsers.parse("a worker node {kind} starts the HTCondor of the tarball"),
    target_fixture="worker",
)
def start(
    kind: str,
    tarball: Path,
    condor_pool: Pool,
    machines: Callable[[str], Machine],
    start_worker: Callable[[Machine, Path, Pool, str], Worker],
    request: pytest.FixtureRequest,
) -> Worker:
    return start_worker(machines(kind), tarball, condor_pool, node_name(request))


@then("the job runs on that node")
def job_runs(worker: Worker, job: Jobs, condor_pool: Pool) -> None:
    assert wait_for(condor_pool, job, worker) == {0: 0}, worker.said()
    assert (job.folder / "0.out").read_text() == worker.machine.release


def node_name(request: pytest.FixtureRequest) -> str:
    """Return a name of the scenario's own for its node."""
    return f"node-{abs(hash(request.node.name))}"


@when("somebody looks into it", target_fixture="tree")
def look_into(tarball: Path, tmp_path: Path) -> Path:
    return extract(tarball, tmp_path / "tree")


@then("it takes at most 16 MB")
def small(tarball: Path) -> None:
    assert tarball.stat().st_size <= MAX_BYTES


@then("its manifest names the version, the processor, each package and what was left out")
def manifest(tree: Path, tarball: Path) -> None:
    lines = (tree / "MANIFEST").read_text().splitlines()
    version = tarball.name.split("-")[1]
    assert f"version {version}" in lines
    assert "arch x86_64" in lines
    assert any(line.startswith("package condor ") for line in lines)
    assert any(line.startswith("package libc6 ") and "glibc" in line for line in lines)
    assert "left_out sbin/condor_schedd" in lines
    assert not any(line.startswith("left_out sbin/condor_startd") for line in lines)


@then(parsers.parse('all programs in it are made for "{machine}"'))
def all_made_for(tarball: Path, machine: str, tmp_path: Path) -> None:
    tree = extract(tarball, tmp_path / "made")
    objects = [path for path in tree.rglob("*") if path.is_file() and elf.is_elf(path)]
    assert len(objects) > 50
    assert {elf.read(path).machine for path in objects} == {machine}


@when("it is made once more", target_fixture="again")
def make_again(tmp_path: Path) -> Path:
    return condor_tarball.from_debian("trixie", "amd64", tmp_path)


@then("both are equal to the byte")
def equal(tarball: Path, again: Path) -> None:
    if not filecmp.cmp(tarball, again, shallow=False):
        # Between the two, Debian may have published: then the packages differ, and only then.
        old, new = (manifest_of(path) for path in (tarball, again))
        assert old != new
        pytest.skip("Debian published new packages since the first was made")


@when(
    parsers.parse('the tarball for "{arch}" is made from Debian {suite}'),
    target_fixture="tarball",
)
def make_for(arch: str, suite: str) -> Path:
    return condor_tarball.cached(suite, arch=arch)


@then(parsers.parse('it is named after the processor "{machine}"'))
def named_after(tarball: Path, machine: str) -> None:
    assert tarball.name.endswith(f"-{machine}.tar.gz")


@given("an installed HTCondor", target_fixture="installed")
def install(tmp_path: Path) -> Path:
    folder = tmp_path / "installed"
    condor_tarball.unpack(condor_tarball.cached(), folder)
    return folder


@when("a tarball is made from where it is installed", target_fixture="tarball")
def make_from_dir(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(condor_tarball, "_LEVEL", 1)  # how small it gets is shown elsewhere
    return condor_tarball.from_dir(installed, tmp_path)


@then("HTCondor runs where the tarball is unpacked", target_fixture="unpacked")
def runs_where_unpacked(tarball: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "unpacked"
    done = worker_calls("condor_unpack", str(tarball), str(folder))
    assert done.returncode == 0, done.stderr
    done = worker_calls("condor_version", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


@then("that needs nothing of where it was installed")
def stands_alone(installed: Path, unpacked: Path) -> None:
    shutil.rmtree(installed)
    for name in ("sbin/condor_master", "bin/condor_version"):
        listed = subprocess.check_output(
            [unpacked / "lib/ld-linux-x86-64.so.2", "--list", unpacked / name], text=True
        )
        paths = [
            line.split("=>")[1].split()[0] for line in listed.splitlines() if "=>" in line
        ]
        assert paths
        assert all(Path(path).is_relative_to(unpacked) for path in paths), listed


@given("upstream's tarball of HTCondor", target_fixture="upstream")
def upstream(tmp_path: Path) -> Path:
    """In upstream's layout, with Debian's programs: upstream's own cannot be had here."""
    top = tmp_path / "condor-24.0.3-1-x86_64_Any-stripped"
    condor_tarball.unpack(condor_tarball.cached("trixie", "pool"), top)
    for name in ("RELOCATE", "MANIFEST"):
        (top / name).unlink()
    (top / "lib/python3").mkdir()
    (top / "lib/python3/htcondor.so").write_bytes(b"")
    file = tmp_path / f"{top.name}.tar.gz"
    with tarfile.open(file, "w:gz", compresslevel=1) as archive:
        archive.add(top, top.name)
    return file


@when("a tarball is made from it", target_fixture="tarball")
def make_from_tarball(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setattr(condor_tarball, "_LEVEL", 1)  # how small it gets is shown elsewhere
    return condor_tarball.from_tarball(upstream, tmp_path)


@then("it has what a worker node needs and nothing that changes a program")
def repacked(tarball: Path, tmp_path: Path) -> None:
    tree = extract(tarball, tmp_path / "tree")
    top = next(tmp_path.glob("condor-*-stripped"))
    names = {
        path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()
    }
    assert names >= NEEDED
    assert not names & {"sbin/condor_schedd", "lib/python3/htcondor.so", "RELOCATE"}
    changed = [name for name in names - {"MANIFEST"} if not same(tree / name, top / name)]
    assert changed == []


@when(parsers.parse("a glidein unpacks it in a folder {depth}"), target_fixture="unpacking")
def unpack_deep(
    depth: str, tarball: Path, tmp_path: Path
) -> "tuple[Path, subprocess.CompletedProcess[str]]":
    match depth:
        case "with blanks in its name":
            folder = tmp_path / "a  folder" / "with blanks "
        case "with a path of 900 bytes":
            folder = deep(tmp_path, 900)
        case "with a path of 1100 bytes":
            folder = deep(tmp_path, 1100)
        case _:
            raise ValueError(f"no such depth: {depth}")
    return folder, worker_calls("condor_unpack", str(tarball), str(folder))


@then("HTCondor runs there")
def runs_there(unpacking: "tuple[Path, subprocess.CompletedProcess[str]]") -> None:
    folder, done = unpacking
    assert done.returncode == 0, done.stderr
    for program in ("bin/condor_version", "bin/condor_status", "sbin/condor_master"):
        word = "-help" if program.endswith("status") else "-v"
        ran = subprocess.run(
            [folder / program, word],
            env={"CONDOR_CONFIG": os.devnull},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0 or "Usage" in ran.stdout + ran.stderr, ran.stderr


@then("the glidein says that the path is too long")
def says_too_long(unpacking: "tuple[Path, subprocess.CompletedProcess[str]]") -> None:
    folder, done = unpacking
    assert done.returncode == 2
    length = len(str(folder / "lib/ld-linux-x86-64.so.2"))
    assert f"path too long: {length} bytes, at most 1023" in done.stderr


@when(parsers.parse("a tarball is asked for {what}"), target_fixture="refusal")
def ask_for(what: str, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    file = tmp_path / "file.tar.gz"
    match what:
        case "for a processor nobody has":
            words = ["--arch", "vax"]
        case "from a suite with a bad name":
            words = ["--from-debian", "Trixie [trusted=yes]"]
        case "from a file that is no archive":
            file.write_text("no archive")
            words = ["--from-tarball", str(file)]
        case "from a file that is not there":
            words = ["--from-tarball", str(file)]
        case "from a folder without HTCondor":
            words = ["--from-dir", str(tmp_path)]
        case "from two sources":
            words = ["--from-dir", str(tmp_path), "--from-debian", "trixie"]
        case _:
            raise ValueError(f"no such wish: {what}")
    return subprocess.run(
        [sys.executable, "-m", "orchestrator", "condor-tarball", *words],
        cwd=LIB.parent.parent,
        capture_output=True,
        text=True,
        timeout=60,  # seconds
        check=False,
    )


@then(parsers.parse('the answer names "{reason}"'))
def answer_names(refusal: "subprocess.CompletedProcess[str]", reason: str) -> None:
    assert refusal.returncode != 0
    assert reason in refusal.stderr.splitlines()[-1]
    assert "Traceback" not in refusal.stderr


def worker_calls(function: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run one function of condor.sh."""
    modules = "".join(f'source "{LIB}/{name}.sh"; ' for name in ("log", "config", "condor"))
    return subprocess.run(
        [BASH, "-c", f'set -uo pipefail; {modules}"$@"', "bash", function, *words],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,  # seconds
        check=False,
    )


def extract(tarball: Path, folder: Path) -> Path:
    folder.mkdir()
    subprocess.run(
        ["tar", "--extract", "--file", tarball, "--directory", folder], check=True
    )
    return folder


def manifest_of(tarball: Path) -> str:
    with tarfile.open(tarball) as archive:
        file = archive.extractfile("MANIFEST")
        assert file
        return file.read().decode()


def same(one: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(one, other, shallow=False)


def deep(folder: Path, length: int) -> Path:
    """Return a folder below, whose path has that many bytes."""
    while len(str(folder)) < length - 100:
        folder /= "d" * 90
    return folder / ("e" * (length - len(str(folder)) - 1))
