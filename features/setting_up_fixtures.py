"""Somebody new: an ordinary user with an empty home, who types what the documentation says."""

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from features.glidein_fixtures import USER
from orchestrator.share import cache_dir
from orchestrator.stage.web_server import free_port
from tests.test_project import ROOT, committed

GUIDE = ROOT / "orchestrator" / "manual" / "guide"
LIMIT_S = 500


# The order in which somebody reads the pages; the last block of the first hour stops everything.
READ = (
    *("first-hour", "adding-an-entry", "exit-codes", "worker-node"),
    *("security", "scaling", "moving"),
)
# What no ordinary user of one machine can type, by its page, with the reason.
ELSEWHERE = {
    "host": "needs root and an init of systemd: it changes the machine's users and services"
}


# What init tells to do next is typed as well, but for what would start a second time.
TOLD = r"""
glidein-factory init my-factory >told
grep -E '^ +glidein-factory (reconfig|status|request) ' told >told.sh
test "$(wc -l <told.sh)" -eq 3
bash -ex told.sh
"""


def blocks(page: str, kind: str = "sh") -> list[str]:
    """Return the blocks of commands of a page; ``kind`` is what stands behind the fence."""
    text = (GUIDE / f"{page}.md").read_text()
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Return all blocks that an ordinary user types, in the order of reading."""
    *hour, stop = blocks(READ[0])
    return [*hour, TOLD, *(block for page in READ[1:] for block in blocks(page)), stop]


@dataclass
class Newcomer:
    """An ordinary user; ``home`` has a copy of the checkout, and nothing else."""

    home: Path
    mark: str
    said: str = ""
    code: int | None = None
    identity: dict[str, object] = field(default_factory=dict)

    def types(self, blocks: Sequence[str]) -> None:
        """Type blocks of commands into one shell, until one of them fails."""
        # Job control, as in a shell that somebody types into. The port may be somebody's.
        script = "PS4='[$SECONDS s] '; set -emx\n" + "\n".join(blocks)
        script = script.replace("8080", str(free_port()))
        env = {
            "PATH": f"{self.python}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TMPDIR": "/tmp",
            "GLIDEIN_FACTORY_CACHE": str(self.home / "cache"),
            "TRIED_BY": self.mark,
        }
        with (self.home / "said").open("wb") as said:
            shell = subprocess.Popen(
                ["bash", "-c", script],
                cwd=self.home,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self.identity,  # type: ignore[call-overload]
            )
            try:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.code = shell.wait(LIMIT_S)
            finally:
                shell.kill()
                shell.wait()
                self.said = (self.home / "said").read_text(errors="replace")

    @property
    def python(self) -> Path:
        """The folder of a Python that every user may run; first on PATH."""
        folder = self.home / "bin"
        if not folder.exists():
            folder.mkdir()
            version = f"python{sys.version_info.major}.{sys.version_info.minor}"
            (folder / "python3").symlink_to(Path(sys.base_prefix) / "bin" / version)
        return folder

    def processes(self) -> list[int]:
        """What this user started and still runs."""
        found = []
        mark = f"TRIED_BY={self.mark}".encode()
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                ours = mark in (path / "environ").read_bytes().split(b"\0")
                # An nginx writes its title over its environment.
                if ours or str(self.home).encode() in (path / "cmdline").read_bytes():
                    found.append(int(path.name))
        return found


def _uid() -> int:
    return pwd.getpwnam(USER).pw_uid if os.geteuid() == 0 else os.geteuid()


@pytest.fixture
def newcomer() -> Iterator[Newcomer]:
    """Somebody new; what they left running is killed at the end."""
    home = Path(tempfile.mkdtemp(prefix="new."))
    home.chmod(0o755)
    for path in committed():
        to = home / "glidein-factory" / path.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to)
    shutil.copytree(cache_dir() / "tarballs", home / "cache" / "tarballs", symlinks=True)
    # Glideins remember on their node how those of a factory of this name fared before.
    with contextlib.suppress(FileNotFoundError):
        Path(f"/tmp/glidein-backoff.{_uid()}/factory.MyFactory").unlink()
    somebody = Newcomer(home, str(uuid.uuid4()))
    if os.geteuid() == 0:
        somebody.identity = {"user": USER, "group": "nogroup", "extra_groups": ()}
        for path in (home, *home.rglob("*")):
            shutil.chown(path, USER, "nogroup")
    yield somebody
    for pid in somebody.processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(home)
