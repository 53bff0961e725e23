"""Steps of areas.feature."""

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.glidein_fixtures import Factory, Node
from orchestrator.local_glidein import LocalGlidein
from orchestrator.static_server import serving

scenarios("areas.feature")

STAMP = "k3cbZC"  # what the reference has in its names is a time, not a hash
SCRIPT = """\
#!/bin/sh
echo "$# $1 $2 $(pwd)" >>script_ran
echo "FROM_SCRIPT what it set" >>"$1"
"""


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Return a tar.gz of the members."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return raw.getvalue()


FILES = """
[[files]]
source = "notes.txt"
kind = "regular"
[[files]]
source = "hello.sh"
kind = "exec"
[[files]]
source = "99_vo.conf"
kind = "config:c"
[[files]]
source = "data.tar.gz"
kind = "untar"
"""


@given(
    parsers.parse("a factory that signs with {kind} and has files of every kind"),
    target_fixture="here",
)
def own_files(factory_with: Callable[..., Factory], kind: str, tmp_path: Path) -> Factory:
    return factory_with(
        factory=f'signature_type = "{kind}"\n' + FILES,
        files={
            "notes.txt": "read me\n",
            "hello.sh": SCRIPT,
            "99_vo.conf": "START = FALSE\n",
            "data.tar.gz": archive((tarfile.TarInfo("inside/file"), b"packed")),
        },
    )


@when("a glidein is rehearsed", target_fixture="glidein")
def rehearse(here: Factory, node: Node) -> LocalGlidein:
    glidein = node.glidein(here, "--dry-run", "--keep")
    glidein.start()
    assert glidein.wait(60) == 0, glidein.log()[-4000:]
    return glidein


def work(glidein: LocalGlidein) -> Path:
    """Return the work directory that was kept."""
    (folder,) = glidein.folder.glob("glide_*")
    return folder


def configuration(glidein: LocalGlidein) -> dict[str, str]:
    """Read glidein_config as scripts do: the last line of a key wins."""
    lines = (work(glidein) / "glidein_config").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines if " " in line)


@then("each file lies in its place")
def in_place(glidein: LocalGlidein) -> None:
    main = work(glidein) / "main"
    assert (main / "notes.txt").read_text() == "read me\n"
    assert (main / "hello.sh").stat().st_mode & 0o100
    assert (main / "data" / "inside" / "file").read_text() == "packed"
    assert not (main / "data.tar.gz").exists()


@then("its script ran once, with the configuration and the section as arguments")
def ran(glidein: LocalGlidein) -> None:
    folder = work(glidein)
    assert (folder / "script_ran").read_text() == f"2 glidein_config main {folder}\n"


@then("what the script set is in the configuration")
def was_set(glidein: LocalGlidein) -> None:
    assert configuration(glidein)["FROM_SCRIPT"] == "what it set"


@then("the community's piece of configuration is the last that HTCondor reads")
def last(glidein: LocalGlidein) -> None:
    folder = work(glidein)
    asked = subprocess.run(
        [folder / "main/condor/bin/condor_config_val", "START"],
        env={"CONDOR_CONFIG": str(folder / "condor_config")},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert asked.stdout == "FALSE\n"


@dataclass
class Frontend:
    """The two areas of a Frontend: group and client, in the reference's formats."""

    root: Path
    url: str
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    unsigned: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)

    def publish(self) -> list[str]:
        """Write both areas; return the glidein's options for them."""
        signs = {}
        for area, folder in (("client", self.root), ("group", self.root / "group_main")):
            folder.mkdir(exist_ok=True)
            lines = ["# File: signature", "#"]
            for name, content in self.files[area].items():
                (folder / name).write_bytes(
                    content + b"changed\n" if name in self.changed else content
                )
                if name not in self.unsigned:
                    lines.append(f"{hashlib.sha1(content).hexdigest()}  {name}")
            text = ("\n".join(lines) + "\n").encode()
            (folder / f"signature.{STAMP}.sha1").write_bytes(text)
            signs[area] = hashlib.sha1(text).hexdigest()
        description = f"description.{STAMP}.cfg"
        return [
            *("-clientweb", self.url, "-clientsign", signs["client"]),
            *("-clientsigntype", "sha1", "-clientdescript", description),
            *("-clientgroup", "main", "-clientwebgroup", f"{self.url}/group_main"),
            *("-clientsigngroup", signs["group"], "-clientdescriptgroup", description),
        ]


def file_list(*rows: tuple[str, str, str, str]) -> bytes:
    """Write a list of the reference: out, in, type and the key for its path."""
    head = "# Outfile \tInFile \tType \tPeriod \tPrefix \tCondition \tConfigOut\n"
    lines = [
        f"{out} \t{name} \t{kind} \t0 \tGLIDEIN_PS_ \tTRUE \t{key}\n"
        for out, name, kind, key in rows
    ]
    return (head + "".join(lines)).encode()


