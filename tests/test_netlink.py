"""The delaying link is what it says: late by the round trip, wide enough, gone afterwards."""

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import netlink
from tests.needs import program

pytestmark = pytest.mark.needs("curl", namespaces=True)

SIZE = 15_000_000  # bytes: the size of the HTCondor tarball
PORT = 8000

SERVER = f"""
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "{SIZE}")
        self.end_headers()
        self.wfile.write(bytes({SIZE}))
    def log_message(self, *args): ...
server = http.server.ThreadingHTTPServer(("{netlink.FAR_IP}", {PORT}), Handler)
print("listening", flush=True)
server.serve_forever()
"""


def download(link: netlink.Link, times: int) -> tuple[float, float]:
    """Return the medians of the seconds until connected and of those for the body."""
    server = link.popen(link.far, [sys.executable, "-c", SERVER], stdout=subprocess.PIPE)
    assert server.stdout is not None
    assert server.stdout.readline() == "listening\n"
    command = ["curl", "-sf", "-o", "/dev/null", "--noproxy", "*"]
    command += [
        "-w",
        "%{time_connect} %{time_starttransfer} %{time_total} %{size_download}",
    ]
    command += [f"http://{link.far_ip}:{PORT}/"]
    connects, bodies = [], []
    for _ in range(times):
        done = link.run(link.near, command, capture_output=True, check=True, timeout=60)
        connect, first, total, size = map(float, done.stdout.split())
        assert size == SIZE
        connects.append(connect)
        bodies.append(total - first)
    server.kill()
    server.wait()
    return statistics.median(connects), statistics.median(bodies)


@pytest.mark.parametrize("rtt_ms", [50, 150])
def test_connecting_takes_one_round_trip(rtt_ms: float) -> None:
    with netlink.delayed(rtt_ms) as link:
        connect_s, body_s = download(link, times=3)
    assert rtt_ms <= connect_s * 1000 < rtt_ms + 10
    print(f"rtt_ms={rtt_ms} connect_ms={connect_s * 1000:.1f} body_s={body_s:.2f}")


def test_the_link_is_not_the_bottleneck() -> None:
    with netlink.delayed(1) as link:
        connect_s, body_s = download(link, times=5)
    mbit_per_s = SIZE * 8 / 1e6 / body_s
    print(f"connect_ms={connect_s * 1000:.2f} mbit_per_s={mbit_per_s:.0f}")
    assert mbit_per_s > 200


def test_the_mtu_is_that_of_ethernet() -> None:
    show = [str(program("ip")), "link", "show", "dev", netlink.DEVICE]
    with netlink.delayed(1) as link:
        shown = link.run(link.near, show, capture_output=True, check=True).stdout
    assert f"mtu {netlink.MTU} " in shown


def test_nothing_remains() -> None:
    with netlink.delayed(1) as link:
        sleeper = link.popen(link.near, ["sleep", "1000"])
        assert (netlink.NETNS / link.near).exists()
    assert not (netlink.NETNS / link.near).exists()
    assert not (netlink.NETNS / link.far).exists()
    assert sleeper.wait(timeout=5) == -signal.SIGKILL


def test_what_a_killed_run_left_is_swept() -> None:
    code = (
        "from tests import netlink\n"
        "with netlink.delayed(1) as link:\n"
        "    sleeper = link.popen(link.near, ['sleep', '1000'])\n"
        "    print(link.near, sleeper.pid, flush=True)\n"
        "    sleeper.wait()\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    name, sleeper = run.stdout.readline().split()
    with netlink.delayed(1):  # another run, while the first is alive
        assert (netlink.NETNS / name).exists()
    run.kill()
    run.wait()
    assert (netlink.NETNS / name).exists()
    assert name in netlink.sweep()
    assert not (netlink.NETNS / name).exists()
    for _ in range(100):  # init has to collect it
        try:
            os.kill(int(sleeper), 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)  # seconds
    else:
        pytest.fail(f"process {sleeper} of the killed run is alive")


def test_a_firewall_lets_through_what_begins_near_and_goes_to_an_open_port() -> None:
    home = Path("/proc/thread-self/ns/net").readlink()
    with netlink.delayed(1, walled=True) as link:
        link.open(PORT)
        for namespace, address, port, comes in (
            (link.near, netlink.FAR_IP, PORT, True),
            (link.near, netlink.FAR_IP, PORT + 1, False),
            (link.far, netlink.NEAR_IP, PORT, False),
        ):
            other = link.far if namespace == link.near else link.near
            with (
                link.entered(other),
                socket.create_server((address, port)),
                link.entered(namespace),
            ):
                assert reached(address, port) is comes, (namespace, port)
    assert Path("/proc/thread-self/ns/net").readlink() == home


def reached(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return False
    return True
