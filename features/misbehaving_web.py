"""A web server that misbehaves on demand; also as a web cache in front of another server.

Put files into :attr:`MisbehavingWeb.files` and faults into :attr:`MisbehavingWeb.faults`. Asked as a
proxy (with a whole URL in the request line) it brings the answer from where the URL says, then
misbehaves with it in the same ways. It listens on loopback only, and whatever has no end ends
with :data:`ENDLESS` bytes or when the server is closed.
"""

import email.utils
import http.client
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import ClassVar, NamedTuple
from urllib.parse import urlsplit

ENDLESS = 64 * 1024 * 1024  # bytes after which even endless data ends
CHUNK = 65536
HTML = b"<!DOCTYPE html>\n<html><body><h1>Please log in</h1></body></html>\n"

FAULTS = frozenset(
    {
        "truncates",  # says how long the file is, sends half, closes
        "truncates without length",  # half of it, and the end looks like the end
        "stalls",  # half of it, then silence
        "is silent",  # takes the request, never answers
        "is slow",  # all of it, 20 pieces, a tenth of a second between
        "drips",  # one byte a second
        "sends endless data",  # no length
        "sends endless chunks",
        "announces too much",  # a length of ENDLESS, and then sends that
        "sends other bytes",  # as many, but not the same
        "sends too much",  # the file and a little more, with the length of both
        "sends a shorter length",  # Content-Length smaller than what it sends
        "sends chunks",  # chunked: right, but without a length
        "sends HTML",  # with 200
        "sends old content",  # what `old` holds
        "ignores ranges",
        "resumes elsewhere",  # a 206 with other bytes than those that were asked for
        "redirects in a circle",
        "redirects to a file",
        "redirects to another server",  # `elsewhere` says to which
        "closes",  # the connection, without an answer
        "answers nonsense",
        "sends nothing",  # 200 and an empty body
    }
    | {f"answers {status}" for status in (400, 403, 404, 407, 408, 429, 500, 502, 503, 504)}
)


@dataclass
class Fault:
    """What goes wrong with a path, for the first `times` requests (None: for all)."""

    kind: str
    times: int | None = None
    unless_nocache: bool = False  # a request that says no-cache gets the right answer

    def __post_init__(self) -> None:
        if self.kind not in FAULTS:
            raise ValueError(f"no such fault: {self.kind}")


class Request(NamedTuple):
    """A request as it came; `path` without the server's name."""

    path: str
    headers: Mapping[str, str]
    connection: int  # requests of one connection share the number

    @property
    def nocache(self) -> bool:
        """Whether caches were told not to answer by themselves."""
        return "no-cache" in self.headers.get("Cache-Control", "")

    @property
    def by_cache(self) -> bool:
        """Whether a cache passed this on."""
        return "Via" in self.headers


class Answer(NamedTuple):
    """What a well-behaved server would say."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


@dataclass
class MisbehavingWeb:
    """The state of one server, to be changed while it runs."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)  # by path; "*" for all others
    later: dict[str, Fault] = field(
        default_factory=dict
    )  # by path; when `faults` is used up
    old: dict[str, bytes] = field(default_factory=dict)  # for "sends old content"
    elsewhere: str = ""  # URL, for "redirects to another server"
    clock_s: int = 0  # how far this server's clock is ahead
    requests: list[Request] = field(default_factory=list)
    closing: Event = field(default_factory=Event)

    def asked(self, path: str) -> list[Request]:
        """Return the requests for one path."""
        return [request for request in self.requests if request.path == path]

    @property
    def connections(self) -> int:
        """How many connections brought the requests."""
        return len({request.connection for request in self.requests})

    def fault(self, path: str, *, nocache: bool) -> str:
        """Return what is to go wrong now, or an empty string; counts down."""
        fault = self.faults.get(path) or self.faults.get("*")
        if fault is None or (fault.unless_nocache and nocache):
            return ""
        if fault.times is not None:
            if fault.times == 0:
                return self.later[path].kind if path in self.later else ""
            fault.times -= 1
        return fault.kind


def answer(web: MisbehavingWeb, target: str, headers: Mapping[str, str]) -> Answer:
    """Return the right answer: a file of ours or, asked as a proxy, that of the origin."""
    parts = urlsplit(target)
    if not parts.netloc:
        body = web.files.get(target)
        return Answer(404, b"no such file\n") if body is None else Answer(200, body)
    origin = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        passed_on = {k: v for k, v in headers.items() if not k.startswith("Proxy-")}
        origin.request(
            "GET",
            parts.path,
            headers=passed_on | {"Via": "1.1 cache", "Connection": "close"},
        )
        came = origin.getresponse()
        kept = {
            k: v
            for k, v in came.headers.items()
            if k in ("Location", "Content-Range", "Date")
        }
        return Answer(came.status, came.read(), kept)
    except (OSError, http.client.HTTPException):
        return Answer(502, b"the origin does not answer\n")
    finally:
        origin.close()


