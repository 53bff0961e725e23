"""Configurations of web servers: filled in, or refused."""

import shlex
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestrator.share import share
from orchestrator.stage import web_server
from orchestrator.stage.web_server import (
    Settings,
    WebError,
    ordinary_user,
    render,
    write_config,
)
from orchestrator.verbs import web_config
from tests.needs import need


def settings(folder: Path, **other: object) -> Settings:
    given = {"folder": folder, "port": 8080, "user": ordinary_user(), **other}
    return Settings(**given)  # type: ignore[arg-type]


def test_every_word_is_filled_in() -> None:
    assert (
        render("listen @A@:@B_C@; user@host", {"A": "x", "B_C": "1"})
        == "listen x:1; user@host"
    )


@pytest.mark.parametrize(
    "value", ["", "a b", "a;b", "a\nb", 'a"b', "a{b", "a#b", "a$b", "é"]
)
def test_a_value_cannot_break_out_of_its_place(value: str) -> None:
    with pytest.raises(WebError, match="cannot be written into a configuration: A="):
        render("@A@", {"A": value})


def test_a_forgotten_value_is_an_error() -> None:
    with pytest.raises(WebError, match="needs a value for A"):
        render("@A@", {})


def test_a_squid_that_asks_anybody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WebError, match="name the web servers it may ask"):
        write_config("squid", settings(tmp_path))


@pytest.mark.parametrize(
    ("client", "origin", "said"),
    [
        ("all", "f.example.org", "a network"),
        ("10.0.0.0/8 all", "f.example.org", "a network"),
        ("10.0.0.0/40", "f.example.org", "a network"),
        ("10.0.0.0/8", "f.example.org all", "a web server's name"),
        ("10.0.0.0/8", "http://f example", "a web server's name"),
        ("10.0.0.0/8", "-n", "a web server's name"),
        ("10.0.0.0/8", "", "a web server's name"),
        ("10.0.0.0/8", "http://[::1", "a web server's name"),
    ],
)
def test_whom_a_squid_serves_is_what_was_meant(
    client: str, origin: str, said: str, tmp_path: Path
) -> None:
    settings = Settings(tmp_path, 3128, clients=[client], origins=[origin])
    with pytest.raises(WebError, match=f"expected {said}"):
        write_config("squid", settings)


def test_a_squid_may_be_told_of_a_web_server_by_its_url(tmp_path: Path) -> None:
    origins = [
        "http://f.example.org:8080/stage",
        "g.example.org",
        "http://[::1]:80/",
        "::2",
    ]
    text = write_config(
        "squid", Settings(tmp_path, 3128, clients=["10.1.2.3/8"], origins=origins)
    ).read_text()
    assert "dstdomain -n f.example.org g.example.org ::1 ::2\n" in text
    assert "src 10.0.0.0/8\n" in text


def test_a_web_server_that_serves_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WebError, match="which folder"):
        write_config("nginx", settings(tmp_path))


def test_a_user_who_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WebError, match="no such user here"):
        write_config("nginx", settings(tmp_path, root=tmp_path, user="nobody-at-all"))


def test_a_server_that_does_not_start_says_why() -> None:
    need("nginx")
    with tempfile.TemporaryDirectory() as name:  # not below pytest's own, closed folders
        folder = Path(name)
        folder.chmod(0o755)
        nowhere = settings(folder, root=folder, listen="192.0.2.1")  # nobody's address
        with (
            pytest.raises(WebError, match=r"nginx ended at once, status 1: .*bind"),
            web_server.running("nginx", nowhere),
        ):
            pass


@pytest.mark.needs(root=True)
def test_a_folder_that_the_servers_user_cannot_enter_is_named(tmp_path: Path) -> None:
    need("nginx")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with (
        pytest.raises(WebError, match="the web server's user nobody may not enter"),
        web_server.running("nginx", settings(tmp_path / "own", root=closed)),
    ):
        pass


@pytest.mark.parametrize("kind", ["nginx", "apache", "squid"])
def test_the_verb_writes_a_configuration_and_prints_how_to_start_it(
    kind: str, tmp_path: Path
) -> None:
    need("apache2" if kind == "apache" else kind)
    options = [
        "--user",
        ordinary_user(),
        "--root",
        str(tmp_path),
        "--origin",
        "f.example.org",
    ]
    folder = tmp_path / "made"
    result = CliRunner().invoke(
        web_config.command, [kind, str(folder), *options], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    path = folder / f"{kind}.conf"
    assert str(path) in shlex.split(result.stdout)
    text = path.read_text()
    assert "@" not in text
    head = (share("web") / f"{kind}.conf").read_text().splitlines()[0]
    assert text.startswith(head)


@pytest.mark.parametrize("kind", ["nginx", "squid"])
def test_the_verb_says_what_it_needs(kind: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(web_config.command, [kind, str(tmp_path)])
    assert result.exit_code == 2
    assert f"{kind} needs --" in result.output
