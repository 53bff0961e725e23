"""A factory's configuration in a folder that web servers may enter, and its operator."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator.share import share
from tests.configured import Configured, configure


@dataclass
class Operator:
    """Somebody with a shell on the factory host."""

    configured: Configured
    before: dict[Path, tuple[int, int, int]] = field(default_factory=dict)

    def types(self, verb: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run a verb of ``glidein-factory`` on the configuration."""
        return subprocess.run(
            [
                *(sys.executable, "-m", "orchestrator", verb),
                *("--config", str(self.configured.folder), *options),
            ],
            capture_output=True,
            text=True,
            timeout=60,  # seconds
            check=False,
        )


@pytest.fixture
def operator() -> Iterator[Operator]:
    """An operator with a configuration that nobody has published yet."""
    folder = Path(tempfile.mkdtemp(prefix="glidein-publish."))
    folder.chmod(0o755)  # pytest's own folders are closed to other users
    made = configure(folder)
    yield Operator(Configured(made.folder, share("glidein")))
    shutil.rmtree(folder)
