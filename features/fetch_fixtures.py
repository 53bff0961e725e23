"""Fixtures of fetching, verifying and caching: web servers that misbehave, and a node.

The node runs functions of the shipped single file, in a private folder, with exactly the
environment and the programs written here.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from features.misbehaving_web import MisbehavingWeb, misbehaving_web
from tests.needs import need

GLIDEIN = Path(__file__).parent.parent / "glidein"
BASH = shutil.which(os.environ.get("GLIDEIN_BASH", "bash")) or "bash"
PROGRAMS = [
    "awk",
    "cat",
    "chmod",
    "cp",
    "dirname",
    "gzip",
    "ln",
    "ls",
    "mkdir",
    "mv",
    "readlink",
    "rm",
    "sha1sum",
    "sha256sum",
    "sleep",
    "tar",
    "touch",
    "wc",
]

# What a node may have to fetch with. Up to 7.74 curl has no words for how each transfer ended;
# the real one plays that part, since what it prints is the same.
OLDER_CURL = """#!/bin/bash
if [[ " $* " == *" --version "* ]]; then
  echo 'curl 7.74.0 (x86_64-pc-linux-gnu)'
else
  exec {curl} "$@"
fi
"""
TOOLS = ("curl", "older curl", "wget")


def spec(content: bytes) -> str:
    """Return the hash spec of a file."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


@dataclass
class Outcome:
    """How a piece of shell ended; `requests` are the lines of FETCH_LOG."""

    status: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        return f"status {self.status}\n{self.stdout}\n{self.stderr}"


@dataclass
class Node:
    """A worker node: a folder of its own, the shipped script, and one of TOOLS."""

    home: Path
    script: Path
    path: str
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, code: str) -> list[str]:
        """Return the command that runs shell code with the script's functions at hand."""
        return [
            BASH,
            "-c",
            f'source "$0" || exit 99\nset -uo pipefail\n{code}',
            str(self.script),
        ]

    def settings(self) -> Mapping[str, str]:
        """Return the whole environment: what is tried again, is so at once."""
        return {
            "PATH": self.path,
            "LC_ALL": "C",
            "FETCH_BACKOFF_S": "0",
            "FETCH_CONNECT_S": "2",
            "FETCH_STALL_S": "1",
            "FETCH_LOG": str(self.home.parent / "fetch.tsv"),
        } | self.environment

    def run(self, code: str, *, time_limit_s: float = 60) -> Outcome:
        """Run shell code to its end."""
        done = subprocess.run(
            self.command(code),
            env=self.settings(),
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=time_limit_s,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def start(self, code: str) -> "subprocess.Popen[bytes]":
        """Start shell code and leave it running, in a session of its own."""
        return subprocess.Popen(
            self.command(code),
            env=self.settings(),
            cwd=self.home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def left(self) -> list[str]:
        """Return what is in the node's folder."""
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*"))


def download(url: str, name: str, hash_spec: str, max_bytes: int, *words: str) -> str:
    """Return the shell code that queues a file."""
    return shlex.join(["fetch_queue", url, name, hash_spec, str(max_bytes), *words])


@pytest.fixture(scope="session")
def shipped_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The single file that batch systems carry."""
    script = tmp_path_factory.mktemp("shipped") / "glidein_startup.sh"
    script.write_bytes(subprocess.check_output([BASH, GLIDEIN / "bundle.sh"]))
    return script


@pytest.fixture
def new_node(shipped_script: Path, tmp_path: Path) -> Callable[[str], Node]:
    """How to make a node that has a certain tool to fetch with."""

    def make(tool: str) -> Node:
        programs = tmp_path / "programs"
        programs.mkdir()
        for name in PROGRAMS:
            need(name)
            (programs / name).symlink_to(str(shutil.which(name)))
        match tool:
            case "curl" | "wget":
                need(tool)
                (programs / tool).symlink_to(str(shutil.which(tool)))
            case "older curl":
                need("curl")
                (programs / "curl").write_text(OLDER_CURL.format(curl=shutil.which("curl")))
                (programs / "curl").chmod(0o755)
            case "nothing":
                pass
            case _:
                raise ValueError(f"no such tool: {tool}")
        home = tmp_path / "a home"
        home.mkdir()
        return Node(home, shipped_script, str(programs))

    return make


@pytest.fixture
def web() -> Iterator[MisbehavingWeb]:
    """The origin: the web server that publishes."""
    with misbehaving_web() as server:
        yield server


@pytest.fixture
def new_cache() -> Iterator[Callable[[], MisbehavingWeb]]:
    """How to get a web cache, to be asked as a proxy."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(misbehaving_web())
