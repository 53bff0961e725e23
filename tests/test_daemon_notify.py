"""What systemd is told."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.daemon.notify import notify, watchdog_s


@pytest.fixture(params=["file", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    name = str(tmp_path / "notify")
    if request.param == "abstract":
        name = f"@{tmp_path.name}-{id(request)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        listener.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listener


def test_each_message_is_one_datagram(systemd: socket.socket) -> None:
    notify(READY="1", STATUS="12 entries")
    notify(STOPPING="1")
    assert systemd.recv(1000) == b"READY=1\nSTATUS=12 entries\n"
    assert systemd.recv(1000) == b"STOPPING=1\n"


def test_a_systemd_that_is_gone_is_no_error(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemd.close()
    notify(READY="1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify(READY="1")


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("3000000", None, 3.0),
        ("", None, None),
        ("soon", None, None),
        ("3000000", "1", None),
    ],
)
def test_the_watchdog_is_for_this_process_alone(
    monkeypatch: pytest.MonkeyPatch, usec: str, pid: str | None, seconds: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    if pid is None:
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
    else:
        monkeypatch.setenv("WATCHDOG_PID", pid)
    assert watchdog_s() == seconds
