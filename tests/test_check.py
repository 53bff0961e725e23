"""The checks of a host, each with what it should find."""

import base64
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from orchestrator.check import caches, clock, host, secrets, web
from orchestrator.explain.daemons import Daemons
from orchestrator.explain.records import CredentialRecord, Finding
from orchestrator.stage.static_server import serving
from orchestrator.worktree.factory_record import FactoryRecord, read_factory
from tests.configured import Configured


@pytest.fixture
def published(configured: Configured) -> Iterator[FactoryRecord]:
    """A factory whose web area is served as it should be."""
    (configured.folder / "stage").mkdir(exist_ok=True)
    with serving(configured.folder / "stage") as server:
        configured.change("factory.toml", "http://factory.example.org/stage", server.url)
        configured.reconfig()
        yield read_factory(configured.work)


def states(findings: Iterable[Finding]) -> dict[str, str]:
    return {one["what"]: one["state"] for one in findings}


def words(findings: Iterable[Finding]) -> str:
    return "\n".join(f"{one['state']} {one['words']} -> {one['mend']}" for one in findings)


def descriptions(stage: Path) -> dict[str, str]:
    return {
        name: next((stage / f"entry_{name}").glob("description.*")).name
        for name in ("north", "south")
    }


def test_a_web_server_that_serves_what_was_published(published: FactoryRecord) -> None:
    found = [*web.web(published, descriptions(Path(published.web.stage)))]
    found += [*web.stop_list(published), *clock.web_clock(published)]
    assert set(states(found).values()) == {"ok"}, words(found)
    assert len(found) == 4


def test_a_server_that_serves_something_else_is_found(
    published: FactoryRecord, tmp_path: Path
) -> None:
    stage = Path(published.web.stage)
    other = tmp_path / "other"
    other.mkdir()
    with serving(other) as server:  # an empty folder, then old and damaged files
        record = with_url(published, server.url)
        (only,) = web.web(record, {})
        assert only["state"] == "fail"
        assert "404" in only["words"]
        for path in stage.glob("*"):
            if path.is_file():
                (other / path.name).write_bytes(path.read_bytes())
        bundle = next(other.glob("bundle.*"))
        bundle.write_bytes(b"old")
        (only,) = web.web(record, {})
        assert only["state"] == "fail"
        assert f"{bundle.name}: 3 bytes" in only["words"]
        (other / "stop.lst").write_text("entry north\n")
        (only,) = web.stop_list(record)
        assert only["state"] == "fail"
        # Areas of entries are not there at all.
        found = [*web.web(record, descriptions(stage))]
        assert states(found)["areas of entries"] == "fail"


def test_a_server_that_is_not_there_is_found(published: FactoryRecord) -> None:
    record = with_url(published, "http://127.0.0.1:1")
    (only,) = web.web(record, {})
    assert only["state"] == "fail"
    assert "refused" in only["words"]
    assert states(web.stop_list(record)) == {"stop list": "fail"}


def test_an_object_that_is_damaged_on_the_stage_is_found(published: FactoryRecord) -> None:
    bundle = next(Path(published.web.stage).glob("bundle.*"))
    bundle.chmod(0o644)
    bundle.write_bytes(b"damaged")
    (only,) = web.web(published, {})
    assert "damaged" in only["words"]
    assert "reconfig --verify" in only["mend"]


def test_an_object_that_is_gone_from_the_stage_is_found(published: FactoryRecord) -> None:
    gone = next(Path(published.web.stage).glob("hooks.*"))
    gone.unlink()
    (only,) = web.web(published, {})
    assert only["state"] == "fail"
    assert f"{gone}: No such file" in only["words"]


