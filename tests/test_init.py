"""``glidein-factory init``: what it writes is a configuration, and nothing is overwritten."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestrator import config
from orchestrator.config.across import tarballs_meant
from orchestrator.errors import ConfigError
from orchestrator.packaging.first_site import FirstSite, steps, write
from orchestrator.verbs.init import command

CE = "ce.example.org ce.example.org:9619"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "my factory"


@pytest.mark.parametrize(
    ("grid_type", "gatekeeper"),
    [
        ("local", ""),
        ("vanilla", ""),
        ("condor", CE),
        ("batch slurm", "user@login.example.org"),
    ],
)
def test_what_is_written_can_be_taken_over(
    folder: Path, grid_type: str, gatekeeper: str
) -> None:
    write(FirstSite(folder, grid_type=grid_type, gatekeeper=gatekeeper, factory="Mine"))
    factory = folder / "factory.toml"
    factory.write_text(factory.read_text().replace('["condor-*.tar.gz"]', "[]"))
    read = config.load(folder)
    assert read.factory.factory == "Mine"
    assert read.entries["here"].grid_type == grid_type
    assert read.entries["here"].gatekeeper == gatekeeper or "localhost"


def test_what_is_there_stays(folder: Path) -> None:
    first = CliRunner().invoke(command, [str(folder)])
    assert first.exit_code == 0
    (folder / "factory.toml").write_text('factory = "changed"\n')
    again = CliRunner().invoke(command, [str(folder), "--factory", "Other"])
    assert isinstance(again.exception, ConfigError)  # it says what is missing there
    assert (folder / "factory.toml").read_text() == 'factory = "changed"\n'
    (folder / "factory.toml").unlink()
    (folder / "entries/here.toml").write_text("# mine\n")
    with pytest.raises(ConfigError, match="there already"):
        write(FirstSite(folder))
    assert not (folder / "factory.toml").exists()
    assert (folder / "entries/here.toml").read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"factory": 'a"b'}, "factory"),
        ({"frontend": "a b"}, "frontends"),
        ({"url": "ftp://x"}, "web.url"),
        ({"site": "a\nb"}, "site"),
        ({"entry": "../x"}, "entry"),
        ({"grid_type": "condor"}, "--gatekeeper"),
    ],
)
def test_a_value_that_cannot_be_is_refused_before_anything_is_written(
    folder: Path, wrong: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        write(FirstSite(folder, **wrong))
    assert not folder.exists()


def test_the_next_steps_are_told_with_what_is_done(folder: Path) -> None:
    write(FirstSite(folder, url="http://127.0.0.1:1"))
    told = steps(folder)
    assert [step.done for step in told] == [False, False, False, False, None, None]
    assert all(str(folder) in step.command for step in told)
    (folder / "condor-25.1.0-x86_64.tar.gz").touch()
    assert steps(folder)[0].done


def test_a_pattern_means_the_tarballs_that_are_there_newest_first(tmp_path: Path) -> None:
    names = ["condor-9.0.1-x86_64.tar.gz", "condor-25.14.1-x86_64.tar.gz"]
    for name in (*names, "condor-x.tar.gz"):
        (tmp_path / name).touch()
    assert tarballs_meant(tmp_path, ["condor-*.tar.gz"]) == names[::-1]
    assert tarballs_meant(tmp_path, [names[0], "condor-*.tar.gz"]) == names
    assert tarballs_meant(tmp_path, ["other-*.tar.gz"]) == ["other-*.tar.gz"]


def test_a_pattern_that_fits_nothing_is_told(folder: Path) -> None:
    write(FirstSite(folder))
    with pytest.raises(ConfigError, match="glidein-factory condor-tarball"):
        config.load(folder)
