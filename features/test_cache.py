"""Steps of cache.feature."""

import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.fetch_fixtures import Node, Outcome, spec

scenarios("cache.feature")

OBJECT = random.Random(3).randbytes(10_000)
HASH = spec(OBJECT)
MB = [bytes([number]) * 1_000_000 for number in range(1, 7)]


@pytest.fixture
def node(new_node: Callable[[str], Node]) -> Node:
    """A node, told where its cache is."""
    node = new_node("nothing")
    node.environment["GLIDEIN_CACHE"] = str(node.home.parent / "the cache")
    return node


@pytest.fixture
def folder(node: Node) -> Path:
    """The cache's folder."""
    return Path(node.environment["GLIDEIN_CACHE"])


@pytest.fixture
def entry(folder: Path) -> Path:
    """The object in the cache."""
    return folder / HASH.replace(":", ".")


# --- given -----------------------------------------------------------------------------------


@given("a glidein that kept an object in the node's cache")
def keep(node: Node, entry: Path) -> None:
    (node.home / "object").write_bytes(OBJECT)
    done = node.run(f"cache_open && cache_put {HASH} object")
    assert done.status == 0, done
    (node.home / "object").unlink()
    assert entry.read_bytes() == OBJECT
    assert entry.parent.stat().st_mode & 0o777 == 0o700


@given(parsers.parse("the object in the cache {damage}"))
def damage_object(entry: Path, damage: str) -> None:
    match damage:
        case "was changed":
            entry.write_bytes(OBJECT[::-1])
        case "was cut":
            entry.write_bytes(OBJECT[:-1])
        case "was emptied":
            entry.write_bytes(b"")
        case "is a link to another file":
            entry.rename(entry.parent.parent / "another")
            entry.symlink_to(entry.parent.parent / "another")
        case "was removed":
            entry.unlink()
        case _:
            raise ValueError(damage)


@given(parsers.parse("the cache's folder {state}"))
def unsafe_folder(node: Node, folder: Path, state: str) -> None:
    match state:
        case "is a link to another folder":
            folder.rename(folder.with_name("another"))
            folder.symlink_to("another")
        case "is a file":
            folder.rename(folder.with_name("another"))
            folder.write_text("not a folder")
        case "leads through a missing folder":
            node.environment["GLIDEIN_CACHE"] = str(folder.parent / "missing" / "cache")
        case "belongs to somebody else":
            os.chown(folder, 65534, 65534)
        case "is open to all":
            folder.chmod(0o777)
        case _:
            raise ValueError(state)


@given("6 objects of 1 MB in the cache, the second of them used last")
def objects(node: Node, entry: Path) -> None:
    entry.unlink()
    for content in MB:
        (node.home / "object").write_bytes(content)
        done = node.run(f"cache_open && cache_put {spec(content)} object")
        assert done.status == 0, done
        (node.home / "object").unlink()
        time.sleep(0.02)
    assert node.run(f"cache_open && cache_get {spec(MB[1])} object").status == 0
    (node.home / "object").unlink()


@given("a glidein that is trimming the cache right now", target_fixture="_trimming")
def trimming(folder: Path) -> Iterator[None]:
    with subprocess.Popen(["sleep", "60"]) as other:
        (folder / ".lock").symlink_to(str(other.pid))
        yield
        other.kill()


@given("a glidein that died while it trimmed the cache")
def died(folder: Path) -> None:
    with subprocess.Popen(["true"]) as other:
        pass
    (folder / ".lock").symlink_to(str(other.pid))
    (folder / f".new.{other.pid}.sha256.{'0' * 64}").write_bytes(b"half")


@given("a node whose users want no cache")
def no_cache(node: Node) -> None:
    node.environment["GLIDEIN_CACHE"] = "none"


# --- when ------------------------------------------------------------------------------------


@when("the next glidein looks for the object", target_fixture="outcome")
def look(node: Node) -> Outcome:
    return node.run(f"cache_open; cache_get {HASH} object")


@when(
    "12 glideins keep, look for and trim objects at the same time",
    target_fixture="glideins",
)
def many(node: Node) -> list[Outcome]:
    for number, content in enumerate(MB):
        (node.home / f"published{number}").write_bytes(content)
    code = "cache_open || exit 9\n"
    for number, content in enumerate(MB):
        code += (
            f"cache_get {spec(content)} got{number}.$$ || cache_put {spec(content)} published{number}\n"
            f"[[ ! -e got{number}.$$ ]] || verify_sums sha256 got{number}.$$\n"
            f"[[ ! -e got{number}.$$ || ${{VERIFY_SUMS[0]}} == {spec(content)} ]] || exit 8\n"
        )
    code = f"for round in 1 2 3; do\n{code}cache_trim 3\nrm -f got*.$$\ndone\nexit 0"
    running = [node.start(code) for _ in range(12)]
    return [Outcome(glidein.wait(60), "", "") for glidein in running]


@when("a glidein trims the cache to 3 MB", target_fixture="outcome")
def trim(node: Node) -> Outcome:
    return node.run("cache_open && cache_trim 3")


# --- then ------------------------------------------------------------------------------------


@then("it gets the object, as it was published")
def gets(node: Node, outcome: Outcome) -> None:
    assert outcome.status == 0, outcome
    assert (node.home / "object").read_bytes() == OBJECT


@then("it gets nothing")
def gets_nothing(node: Node, outcome: Outcome) -> None:
    assert outcome.status == 1, outcome
    assert node.left() == []


@then(parsers.parse("the object is {fate}"))
def fate_of(entry: Path, outcome: Outcome, fate: str) -> None:
    assert entry.is_symlink() if fate == "left alone" else not entry.exists(), outcome


@then("it says that there is no cache")
def says_no_cache(outcome: Outcome) -> None:
    assert "no cache: " in outcome.stderr


@then("it has not touched what is there")
def untouched(folder: Path) -> None:
    kept = (
        folder
        if folder.is_dir() and not folder.is_symlink()
        else folder.with_name("another")
    )
    assert [path.name for path in kept.iterdir()] == [HASH.replace(":", ".")]


@then("the cache's folder is open to its owner only")
def closed(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700


@then("each of them got only right objects")
def all_right(glideins: list[Outcome]) -> None:
    assert [glidein.status for glidein in glideins] == [0] * 12


@then("nothing half-made is in the cache")
def nothing_half_made(folder: Path) -> None:
    assert [path.name for path in folder.iterdir() if path.name.startswith(".new.")] == []
    for path in folder.glob("sha256.*"):
        assert spec(path.read_bytes()) == path.name.replace(".", ":")


@then("the objects left are the second, the sixth and the fifth")
def left_three(folder: Path, outcome: Outcome) -> None:
    assert outcome.status == 0, outcome
    left = {path.name for path in folder.iterdir()}
    assert left == {spec(MB[number]).replace(":", ".") for number in (1, 4, 5)}


@then("all objects are left")
def left_all(folder: Path, outcome: Outcome) -> None:
    assert outcome.status == 1, outcome
    assert len(list(folder.glob("sha256.*"))) == len(MB)
