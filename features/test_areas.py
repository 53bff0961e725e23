"""Steps of areas.feature."""

import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from pytest_bdd import given, parsers, scenarios, then, when

from features.frontend_fixtures import STAMP, Frontend, description, file_list
from features.glidein_fixtures import Factory, Node
from orchestrator.trial.local_glidein import LocalGlidein

scenarios("areas.feature")

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


def saying(word: str) -> bytes:
    return f"#!/bin/sh\necho {word} $2 >>order\n".encode()


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
