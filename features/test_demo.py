"""Steps of demo.feature."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_bdd import parsers, scenarios, then, when

from orchestrator.share import cache_dir
from orchestrator.trial.demo import debian_arch
from tests.needs import need

scenarios("demo.feature")

CHECKOUT = Path(__file__).parent.parent
LIMIT_S = 240


@dataclass
class Demo:
    """A run of the demo and what it said."""

    mark: str
    code: int
    text: str


@pytest.fixture
def cache(
    open_folder: Path, tarball_of: Callable[[str], tuple[Path, Path]]
) -> Iterator[Path]:
    """A cache folder with finished tarballs that every user may use."""
    tarball_of("trixie")
    assert debian_arch()
    folder = open_folder / f"cache-{uuid.uuid4()}"
    shutil.copytree(cache_dir() / "tarballs", folder / "tarballs")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    yield folder
    shutil.rmtree(folder)


def as_root() -> tuple[list[str], dict[str, str]]:
    return [sys.executable, "-m", "orchestrator"], {}


def as_ordinary_user(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Return command and environment that run the demo as user nobody.

    Checkout and Python may lie where only root can look: the command mounts the checkout at a
    public place, for itself alone, and uses the machine's own Python with our packages.
    """
    need("unshare", "setpriv", root=True)
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    (folder / "checkout").mkdir()
    (folder / "packages").mkdir()
    script = (
        f"set -e; mount --bind {CHECKOUT} {folder}/checkout;"
        f" mount --bind {packages} {folder}/packages; cd {folder}/checkout;"
        ' exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"'
    )
    python = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    command = ["unshare", "--mount", "sh", "-c", script, "sh", python, "-m", "orchestrator"]
    return command, {
        "PYTHONPATH": f"{folder}/checkout:{folder}/packages",
        "HOME": str(folder),
    }


def start(
    who: str, options: list[str], cache: Path, open_folder: Path
) -> tuple[str, "subprocess.Popen[str]"]:
    mark = f"demo-{uuid.uuid4()}"
    folder = open_folder / mark
    folder.mkdir()
    temporary = folder / "tmp"
    temporary.mkdir()
    for path in (folder, temporary):
        path.chmod(0o777)
    match who:
        case "root":
            command, env = as_root()
        case "an ordinary user":
            command, env = as_ordinary_user(folder)
        case _:
            raise ValueError(f"nobody known: {who}")
    process = subprocess.Popen(
        [*command, "demo", *options],
        cwd=CHECKOUT,
        env={
            "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
            "GLIDEIN_FACTORY_CACHE": str(cache),
            "TMPDIR": str(temporary),
            "COLUMNS": "120",
            "PYTHONDONTWRITEBYTECODE": "1",
            **env,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    return mark, process


@when(parsers.parse("{who} runs the demo {how}"), target_fixture="demo")
def run(who: str, how: str, cache: Path, open_folder: Path) -> Demo:
    match how:
        case "as it is":
            options = []
        case "with nginx and through Squid":
            need("nginx", "squid")
            options = ["--web", "nginx", "--squid"]
        case _:
            raise ValueError(f"no such way: {how}")
    mark, process = start(who, options, cache, open_folder)
    text, _ = process.communicate(timeout=LIMIT_S)
    return Demo(mark, process.returncode, text)


@when("root interrupts the demo while its glideins run", target_fixture="demo")
def interrupt(cache: Path, open_folder: Path) -> Demo:
    mark, process = start("root", [], cache, open_folder)
    deadline = time.monotonic() + LIMIT_S
    # The start of a master is what shows that glideins run: the pool has one, each glidein too.
    while len([line for line in left(mark) if "condor_master" in line]) < 2:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, left(mark)
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=90)
    assert process.returncode == 130, text
    return Demo(mark, process.returncode, text)


def left(mark: str) -> list[str]:
    """Return the processes whose environment or folder names the demo's own temporary folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if mark in command or mark.encode() in (entry / "environ").read_bytes():
                found.append(f"{entry.name}: {command}")
        except OSError:
            continue
    return found


@then("four jobs ran in two glideins")
def four_jobs(demo: Demo) -> None:
    assert demo.code == 0, demo.text
    assert "4 jobs ran in 2 glideins" in demo.text
    assert re.findall(r"glidein \d: (\d) jobs, then it left: idle", demo.text)
    # It has no terminal to draw on, and says what happens while it happens.
    for news in ("glidein 1: condor ok, ", "job 3: done"):
        assert demo.text.index(news) < demo.text.index("─"), demo.text


@then("where the logs are is told, and they are there")
def logs(demo: Demo) -> None:
    (folder,) = re.findall(r"logs: (\S+)", demo.text)
    assert (Path(folder) / "glidein-0/glidein.err").stat().st_size > 0
    assert list((Path(folder) / "pool/log").glob("*Log"))


@then("nothing of the demo runs any more")
def nothing_runs(demo: Demo) -> None:
    assert left(demo.mark) == []
