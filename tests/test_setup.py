"""``.ci/setup``, as far as it can be tried without installing anything."""

import fcntl
import os
import shutil
import signal
import subprocess
from pathlib import Path

SETUP = Path(__file__).parent.parent / ".ci" / "setup"


def test_a_second_set_up_waits_for_the_first(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    (tmp_path / "build").mkdir()
    shutil.copy(SETUP, tmp_path / ".ci")
    log = tmp_path / "build" / "setup.log"
    log.write_text("of the first")
    with (tmp_path / "build" / "setup.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = subprocess.Popen(
            ["bash", ".ci/setup", "demo"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert second.stdout is not None
        try:
            assert "another set-up" in second.stdout.readline()
        finally:
            os.killpg(second.pid, signal.SIGKILL)  # as a terminal's Ctrl-C: all of it
            second.communicate()
    assert log.read_text() == "of the first"
    assert not (tmp_path / ".venv").exists()
