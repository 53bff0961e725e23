"""Steps of verify.feature."""

import hashlib
import io
import shlex
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.fetch_fixtures import Node, Outcome
from tests.needs import need, program

scenarios("verify.feature")

FILES = {f"file{i}.0123456789abcdef.cfg": b"content %d\n" % i for i in range(5)}
BAD = "file3.0123456789abcdef.cfg"
LIMIT = 100_000  # bytes an archive may hold


@pytest.fixture(params=["tar", "busybox tar"], autouse=True)
def node(request: pytest.FixtureRequest, new_node: Callable[[str], Node]) -> Node:
    """A node with one of the tars, and nothing to fetch with."""
    node = new_node("nothing")
    if request.param == "busybox tar":
        need("busybox")
        tar = Path(node.path) / "tar"
        tar.unlink()
        tar.write_text(f'#!/bin/bash\nexec {program("busybox")} tar "$@"\n')
        tar.chmod(0o755)
    return node


# --- areas -----------------------------------------------------------------------------------


@dataclass
class Area:
    """A folder of files, and the text of their signature file."""

    folder: Path
    algorithm: str = "sha256"
    lines: list[str] = field(default_factory=lambda: ["# signed by a test"])

    def sign(self, name: str, content: bytes, *, size: bool = True) -> None:
        """Add the lines of one file."""
        if size:
            self.lines.append(f"# size {len(content)}  {name}")
        self.lines.append(f"{hashlib.new(self.algorithm, content).hexdigest()}  {name}")


def make_area(node: Node, algorithm: str, *, sizes: bool) -> Area:
    """Write an area into the node's folder."""
    made = Area(node.home / "area", algorithm)
    made.folder.mkdir()
    for name, content in FILES.items():
        (made.folder / name).write_bytes(content)
        made.sign(name, content, size=sizes)
    return made


@given("an area of signed files", target_fixture="area")
def area(node: Node) -> Area:
    return make_area(node, "sha256", sizes=True)


@given("an area of signed files, by SHA-1 and without sizes", target_fixture="area")
def area_sha1(node: Node) -> Area:
    return make_area(node, "sha1", sizes=False)


@given(parsers.parse("one of its files {damage}"))
def damage_file(area: Area, damage: str) -> None:
    file = area.folder / BAD
    match damage:
        case "was changed":
            file.write_bytes(b"Content 3\n")
        case "was cut":
            file.write_bytes(FILES[BAD][:-1])
        case "was emptied":
            file.write_bytes(b"")
        case "is missing":
            file.unlink()
        case "is a link":
            file.rename(file.with_name("elsewhere"))
            file.symlink_to("elsewhere")
        case "has a lost signature":
            area.lines = [line for line in area.lines if BAD not in line]
        case _:
            raise ValueError(damage)


@given(parsers.parse("a signature file that {damage}"))
def damage_signature(area: Area, damage: str) -> None:
    good = "0" * 64
    match damage:
        case "has an empty hash":
            area.lines.append("  name.cfg")
        case "has a hash that is too short":
            area.lines.append(f"{good[1:]}  name.cfg")
        case "has one blank instead of two":
            area.lines.append(f"{good} name.cfg")
        case "has a name with a folder":
            area.lines.append(f"{good}  folder/name.cfg")
        case "has a name that goes up":
            area.lines.append(f"{good}  ..")
        case "has a name with a leading dash":
            area.lines.append(f"{good}  -rf")
        case "has a name with a leading dot":
            area.lines.append(f"{good}  .profile")
        case "has a name with white space":
            area.lines.append(f"{good}  two words")
        case "has a name with a tab":
            area.lines.append(f"{good} \tname.cfg")
        case "has a name with a bell":
            area.lines.append(f"{good}  na\ame.cfg")
        case "has a name with a command":
            area.lines.append(f"{good}  $(touch${{IFS}}ran)")
        case "has a size whose name is a command":
            area.lines.append("# size 1  x]$(touch${IFS}ran)")
        case "signs a file twice":
            area.lines.append(f"{good}  {BAD}")
        case "mixes SHA-1 and SHA-256":
            area.lines.append(f"{good[:40]}  other.cfg")
        case "records a size of no file":
            area.lines.append("# size 1  other.cfg")
        case "records two sizes":
            area.lines.append(f"# size 1  {BAD}")
        case "is empty":
            area.lines = []
        case "is a page of HTML":
            area.lines = ["<html><body>not found</body></html>"]
        case _:
            raise ValueError(damage)


@when("a glidein verifies the area", target_fixture="outcome")
def verify_area(node: Node, area: Area) -> Outcome:
    (area.folder / "signature").write_text("".join(f"{line}\n" for line in area.lines))
    names = shlex.join(FILES)
    return node.run(
        "verify_signature area/signature main || exit 9\n"
        f'verify_files main area {names}; status=$?\necho "wrong ${{VERIFY_WRONG[*]:-}}"; exit $status'
    )


@then("it accepts all files")
def accepts(outcome: Outcome) -> None:
    assert outcome.status == 0, outcome
    assert outcome.stderr == ""


@then(parsers.parse('it refuses that file, blaming "{reason}"'))
def refuses_file(outcome: Outcome, reason: str) -> None:
    assert outcome.status == 1, outcome
    assert outcome.stdout == f"wrong {BAD}\n"
    assert f"refused: {BAD}: {reason}" in outcome.stderr, outcome


