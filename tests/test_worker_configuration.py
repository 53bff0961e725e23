"""What HTCondor itself makes of the configuration that a glidein writes, in both versions."""

import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from orchestrator.stage import area
from orchestrator.tarball import condor_tarball
from orchestrator.trial.demo import tarballs

LIB = Path(__file__).parent.parent / "glidein" / "lib"
BASH = os.environ.get("GLIDEIN_BASH", "bash")
SUITES = ("trixie", "sid")

# Runs configure_condor with KEY=VALUE arguments in the store, on a node of the words in NODE.
WRITE = """
set -uo pipefail
umask 077
for module in $MODULES; do source "$LIB/$module.sh"; done
for fact in $NODE; do
  case $fact in
    cpus=*) RESOURCES_CPUS=${fact#*=} ;;
    memory_mb=*) RESOURCES_MEMORY_MB=${fact#*=} ;;
    disk_mb=*) RESOURCES_DISK_MB=${fact#*=} ;;
    container_home=*) _containers_knobs tried "SINGULARITY_TARGET_DIR = ${fact#*=}" 'SINGULARITY = /a' ;;
    free_mb=*) RESOURCES_DISK_SEEN="free=${fact#*=}" ;;
    *) exit 2 ;;
  esac
done
config_set GLIDEIN_START_DIR_ORIG "$START"
for fact; do config_set "${fact%%=*}" "${fact#*=}" || exit; done
configure_condor "$CONDOR_DIR" && printf '%s\\n' "$CONFIGURE_NAME"
"""
MODULES = "log clock job config report " + " ".join(
    name.removesuffix(".sh") for name in area.LIBRARY
)
CASES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("worker_configuration.toml").read_text()
)["case"]


@pytest.fixture(scope="module", params=SUITES)
def condor(request: pytest.FixtureRequest) -> Iterator[Path]:
    """An unpacked HTCondor of each suite."""
    folder = Path(tempfile.mkdtemp(prefix="configuration."))
    condor_tarball.unpack(tarballs(request.param, lambda said: None)[0], folder / "condor")
    yield folder / "condor"
    shutil.rmtree(folder)


