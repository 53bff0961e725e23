"""The small web server: what HTTP asks of it."""

import http.client
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from orchestrator.stage.static_server import StaticServer, serving

NAME = "object.0123456789abcdef.txt"
BODY = bytes(range(256)) * 10


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StaticServer]:
    (tmp_path / NAME).write_bytes(BODY)
    (tmp_path / "stop.lst").write_bytes(b"")
    with serving(tmp_path) as made:
        yield made


def get(server: StaticServer, path: str, **headers: str) -> requests.Response:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(f"{server.url}/{path}", headers=headers, timeout=10)


@pytest.mark.parametrize(
    ("wanted", "status", "first", "last"),
    [
        ("bytes=0-9", 206, 0, 9),
        ("bytes=10-", 206, 10, 2559),
        ("bytes=-10", 206, 2550, 2559),
        ("bytes=2550-99999", 206, 2550, 2559),
        ("bytes=-99999", 206, 0, 2559),
        ("bytes=-", 200, 0, 2559),
        ("bytes=0-1,5-6", 200, 0, 2559),
        ("lines=0-9", 200, 0, 2559),
    ],
)
def test_ranges(
    server: StaticServer, wanted: str, status: int, first: int, last: int
) -> None:
    reply = get(server, NAME, Range=wanted)
    assert reply.status_code == status
    assert reply.content == BODY[first : last + 1]
    if status == 206:
        assert reply.headers["Content-Range"] == f"bytes {first}-{last}/2560"


@pytest.mark.parametrize(("path", "size"), [(NAME, 2560), ("stop.lst", 0)])
def test_a_range_past_the_end(server: StaticServer, path: str, size: int) -> None:
    reply = get(server, path, Range="bytes=2560-")
    assert (reply.status_code, reply.content) == (416, b"")
    assert reply.headers["Content-Range"] == f"bytes */{size}"


def test_a_range_of_what_has_changed_since_brings_the_whole(server: StaticServer) -> None:
    reply = get(server, NAME, Range="bytes=10-", If_Range='"other"')
    assert (reply.status_code, reply.content) == (200, BODY)
    reply = get(server, NAME, Range="bytes=10-", If_Range=reply.headers["ETag"])
    assert reply.status_code == 206


def test_what_has_not_changed_is_not_sent_again(server: StaticServer) -> None:
    etag = get(server, "stop.lst").headers["ETag"]
    reply = get(server, "stop.lst", If_None_Match=etag)
    assert (reply.status_code, reply.content) == (304, b"")
    (server.root / "stop.lst").write_text("factory\n")
    reply = get(server, "stop.lst", If_None_Match=etag)
    assert (reply.status_code, reply.text) == (200, "factory\n")


def test_a_connection_is_kept(server: StaticServer) -> None:
    host, port = server.server_address[:2]
    connection = http.client.HTTPConnection(str(host), port, timeout=10)
    for method, status, length in (
        ("GET", 200, 2560),
        ("HEAD", 200, 0),
        ("GET", 200, 2560),
    ):
        connection.request(method, f"/{NAME}")
        reply = connection.getresponse()
        assert (reply.status, len(reply.read())) == (status, length)
    first = connection.sock
    connection.request("GET", "/none")
    assert connection.getresponse().read() == b"404 Not Found\n"
    assert connection.sock is first, "not even an error closes it"
    connection.close()


@pytest.mark.parametrize("line", [b"rubbish", b"GET / HTTP/9.9", b"GET " + b"/" * 70_000])
def test_rubbish_is_answered_with_an_error(server: StaticServer, line: bytes) -> None:
    with socket.create_connection(
        ("127.0.0.1", server.server_port), timeout=10
    ) as connection:
        connection.sendall(line + b"\r\n\r\n")
        assert re.search(rb"\b[45][0-9][0-9] [A-Z]", connection.recv(1000))
    assert get(server, NAME).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["..", ".hidden", "a//b", "sub", "sub/", "%00", "a%5cb", "%2e%2e/x", "%2e%2e%2fx"],
)
def test_what_is_no_name_of_a_file(server: StaticServer, path: str) -> None:
    (server.root / "sub").mkdir(exist_ok=True)
    assert server.find(f"/{path}") is None


def test_served_requests_are_counted(server: StaticServer) -> None:
    get(server, NAME)
    get(server, "none")
    counted = [(one.method, one.path, one.status, one.size) for one in server.served]
    assert counted == [("GET", f"/{NAME}", 200, 2560), ("GET", "/none", 404, 14)]
