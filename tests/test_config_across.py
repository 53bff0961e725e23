"""Mistakes in the configuration that no single key shows."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import ConfigError
from tests.configured import Configured

APART = "a folder apart from"
OWN = "a folder of its own"


@pytest.mark.parametrize(
    ("stage", "work", "said"),
    [
        pytest.param("here", "here", APART, id="one folder for both"),
        pytest.param("stage", "stage/work", APART, id="keys in the stage"),
        pytest.param("work/stage", "work", APART, id="the stage among the daemons' files"),
        pytest.param(
            "stage", "stage/../stage/x", APART, id="the same, in a roundabout way"
        ),
        pytest.param(".", "../work", OWN, id="the stage is the configuration"),
        pytest.param("", "../work", OWN, id="no name at all"),
        pytest.param("..", "../../work", OWN, id="the stage holds the configuration"),
        pytest.param("/", "work", APART, id="the whole machine"),
    ],
)
def test_what_is_secret_is_not_on_the_stage(
    configured: Configured, stage: str, work: str, said: str
) -> None:
    configured.change("factory.toml", "[web]", f'[web]\nstage = "{stage}"')
    configured.change("factory.toml", "[web]", f'work = "{work}"\n\n[web]')
    with pytest.raises(ConfigError, match=rf"factory.toml:\d+: web.stage: expected {said}"):
        configured.load()


def test_a_stage_that_links_into_the_work_tree(configured: Configured) -> None:
    (configured.folder / "stage").symlink_to(configured.folder / "work")
    with pytest.raises(ConfigError, match=APART):
        configured.load()


@pytest.mark.parametrize("name", ["stage", "work"])
def test_a_file_where_a_folder_should_be(configured: Configured, name: str) -> None:
    configured.write(name, "")
    with pytest.raises(ConfigError, match=f"{name}: expected a folder, and"):
        configured.load()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    """Describe a member of an archive."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


def archive(path: Path, *members: tarfile.TarInfo) -> None:
    """Write a tar.gz of empty members."""
    with tarfile.open(path, "w:gz") as made:
        for one in members:
            made.addfile(one)


def cut(path: Path) -> None:
    archive(path, *(member(f"file-{number}") for number in range(2000)))
    path.write_bytes(path.read_bytes()[:-400])


def plain(path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        made.addfile(member("file"))
    path.write_bytes(buffer.getvalue())


LINK, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE
BAD: list[tuple[str, Callable[[Path], object], str]] = [
    ("a page of HTML", lambda path: path.write_text("<html>"), "expected a tar.gz"),
    ("not compressed", plain, "expected a tar.gz"),
    ("cut off", cut, "cannot be unpacked"),
    ("an absolute name", lambda path: archive(path, member("/etc/x")), "'/etc/x'"),
    ("a name that goes up", lambda path: archive(path, member("a/../../x")), "leaves"),
    ("a pipe", lambda path: archive(path, member("p", tarfile.FIFOTYPE)), "neither file"),
    (
        "a far link",
        lambda path: archive(path, member("l", LINK, "/etc")),
        "link to outside",
    ),
    ("a link up", lambda path: archive(path, member("l", LINK, "../x")), "link to outside"),
    (
        "a hard link",
        lambda path: archive(path, member("l", HARD, "../x")),
        "link to outside",
    ),
]


@pytest.mark.parametrize(
    ("make", "said"), [one[1:] for one in BAD], ids=[b[0] for b in BAD]
)
def test_an_archive_that_glideins_would_refuse(
    configured: Configured, make: Callable[[Path], object], said: str
) -> None:
    make(configured.folder / "tools.tar.gz")
    configured.change("factory.toml", "files/check.sh", "tools.tar.gz")
    configured.change("factory.toml", '"exec"', '"untar"')
    with pytest.raises(ConfigError, match=said) as caught:
        configured.load()
    assert "files[0].source" in str(caught.value)


def test_an_archive_that_glideins_take(configured: Configured) -> None:
    archive(
        configured.folder / "tools.tar.gz",
        member("./bin", tarfile.DIRTYPE),
        member("bin/tool"),
        member("lib/up", LINK, "../bin/tool"),
        member("hard", HARD, "bin/tool"),
    )
    configured.change("factory.toml", "files/check.sh", "tools.tar.gz")
    configured.change("factory.toml", '"exec"', '"untar"')
    configured.load()


def test_a_tarball_of_htcondor_that_is_none(configured: Configured) -> None:
    configured.write("condor-23.9.6-x86_64.tar.gz", "404 not found")
    with pytest.raises(ConfigError, match=r"condor_tarballs\[1\]: expected a tar.gz"):
        configured.load()
