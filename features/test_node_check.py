"""Steps of node_check.feature."""

import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

import tests.dead_mount
from features.glidein_fixtures import BASH, USER, Factory, Node
from orchestrator.arguments import escape
from orchestrator.share import share
from orchestrator.trial.local_glidein import LocalGlidein
from tests.needs import need

scenarios("node_check.feature")

CHECKS = {
    *("bash", "system", "user", "workdir", "disk", "web", "clock", "files"),
    "processes",
    *("processor", "memory", "tools", "names", "collector", "cvmfs"),
}
DEAD_MOUNT = Path(tests.dead_mount.__file__)
LIMIT_S = 2  # for what runs side by side


@dataclass
class Slot:
    """A slot of a worker node in which a person runs the shipped file with --check."""

    folder: Path
    script: Path
    tools: Path  # first on PATH
    collector: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    wrap: list[str] = field(default_factory=list)
    as_root: bool = False

    def command(self, *options: str) -> list[str]:
        """Return the command a person types."""
        words = [*self.wrap, BASH, str(self.script), "--check", *options]
        parameters = dict(self.parameters)
        if self.collector:
            parameters["GLIDEIN_Collector"] = self.collector
        for name, value in parameters.items():
            words += [f"-param_{name}", escape(value)]
        return words

    def start(self, *options: str) -> "subprocess.Popen[str]":
        """Start the check, as an ordinary user if it does not need root to set the stage."""
        identity: dict[str, Any] = {}
        if os.geteuid() == 0 and not self.as_root:
            user = pwd.getpwnam(USER)
            identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        return subprocess.Popen(
            self.command(*options),
            cwd=self.folder,
            env={
                "PATH": f"{self.tools}:/usr/bin:/bin",
                "CHECK_WAIT_S": str(LIMIT_S),
                **self.env,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **identity,
        )

    def check(self, *options: str) -> "Checked":
        """Run the check to its end."""
        process = self.start(*options)
        out, err = process.communicate(timeout=60)
        return Checked(process.returncode, out, err)

    def processes(self) -> list[str]:
        """Return what still runs in the slot."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdecimal() and (entry / "cwd").readlink() == self.folder:
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
        return found

    def replace_tool(self, name: str, text: str) -> None:
        """Put a shell script in the place of a program."""
        tool = self.tools / name
        tool.write_text(f"#!/bin/sh\n{text}\n")
        tool.chmod(0o755)

    def changed(self, *steps: str) -> None:
        """Take steps of root in a mount namespace of the check's own, before it starts."""
        need("unshare", "setpriv", root=True)
        script = " && ".join(
            [*steps, 'exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"']
        )
        self.wrap = ["/usr/bin/unshare", "--mount", "--uts", "/bin/sh", "-c", script, "sh"]
        self.as_root = True

    def cvmfs(self, dead: str) -> None:
        """Let CVMFS have a repository that answers, and ``dead``, which never does."""
        need(root=True)
        place = self.folder.parent / "cvmfs"
        (place / dead).mkdir(parents=True)
        (place / "good.example.org").mkdir()
        (place / "good.example.org" / "README").touch()
        self.env["CVMFS_MOUNT_DIR"] = str(place)
        # What mountinfo calls it is what it was mounted as.
        self.changed(f"{sys.executable} {DEAD_MOUNT} {place / dead}")

    def mounted(self, options: str, *steps: str) -> None:
        """Let the slot be a tmpfs of its own, with those mount options."""
        mount = f"mount -t tmpfs -o {options} none {self.folder} && cd {self.folder}"
        self.changed(mount, *steps)


@dataclass
class Checked:
    """What a check said, and how it ended."""

    code: int
    table: str
    log: str

    @property
    def rows(self) -> dict[str, dict[str, str]]:
        """The table's rows by name, cut at the columns of its head."""
        head, *lines = self.table.splitlines()
        found_at, needed_at = head.index("found"), head.index("needed")
        rows: dict[str, dict[str, str]] = {}
        name = ""
        for line in lines:
            words = line[:found_at].split()
            if words:
                name = words[0]
                rows[name] = {
                    "status": words[1],
                    "ms": words[2],
                    "found": "",
                    "needed": "",
                }
            for column, text in (
                ("found", line[found_at:needed_at]),
                ("needed", line[needed_at:]),
            ):
                rows[name][column] = f"{rows[name][column]} {text.strip()}".strip()
        return rows


@pytest.fixture
def slot() -> Iterator[Slot]:
    """A slot with every usual tool; gone at the end."""
    home = Path(tempfile.mkdtemp(prefix="glidein-check.")).resolve()
    home.chmod(0o755)
    for name in ("slot", "tools"):
        (home / name).mkdir()
    if os.geteuid() == 0:
        shutil.chown(home / "slot", USER)
    script = home / "glidein_startup.sh"
    script.write_bytes(subprocess.check_output([share("glidein") / "bundle.sh"]))
    yield Slot(home / "slot", script, home / "tools")
    shutil.rmtree(home)


@pytest.fixture
def ports() -> Iterator[Callable[[str], str]]:
    """Addresses on loopback: of a port that is "open", "closed" or "silent"."""
    stack = contextlib.ExitStack()

    def get(kind: str) -> str:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        host, port = server.getsockname()
        if kind == "closed":
            server.close()
        elif kind == "silent":
            # Once its queue is full, the kernel does not answer who wants to connect.
            for _ in range(4):
                client = stack.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex((host, port))
        else:
            server.listen(16)
        return f"{host}:{port}"

    with stack:
        yield get


@given(parsers.parse("a node where {state}"))
def a_node(slot: Slot, ports: Callable[[str], str], state: str) -> None:
    match state:
        case "nothing is wrong":
            pass
        case "a tool is missing":
            slot.changed("mount --bind /dev/null /usr/bin/sed")
        case "a tool does not execute":
            slot.replace_tool("tar", "echo 'tar: libacl.so.1: cannot open' >&2; exit 127")
        case "a tool hangs":
            slot.replace_tool("tar", "exec sleep 60")
        case "curl does not execute":
            slot.replace_tool("curl", "exit 127")
        case "few files may be open":
            slot.wrap = ["/bin/sh", "-c", 'ulimit -n 100; exec "$@"', "sh"]
        case "files may not grow":
            slot.wrap = ["/bin/sh", "-c", 'ulimit -f 1000; exec "$@"', "sh"]
        case "nothing listens on the collector's port":
            slot.collector = ports("closed")
        case "the collector takes no connections":
            slot.collector = ports("silent")
        case "one of two pools is down":
            slot.collector = f"{ports('open')};{ports('closed')}"
        case "one of two collectors is down":
            slot.collector = f"{ports('closed')},{ports('open')}?sock=collector"
        case "one of two collectors is silent":
            slot.collector = f"{ports('silent')},{ports('open')}"
        case "a pool is down that nobody minds":
            slot.collector = ports("closed")
            slot.parameters["GLIDEIN_Check_Warn_Only"] = "collector"
        case "the collector's name does not exist":
            slot.collector = "no-such-host.invalid:9618"
        case "the collector's address is nonsense":
            slot.collector = "127.0.0.1:collector"
        case "its own name does not resolve":
            slot.changed("hostname nowhere.invalid")
        case "the disk is tiny":
            slot.mounted("size=4600k,mode=1777")  # 4 MB, whatever lies there
        case "the disk is full":
            slot.mounted("size=64k,mode=1777")
        case "no more files can be made":
            slot.mounted("size=1g,nr_inodes=50,mode=1777")
        case "programs may not be executed in the slot":
            slot.mounted("size=1g,noexec,mode=1777")
        case "nothing may be written in the slot":
            slot.mounted("size=1g,mode=755")
        case "a CVMFS repository that it needs hangs":
            slot.cvmfs("dead.example.org")
            slot.parameters["GLIDEIN_CVMFS_Require"] = "good.example.org,dead.example.org"
        case "a CVMFS repository hangs that nobody needs":
            slot.cvmfs("dead.example.org")
        case "a CVMFS repository hangs that programs are looked for in":
            slot.cvmfs("dead.example.org")
            bad = f"{slot.env['CVMFS_MOUNT_DIR']}/dead.example.org/bin"
            slot.wrap += ["/usr/bin/env", f"PATH={bad}:{slot.tools}:/usr/bin:/bin"]
            slot.env["CVMFS_WAIT_S"] = "1"
        case "a CVMFS repository that it needs is not there":
            slot.parameters["GLIDEIN_CVMFS_Require"] = "none.example.org"
            slot.env["CVMFS_MOUNT_DIR"] = "/nowhere"
        case _:
            raise ValueError(f"no such state: {state}")


@when("a person lets the glidein check the node", target_fixture="checked")
def check(slot: Slot) -> Checked:
    return slot.check()


@when(
    "a person lets the glidein check the node and asks for JSON", target_fixture="checked"
)
def check_json(slot: Slot) -> Checked:
    return slot.check("--json")


@when("a person interrupts the check")
def interrupt(slot: Slot) -> None:
    process = slot.start()
    deadline = time.monotonic() + 10
    # In the middle of it: the script, and jobs that wait for the collector.
    while len(slot.processes()) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode != 0


@when(
    "a person counts the processes of a check that a glidein makes", target_fixture="count"
)
def count_processes(slot: Slot, ports: Callable[[str], str]) -> int:
    need("strace")
    trace = slot.folder / "trace"
    calls = "fork,vfork,clone,clone3"
    # As in a glidein, where a person's thorough look at each tool is not taken.
    code = (
        "set -uo pipefail; . $0; OPTION=(); config_set GLIDEIN_Collector $1; check_node >&2"
    )
    command = ["strace", "-f", "-qq", "-e", f"trace={calls}", "-o", str(trace)]
    command += [BASH, "-c", code, str(slot.script), f"{ports('open')};{ports('open')}"]
    subprocess.run(command, cwd=slot.folder, capture_output=True, timeout=60, check=False)
    return len(re.findall(r"\b(?:clone3?|v?fork)\(", trace.read_text()))


@then(parsers.parse("there are at most {limit:d}"))
def at_most(count: int, limit: int) -> None:
    assert 5 < count <= limit


@then("every check tells what it found, what was needed and how long it took")
def told(checked: Checked) -> None:
    assert set(checked.rows) == CHECKS, checked.table
    for row in checked.rows.values():
        assert row["found"], checked.table
        assert row["needed"], checked.table
        assert row["ms"].isdecimal(), checked.table
    assert int(checked.rows["tools"]["ms"]) > 0


@then("no check failed")
def none_failed(checked: Checked) -> None:
    assert checked.code == 0, checked.table + checked.log
    assert not [name for name, row in checked.rows.items() if row["status"] == "fail"]


@then("what only a factory could ask for is called not asked")
def not_asked(checked: Checked) -> None:
    for name in ("clock", "collector"):
        assert checked.rows[name]["status"] == "skip"
        assert checked.rows[name]["found"].startswith("not asked")


@then("the table fits a terminal of 80 columns")
def fits(slot: Slot) -> None:
    slot.env["COLUMNS"] = "80"
    lines = slot.check().table.splitlines()
    assert len(lines) > len(CHECKS)
    assert max(map(len, lines)) <= 80, "\n".join(lines)


@then(parsers.parse('"{name}" fails, blaming "{reason}"'))
def fails(checked: Checked, name: str, reason: str) -> None:
    assert checked.rows[name]["status"] == "fail", checked.table + checked.log
    assert reason in checked.rows[name]["found"], checked.table
    # Whoever has only the log reads the same.
    assert re.search(rf"ERROR .*\b{name}: found: .*; needed: ", checked.log), checked.log


@then(parsers.parse('"{name}" is {status}, mentioning "{words}"'))
def is_status(checked: Checked, name: str, status: str, words: str) -> None:
    assert checked.rows[name]["status"] == status, checked.table + checked.log
    assert words in checked.rows[name]["found"], checked.table


@then(parsers.parse("it ends with code {code:d}"))
def ends(checked: Checked, code: int) -> None:
    assert checked.code == code, checked.table + checked.log


@then("the check leaves no file and no process")
def leaves_nothing(slot: Slot) -> None:
    assert list(slot.folder.iterdir()) == []
    deadline = time.monotonic() + 3
    while slot.processes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert slot.processes() == []


@then("the report holds each check with the numbers of the table")
def in_report(checked: Checked, slot: Slot) -> None:
    checks = {check["name"]: check for check in json.loads(checked.table)["checks"]}
    rows = slot.check().rows
    assert list(checks) == list(rows)
    for name, row in rows.items():
        assert checks[name]["status"] == row["status"]
        assert checks[name]["needed"] in (row["needed"], int_or_none(row["needed"]))
        assert isinstance(checks[name]["ms"], int)


def int_or_none(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


@given(
    parsers.parse("a factory whose clock is {seconds:d} seconds ahead"),
    target_fixture="here",
)
def a_clock(factory: Factory, monkeypatch: pytest.MonkeyPatch, seconds: int) -> Factory:
    def date(_: BaseHTTPRequestHandler, timestamp: float | None = None) -> str:
        return formatdate((timestamp or time.time()) + seconds, usegmt=True)

    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", date)
    return factory


@when("a glidein is rehearsed there", target_fixture="glidein")
def rehearse(here: Factory, node: Node) -> LocalGlidein:
    glidein = node.glidein(here, "--dry-run")
    glidein.start()
    glidein.wait(60)
    return glidein


@then(parsers.parse('its check "{name}" is {status}'))
def glideins_check(glidein: LocalGlidein, name: str, status: str) -> None:
    (check,) = (c for c in glidein.report()["checks"] if c["name"] == name)
    assert check["status"] == status, glidein.log()[-4000:]
    assert glidein.poll() == (40 if status == "fail" else 0), glidein.log()[-4000:]
