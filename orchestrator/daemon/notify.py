"""Tell systemd how the service is (the protocol of sd_notify): one datagram per message.

Without ``NOTIFY_SOCKET`` in the environment nothing is sent.
"""

import os
import socket


def notify(**state: str) -> None:
    """Send ``READY="1"``, ``STATUS="text"`` and so on; a systemd that does not listen is ignored."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # an abstract socket
    text = "".join(f"{name}={value}\n" for name, value in state.items())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.sendto(text.encode(), socket.MSG_DONTWAIT, address)
        except OSError:
            return


def watchdog_s() -> float | None:
    """Return within which time systemd wants to hear from this process; None: it does not."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdigit() else None
