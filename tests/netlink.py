"""A far-away web server on this machine: two network namespaces and a link that takes its time.

:func:`delayed` makes the namespaces *far* and *near*, joins them by a TUN device each, and runs
a forwarder (this file as a program) that holds every packet back for half of the round trip.
Both ends are the kernel's own TCP, with the MTU of Ethernet; packets may be handed over in
batches as a network card would (TSO), so the forwarder is not what limits a transfer.

    with netlink.delayed(rtt_ms=50) as link:
        link.popen(link.far, ["nginx", ...])
        link.run(link.near, ["curl", f"http://{link.far_ip}:8080/"])

With ``walled=True`` a firewall stands in the middle: connections that *near* begins to ports of
*far* that :meth:`Link.open` has opened come up; anything else, also UDP, gets lost:

    with netlink.delayed(rtt_ms=1, walled=True) as link:
        link.open(3128)

Needs root (``needs.need(namespaces=True)``). At the end every process in the namespaces is
killed and both are removed; after a ``kill -9`` the next use does that (:func:`sweep`): a
namespace carries the process id and start time of its owner in its name.
"""

import ctypes
import fcntl
import itertools
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from tests.needs import program

PREFIX = "gfnet"
NETNS = Path("/run/netns")
MTU = 1500
DEVICE = "link0"
FAR_IP, NEAR_IP = "10.199.0.1", "10.199.0.2"

# From linux/if_tun.h, sched.h and prctl.h
TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
IFF_TUN, IFF_NO_PI, IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4 = 0x01, 0x02
VNET_HEADER = 10  # bytes before each packet
TCP_SYN, TCP_ACK = 0x02, 0x10
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

