"""A small factory's configuration on disk, and a stand-in for the worker's scripts."""

import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator import config
from orchestrator.config import Configuration
from orchestrator.stage import area
from orchestrator.worktree import reconfig
from orchestrator.worktree.reconfig import Plan

# The events of Python's audit that announce a change on disk.
WRITING = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"}
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

FACTORY = """\
factory = "Example"
glidein = "first"
schedd = "schedd@factory.example.org"
condor_tarballs = ["condor-25.14.1-x86_64.tar.gz", "condor-23.9.6-x86_64.tar.gz"]

[web]
url = "http://factory.example.org/stage"
keep_days = 10

[attributes]
GLIDEIN_Max_Tail = 400

[[files]]
source = "files/check.sh"
name = "site_check.sh"
kind = "exec"
"""

ENTRY = """\
gatekeeper = "ce.example.org:9619"
grid_type = "condor"
site = "Example"
"""


@dataclass(frozen=True)
class Configured:
    """A configuration in ``folder``; the scripts of the worker in ``glidein``."""

    folder: Path
    glidein: Path

    def write(self, name: str, text: str) -> None:
        """Write a file of the configuration."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def change(self, name: str, old: str, new: str) -> None:
        """Change a file of the configuration."""
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{old!r} is not in {path}"
        path.write_text(text.replace(old, new))

    def load(self) -> Configuration:
        return config.load(self.folder)

    def plan(self) -> Plan:
        return reconfig.make_plan(self.load(), self.glidein)

    def reconfig(self, now: datetime = NOON) -> list[Path]:
        """Do what the verb does; return what was thrown away."""
        with reconfig.lock(self.load()):
            return reconfig.carry_out(self.plan(), now)

    @property
    def stage(self) -> Path:
        return self.folder / "stage"

    @property
    def work(self) -> Path:
        return self.folder / "work"


def configure(folder: Path) -> Configured:
    """Lay out the configuration of a factory with the entries north and south."""
    glidein = folder / "share" / "glidein"
    (glidein / "lib").mkdir(parents=True)
    (glidein / "worker_api").mkdir()
    for name in area.LIBRARY:
        (glidein / "lib" / name).write_text(f"# {name}\n")
    for name in area.WORKER_API:
        (glidein / "worker_api" / name).write_text(f"# {name}\n")
    (glidein / "bundle.sh").write_text("printf '#!/bin/bash\\n'\n")
    made = Configured(folder / "config", glidein)
    made.write("factory.toml", FACTORY)
    made.write("entries/north.toml", ENTRY)
    made.write("entries/south.toml", ENTRY)
    made.write("files/check.sh", "#!/bin/bash\nexit 0\n")
    for version in ("25.14.1", "23.9.6"):  # large enough to be left out of the bundle
        tarball = made.folder / f"condor-{version}-x86_64.tar.gz"
        tarball.write_bytes(b"\x1f\x8b" + version.encode() * 60_000)  # begins as gzip does
    return made


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    """A configuration that nobody has published yet."""
    return configure(tmp_path)


def everything(*folders: Path) -> dict[Path, tuple[int, int, int]]:
    """Return inode, time of change and mode of each file and folder."""
    found = {}
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            now = os.lstat(path)
            found[path] = (now.st_ino, now.st_mtime_ns, now.st_mode)
    return found


def contents(*folders: Path) -> dict[str, bytes]:
    """Return what each file holds, by its path; not what was seen, for that is no content."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in files if path.name != "seen.json"}


def assert_usable(folder: Path, description: str, signature: str, kind: str) -> None:
    """Read an area as a glidein would: from its description, against the signed hashes."""
    lines = (folder / description).read_text().splitlines()
    says = dict(line.split(" \t", 1) for line in lines)
    signed = (folder / says["signature"]).read_bytes()
    assert hashlib.new(kind, signed).hexdigest() == signature, f"{folder}: signature file"
    hashes = [line.split("  ") for line in signed.decode().splitlines() if line[0] != "#"]
    assert {description, says["file_list"], says["bundle"]} <= {name for _, name in hashes}
    for value, name in hashes:
        found = hashlib.new(kind, (folder / name).read_bytes()).hexdigest()
        assert found == value, f"{folder / name}: is not as signed"


def assert_what_is_told_is_there(configured: Configured) -> int:
    """Check the areas that glideins of each entry would be told; return how many entries."""
    records = sorted(configured.work.glob("entries/*/entry.json"))
    for record in records:
        told = json.loads(record.read_text())["arguments"]
        kind, stage = told["sign_type"], configured.stage
        assert_usable(stage, told["descript"], told["sign"], kind)
        entry = stage / f"entry_{told['entry']}"
        assert_usable(entry, told["descript_entry"], told["sign_entry"], kind)
    return len(records)


def killed_at(step: int, act: Callable[[datetime], object], now: datetime) -> bool:
    """Do ``act(now)`` in a child that is killed before its ``step``-th change on disk.

    Returns whether it came that far.
    """
    child = os.fork()
    if child == 0:
        left = step

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event not in WRITING:
                return
            flags = arguments[2] if event == "open" else os.O_WRONLY
            if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        code = 1
        try:
            sys.addaudithook(watch)
            act(now)
            code = 0
        finally:
            os._exit(code)  # never back into pytest
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), f"step {step}: status {status}"
    return status != 0
