"""What HTCondor itself makes of the configuration that a glidein writes, in both versions."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import area, condor_tarball
from orchestrator.demo import tarballs

LIB = Path(__file__).parent.parent / "glidein" / "lib"
BASH = os.environ.get("GLIDEIN_BASH", "bash")
SUITES = ("trixie", "sid")

# Runs configure_condor with KEY=VALUE arguments in the store.
WRITE = """
set -uo pipefail
umask 077
for module in $MODULES; do source "$LIB/$module.sh"; done
RESOURCES_CPUS=4 RESOURCES_MEMORY_MB=8000 RESOURCES_DISK_MB=100
config_set GLIDEIN_START_DIR_ORIG "$WORK"
for fact; do config_set "${fact%%=*}" "${fact#*=}" || exit; done
configure_condor "$CONDOR" && printf '%s\\n' "$CONFIGURE_NAME"
"""
MODULES = "log clock job config report " + " ".join(
    name.removesuffix(".sh") for name in area.LIBRARY
)
COLLECTOR = "GLIDEIN_Collector=pool.example.org:9618"


@pytest.fixture(scope="module", params=SUITES)
def condor(request: pytest.FixtureRequest) -> Iterator[Path]:
    """An unpacked HTCondor of each suite."""
    folder = Path(tempfile.mkdtemp(prefix="configuration."))
    condor_tarball.unpack(tarballs(request.param, lambda said: None)[0], folder / "condor")
    yield folder / "condor"
    shutil.rmtree(folder)


def write(condor: Path, work: Path, *facts: str) -> str:
    """Write a configuration below ``work`` and return the glidein's unique name."""
    work.mkdir(exist_ok=True)
    done = subprocess.run(
        [BASH, "-c", WRITE, "configure", *facts],
        env={
            "PATH": "/usr/bin:/bin",
            "LIB": str(LIB),
            "MODULES": MODULES,
            "WORK": str(work),
            "CONDOR": str(condor),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


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
    missing = set(done.stderr.splitlines())
    found = iter(done.stdout.splitlines())
    return [
        said if (said := f"Not defined: {name}") in missing else next(found)
        for name in names
    ]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(
            [COLLECTOR],
            {
                "COLLECTOR_HOST": "pool.example.org:9618",
                "DAEMON_LIST": "MASTER, STARTD",
                "NUM_CPUS": "4",
                "MEMORY": "8000",
                "SLOT_TYPE_1_PARTITIONABLE": "True",
                "GLIDEIN_Max_Idle": "1200",
                "ENABLE_KERNEL_TUNING": "False",
                "CCB_ADDRESS": "Not defined: CCB_ADDRESS",
                "RANK": "(1) + (0) + (0) + (0)",
                "SHUTDOWN_GRACEFUL_TIMEOUT": "120",
                "UPDATE_COLLECTOR_WITH_TCP": "true",
                "TRUST_DOMAIN": "pool.example.org:9618",
            },
            id="as little as possible",
        ),
        pytest.param(
            ["GLIDEIN_Collector=a:1;b:2?sock=collector7-7", "USE_CCB=True"],
            {
                "COLLECTOR_HOST": "a:1,b:2?sock=collector7",
                "CCB_ADDRESS": "a:1,b:2?sock=collector7",
            },
            id="groups of collectors, and CCB through them",
        ),
        pytest.param(
            [COLLECTOR, "USE_CCB=True", "GLIDEIN_CCB=ccb:9618", "USE_SHARED_PORT=True"],
            {"CCB_ADDRESS": "ccb:9618", "DAEMON_LIST": "MASTER, SHARED_PORT, STARTD"},
            id="a CCB of its own, and one port",
        ),
        pytest.param(
            [COLLECTOR, 'GLIDEIN_Site=a $(LOG) $ENV(HOME) $RANDOM_INTEGER(1,2) "b" # c'],
            {"GLIDEIN_Site": '"a $(LOG) $ENV(HOME) $RANDOM_INTEGER(1,2) \\"b\\" # c"'},
            id="macros in a value stay text",
        ),
        pytest.param(
            [COLLECTOR, 'GLIDEIN_Start=Owner == "a"', "GLIDEIN_Rank=MY.x"],
            {
                "START": '(time() < GLIDEIN_ToRetire) && (Owner == "a")'
                " && (SiteWMS_WN_Draining =!= True)",
                "RANK": "(MY.x) + (0) + (0) + (0)",
            },
            id="levels of START and RANK",
        ),
        pytest.param(
            [COLLECTOR, "SLOTS_LAYOUT=fixed", "GLIDEIN_Graceful_Shutdown=30"],
            {
                "NUM_SLOTS_TYPE_1": "4",
                "SLOT_TYPE_1": "cpus=1",
                "SLOT_TYPE_1_PARTITIONABLE": "False",
                "SHUTDOWN_GRACEFUL_TIMEOUT": "30",
                "MachineMaxVacateTime": "30",
            },
            id="fixed slots",
        ),
    ],
)
def test_effective_values(
    condor: Path, tmp_path: Path, facts: list[str], expected: dict[str, str]
) -> None:
    write(condor, tmp_path / "work", *facts)
    found = values(condor, tmp_path / "work", *expected)
    assert dict(zip(expected, found, strict=True)) == expected


def test_the_master_reports_to_collectors_of_its_own(condor: Path, tmp_path: Path) -> None:
    write(condor, tmp_path / "w", COLLECTOR, "GLIDEIN_Master_Collector=vo:1;factory:2")
    assert values(condor, tmp_path / "w", "COLLECTOR_HOST", daemon="master") == [
        "vo:1,factory:2"
    ]
    assert values(condor, tmp_path / "w", "COLLECTOR_HOST") == ["pool.example.org:9618"]


def test_no_two_glideins_have_one_name(condor: Path, tmp_path: Path) -> None:
    first = write(condor, tmp_path / "a", COLLECTOR)
    second = write(condor, tmp_path / "b", COLLECTOR)
    assert first != second
    assert values(condor, tmp_path / "a", "STARTD_NAME", "MASTER_NAME") == [first, first]


def test_files_of_a_community_are_read_last(condor: Path, tmp_path: Path) -> None:
    work = tmp_path / "w"
    (work / "condor_config.d").mkdir(parents=True)
    (work / "condor_config.d" / "50-vo").write_text(
        "START = False\nNEW = $(GLIDEIN_CPUS)\n"
    )
    write(condor, work, COLLECTOR)
    assert values(condor, work, "START", "NEW") == ["False", "4"]


def test_every_list_of_paths_survives_a_folder_with_blanks(
    condor: Path, tmp_path: Path
) -> None:
    work = tmp_path / "a work, dir"
    (work / "condor_config.d").mkdir(parents=True)
    (work / "condor_config.d" / "50-vo").write_text("NEW = 1\n")
    write(condor, work, COLLECTOR)
    local, new, plugins = values(condor, work, "LOCAL_DIR", "NEW", "FILETRANSFER_PLUGINS")
    try:
        assert new == "1"
        assert Path(local).samefile(work)
        assert " " not in plugins
    finally:
        shutil.rmtree(Path(local).parent)