class Handler(BaseHTTPRequestHandler):
    """One connection to a :class:`MisbehavingWeb`."""

    protocol_version = "HTTP/1.1"
    web: ClassVar[MisbehavingWeb]
    serial: ClassVar[Iterator[int]]
    headers_of_answer: Mapping[str, str] = {}

    def setup(self) -> None:
        super().setup()
        self.connection_number = next(self.serial)

    def do_GET(self) -> None:
        asked = dict(self.headers.items())
        path = urlsplit(self.path).path
        nocache = "no-cache" in asked.get("Cache-Control", "")
        kind = self.web.fault(path, nocache=nocache)
        right = answer(self.web, self.path, asked)
        self.headers_of_answer = right.headers
        if kind == "sends old content":
            right = right._replace(body=self.web.old[path])
        self.web.requests.append(Request(path, asked, self.connection_number))
        if kind in ("", "sends old content", "ignores ranges", "resumes elsewhere"):
            self.serve(right, kind)
        elif kind.removeprefix("answers ").isdigit():
            self.whole(int(kind.removeprefix("answers ")), f"it {kind}\n".encode())
        else:
            self.misbehave(kind, path, right)

    def serve(self, right: Answer, kind: str) -> None:
        """Send the right answer, or the part of it that was asked for."""
        wanted = self.headers.get("Range", "")
        if (
            right.status != 200
            or not wanted.startswith("bytes=")
            or kind == "ignores ranges"
        ):
            self.whole(right.status, right.body)
            return
        first = int(wanted.removeprefix("bytes=").split("-")[0])
        size = len(right.body)
        if first >= size:
            self.whole(416, b"", {"Content-Range": f"bytes */{size}"})
            return
        body = right.body[first:]
        if kind == "resumes elsewhere":
            body = body[::-1]
        self.whole(206, body, {"Content-Range": f"bytes {first}-{size - 1}/{size}"})

    def misbehave(self, kind: str, path: str, right: Answer) -> None:
        """Do what `kind` says; closes the connection wherever HTTP leaves nothing else."""
        body, size = right.body, len(right.body)
        self.close_connection = True
        match kind:
            case "truncates":
                self.head(200, {"Content-Length": str(size)})
                self.send(body[: size // 2])
            case "truncates without length":
                self.head(200)
                self.send(body[: size // 2])
            case "stalls":
                self.head(200, {"Content-Length": str(size)})
                self.send(body[: size // 2])
                self.web.closing.wait(60)
            case "is silent":
                self.web.closing.wait(60)
            case "is slow" | "drips":
                self.head(200, {"Content-Length": str(size)})
                step, pause = (size // 20 + 1, 0.1) if kind == "is slow" else (1, 1.0)
                for at in range(0, size, step):
                    self.send(body[at : at + step])
                    if self.web.closing.wait(pause):
                        break
            case "sends endless data" | "announces too much":
                length = (
                    {"Content-Length": str(ENDLESS)} if kind == "announces too much" else {}
                )
                self.head(200, length)
                for _ in range(ENDLESS // CHUNK):
                    if self.web.closing.is_set() or not self.send(bytes(CHUNK)):
                        break
            case "sends endless chunks":
                self.head(200, {"Transfer-Encoding": "chunked"})
                for _ in range(ENDLESS // CHUNK):
                    if self.web.closing.is_set() or not self.send(
                        b"%x\r\n%b\r\n" % (CHUNK, bytes(CHUNK))
                    ):
                        break
            case "sends other bytes":
                self.whole(200, bytes(255 - byte for byte in body))
            case "sends too much":
                self.whole(200, body + bytes(10))
            case "sends a shorter length":
                self.head(200, {"Content-Length": str(size // 2)})
                self.send(body)
            case "sends chunks":
                self.head(200, {"Transfer-Encoding": "chunked"})
                for at in range(0, size, CHUNK):
                    piece = body[at : at + CHUNK]
                    self.send(b"%x\r\n%b\r\n" % (len(piece), piece))
                self.send(b"0\r\n\r\n")
            case "sends HTML":
                self.whole(200, HTML, {"Content-Type": "text/html"})
            case "redirects in a circle":
                self.whole(302, b"", {"Location": path})
            case "redirects to a file":
                self.whole(302, b"", {"Location": "file:///etc/hostname"})
            case "redirects to another server":
                self.whole(302, b"", {"Location": self.web.elsewhere + path})
            case "closes":
                pass
            case "answers nonsense":
                self.send(b"\x00\x01\x02 this is not HTTP\r\n\r\n")
            case "sends nothing":
                self.whole(200, b"")
            case _:
                raise NotImplementedError(kind)

    def head(self, status: int, headers: Mapping[str, str] = {}) -> None:
        """Send a status line and headers; without a length the connection's end is the end."""
        said = dict(self.headers_of_answer) | dict(headers)
        self.send_response_only(status)
        now = email.utils.formatdate(time.time() + self.web.clock_s, usegmt=True)
        self.send_header("Date", said.pop("Date", now))
        for name, value in said.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def whole(self, status: int, body: bytes, headers: Mapping[str, str] = {}) -> None:
        """Send an answer that is as long as it says."""
        self.head(status, dict(headers) | {"Content-Length": str(len(body))})
        self.send(body)

    def send(self, data: bytes) -> bool:
        """Send; return whether somebody is still there."""
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except OSError:
            return False
        return True

    def log_message(self, *args: object) -> None: ...


class Server(ThreadingHTTPServer):
    """Threads that do not keep the test waiting, and a client that hangs up is no news."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, *args: object) -> None: ...


@contextmanager
def misbehaving_web(address: str = "127.0.0.1") -> Iterator[MisbehavingWeb]:
    """Run a server on a free port of loopback."""
    web = MisbehavingWeb()
    bound = type("Bound", (Handler,), {"web": web, "serial": iter(range(10**9))})
    server = Server((address, 0), bound)
    web.url = f"http://{address}:{server.server_port}"
    thread = Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    try:
        yield web
    finally:
        web.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