_number = itertools.count()
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Link:
    """Two namespaces, by name, and the address of each one's end of the link."""

    far: str
    near: str
    rtt_ms: float
    far_ip: str = FAR_IP
    near_ip: str = NEAR_IP
    gate: IO[bytes] | None = None

    def open(self, port: int) -> None:
        """Let connections from *near* through the firewall, to this port of *far*."""
        assert self.gate is not None, "this link has no firewall"
        self.gate.write(b"%d\n" % port)
        self.gate.flush()

    @contextmanager
    def entered(self, namespace: str) -> Iterator[None]:
        """Have this thread in a namespace: its sockets, and all that it starts, are there."""
        with Path("/proc/thread-self/ns/net").open() as home:
            _enter(namespace)
            try:
                yield
            finally:
                if _libc.setns(home.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(
                        ctypes.get_errno(), f"cannot leave the namespace {namespace}"
                    )

    def inside(self, namespace: str, command: Sequence[str]) -> list[str]:
        """Return the command line that runs a command in a namespace."""
        return [_ip(), "netns", "exec", namespace, *command]

    def run(
        self, namespace: str, command: Sequence[str], check: bool = False, **options: Any
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command in a namespace, as subprocess.run does."""
        command = self.inside(namespace, command)
        return subprocess.run(command, check=check, text=True, **options)

    def popen(
        self, namespace: str, command: Sequence[str], **options: Any
    ) -> "subprocess.Popen[str]":
        """Start a command in a namespace; it does not outlive the link."""
        return subprocess.Popen(self.inside(namespace, command), text=True, **options)


@contextmanager
def delayed(rtt_ms: float, walled: bool = False) -> Iterator[Link]:
    """Make the two namespaces and the link between them; all is gone afterwards."""
    sweep()
    stem = f"{PREFIX}-{os.getpid()}-{_started(os.getpid())}-{next(_number)}"
    link = Link(f"{stem}-far", f"{stem}-near", rtt_ms)
    forwarder = None
    try:
        for namespace in (link.far, link.near):
            _run("netns", "add", namespace)
            # What one connection learnt of the path must not speed up the next.
            saving = Path("/proc/sys/net/ipv4/tcp_no_metrics_save")
            link.run(namespace, ["sh", "-c", f"echo 1 >{saving}"], check=True)
            _run("-n", namespace, "link", "set", "lo", "up")
        forwarder = subprocess.Popen(
            [sys.executable, __file__, link.far, link.near, str(rtt_ms / 2000)]
            + ["walled"] * walled,
            stdin=subprocess.PIPE if walled else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
        )
        assert forwarder.stdout is not None
        if forwarder.stdout.readline() != b"ready\n":
            raise OSError(f"the delaying link did not come up, status {forwarder.wait(5)}")
        for namespace, own, other in (
            (link.far, FAR_IP, NEAR_IP),
            (link.near, NEAR_IP, FAR_IP),
        ):
            _run("-n", namespace, "addr", "add", own, "peer", other, "dev", DEVICE)
            _run("-n", namespace, "link", "set", DEVICE, "up", "mtu", str(MTU))
        yield replace(link, gate=forwarder.stdin)
    finally:
        for namespace in (link.far, link.near):
            remove(namespace)
        if forwarder is not None:
            forwarder.kill()
            forwarder.wait()


def sweep() -> list[str]:
    """Remove the namespaces of test runs that died without cleaning up; return their names."""
    swept = []
    for path in sorted(NETNS.glob(f"{PREFIX}-*")):
        _, pid, started, *_ = path.name.split("-")
        if _started(int(pid)) != started:
            remove(path.name)
            swept.append(path.name)
    return swept


def remove(namespace: str) -> None:
    """Kill every process in one of our namespaces, and remove it."""
    if not (NETNS / namespace).exists():
        return
    for _ in range(100):  # a process may fork while we look
        listed = subprocess.run(
            [_ip(), "netns", "pids", namespace], capture_output=True, text=True, check=False
        )
        if not listed.stdout.split():
            break
        for pid in listed.stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)  # seconds
    subprocess.run([_ip(), "netns", "delete", namespace], check=False)


def _started(pid: int) -> str:
    """Return when a process started, in the kernel's ticks, or "" when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def _ip() -> str:
    found = program("ip")
    assert found is not None, "ip (Debian package iproute2) is missing"
    return str(found)


def _run(*arguments: str) -> None:
    subprocess.run([_ip(), *arguments], check=True)


# The forwarder: this file run as a program.


def forward(far: str, near: str, delay_s: float, gate: IO[bytes] | None) -> None:
    """Carry packets between the namespaces, each after ``delay_s``, until killed.

    With ``gate`` only those that :func:`passes` lets through; a line there opens a port.
    """
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    ends = [_tun(far), _tun(near)]
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    waiting: deque[tuple[float, int, bytes]] = deque()  # due, end to write to, packet
    ports: set[int] = set()
    listened = [*ends, gate.fileno()] if gate else ends
    print("ready", flush=True)
    while True:
        wait = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select(listened, [], [], wait)
        if gate and gate.fileno() in readable:
            ports.update(int(line) for line in os.read(gate.fileno(), 100).split())
        for end in readable:
            if end not in other:
                continue
            for _ in range(64):  # then look at what is due
                try:
                    packet = os.read(end, 1 << 17)
                except BlockingIOError:
                    break
                except OSError:  # not up yet, or being removed
                    break
                if gate and not passes(packet, ports, outward=end == ends[1]):
                    continue
                waiting.append((time.monotonic() + delay_s, other[end], packet))
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, end, packet = waiting.popleft()
            try:
                os.write(end, packet)
            except OSError:  # a full or vanished device loses packets, as networks do
                continue


def passes(packet: bytes, ports: set[int], outward: bool) -> bool:
    """Return whether the firewall lets a packet through: of TCP, and no unwanted beginning."""
    packet = packet[VNET_HEADER:]
    version, length, protocol = packet[0] >> 4, (packet[0] & 15) * 4, packet[9]
    if version != 4 or protocol != socket.IPPROTO_TCP or len(packet) < length + 20:
        return False
    begins = packet[length + 13] & (TCP_SYN | TCP_ACK) == TCP_SYN
    port = int.from_bytes(packet[length + 2 : length + 4], "big")
    return not begins or (outward and port in ports)


def _enter(namespace: str) -> None:
    with (NETNS / namespace).open() as there:
        if _libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter the namespace {namespace}")


def _tun(namespace: str) -> int:
    """Make the TUN device in a namespace and return its file, not blocking."""
    _enter(namespace)
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), flags))
    fcntl.ioctl(end, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4)
    return end


if __name__ == "__main__":
    wall = sys.stdin.buffer if sys.argv[4:] == ["walled"] else None
    forward(sys.argv[1], sys.argv[2], float(sys.argv[3]), wall)