@then(parsers.parse('it refuses the signature file, blaming "{reason}"'))
def refuses_signature(node: Node, outcome: Outcome, reason: str) -> None:
    assert outcome.status == 9, outcome
    assert reason in outcome.stderr.splitlines()[-1], outcome
    assert not (node.home / "ran").exists()


# --- archives --------------------------------------------------------------------------------

Member = tuple[str, bytes | str, bytes]  # name; type or target; content


def member(
    name: str, kind: bytes = tarfile.REGTYPE, target: str = "", content: bytes = b""
) -> tuple[tarfile.TarInfo, bytes]:
    """Return a member of an archive, whatever it is called."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, len(content)
    return info, content


SYM, HARD, FOLDER = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
LISTED = "-rw-r--r-- 0/0               1 2026-01-01 00:00 "

SAFE = {
    "files and folders": [
        member("folder", FOLDER),
        member("folder/file", content=b"x"),
        member("file"),
    ],
    "a name with blanks": [member("a folder", FOLDER), member("a folder/ a file ")],
    "a name with an arrow": [member("this -> that.txt.d", FOLDER)],
    "a name that is long": [member("/".join(["n" * 60] * 5))],
    "a name in another script": [member("Größe/файл")],
    "a link to a file beside it": [member("lib/a.so.1"), member("lib/a.so", SYM, "a.so.1")],
    "a link up and down again": [member("a/b/c", SYM, "../../lib/x")],
    "a link to a folder": [member("lib", FOLDER), member("lib64", SYM, "lib")],
    "a hard link to a file before it": [member("a/b"), member("c", HARD, "a/b")],
    "names that begin with ./": [
        member("./", FOLDER),
        member("./a", FOLDER),
        member("./a/b"),
    ],
    "a sparse file's size": [member("big", content=bytes(LIMIT))],
    "nothing": [],
}
UNSAFE = {
    "an absolute name": [member("/etc/evil")],
    "a name that goes up": [member("a/../../evil")],
    "a name that goes up at the end": [member("a/..", FOLDER)],
    "a name that goes up behind a line break": [member("a\n/../../evil")],
    "a line break that looks like a member": [member(f"a\n{LISTED}../evil")],
    "a device": [member("a", tarfile.CHRTYPE)],
    "a pipe": [member("a", tarfile.FIFOTYPE)],
    "a link to an absolute name": [member("a", SYM, "/etc/passwd")],
    "a link that goes up": [member("a/b", SYM, "../../evil")],
    "a link that goes up in the middle": [member("a/b/c", SYM, "x/../../../..")],
    "a link through a link": [member("p/q/x", SYM, "../.."), member("p/q/v", SYM, "x/..")],
    "a link and a file behind it": [member("a", SYM, "lib"), member("a/file")],
    "a file behind a link that comes later": [member("a/file"), member("a", SYM, "lib")],
    "a link that becomes a file": [member("a", SYM, "b"), member("a")],
    "a file that becomes a link": [member("a"), member("./a", SYM, "b")],
    "a hard link to an absolute name": [member("a", HARD, "/etc/passwd")],
    "a hard link that goes up": [member("a", HARD, "../evil")],
    "a hard link to a link": [member("x/y/l", SYM, "../.."), member("m", HARD, "x/y/l")],
    "a hard link to nothing": [member("a", HARD, "b")],
    "a link whose name has an arrow": [member("a -> ../b", SYM, "c")],
    "more bytes than allowed": [
        member("a", content=bytes(LIMIT // 2)),
        member("b", content=bytes(LIMIT // 2 + 1)),
    ],
}


@given(parsers.parse("an archive with {content}"), target_fixture="archive")
def archive(node: Node, content: str) -> Path:
    path = node.home / "archive.tar.gz"
    match content:
        case "a page of HTML instead of files":
            path.write_bytes(b"<html></html>\n")
        case "no bytes at all":
            path.write_bytes(b"")
        case "a damaged end":
            write(path, [member("a", content=bytes(range(256)) * 200)])
            path.write_bytes(path.read_bytes()[:-30])
        case _:
            write(path, (SAFE | UNSAFE)[content])
    return path


def write(path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    """Write a tar.gz with these members."""
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))


@when("a glidein looks into the archive", target_fixture="outcome")
def look(node: Node, archive: Path) -> Outcome:
    return node.run(f"verify_archive {archive.name} {LIMIT}")


@then("it accepts the archive")
def accepts_archive(outcome: Outcome) -> None:
    assert outcome.status == 0, outcome


@then(parsers.parse('it refuses the archive, blaming "{reason}"'))
def refuses_archive(outcome: Outcome, reason: str) -> None:
    assert outcome.status == 1, outcome
    assert "archive refused: archive.tar.gz: " in outcome.stderr
    assert reason in outcome.stderr, outcome


@then("unpacking it touches nothing outside")
def unpacks_inside(node: Node, archive: Path, outcome: Outcome) -> None:
    assert outcome.status == 0
    done = node.run(f"mkdir inside && tar -xzf {archive.name} -C inside")
    assert done.status == 0, done
    assert node.left() == sorted(
        [archive.name, "inside", "inside/folder", "inside/folder/file", "inside/file"]
    )
