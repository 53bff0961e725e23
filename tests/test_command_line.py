"""What the command line says when something outside of it is wrong."""

import subprocess
import sys

from tests.configured import Configured


def test_a_place_that_cannot_be_written_is_told_in_one_line(configured: Configured) -> None:
    configured.change("factory.toml", "[web]", '[web]\nstage = "factory.toml/stage"')
    ran = subprocess.run(
        [sys.executable, "-m", "orchestrator", "reconfig", "--config", configured.folder],
        capture_output=True,
        text=True,
        timeout=60,  # seconds
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"glidein-factory: {configured.folder}/factory.toml")
    assert ran.stderr.count("\n") == 1, ran.stderr
