"""Steps of live_log.feature."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pytest_bdd import given, parsers, scenarios, then, when

from features.glidein_fixtures import Factory, Node
from features.glidein_steps import wait_for
from orchestrator.trial.local_glidein import LocalGlidein

scenarios("live_log.feature")

TOKEN = "made.up-token"


@dataclass
class Receiver:
    """Where a glidein's log goes: what came, by path."""

    url: str
    parts: dict[str, bytes] = field(default_factory=dict)

    def text(self) -> str:
        """Return what came so far, in order."""
        return b"".join(self.parts[path] for path in sorted(self.parts)).decode()


@given("a server that takes logs from who has the token", target_fixture="receiver")
def receiver() -> Iterator[Receiver]:
    taken: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known = self.headers["Authorization"] == f"Bearer {TOKEN}"
            if known:
                taken[self.path] = body
            self.send_response(204 if known else 403)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Receiver(f"http://127.0.0.1:{server.server_port}/logs", taken)
    server.shutdown()
    thread.join()
    server.server_close()


@given("a server that never answers", target_fixture="receiver")
def deaf() -> Iterator[Receiver]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield Receiver(f"http://127.0.0.1:{listening.getsockname()[1]}/")


@given("a factory with a script that goes on for long", target_fixture="here")
def goes_on(factory_with: Callable[..., Factory]) -> Factory:
    files = '[[files]]\nsource = "long.sh"\nkind = "exec"\n'
    script = "#!/bin/sh\necho the script is at work\nexec sleep 300\n"
    return factory_with(factory=files, files={"long.sh": script})


def prepared(here: Factory, node: Node, receiver: Receiver, *options: str) -> LocalGlidein:
    glidein = node.glidein(
        here,
        *options,
        env={"LIVELOG_EVERY_S": "1", "LIVELOG_REQUEST_S": "2"},
        GLIDEIN_Live_Log_URL=receiver.url,
        GLIDEIN_Live_Log_Token="live.token",
    )
    token = glidein.folder / "live.token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    return glidein


@when("a glidein runs there, which has the token", target_fixture="glidein")
def runs(here: Factory, node: Node, receiver: Receiver) -> LocalGlidein:
    glidein = prepared(here, node, receiver)
    glidein.start()
    return glidein


@when("a glidein is tried there, up to the launch", target_fixture="glidein")
def tried(here: Factory, node: Node, receiver: Receiver) -> LocalGlidein:
    glidein = prepared(here, node, receiver, "--dry-run")
    glidein.start()
    glidein.wait(90)
    (glidein.folder / "live.token").unlink()
    return glidein


@then(parsers.parse('the server has the line "{words}" while it runs'))
def arrives(glidein: LocalGlidein, receiver: Receiver, words: str) -> None:
    wait_for("the line", lambda: words in receiver.text(), 60, glidein.log)
    assert glidein.poll() is None


@when("the batch system kills all of it outright")
def killed(glidein: LocalGlidein, node: Node) -> None:
    for one in node.processes():
        os.kill(int(one.split(":")[0]), signal.SIGKILL)
    glidein.wait(10)


@then("the server keeps what it had said, and the token is nowhere in it")
def keeps(glidein: LocalGlidein, receiver: Receiver) -> None:
    said = glidein.log()
    lines = set((said + glidein.stdout.read_text()).splitlines())
    assert set(receiver.text().splitlines()) <= lines
    assert "phase=prepare verdict=ok" in receiver.text()
    assert TOKEN not in said + receiver.text()
