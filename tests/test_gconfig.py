"""worker_api/gconfig.py, as Python scripts of communities use it, under every Python of this machine."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

GCONFIG = Path(__file__).parent.parent / "glidein" / "worker_api" / "gconfig.py"
NAMES = ("python2.7", *(f"python3.{minor}" for minor in range(3, 20)))


def pythons() -> list[str]:
    """Return the Pythons there are: the one we run under, those in PATH, those of pyenv."""
    found = {sys.executable}
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for name in NAMES:
        in_path = shutil.which(name)
        # What pyenv has in PATH starts only the versions that somebody chose.
        if in_path and ".pyenv" not in in_path:
            found.add(in_path)
        found |= {str(path) for path in pyenv.glob(f"*/bin/{name}")}
    return sorted(found)


@pytest.fixture(params=pythons())
def python(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "glidein_config"
    path.write_text("# a comment\nA 1\nAB 2\nB two  words \nA 3\nEMPTY \nBARE\n")
    return path


def run(python: str, code: str, config: Path) -> str:
    """Run code that begins as scripts do; return what it printed."""
    done = subprocess.run(
        [
            python,
            "-c",
            "import sys; sys.path.insert(0, sys.argv[1])\n" + code,
            GCONFIG.parent,
        ],
        cwd=config.parent,
        env={"glidein_config": str(config), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_needs_no_python_newer_than_2_7_or_3_1() -> None:
    words = ["vermin", "--no-tips", "-t=2.7-", "-t=3.1-", str(GCONFIG)]
    done = subprocess.run(
        [str(Path(sys.executable).parent / words[0]), *words[1:]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_values_are_read_as_the_shell_reads_them(python: str, config: Path) -> None:
    code = """
from gconfig import gconfig_get
print([gconfig_get(k) for k in ("A", "AB", "B", "EMPTY", "BARE", "NONE", "#")])
print(gconfig_get("NONE", default="x"))
"""
    said = run(python, code, config)
    assert said == "['3', '2', 'two  words ', '', None, None, None]\nx\n"


def test_keys_are_set_once_and_the_rest_stays(python: str, config: Path) -> None:
    code = """
import gconfig
gconfig.gconfig_add("NEW", "1 2")
gconfig.add_config_line("A", 7)
gconfig.gconfig_add_safe("LINES", "a\\nb")
gconfig.gconfig_add_multi(["X 1", "# --- x ---", "X 2", "Y 3"])
print(gconfig.gconfig_get("A"), gconfig.gconfig_reload()["X"])
"""
    said = run(python, code, config)
    assert re.findall(r"\w+", said) == ["7", "2"]
    text = config.read_text()
    assert text.startswith("# a comment\nAB 2\nB two  words \nEMPTY \nBARE\n")
    assert sorted(text.splitlines()[5:]) == [
        *("# --- x ---", "A 7", "LINES a b", "NEW 1 2", "X 2", "Y 3")
    ]


def test_bytes_that_are_no_text_survive(python: str, config: Path) -> None:
    config.write_bytes(b"A \xff\xfe\nB \xc3\xa9\n")
    run(
        python, "import gconfig; gconfig.gconfig_add('C', gconfig.gconfig_get('A'))", config
    )
    assert config.read_bytes() == b"A \xff\xfe\nB \xc3\xa9\nC \xff\xfe\n"


def test_variables_become_rows_of_seven_columns(python: str, config: Path) -> None:
    variables = config.with_name("vars.lst")
    variables.write_text("# head\nOLD S - + N Y -\nHAS \tC \t- \t+ \tN \tY \t-\n")
    config.write_text(f"CONDOR_VARS_FILE {variables}\n")
    code = """
from gconfig import add_condor_config_var
assert add_condor_config_var("HAS", "True")
assert add_condor_config_var("Q", "text", kind="S", publish=False, condor_name="GLIDEIN_Q")
assert not add_condor_config_var("BAD", "two words", verbose=False)
assert not add_condor_config_var("BAD NAME", "x", verbose=False)
"""
    run(python, code, config)
    assert variables.read_text().splitlines() == [
        *("# head", "OLD S - + N Y -", "HAS C True + N Y -", "Q S text GLIDEIN_Q N N -")
    ]


def test_a_report_is_what_error_gen_writes(python: str, config: Path) -> None:
    code = """
from gconfig import status_report
status_report("me.py", False, "WN_Resource", "no <disk> & more", [("a", "1")])
"""
    run(python, code, config)
    root = ElementTree.parse(config.with_name("otrb_output.xml")).getroot()
    assert (root.get("id"), root.findtext("result/status")) == ("me.py", "ERROR")
    found = [(one.get("name"), one.text) for one in root.iter("metric")]
    assert found == [("failure", "WN_Resource"), ("a", "1")]
    assert (root.findtext("detail") or "").strip() == "no <disk> & more"


def test_what_goes_wrong_ends_the_script_or_raises(python: str, config: Path) -> None:
    config.unlink()
    code = """
from gconfig import GlideinConfig, GlideinConfigException, gconfig_get
try:
    GlideinConfig(exit_on_exception=False, verbose=False)
except GlideinConfigException:
    print("raised")
try:
    gconfig_get("A")
except SystemExit as end:
    print(end.code)
"""
    assert run(python, code, config) == "raised\n1\n"


def test_as_a_program_it_finds_a_python_itself(config: Path) -> None:
    def call(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(GCONFIG), *words],
            cwd=config.parent,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert call("add", "K", "v w").returncode == 0
    assert call("get", "K").stdout == "v w\n"
    assert call("get", "NONE", str(config), "fallback").stdout == "fallback\n"
    lines = config.with_name("lines")
    lines.write_text("M 1\nN 2\n")
    assert call("add_multi", str(lines)).returncode == 0
    assert config.read_text().endswith("M 1\nN 2\n")
    assert call("add", "K").returncode == 1
    assert call("glidein_config", "client").returncode == 0  # as a script of a list
    assert "gconfig.py get KEY" in call().stderr


def test_it_and_the_shell_lose_nothing_of_each_other(config: Path) -> None:
    shell = """
. "$0"/add_config_line.source
for i in {1..40}; do gconfig_add "S_$i" "$i"; gconfig_add COUNT "$i"; done
"""
    python = """
import sys; sys.path.insert(0, sys.argv[1])
from gconfig import gconfig_add
for i in range(40): gconfig_add("P_%d" % i, i); gconfig_add("COUNT", i)
"""
    env = {"PATH": os.environ["PATH"], "glidein_config": str(config)}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    commands: list[list[str]] = []
    for _ in range(2):
        commands.append(["bash", "-c", shell, str(GCONFIG.parent)])
        commands.append([sys.executable, "-c", python, str(GCONFIG.parent)])
    running = [
        subprocess.Popen(words, env=env, stderr=subprocess.DEVNULL) for words in commands
    ]
    assert [one.wait(120) for one in running] == [0, 0, 0, 0]
    keys = [line.split()[0] for line in config.read_text().splitlines() if line]
    assert {f"S_{i}" for i in range(1, 41)} | {f"P_{i}" for i in range(40)} <= set(keys)
    assert keys.count("COUNT") == 1