class _Cache(BaseHTTPRequestHandler):
    """A proxy that keeps what it was asked for first, or answers for itself."""

    body = b"kept"
    headers_: tuple[tuple[str, str], ...] = (("Age", "700"),)
    skew_s = 0.0

    def do_GET(self) -> None:
        self.send_response_only(200)
        self.send_header("Date", self.date_time_string(time.time() + self.skew_s))
        for name, value in self.headers_:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def odd_server() -> Iterator[str]:
    """A server, or proxy, that gives one answer to everything."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Cache) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_cache_that_gives_old_files_is_found(
    published: FactoryRecord, odd_server: str
) -> None:
    (only,) = caches.caches(published, ["None", odd_server])
    assert only["state"] == "fail"
    assert "gives something else" in only["words"]
    (stop,) = web.stop_list(published, odd_server)
    assert stop["state"] == "fail"
    assert "kept by a cache for 700 s" in stop["words"]


def test_a_cache_that_cannot_be_reached_is_a_warning(published: FactoryRecord) -> None:
    (only,) = caches.caches(published, ["http://127.0.0.1:1"])
    assert (only["state"], only["what"]) == ("warn", "cache http://127.0.0.1:1")


def test_a_cache_that_works_is_seen_through(
    published: FactoryRecord, odd_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Path(published.web.stage)

    def forward(self: _Cache) -> bytes:
        assert self.path.startswith(f"{published.web.url}/")  # as a proxy is asked
        return (stage / self.path.rpartition("/")[2]).read_bytes()

    monkeypatch.setattr(_Cache, "body", property(forward))
    monkeypatch.setattr(_Cache, "headers_", (("Cache-Control", "no-cache"),))
    found = states(caches.caches(published, [f"{odd_server};{odd_server}"]))
    assert found == {
        f"cache {odd_server}": "ok",
        f"stop list through {odd_server}": "ok",
    }


def test_a_stop_list_that_may_be_kept_is_noted(
    published: FactoryRecord, odd_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Path(published.web.stage)
    monkeypatch.setattr(_Cache, "body", (stage / "stop.lst").read_bytes())
    monkeypatch.setattr(_Cache, "headers_", (("Cache-Control", "max-age=3600"),))
    (only,) = web.stop_list(with_url(published, odd_server))
    assert only["state"] == "warn"
    assert "max-age=3600" in only["words"]


def test_a_clock_that_is_wrong_is_found(
    published: FactoryRecord, odd_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Cache, "skew_s", 1_000.0)
    (only,) = clock.web_clock(with_url(published, odd_server))
    assert only["state"] == "fail"
    assert "behind" in only["words"]


def test_who_can_read_the_key_is_told(
    published: FactoryRecord, configured: Configured
) -> None:
    key = configured.work / "factory/rsa.key"
    key.write_text("secret")
    key.chmod(0o644)
    (only,) = secrets.permissions(configured.work, running=True)
    assert (only["state"], only["mend"]) == ("fail", f"chmod 600 {key}")
    key.chmod(0o600)
    credentials = configured.work / "credentials/vo"
    credentials.mkdir(parents=True)
    (configured.work / "credentials").chmod(0o700)
    credentials.chmod(0o700)
    assert set(states(secrets.permissions(configured.work, running=True)).values()) == {
        "ok"
    }
    (credentials / "token").write_text("secret")
    (credentials / "token").chmod(0o640)
    assert (
        states(secrets.permissions(configured.work, running=True))["credentials"] == "fail"
    )


def token(left_s: float) -> str:
    parts = ({"alg": "none"}, {"sub": "x", "exp": int(time.time() + left_s)})
    coded = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode() for one in parts]
    return ".".join([*(one.rstrip("=") for one in coded), "x"])


@pytest.mark.parametrize(
    ("left_s", "state"),
    [(-60, "fail"), (3_600, "fail"), (3 * 86_400, "warn"), (10**8, "ok")],
)
def test_the_life_of_a_token_is_told(tmp_path: Path, left_s: float, state: str) -> None:
    (tmp_path / "ours").write_text(token(left_s))
    (only,) = secrets.own([tmp_path / "ours"])
    assert only["state"] == state


def test_a_frontends_credential_that_is_over_is_named() -> None:
    one: CredentialRecord = {
        "client": "vo.main",
        "frontend": "vo",
        "security_class": "frontend",
        "identifier": "abc",
        "purposes": ["scitoken"],
        "expires": 1.0,
        "remaining_s": -60.0,
    }
    (only,) = secrets.lives([one])
    assert only["state"] == "fail"
    assert "abc of vo.main expired 1 min ago" in only["words"]
    assert states(secrets.lives([{**one, "remaining_s": 10.0**6}])) == {
        "Frontends' credentials": "ok"
    }


def test_the_host_is_told_with_numbers(
    published: FactoryRecord, configured: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = Daemons(None, {}, None, None, {})
    found = states(host.host(configured.work, published, nobody))
    assert found["factory"] == "fail"
    assert found["open files"] == "ok"
    monkeypatch.setattr(host, "_FILES_EACH", 10**9)
    monkeypatch.setattr(host, "DISK_FAIL", 1 << 62)
    found = states(host.host(configured.work, published, nobody))
    assert found["open files"] == "fail"
    assert found["disk of work tree"] == "fail"
    us = Daemons(os.getpid(), {"written": time.time()}, None, None, {})
    assert states(host.host(configured.work, published, us))["factory"] == "ok"


def with_url(record: FactoryRecord, url: str) -> FactoryRecord:
    return replace(record, web=replace(record.web, url=url))
