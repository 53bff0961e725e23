"""A glidein as an ordinary process of this machine, without a batch system: for demo and tests."""

import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.outputs.glidein_output import read_output

_PHASE = re.compile(r" phase=(\w+) verdict=(\w+) ms=(\d+)")


@dataclass(frozen=True)
class Phase:
    """A phase that is over, as the glidein's log tells it."""

    name: str
    verdict: str
    ms: int


class LocalGlidein:
    """One run of the shipped single file ``script`` in ``folder``, which is made for it.

    ``user`` is whom root starts it as; the folder and what is in it become theirs. ``env`` is
    all of its environment. A glidein finds tokens in the folder it is started in: put them
    there (``credential_*.idtoken``) before :meth:`start`.
    """

    def __init__(
        self,
        script: Path,
        arguments: Sequence[str],
        folder: Path,
        *,
        user: str | None = None,
        env: Mapping[str, str] | None = None,
        bash: str = "bash",
    ) -> None:
        self.script = script
        self.folder = folder
        self._command = [bash, str(script), *arguments]
        self._env = {"PATH": "/usr/bin:/bin", **(env or {})}
        self._user = pwd.getpwnam(user) if user and os.geteuid() == 0 else None
        self._as_root = False
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.stdout = folder / "glidein.out"
        self.stderr = folder / "glidein.err"

    def again(self, folder: Path, *options: str) -> "LocalGlidein":
        """Return another glidein of the same command, and more options, for another folder."""
        user = self._user.pw_name if self._user else None
        bash, script, *arguments = self._command
        return LocalGlidein(
            Path(script),
            [*arguments, *options],
            folder,
            user=user,
            env=self._env,
            bash=bash,
        )

    def wrap(self, command: Sequence[str], *, as_root: bool = False) -> None:
        """Run the glidein through ``command``, which ends by executing its arguments.

        With ``as_root`` the command starts as root and changes to the glidein's user itself.
        """
        self._command = [*command, *self._command]
        self._as_root = as_root

    def start(self) -> None:
        """Start it, in a session of its own as a batch system would."""
        identity: dict[str, Any] = {}
        if self._user is not None:
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, self._user.pw_uid, self._user.pw_gid)
            if not self._as_root:
                uid, gid = self._user.pw_uid, self._user.pw_gid
                identity = {"user": uid, "group": gid, "extra_groups": ()}
        with self.stdout.open("wb") as out, self.stderr.open("wb") as err:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.folder,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                **identity,
            )

    @property
    def pid(self) -> int:
        """Its process id; it must have been started."""
        assert self._process is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs or was not started."""
        return self._process.poll() if self._process else None

    def wait(self, timeout_s: float) -> int:
        """Wait for its end and return the exit code.

        Raises:
            TimeoutError: it still runs after ``timeout_s``; the message ends with its log.
        """
        assert self._process is not None
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(
                f"glidein in {self.folder} still runs after {timeout_s:.0f} s:\n{self.log()[-2000:]}"
            ) from error

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to the script alone, not to its children."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def stop(self, timeout_s: float = 60) -> None:
        """End it with SIGTERM, so that it cleans up; kill it when that takes too long."""
        if self._process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def log(self) -> str:
        """Return what it has said on standard error so far."""
        return self.stderr.read_text(errors="replace") if self.stderr.exists() else ""

    def phases(self) -> list[Phase]:
        """Return the phases that are over, in their order."""
        found = _PHASE.findall(self.log())
        return [Phase(name, verdict, int(ms)) for name, verdict, ms in found]

    def report(self) -> dict[str, Any]:
        """Return the JSON report it printed at its end.

        Raises:
            FactoryError: there is none.
        """
        report = read_output(self.stdout.read_text(errors="replace")).report
        return report if report is not None else {}
