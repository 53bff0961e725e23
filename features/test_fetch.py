"""Steps of fetch.feature."""

import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.fetch_fixtures import TOOLS, Node, Outcome, download, spec
from features.misbehaving_web import Fault, MisbehavingWeb
from tests.needs import need

scenarios("fetch.feature")

FILE = "/file.0123456789abcdef.cfg"
LARGE = "/large.0123456789abcdef.tar.gz"
SIZE = 20_000
BYTES = random.Random(7).randbytes
FILES = {FILE: BYTES(SIZE)} | {f"/file{i}.cfg": BYTES(1000 * i) for i in range(1, 8)}
OLD = BYTES(SIZE)
STATUS = {"came": 0, "did not come": 1, "was not right": 2, "it cannot fetch": 3}


@pytest.fixture(params=TOOLS, autouse=True)  # so that each scenario runs once with each
def node(request: pytest.FixtureRequest, new_node: Callable[[str], Node]) -> Node:
    """A node with one of the tools."""
    return new_node(request.param)


@pytest.fixture
def caches() -> list[str]:
    """The web caches that the glidein is told to use."""
    return []


@pytest.fixture
def down() -> Iterator[str]:
    """The URL of a server that refuses connections."""
    with socket.socket() as unused:
        unused.bind(
            ("127.0.0.1", 0)
        )  # bound, so that nobody else gets the port; not listening
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


def fetch(node: Node, caches: list[str], *downloads: str, runs: bool = False) -> Outcome:
    """Fetch what is queued; with `runs`, each in a subshell of its own."""
    between = "\n( fetch_run ) || exit\nfetch_reset\n" if runs else "\n"
    code = f"fetch_init {shlex.quote(','.join(caches) or 'None')} || exit\n"
    code += between.join([*downloads, ""]) + "fetch_run\nstatus=$?\n"
    return node.run(
        code
        + 'echo "failed ${FETCH_FAILED[*]:-}"\necho "skew $FETCH_DATE_SKEW_S"\nexit $status'
    )


def right(web: MisbehavingWeb, path: str = FILE, max_bytes: int = SIZE, *words: str) -> str:
    """Return the code that queues a published file under its own name."""
    return download(web.url + path, path[1:], spec(web.files[path]), max_bytes, *words)


# --- given -----------------------------------------------------------------------------------


@given("a web server that publishes files")
def publish(web: MisbehavingWeb) -> None:
    web.files.update(FILES)
    web.old[FILE] = OLD


@given("the web server redirects to another server")
def redirect(web: MisbehavingWeb, new_cache: Callable[[], MisbehavingWeb]) -> None:
    other = new_cache()
    other.files.update(FILES)
    web.elsewhere = other.url
    web.faults[FILE] = Fault("redirects to another server")


@given(
    parsers.re(
        r"the web server (?P<fault>(?!redirects to another).+?)(?P<first> when first asked)?$"
    )
)
def misbehave(web: MisbehavingWeb, fault: str, first: str | None) -> None:
    if fault.endswith(" for one of the files"):
        web.faults["/file3.cfg"] = Fault(fault.removesuffix(" for one of the files"))
    else:
        web.faults[FILE] = Fault(fault, 1 if first else None)


@given(parsers.parse("the web server's clock is {seconds:d} seconds ahead"))
def clock(web: MisbehavingWeb, seconds: int) -> None:
    web.clock_s = seconds


@given("a large file that truncates when first asked for")
def large_file(web: MisbehavingWeb) -> None:
    web.files[LARGE] = BYTES(5_000_000)
    web.faults[LARGE] = Fault("truncates", 1)


@given(parsers.parse("a large file that truncates when first asked for, and then {fault}"))
def large_file_with(web: MisbehavingWeb, fault: str) -> None:
    web.files[LARGE] = BYTES(5_000_000)
    web.faults[LARGE] = Fault("truncates", 1)
    web.later[LARGE] = Fault(fault)


@given("a web cache", target_fixture="cache")
def cache(new_cache: Callable[[], MisbehavingWeb], caches: list[str]) -> MisbehavingWeb:
    made = new_cache()
    caches.append(made.url)
    return made


@given(
    parsers.re(
        r"a web cache that (?P<fault>(?!is down).+?)(?P<unless> unless told to ask)?$"
    ),
    target_fixture="cache",
)
def bad_cache(
    new_cache: Callable[[], MisbehavingWeb],
    caches: list[str],
    fault: str,
    unless: str | None,
) -> MisbehavingWeb:
    made = cache(new_cache, caches)
    made.faults["*"] = Fault(fault, unless_nocache=bool(unless))
    made.old[FILE] = OLD
    return made


