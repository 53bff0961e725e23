"""A small web server for a stage folder: for the demo, for tests, for a first look.

It serves what nginx and Apache serve with the configurations in ``web/``: the same headers, no
listings, nothing outside its root. For a factory of some size use one of those.
"""

import io
import re
import shutil
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

IMMUTABLE = "public, max-age=31536000, immutable"
MUTABLE = "no-cache"

_TYPES = {
    **dict.fromkeys(
        (".cfg", ".lst", ".sh", ".txt", ".sha1", ".sha256", ".awk"), "text/plain"
    ),
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".gz": "application/gzip",
    ".tgz": "application/gzip",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".prom": "application/openmetrics-text; version=1.0.0; charset=utf-8",
}
_HASHED = re.compile(r"\.[0-9a-f]{16}(\.[^/]*)?$")
_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")


def cache_control(path: str) -> str:
    """Return what caches are told about a path: a hash in the name makes it immutable, but not of
    the page, where an entry may be called like one.
    """
    page = path.startswith("/monitor/")
    return IMMUTABLE if _HASHED.search(path) and not page else MUTABLE


@dataclass(frozen=True)
class Served:
    """One request that was answered."""

    method: str
    path: str
    status: int
    size: int  # bytes of the body
    seconds: float


class StaticServer(ThreadingHTTPServer):
    """Serves the files below ``root``; ``served`` holds the latest requests."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, root: Path, address: tuple[str, int]) -> None:
        self.root = root.resolve()
        self.served: deque[Served] = deque(maxlen=10_000)
        super().__init__(address, _Handler)

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def find(self, path: str) -> Path | None:
        """Return the file that a URL's path stands for, if it may be served."""
        parts = unquote(path).split("/")[1:]
        if not parts or any(part.startswith(".") or part == "" for part in parts):
            return None
        if any("\0" in part or "\\" in part for part in parts):
            return None
        file = self.root.joinpath(*parts)
        # Equal only if no part of it is a symbolic link.
        return file if file.is_file() and file.resolve() == file else None

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept
    timeout = 65  # seconds without a request
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024  # bytes; head and body of a small file leave together
    server: StaticServer

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def version_string(self) -> str:
        return "glidein-factory"

    def log_message(self, format: str, *args: object) -> None: ...

    def send_error(
        self, code: int, message: str | None = None, _: str | None = None
    ) -> None:
        """Refuse a request that could not be read, or any method but GET and HEAD."""
        self._started = monotonic()
        self.close_connection = True
        self._refuse(HTTPStatus.METHOD_NOT_ALLOWED if code == 501 else HTTPStatus(code))

    def _answer(self, with_body: bool) -> None:
        self._started = monotonic()
        path = urlsplit(self.path).path
        file = self.server.find(path)
        try:
            stream = file.open("rb") if file else None
        except OSError:
            stream = None
        if stream is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        with stream:
            self._send(path, stream, with_body)

    def _send(self, path: str, stream: BinaryIO, with_body: bool) -> None:
        size = stream.seek(0, io.SEEK_END)
        changed = Path(stream.name).stat().st_mtime
        etag = f'"{int(changed * 1e6):x}-{size:x}"'
        first, last, status = self._wanted(size, etag)
        if status is HTTPStatus.OK and self.headers.get("If-None-Match") == etag:
            status = HTTPStatus.NOT_MODIFIED
        self.send_response(status)
        self.send_header("Cache-Control", cache_control(path))
        self.send_header("ETag", etag)
        self.send_header("Last-Modified", formatdate(changed, usegmt=True))
        self.send_header("X-Content-Type-Options", "nosniff")
        if status is HTTPStatus.NOT_MODIFIED:
            self.end_headers()
            self._note(status, 0)
            return
        if status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            self.send_header("Content-Range", f"bytes */{size}")
            first, last = 0, -1
        elif status is HTTPStatus.PARTIAL_CONTENT:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        length = last - first + 1
        kind = _TYPES.get(Path(path).suffix, "application/octet-stream")
        self.send_header("Content-Type", kind)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if with_body and length:
            stream.seek(first)
            shutil.copyfileobj(_Part(stream, length), self.wfile, 256 * 1024)
        self._note(status, length if with_body else 0)

    def _wanted(self, size: int, etag: str) -> tuple[int, int, HTTPStatus]:
        """Return first and last byte to send; one range is understood, several are not."""
        match = _RANGE.fullmatch(self.headers.get("Range", ""))
        if (
            not match
            or not any(match.groups())
            or self.headers.get("If-Range", etag) != etag
        ):
            return 0, size - 1, HTTPStatus.OK
        if match[1]:
            first = int(match[1])
            last = min(int(match[2]), size - 1) if match[2] else size - 1
        else:
            first, last = max(0, size - int(match[2])), size - 1
        if first > last:
            return 0, size - 1, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        return first, last, HTTPStatus.PARTIAL_CONTENT

    def _refuse(self, status: HTTPStatus) -> None:
        body = f"{status.value} {status.phrase}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self._note(status, len(body))

    def _note(self, status: HTTPStatus, size: int) -> None:
        spent = monotonic() - self._started
        self.server.served.append(
            Served(self.command, self.path, status.value, size, spent)
        )


class _Part(io.RawIOBase):
    """The next ``left`` bytes of a file."""

    def __init__(self, stream: BinaryIO, left: int) -> None:
        self._stream, self._left = stream, left

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(data)
        return data


@contextmanager
def serving(root: Path, listen: str = "127.0.0.1", port: int = 0) -> Iterator[StaticServer]:
    """Serve ``root`` from threads of this process; port 0 takes any free one."""
    server = StaticServer(root, (listen, port))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
