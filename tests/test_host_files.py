"""Units, users and folders of a factory's host: as systemd and logrotate read them."""

import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestrator.errors import FactoryError
from orchestrator.packaging import host_files
from orchestrator.verbs.host_files import command
from tests.needs import program

UNITS = {"glidein-factory.service": 1.7, "glidein-factory-web.service": 1.3}  # exposure


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with all files, whose units start a program that is there."""
    files = host_files.host_files(Path("/bin/true"))
    assert set(host_files.write(files, tmp_path).values()) == {"new"}
    return tmp_path


def unit(root: Path, name: str) -> Path:
    return root / "etc/systemd/system" / name


def ran(*words: str | Path) -> str:
    """Return what a program says, having seen that it is content."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.needs("systemd-analyze", "nginx")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_every_line(root: Path, name: str) -> None:
    assert ran("systemd-analyze", "verify", "--man=no", unit(root, name)) == ""


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize(("name", "bound"), UNITS.items())
def test_the_units_are_as_hard_as_the_readme_says(
    root: Path, name: str, bound: float
) -> None:
    said = ran("systemd-analyze", "security", "--offline=yes", unit(root, name))
    found = re.search(r"exposure level for \S+: ([0-9.]+)", said)
    assert found, said
    assert float(found[1]) <= bound


@pytest.mark.needs("systemd-sysusers", "systemd-tmpfiles")
def test_users_and_folders_are_made(root: Path) -> None:
    (root / "etc/passwd").touch()
    (root / "etc/group").touch()
    said = ran("systemd-sysusers", "--dry-run", f"--root={root}", "glidein-factory.conf")
    assert "Creating user 'glidein-factory-web'" in said
    tmpfiles = (root / "etc/tmpfiles.d/glidein-factory.conf").read_text()
    folders = re.findall(r"^d (\S+) +(\d+) +(\S+)", tmpfiles, re.MULTILINE)
    for folder, mode, owner in folders:  # what the daemons need, and nobody else may read
        assert mode == ("0755" if folder == "/srv/glidein-factory" else "0750")
        assert owner == ("root" if folder.startswith("/etc/") else "glidein-factory")
    assert len(folders) == 3
    plain = re.sub(r"(root|glidein-factory) +(glidein-factory) +-", "- - -", tmpfiles)
    (root / "etc/tmpfiles.d/glidein-factory.conf").write_text(plain)
    ran("systemd-tmpfiles", "--create", f"--root={root}", "glidein-factory.conf")
    assert (root / "srv/glidein-factory").stat().st_mode & 0o777 == 0o755
    assert (root / "var/lib/glidein-factory").stat().st_mode & 0o777 == 0o750


@pytest.mark.needs("logrotate")
def test_logrotate_understands_every_line(root: Path, tmp_path: Path) -> None:
    path = root / "etc/logrotate.d/glidein-factory-web"
    path.write_text(
        re.sub(
            r"glidein-factory-web(?= glidein-factory-web$)",
            "nobody",
            path.read_text(),
            flags=re.MULTILINE,
        ).replace("nobody glidein-factory-web", "nobody nogroup")
    )
    said = ran(program("logrotate") or "", "--debug", "--state", tmp_path / "state", path)
    assert "error" not in said
    assert "Handling 1 logs" in said


def test_what_is_there_already_is_not_written_again(root: Path) -> None:
    files = host_files.host_files(Path("/bin/true"))
    assert set(host_files.write(files, root).values()) == {"unchanged"}
    web = unit(root, "glidein-factory-web.service")
    web.write_text("")
    told = host_files.write(files, root)
    assert [path for path, became in told.items() if became == "changed"] == [web]


@pytest.mark.parametrize("word", ["bin/glidein-factory", "/opt/my factory/bin/f", "/a%n/f"])
def test_a_command_that_a_unit_cannot_name_is_refused(word: str) -> None:
    with pytest.raises(FactoryError, match="cannot name"):
        host_files.host_files(Path(word))


def test_the_verb_lists_prints_and_writes(tmp_path: Path) -> None:
    runner = CliRunner()
    listed = runner.invoke(command, ["--program", "/opt/f"])
    assert "/etc/systemd/system/glidein-factory.service" in listed.output
    printed = runner.invoke(command, ["glidein-factory.service", "--program", "/opt/f"])
    assert "ExecStart=/opt/f run " in printed.output
    wrong = runner.invoke(command, ["nothing", "--program", "/opt/f"])
    assert wrong.exit_code == 2
    written = runner.invoke(command, ["--write", str(tmp_path), "--program", "/opt/f"])
    assert written.exit_code == 0
    assert "systemd-sysusers" in written.output
    assert unit(tmp_path, "glidein-factory.service").is_file()


def test_the_container_has_the_places_and_users_of_the_units() -> None:
    folder = Path(host_files.__file__).parent
    text = (folder / "Containerfile").read_text()
    for word in (
        "/etc/glidein-factory",
        "/srv/glidein-factory",
        "/var/lib/glidein-factory",
    ):
        assert word in (folder / "tmpfiles.conf").read_text()
        assert word in text
    for user in ("glidein-factory", "glidein-factory-web"):
        assert re.search(rf"useradd .* {user} ", text)
    assert re.search(r"^USER glidein-factory$", text, re.MULTILINE)
