"""What a server's log tells of a glidein's requests: how many, and how many in sequence.

The servers are told to log :data:`NGINX` or :data:`SQUID`: when the response was ended, how
long the request took, and what it was, with milliseconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

NGINX = "'$msec $request_time $connection $status $request_uri'"
SQUID = "%ts.%03tu %6tr %>p %>Hs %ru"  # duration in milliseconds; the client's port

SLACK_S = (
    0.003  # a curl that is started because of a response does not ask sooner than that
)


@dataclass(frozen=True)
class Request:
    """One line of a log; seconds of the epoch, as the server saw them."""

    start_s: float
    end_s: float
    connection: str
    status: int
    url: str


def nginx(line: str) -> Request:
    """Read a line of :data:`NGINX`."""
    end, took, connection, status, url = line.split(maxsplit=4)
    return Request(float(end) - float(took), float(end), connection, int(status), url)


def squid(line: str) -> Request:
    """Read a line of :data:`SQUID`."""
    end, took, connection, status, url = line.split(maxsplit=4)
    return Request(
        float(end) - float(took) / 1000, float(end), connection, int(status), url
    )


def read(path: Path, kind: str) -> list[Request]:
    """Return the requests of a log, in the order in which they began."""
    parse = nginx if kind == "nginx" else squid
    return sorted(
        (parse(line) for line in path.read_text().splitlines()), key=lambda r: r.start_s
    )


def round_trips(requests: Iterable[Request], rtt_s: float = 0.0) -> int:
    """Return how many requests had to be sequential: the length of the longest chain.

    A request can only depend on a response that had reached the client before it was sent. Seen
    by the server, it begins at least one round trip (``rtt_s``) after that response's end. On a
    link without delay :data:`SLACK_S` stands for that, so that requests which a client sends
    one right after the other, not waiting, are not counted as a chain.
    """
    gap = max(rtt_s * 0.9, SLACK_S)
    depth: list[tuple[float, int]] = []  # end of a request, length of the chain up to it
    for request in sorted(requests, key=lambda r: r.start_s):
        before = (length for end, length in depth if end + gap <= request.start_s)
        depth.append((request.end_s, 1 + max(before, default=0)))
    return max((length for _, length in depth), default=0)