@given("a web cache that is down")
def dead_cache(caches: list[str], down: str) -> None:
    caches.append(down)


@given("an environment whose http_proxy is down")
def environment(node: Node, down: str) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        node.environment[name] = down


@given("a node where curl cannot find its libraries")
def broken_curl(node: Node) -> None:
    need("wget")
    programs = Path(node.path)
    for name in ("curl", "wget"):
        (programs / name).unlink(missing_ok=True)
    complaint = "curl: error while loading shared libraries: libcurl.so.4: cannot open"
    (programs / "curl").write_text(f"#!/bin/bash\necho '{complaint}' >&2\nexit 127\n")
    (programs / "curl").chmod(0o755)
    (programs / "wget").symlink_to(str(shutil.which("wget")))


@given("a node that has neither curl nor wget")
def no_tool(node: Node) -> None:
    for name in ("curl", "wget"):
        (Path(node.path) / name).unlink(missing_ok=True)


# --- when ------------------------------------------------------------------------------------


@when("a glidein fetches a file", target_fixture="outcome")
def fetch_one(node: Node, web: MisbehavingWeb, caches: list[str]) -> Outcome:
    return fetch(node, caches, right(web))


@when(
    parsers.parse("a glidein fetches a file, with {seconds:d} seconds for each request"),
    target_fixture="outcome",
)
def fetch_slowly(
    node: Node, web: MisbehavingWeb, caches: list[str], seconds: int
) -> Outcome:
    node.environment |= {
        "FETCH_TOTAL_S": str(seconds),
        "FETCH_STALL_S": "20",
        "FETCH_TRIES": "1",
    }
    return fetch(node, caches, right(web))


@when("a glidein fetches a file whose hash it does not know", target_fixture="outcome")
def fetch_unknown(node: Node, web: MisbehavingWeb, caches: list[str]) -> Outcome:
    return fetch(node, caches, download(web.url + FILE, FILE[1:], "-", SIZE))


@when("a glidein fetches a file that need not be there", target_fixture="outcome")
def fetch_optional(node: Node, web: MisbehavingWeb, caches: list[str]) -> Outcome:
    return fetch(node, caches, right(web, FILE, SIZE, "nocache", "optional"))


@when("a glidein fetches a file that no cache may answer for", target_fixture="outcome")
def fetch_nocache(node: Node, web: MisbehavingWeb, caches: list[str]) -> Outcome:
    return fetch(node, caches, right(web, FILE, SIZE, "nocache"))


@when("a glidein fetches the large file", target_fixture="outcome")
def fetch_large(node: Node, web: MisbehavingWeb, caches: list[str]) -> Outcome:
    return fetch(node, caches, right(web, LARGE, 10_000_000))


@when("a glidein fetches all files", target_fixture="outcome")
def fetch_all(node: Node, web: MisbehavingWeb, caches: list[str]) -> Outcome:
    return fetch(node, caches, *(right(web, path) for path in FILES))


@when("a glidein fetches all files, one after the other", target_fixture="outcome")
def fetch_each(node: Node, web: MisbehavingWeb, caches: list[str]) -> Outcome:
    return fetch(node, caches, *(right(web, path) for path in FILES), runs=True)


@when("a glidein that fetches a file is ended", target_fixture="ended")
def fetch_and_end(node: Node, web: MisbehavingWeb) -> int:
    node.environment["FETCH_STALL_S"] = "30"
    running = node.start(
        f"fetch_init None || exit\n( {right(web)}; fetch_run ) & job=$!\n"
        "trap 'kill -TERM $job; wait $job; exit 143' TERM\nwait $job\n"
    )
    deadline = time.monotonic() + 20
    while not (web.requests and any(".fetch." in name for name in node.left())):
        assert time.monotonic() < deadline, (web.requests, node.left())
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 143
    return running.pid


# --- then ------------------------------------------------------------------------------------


def holds(node: Node, web: MisbehavingWeb, *paths: str) -> None:
    """The node has these files, right, and nothing else."""
    assert node.left() == sorted(path[1:] for path in paths)
    for path in paths:
        assert (node.home / path[1:]).read_bytes() == web.files[path]


@then("it has the file, as it was published")
def has_file(node: Node, web: MisbehavingWeb, outcome: Outcome) -> None:
    assert outcome.status == 0, outcome
    holds(node, web, FILE)


@then("it has the large file, as it was published")
def has_large_file(node: Node, web: MisbehavingWeb, outcome: Outcome) -> None:
    assert outcome.status == 0, outcome
    holds(node, web, LARGE)


