"""What holds for the project as a whole: heads, tables, paths, what is packed and shipped."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from orchestrator.exits import EXITS
from orchestrator.stage.area import LIBRARY

ROOT = Path(__file__).parent.parent
LIB = ROOT / "glidein" / "lib"


def committed() -> list[Path]:
    """Return the files that git knows, or where there is no git, all but what is made."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found = [ROOT / name for name in listed.split("\0") if name]
    else:
        made = {"build", ".venv", "__pycache__"}
        found = [p for p in ROOT.rglob("*") if not made & set(p.parts)]
    return [path for path in found if path.is_file()]


def texts() -> dict[str, str]:
    """Return the committed texts by name."""
    found = {}
    for path in committed():
        try:
            found[str(path.relative_to(ROOT))] = path.read_text()
        except UnicodeDecodeError:
            continue
    return found


@pytest.mark.parametrize("path", sorted(LIB.glob("*.sh")), ids=lambda path: path.name)
def test_a_worker_module_says_what_it_is(path: Path) -> None:
    head, comment = path.read_text().splitlines()[:2]
    assert head == "# shellcheck shell=bash"
    assert re.fullmatch(rf"# {re.escape(path.name)} - .+", comment), comment
    contract = path.read_text().partition("\n\n")[0]
    assert "# Needs:" in contract


@pytest.mark.parametrize("path", sorted(LIB.glob("*.sh")), ids=lambda path: path.name)
def test_loading_a_worker_module_says_and_leaves_nothing(
    path: Path, tmp_path: Path
) -> None:
    needed = re.findall(r"(\w+\.sh)", _needs(path))
    sources = [str(LIB / name) for name in dict.fromkeys([*needed, path.name])]
    code = 'set -uo pipefail; for f in "$@"; do source "$f" || exit; done'
    done = subprocess.run(
        ["bash", "-c", code, "load", *sources],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", sorted(LIB.glob("*.sh")), ids=lambda path: path.name)
def test_a_worker_module_defines_functions_of_its_name(path: Path) -> None:
    for name in re.findall(r"^(\w+)\(\) ", path.read_text(), flags=re.MULTILINE):
        own = name.lstrip("_")  # a module of one function may be called as its file is
        assert own == path.stem or own.startswith(f"{path.stem}_"), name


def _needs(path: Path) -> str:
    """Return what the header says after ``Needs:``, with its continuation lines."""
    found = re.search(r"^# Needs:(.*(?:\n# {5,}.*)*)", path.read_text(), flags=re.MULTILINE)
    assert found, f"{path.name}: no Needs: in its header"
    return found[1]


# Written in parts, or this file would be the first to be found.
MACHINE = re.compile("(?<![\\w.$}~-])/(?:work|root|home)/" + r"[A-Za-z0-9_.-]+")
REGISTRY = re.compile(r"pypi|pythonhosted|registry\.npm|deb\.debian\.org/|security\.debian")


def worker_code() -> str:
    """Return all of the worker's shell, without its comments."""
    files = [*sorted(LIB.glob("*.sh")), ROOT / "glidein" / "glidein_startup.sh"]
    lines = "\n".join(path.read_text() for path in files).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def test_no_return_of_the_worker_is_bare() -> None:
    """Inside a trap, bash takes a bare return's status from before the trap."""
    bare = re.findall(r"^.*\breturn *(?:$|;|\}|\||&).*$", worker_code(), re.MULTILINE)
    assert bare == []


def test_every_function_that_the_worker_calls_is_there() -> None:
    """A call of what was cut away is only a line in a log, where `|| :` stands behind it."""
    code = worker_code()
    defined = set(re.findall(r"^([a-z_][a-z0-9_]*)\(\)", code, re.MULTILINE))
    subjects = {path.stem for path in LIB.glob("*.sh")} | {"glidein"}
    called = re.findall(
        r"(?:^|[;&|!({] |\b(?:if|then|else|do|job_run|until|while) )\s*(_?[a-z]+_[a-z0-9_]+)(?= |$|;)",
        code,
        re.MULTILINE,
    )
    missing = {
        name
        for name in called
        if name.lstrip("_").split("_")[0] in subjects and name not in defined
    }
    assert missing == set()


def test_the_fetched_half_is_the_same_from_a_checkout_and_from_an_area() -> None:
    script = (ROOT / "glidein" / "glidein_startup.sh").read_text().replace("\\\n", " ")
    loaded = re.search(r"for module in ((?:[a-z_]+\s+)*[a-z_]+); do", script)
    assert loaded, "glidein_load names no modules"
    assert {f"{name}.sh" for name in loaded[1].split()} == set(LIBRARY)


def test_no_path_of_somebodys_machine_is_committed() -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE.search(line) and name != "LICENSE"
    ]
    assert found == []


def test_no_package_registry_is_named() -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if REGISTRY.search(line) and name != "tests/test_project.py"
    ]
    assert found == []


def test_exit_codes_stand_in_the_script_as_in_the_package() -> None:
    script = (ROOT / "glidein" / "glidein_startup.sh").read_text()
    head = script.partition("\nset ")[0].partition("# Exit status")[2]
    table = {
        int(code): said
        for code, said in re.findall(r"^# +(\d+)  (.+)$", head, re.MULTILINE)
    }
    assert table == EXITS


def test_every_exit_code_of_a_phase_is_explained() -> None:
    script = (ROOT / "glidein" / "glidein_startup.sh").read_text()
    phases = re.findall(r"^\s*phase_run (\w+) (\d+) ", script, flags=re.MULTILINE)
    assert phases
    for name, code in phases:
        assert EXITS[int(code)].startswith(f"{name}: "), (name, code)


def test_every_feature_has_its_steps() -> None:
    features = ROOT / "features"
    bound = "".join(path.read_text() for path in features.glob("test_*.py"))
    loose = [
        path.name for path in features.glob("*.feature") if f'"{path.name}"' not in bound
    ]
    assert loose == []


def test_tests_mirror_the_worker_modules() -> None:
    modules = {path.stem for path in LIB.glob("*.sh")}
    modules |= {path.stem for path in (ROOT / "glidein" / "worker_api").iterdir()}
    tested = {path.stem for path in (ROOT / "tests" / "shell").glob("*.bats")}
    assert tested - modules - {"bundle", "glidein_startup"} == set()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as ``pip install`` would build it from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_carries_the_worker_and_the_web(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    for folder in ("glidein", "web"):
        wanted = {
            f"orchestrator/_share/{path.relative_to(ROOT)}"
            for path in committed()
            if path.is_relative_to(ROOT / folder)
        }
        assert wanted
        assert wanted <= names


def test_an_installed_wheel_makes_the_same_single_file(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path)
    shared = tmp_path / "orchestrator" / "_share" / "glidein"
    made = subprocess.check_output(["bash", shared / "bundle.sh"])
    assert made == subprocess.check_output(["bash", ROOT / "glidein" / "bundle.sh"])


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout of git")
def test_nothing_that_is_made_is_in_the_repository() -> None:
    """A link .venv that was committed once took the place of the environment it pointed to."""
    tracked = subprocess.run(
        [
            *("git", "-c", "safe.directory=*", "ls-files"),
            *("--cached", "--ignored", "--exclude-standard"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert tracked.stdout == ""
