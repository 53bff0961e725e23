"""livelog.sh against a real nginx as the receiver, and against servers that one would rather not have."""

import os
import re
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from orchestrator.stage.web_server import Settings, free_port, running

LIB = Path(__file__).parent.parent / "glidein" / "lib"
BASH = os.environ.get("GLIDEIN_BASH", "bash")
TOKEN = "made.up-token"

# $1 is shell to run between start and end, $2 the URL. Prints how long the end took, in ms.
GLIDEIN = """
set -uo pipefail
for module in log clock job config report livelog; do source "$LIB/$module.sh"; done
mkdir -p "$WORK/.glidein" && cd "$WORK" || exit
printf '%s\\n' "$TOKEN" >"$START_DIR/token"
config_set GLIDEIN_UUID 0-uuid
config_set GLIDEIN_Live_Log_URL "$2"
config_set GLIDEIN_Live_Log_Token token
livelog_start
eval "$1"
clock_ms; began=$REPLY
livelog_facts
livelog_end
clock_ms; printf 'end_ms=%d\\n' "$((REPLY - began))"
"""


def glidein(folder: Path, url: str, says: str, **env: str) -> "subprocess.Popen[str]":
    """Start what has a live log and ``says`` something, in shell."""
    (folder / "start").mkdir()
    return subprocess.Popen(
        [BASH, "-c", GLIDEIN, "glidein", says, url],
        env={
            "PATH": "/usr/bin:/bin",
            "LIB": str(LIB),
            "WORK": str(folder / "work"),
            "START_DIR": str(folder / "start"),
            "TOKEN": TOKEN,
            "LIVELOG_EVERY_S": "1",
            **env,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Wait; return the milliseconds that the end took, and what was said on standard error."""
    out, err = process.communicate(timeout=60)
    found = re.search(r"^end_ms=(\d+)$", out, re.MULTILINE)
    assert found, out + err
    return int(found[1]), err


@pytest.fixture
def receiver() -> Iterator[Path]:
    """The folder of an nginx that takes logs; its URL is in ``url``."""
    with tempfile.TemporaryDirectory(prefix="live-log.") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "tokens").write_text(f'"Bearer {TOKEN}" 1;\n')
        with running("live-log", Settings(folder, free_port())) as server:
            (folder / "url").write_text(server.url + "/logs")
            yield folder


def kept(receiver: Path) -> str:
    return "".join(path.read_text() for path in sorted(receiver.glob("logs/0-uuid/*.log")))


def wait_until_kept(receiver: Path, text: str) -> None:
    deadline = time.monotonic() + 30
    while text not in kept(receiver):
        assert time.monotonic() < deadline, kept(receiver)
        time.sleep(0.1)


@pytest.mark.needs("nginx", "curl")
def test_nginx_keeps_every_line_in_order(receiver: Path, tmp_path: Path) -> None:
    says = "for ((i = 0; i < 3000; i++)); do log_info line $i; done"
    url = (receiver / "url").read_text()
    _, err = ended(glidein(tmp_path, url, says, LIVELOG_BATCH_BYTES="20000"))
    assert re.findall(r"line (\d+)", kept(receiver)) == [str(i) for i in range(3000)]
    assert kept(receiver) == err
    pieces = sorted(receiver.glob("logs/0-uuid/*.log"))
    assert [piece.name for piece in pieces][:2] == ["000001.log", "000002.log"]
    assert all(piece.stat().st_size <= 20000 for piece in pieces)
    assert all(piece.stat().st_mode & 0o077 == 0 for piece in pieces)


@pytest.mark.needs("nginx", "curl")
def test_what_was_said_before_a_kill_is_there(receiver: Path, tmp_path: Path) -> None:
    says = "log_info last words; kill -KILL $$"
    process = glidein(tmp_path, (receiver / "url").read_text(), says)
    assert process.wait(30) == -9
    wait_until_kept(receiver, "last words")
    process.communicate(timeout=30)


@pytest.mark.needs("nginx", "curl")
@pytest.mark.parametrize(
    ("token", "path", "method", "status"),
    [
        ("wrong", "logs/u/000001.log", "PUT", "403"),
        (TOKEN, "logs/u/000001.log", "GET", "405"),
        (TOKEN, "logs/u/000001.log", "DELETE", "405"),
        (TOKEN, "logs/u/x.sh", "PUT", "404"),
        (TOKEN, "tokens", "GET", "404"),
        (TOKEN, "logs/../tokens/000001.log", "PUT", "404"),
        (TOKEN, "logs/u/000001.log", "PUT", "201"),
    ],
)
def test_nginx_takes_nothing_else(
    receiver: Path, token: str, path: str, method: str, status: str
) -> None:
    server = (receiver / "url").read_text().removesuffix("/logs")
    ask = ["curl", "--silent", "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}"]
    ask += ["-X", method, "-H", f"Authorization: Bearer {token}"]
    ask += ["--data", "x"] if method == "PUT" else []
    said = subprocess.check_output([*ask, f"{server}/{path}"], text=True)
    assert said == status
    assert (receiver / "tokens").read_text() == f'"Bearer {TOKEN}" 1;\n'


@contextmanager
def answering(status: int, delay_s: float) -> Iterator[tuple[str, list[float]]]:
    """A server that answers any PUT with ``status``, late; and when each came."""
    came: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            came.append(time.monotonic())
            self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(delay_s)
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", came
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.needs("curl")
def test_a_server_that_refuses_is_asked_less_often(tmp_path: Path) -> None:
    with answering(403, 0) as (url, came):
        says = 'log_info said; sleep 8; cat "$WORK/.glidein/live.state" >&2'
        _, err = ended(glidein(tmp_path, url, says))
    # After 0, 2 and 6 seconds, and at the end; every second it would be nine times.
    assert 2 <= len(came) <= 5
    assert re.search(r"^0 \d+ \d+ curl: .* 403", err, re.MULTILINE), err


@pytest.mark.needs("curl")
def test_a_slow_server_is_not_waited_for(tmp_path: Path) -> None:
    with answering(201, 3) as (url, came):
        says = "for ((i = 0; i < 2000; i++)); do log_info line $i; done"
        says += '; clock_ms; printf "said_ms=%d\\n" "$REPLY"'
        process = glidein(tmp_path, url, says, LIVELOG_END_S="2")
        took, err = ended(process)
    assert len(re.findall(r"line \d+", err)) == 2000
    assert took < 10_000
    assert 1 <= len(came) <= 3


@pytest.mark.needs("curl", "ps")
def test_a_server_that_hangs_is_left_alone_at_the_end(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        process = glidein(tmp_path, url, "log_info said", LIVELOG_END_S="1")
        took, err = ended(process)
    assert "said" in err
    assert took < 8_000
    ask = ["ps", "-o", "stat=,args=", "-s", str(process.pid)]
    left = subprocess.run(ask, capture_output=True, text=True, check=False).stdout
    assert [line for line in left.splitlines() if not line.startswith("Z")] == []


@pytest.mark.needs("nginx", "curl")
def test_what_is_too_far_behind_is_left_out_and_named(
    receiver: Path, tmp_path: Path
) -> None:
    url = (receiver / "url").read_text()
    says = (
        "printf '%s\\n' first >&2; head -c 300000 /dev/zero | tr '\\0' x >&2; log_info last"
    )
    bounds = {"LIVELOG_BEHIND_BYTES": "100000", "LIVELOG_BATCH_BYTES": "50000"}
    ended(glidein(tmp_path, url, says, LIVELOG_EVERY_S="3", **bounds))
    text = kept(receiver)
    assert "bytes left out ...\n" in text
    assert text.endswith("last\n")
    assert len(text) < 200_000


@pytest.mark.needs("nginx", "curl")
def test_one_glidein_sends_no_more_than_its_share(receiver: Path, tmp_path: Path) -> None:
    url = (receiver / "url").read_text()
    says = "for ((i = 0; i < 1000; i++)); do log_info line $i; done; sleep 3"
    bounds = {"LIVELOG_TOTAL_BYTES": "9000", "LIVELOG_BATCH_BYTES": "4000"}
    ended(glidein(tmp_path, url, says, **bounds))
    text = kept(receiver)
    assert re.search(r"\.\.\. the live log ends here, after \d{4} bytes \.\.\.\n$", text)
    assert 4000 < len(text) < 9100
