"""The format of an area: names, signature file, bundle; the same parts, the same bytes."""

import hashlib
import io
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from orchestrator.stage import area
from orchestrator.stage.area import (
    Area,
    Row,
    SignatureType,
    build,
    make_object,
    object_name,
)

H16 = "0123456789abcdef"


def small_area(kind: SignatureType = "sha256", text: bytes = b"one\n") -> Area:
    rows = [
        Row("b.sh", make_object("b.sh", text, kind), "exec", period_s=60),
        Row("a.cfg", make_object("a.cfg", b"two\n", kind), "regular", config_out="A_FILE"),
    ]
    return build(rows, kind, [("stop_list", "stop.lst")])


def content(made: Area, stem: str) -> bytes:
    one = next(o for o in made.objects if o.name.startswith(f"{stem}."))
    assert isinstance(one.content, bytes)
    return one.content


@pytest.mark.parametrize(
    ("out", "name"),
    [
        ("check.sh", f"check.{H16}.sh"),
        ("condor-25.14.1-x86_64.tar.gz", f"condor-25.14.1-x86_64.{H16}.tar.gz"),
        ("grid-mapfile", f"grid-mapfile.{H16}"),
        ("a.b.unknown", f"a.b.unknown.{H16}"),
        ("a%2F@b:c.sh", f"a_2F_b_c.{H16}.sh"),
    ],
)
def test_an_object_is_named_after_its_content(out: str, name: str) -> None:
    made = object_name(out, H16 + "f" * 48)
    assert made == name
    assert area.HASHED.fullmatch(made)


def test_the_same_parts_give_the_same_bytes() -> None:
    assert small_area() == small_area()


@pytest.mark.parametrize(
    "other", [small_area(text=b"other\n"), small_area("sha1")], ids=["content", "hash type"]
)
def test_whatever_differs_has_another_description_and_signature(other: Area) -> None:
    assert small_area().description.name != other.description.name
    assert small_area().signature.name != other.signature.name


def test_description_and_signature_share_their_id() -> None:
    made = small_area()
    found = re.fullmatch(r"description\.([0-9a-f]{16})\.cfg", made.description.name)
    assert found
    assert made.signature.name == f"signature.{found[1]}.sha256"


@pytest.mark.parametrize("kind", ["sha256", "sha1"])
def test_the_signature_file_satisfies_the_tool_of_its_name(
    kind: SignatureType, tmp_path: Path
) -> None:
    made = small_area(kind)
    for one in (*made.objects, made.description, made.signature):
        assert isinstance(one.content, bytes)
        (tmp_path / one.name).write_bytes(one.content)
    said = subprocess.run(
        [f"{kind}sum", "--check", "--strict", made.signature.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.count(": OK\n") == len(made.objects) + 1


def test_the_signature_file_says_sizes_in_order_of_names() -> None:
    made = small_area()
    assert isinstance(made.signature.content, bytes)
    head, *lines = made.signature.content.decode().splitlines()
    assert head.startswith("# ")
    names = [line.split("  ")[1] for line in lines[1::2]]
    assert names == sorted([*(o.name for o in made.objects), made.description.name])
    sizes = {o.name: o.size for o in (*made.objects, made.description)}
    assert lines[0::2] == [f"# size {sizes[name]}  {name}" for name in names]
    assert made.signature.hash == hashlib.sha256(made.signature.content).hexdigest()


def test_the_file_list_keeps_the_order_and_has_seven_columns() -> None:
    head, *rows = content(small_area(), "file_list").decode().splitlines()
    assert head == "# OutFile InFile Type Period Prefix Condition ConfigOut"
    columns = [row.split(" \t") for row in rows]
    assert [row[0] for row in columns] == ["b.sh", "a.cfg"]
    assert columns[0][2:] == ["exec", "60", "GLIDEIN_PS_", "TRUE", "FALSE"]
    assert columns[1][2:] == ["regular", "0", "GLIDEIN_PS_", "TRUE", "A_FILE"]


def test_the_bundle_holds_what_is_small_and_says_nothing_of_its_maker() -> None:
    large = make_object("big.tar.gz", b"x" * (area.BUNDLE_LIMIT + 1), "sha256")
    just = make_object("just.txt", b"x" * area.BUNDLE_LIMIT, "sha256")
    made = build([Row("big", large, "regular"), Row("just", just, "regular")], "sha256")
    packed = content(made, "bundle")
    assert packed[4:8] == bytes(4), "gzip's time"
    assert packed[3] == 0, "gzip's name"
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        members = tar.getmembers()
    bundled = [o.name for o in made.objects if not o.name.startswith(("bundle.", "big."))]
    assert [member.name for member in members] == sorted(bundled)
    assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in members} == {
        (0, 0, 0, "", 0o644)
    }


def test_a_long_name_fits_into_the_bundle() -> None:
    row = Row("n" * 200, make_object("n" * 200, b"", "sha256"), "regular")
    with tarfile.open(fileobj=io.BytesIO(content(build([row], "sha256"), "bundle"))) as tar:
        assert row.file.name in tar.getnames()


def test_signed_names_are_those_of_the_lines_with_a_hash() -> None:
    made = small_area()
    assert isinstance(made.signature.content, bytes)
    names = area.signed_names(made.signature.content.decode())
    assert names == {*(o.name for o in made.objects), made.description.name}