@then("it has all files, as they were published")
def has_files(node: Node, web: MisbehavingWeb, outcome: Outcome) -> None:
    assert outcome.status == 0, outcome
    holds(node, web, *FILES)


@then("it has all files but that one")
def has_others(node: Node, web: MisbehavingWeb, outcome: Outcome) -> None:
    assert outcome.status == STATUS["did not come"], outcome
    holds(node, web, *(path for path in FILES if path != "/file3.cfg"))


@then("it names that file as the one that did not come")
def names_file(node: Node, outcome: Outcome) -> None:
    assert f"failed {node.home}/file3.cfg\n" in outcome.stdout
    assert "/file3.cfg: via direct: HTTP status 404" in outcome.stderr


@then(
    parsers.re(r'it gives up, saying (the file )?(?P<what>.+) and blaming "(?P<reason>.+)"')
)
def gives_up(outcome: Outcome, what: str, reason: str) -> None:
    assert outcome.status == STATUS[what], outcome
    assert any(
        reason in line for line in outcome.stderr.splitlines() if " ERROR " in line
    ), outcome


@then("it goes on without the file")
def goes_on(node: Node, outcome: Outcome) -> None:
    assert outcome.status == 0, outcome
    assert " ERROR " not in outcome.stderr
    assert node.left() == []


@then("it keeps nothing of the download")
def keeps_nothing(node: Node) -> None:
    assert node.left() == []


@then(parsers.re(r"it was asked for (?P<number>\d+) times?"), converters={"number": int})
def asked(web: MisbehavingWeb, number: int, outcome: Outcome) -> None:
    assert len(web.asked(FILE)) == number, outcome


@then("each was asked for once")
def asked_once(web: MisbehavingWeb) -> None:
    assert sorted(request.path for request in web.requests) == sorted(FILES)


@then("not much more came than was allowed")
def not_much_more(node: Node, outcome: Outcome) -> None:
    lines = Path(node.settings()["FETCH_LOG"]).read_text().splitlines()
    came = [int(line.split("\t")[3]) for line in lines]
    # For small files the limit is coarse: 257 KiB reach the disk; two buffers of curl's, 100 KiB
    # each, may have come as well: one that cannot be written any more, and one just read.
    assert max(came) <= max(SIZE, (257 + 2 * 100) * 1024), outcome


@then("the second request was for the rest only")
def resumed(web: MisbehavingWeb) -> None:
    first, second = web.asked(LARGE)
    assert "Range" not in first.headers
    assert second.headers["Range"] == f"bytes={len(web.files[LARGE]) // 2}-"


@then("the web server was asked by the web cache only")
def by_cache(web: MisbehavingWeb) -> None:
    assert web.requests
    assert all(request.by_cache for request in web.requests)


@then("the web server was asked directly, without a cache in between")
def directly(web: MisbehavingWeb) -> None:
    assert not web.requests[-1].by_cache


@then(parsers.parse('the log says "{reason}" of the web cache'))
def log_blames(outcome: Outcome, cache: MisbehavingWeb, reason: str) -> None:
    blamed = f"via {cache.url}: "
    assert any(blamed in line and reason in line for line in outcome.stderr.splitlines()), (
        outcome
    )


@then("the log says that the file was right past the web cache")
def log_right(outcome: Outcome, cache: MisbehavingWeb) -> None:
    assert f"right when asked past {cache.url}" in outcome.stderr, outcome


@then("the log says once that the first web cache is given up")
def log_given_up(outcome: Outcome, caches: list[str]) -> None:
    assert outcome.stderr.count(f"web cache given up: {caches[0]}") == 1, outcome


@then("the web cache was asked 2 times, the second time not to answer by itself")
def cache_asked(cache: MisbehavingWeb) -> None:
    assert [request.nocache for request in cache.requests] == [False, True]


@then("the log says that the environment's proxy is not used")
def log_environment(outcome: Outcome, down: str) -> None:
    assert f"not used: the proxy of the environment, {down}" in outcome.stderr


@then("the log says that curl does not work here")
def log_curl(outcome: Outcome) -> None:
    assert "curl does not work here: curl: error while loading" in outcome.stderr


@then(parsers.parse("it knows that it is {seconds:d} seconds behind"))
def knows_skew(outcome: Outcome, seconds: int) -> None:
    skew = int(outcome.stdout.split("skew ")[1])
    assert -seconds - 2 <= skew <= -seconds + 2, outcome


@then("none of its processes is left")
def none_left(ended: int) -> None:
    deadline = time.monotonic() + 5
    while left := subprocess.run(
        ["ps", "-o", "pid=,args=", "-s", str(ended)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.killpg(ended, 0)