def write(condor: Path, work: Path, *facts: str) -> str:
    """Write a configuration below ``work`` and return the glidein's unique name."""
    done = run(condor, work, {"given": dict(fact.split("=", 1) for fact in facts)})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def run(
    condor: Path, work: Path, case: dict[str, Any]
) -> "subprocess.CompletedProcess[str]":
    """Have a configuration written below ``work``, as a case of the table has it."""
    work.mkdir(exist_ok=True)
    start = work.parent / "start"
    start.mkdir(exist_ok=True)
    for name, content in case.get("files", {}).items():
        path = start / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(credential(content))
    env = {name: value for name, value in case.get("env", {}).items()}
    if "GPUS_FOUND" in env:
        condor = with_gpus(condor, work.parent, env["GPUS_FOUND"])
    if "JOBFEATURES" in env:
        env["JOBFEATURES"] = str(start / env["JOBFEATURES"])
    node = {"cpus": 4, "memory_mb": 8000, "disk_mb": 100, **case.get("node", {})}
    facts = {"GLIDEIN_Collector": "pool.example.org:9618", **case.get("given", {})}
    return subprocess.run(
        [BASH, "-c", WRITE, "configure", *(f"{k}={v}" for k, v in facts.items())],
        env={
            "PATH": "/usr/bin:/bin",
            "LIB": str(LIB),
            "MODULES": MODULES,
            "WORK": str(work),
            "START": str(start),
            "CONDOR_DIR": str(condor),
            "NODE": " ".join(f"{name}={value}" for name, value in node.items()),
            **env,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def credential(kind: str) -> str:
    """Return a token, SciToken or proxy of the right form that proves nothing; else ``kind``."""
    if kind in ("token", "scitoken"):
        return "aa.e30.cc\n"
    if kind != "proxy":
        return kind
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pilot")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def with_gpus(condor: Path, folder: Path, found: str) -> Path:
    """Return the same HTCondor, on a node with GPUs of these names."""
    other = folder / "condor"
    other.mkdir()
    for path in condor.iterdir():
        (other / path.name).symlink_to(path)
    (other / "libexec").unlink()
    (other / "libexec").mkdir()
    for path in (condor / "libexec").iterdir():
        (other / "libexec" / path.name).symlink_to(path)
    (other / "libexec/condor_gpu_discovery").unlink()
    (other / "libexec/condor_gpu_discovery").write_text(
        f"#!/bin/sh\necho 'DetectedGPUs=\"{found}\"'\n"
    )
    (other / "libexec/condor_gpu_discovery").chmod(0o755)
    return other


def values(condor: Path, work: Path, *names: str, daemon: str = "startd") -> list[str]:
    """Return what ``daemon`` would find, or ``Not defined``."""
    done = subprocess.run(
        [condor / "bin/condor_config_val", "-subsystem", daemon, *names],
        env={"CONDOR_CONFIG": str(work / "condor_config"), "HOME": "/"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # What is not defined is said on standard error, in no fixed place among the others.
    missing = set(done.stderr.lower().splitlines())
    found = iter(done.stdout.splitlines())
    return [
        said if (said := f"Not defined: {name}").lower() in missing else next(found)
        for name in names
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_htcondor_makes_of_it(
    condor: Path, tmp_path: Path, case: dict[str, Any]
) -> None:
    known = {"name", "given", "node", "env", "files", "startd", "master", "refused"}
    assert set(case) <= known, case["name"]
    work = tmp_path / "work"
    done = run(condor, work, case)
    if "refused" in case:
        assert done.returncode != 0
        assert case["refused"] in done.stderr
        return
    assert done.returncode == 0, done.stderr
    for daemon in ("startd", "master"):
        expected: dict[str, str] = case.get(daemon, {})
        if expected:
            found = dict(
                zip(expected, values(condor, work, *expected, daemon=daemon), strict=True)
            )
            wrong = [
                f"{name}: expected {value}, found {found[name]}"
                for name, value in expected.items()
                if not matches(name, value, found[name])
            ]
            assert wrong == []


def matches(name: str, expected: str, found: str) -> bool:
    """Say whether a value is as the table has it."""
    if expected == "-":
        return found == f"Not defined: {name}"
    if expected.startswith("~"):
        return re.fullmatch(expected[1:], found) is not None
    return found == expected


def test_the_table_is_read_whole() -> None:
    names = [case["name"] for case in CASES]
    assert len(names) == len(set(names)) > 50


def test_variables_of_a_community_change_what_is_only_a_default(
    condor: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "vars.lst"
    rows = {
        "over": ("C", "(DiskUsage > Disk)"),
        "WANT_SUSPEND": ("C", "$(over) =!= true && $(WANT_SUSPEND:true)"),
        "SINGULARITY_TARGET_DIR": ("C", "/theirs"),
        "SHM": ("I", "  24684084"),
    }
    listed.write_text(
        "".join(f"{name} {kind} - + N Y -\n" for name, (kind, _) in rows.items())
    )
    given = {name: value for name, (_, value) in rows.items()}
    case = {
        "given": {**given, "CONDOR_VARS_FILE": str(listed)},
        "node": {"container_home": "/ours"},
    }
    done = run(condor, tmp_path / "w", case)
    assert done.returncode == 0, done.stderr
    assert "SHM" not in done.stderr
    assert values(condor, tmp_path / "w", *rows, "SINGULARITY", "SUSPEND") == [
        "(DiskUsage > Disk)",
        "(DiskUsage > Disk) =!= true && False",
        "/theirs",
        "24684084",
        "/a",
        "False",
    ]


def test_no_two_glideins_have_one_name(condor: Path, tmp_path: Path) -> None:
    first = write(condor, tmp_path / "a")
    second = write(condor, tmp_path / "b")
    assert first != second
    assert values(condor, tmp_path / "a", "STARTD_NAME", "MASTER_NAME") == [first, first]


def test_files_of_a_community_are_read_last(condor: Path, tmp_path: Path) -> None:
    work = tmp_path / "w"
    (work / "condor_config.d").mkdir(parents=True)
    (work / "condor_config.d" / "50-vo").write_text(
        "START = False\nNEW = $(GLIDEIN_CPUS)\n"
    )
    write(condor, work)
    assert values(condor, work, "START", "NEW") == ["False", "4"]


def test_every_list_of_paths_survives_a_folder_with_blanks(
    condor: Path, tmp_path: Path
) -> None:
    work = tmp_path / "a work, dir"
    (work / "condor_config.d").mkdir(parents=True)
    (work / "condor_config.d" / "50-vo").write_text("NEW = 1\n")
    write(condor, work)
    local, new, plugins = values(condor, work, "LOCAL_DIR", "NEW", "FILETRANSFER_PLUGINS")
    try:
        assert new == "1"
        assert Path(local).samefile(work)
        assert " " not in plugins
    finally:
        shutil.rmtree(Path(local).parent)


@pytest.mark.parametrize(
    ("brokers", "address"),
    [
        ({}, "<pool.example.org:9618>"),
        ({"GLIDEIN_CCB": "ccb:1;ccb:2"}, "<ccb:1> <ccb:2>"),
        (
            {"GLIDEIN_CCB": "ccb:1", "GLIDEIN_Outbound_CCB": "<out:2?sock=c>"},
            "<out:2?sock=c>",
        ),
    ],
)
def test_going_out_through_a_broker(
    condor: Path, tmp_path: Path, brokers: dict[str, str], address: str
) -> None:
    given = {"USE_CCB": "True", "GLIDEIN_Use_Outbound_CCB": "True", **brokers}
    done = run(condor, tmp_path / "w", {"given": given})
    if newer(condor):
        assert done.returncode == 0, done.stderr
        # HTCondor's own setting of a like name starts a collector on the node: not wanted.
        found = values(condor, tmp_path / "w", "OUTBOUND_CCB_ADDRESS", "USE_OUTBOUND_CCB")
        assert found == [address, "false"]
    else:
        assert done.returncode != 0
        assert "needs HTCondor 25.13 or later, this is 23.9" in done.stderr


def newer(condor: Path) -> bool:
    """Return whether this HTCondor is the newer of both."""
    said = subprocess.check_output(
        [condor / "bin/condor_version"], env={"CONDOR_CONFIG": "/dev/null"}, text=True
    )
    return "CondorVersion: 25." in said