def description(*lists: str) -> bytes:
    text = f"signature \tsignature.{STAMP}.sha1\n"
    return (text + "".join(f"{name} \t{name}.{STAMP}.lst\n" for name in lists)).encode()


def saying(word: str) -> bytes:
    return f"#!/bin/sh\necho {word} $2 >>order\n".encode()


@pytest.fixture
def frontend(tmp_path: Path) -> Iterator[Frontend]:
    """A Frontend with two areas, served but not yet written."""
    root = tmp_path / "frontend"
    root.mkdir()
    with serving(root) as server:
        yield Frontend(root, server.url)


@given("a Frontend that publishes areas as the reference does", target_fixture="published")
def a_frontend(frontend: Frontend) -> Frontend:
    hello, early, group = (f"{name}.{STAMP}.sh" for name in ("hello", "early", "group"))
    constants = f"constants.{STAMP}.cfg"
    frontend.files = {
        "client": {
            f"description.{STAMP}.cfg": description("preentry_file_list", "file_list"),
            f"preentry_file_list.{STAMP}.lst": file_list(
                ("constants.cfg", constants, "regular", "CONSTS_FILE"),
                ("early.sh", early, "exec", "FALSE"),
            ),
            f"file_list.{STAMP}.lst": file_list(("hello.sh", hello, "exec", "HELLO_FILE")),
            constants: b"GLIDECLIENT_Rank \t1 + 1\n",
            early: saying("early"),
            hello: saying("late"),
        },
        "group": {
            f"description.{STAMP}.cfg": description("preentry_file_list"),
            f"preentry_file_list.{STAMP}.lst": file_list(
                ("group.sh", group, "exec", "FALSE")
            ),
            group: saying("group"),
        },
    }
    return frontend


@given(parsers.parse("in its area {flaw}"))
def flawed(published: Frontend, flaw: str) -> None:
    client = published.files["client"]
    late = f"file_list.{STAMP}.lst"
    match flaw:
        case "a listed file has no signature":
            published.unsigned.add(f"hello.{STAMP}.sh")
        case "a listed file is another":
            published.changed.add(f"hello.{STAMP}.sh")
        case "the list is another":
            published.changed.add(late)
        case "a name leads to another folder":
            client[late] = file_list(("../evil.sh", f"hello.{STAMP}.sh", "exec", "FALSE"))
        case "an archive leads out of its folder":
            bad_archive(client, late, tarfile.TarInfo("../../../evil"))
        case "an archive has a device in it":
            device = tarfile.TarInfo("null")
            device.type = tarfile.CHRTYPE
            bad_archive(client, late, device)
        case "an archive's folder leads out":
            bad_archive(client, late, tarfile.TarInfo("fine"))
            folders = f"untar.{STAMP}.cfg"
            client[folders] = b"bad.tgz \t../../outside\n"
            client[late] = file_list(
                ("untar.cfg", folders, "regular", "UNTAR_CFG_FILE"),
                ("bad.tgz", f"bad.{STAMP}.tgz", "untar", "BAD"),
            )
        case _:
            raise ValueError(f"no such flaw: {flaw}")


def bad_archive(client: dict[str, bytes], late: str, member: tarfile.TarInfo) -> None:
    client[f"bad.{STAMP}.tgz"] = archive((member, b""))
    client[late] = file_list(("bad.tgz", f"bad.{STAMP}.tgz", "untar", "BAD"))


@when("a glidein is rehearsed for it", target_fixture="glidein")
def rehearse_for(factory: Factory, published: Frontend, node: Node) -> LocalGlidein:
    glidein = node.glidein(factory, *published.publish(), "--dry-run")
    if (
        not published.unsigned
        and not published.changed
        and not any(
            name.startswith("bad") or b"../" in text
            for name, text in published.files["client"].items()
        )
    ):
        glidein = glidein.again(glidein.folder, "--keep")
        node.glideins[:] = [glidein]
    glidein.start()
    glidein.wait(60)
    return glidein


@then("its files and constants reached the node, in the order of the lists")
def reached(glidein: LocalGlidein) -> None:
    assert glidein.poll() == 0, glidein.log()[-4000:]
    folder = work(glidein)
    order = (folder / "order").read_text().splitlines()
    assert order == ["early client", "group client_group", "late client"]
    told = configuration(glidein)
    assert told["GLIDECLIENT_Rank"] == "1 + 1"
    assert told["GLIDECLIENT_HELLO_FILE"] == str(folder / "client" / "hello.sh")


@then("nothing of the area was run")
def nothing_run(glidein: LocalGlidein) -> None:
    assert "script client" not in glidein.log()
