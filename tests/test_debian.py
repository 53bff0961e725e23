"""Where Debian is looked for, and what is asked of apt: an apt of the test's own, no network."""

import hashlib
from pathlib import Path

import pytest

from orchestrator.errors import TarballError
from orchestrator.tarball import debian
from orchestrator.tarball.debian import Mirror, Suite, find_mirror


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GLIDEIN_FACTORY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(debian.MIRROR_VARIABLE, raising=False)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    return tmp_path / "cache"


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "type[Stub]":
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    Stub.folder = folder
    return Stub


class Stub:
    """A program that stands in for one of Debian's."""

    folder: Path

    def __init__(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/bash\ncd {self.folder}\n{script}\n")
        path.chmod(0o755)

    @classmethod
    def note(cls, name: str) -> list[str]:
        """Return the lines a stub left in a file."""
        path = cls.folder / name
        return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            [
                "Some\thttp://other.test/debian/",
                "Debian\thttp://a.test/d/",
                "Debian-Security\thttp://a.test/s/",
            ],
            Mirror("http://a.test/d/", "http://a.test/s/"),
            id="by label",
        ),
        pytest.param(
            ["\thttp://a.test/other/", "\thttp://a.test/debian/"],
            Mirror("http://a.test/debian/"),
            id="before the first update",
        ),
    ],
)
def test_the_machine_knows_where_debian_is(
    stub: type[Stub], lines: list[str], expected: Mirror
) -> None:
    text = "\n".join(lines)
    stub("apt-get", f"cat <<'END'\n{text}\nEND")
    assert find_mirror() == expected


def test_a_named_mirror_wins(stub: type[Stub], monkeypatch: pytest.MonkeyPatch) -> None:
    stub("apt-get", "exit 99")
    monkeypatch.setenv(debian.MIRROR_VARIABLE, "http://variable.test/debian")
    assert find_mirror() == Mirror("http://variable.test/debian")
    assert find_mirror("http://option.test/debian") == Mirror("http://option.test/debian")


def test_a_machine_that_does_not_know_debian_says_what_to_do(stub: type[Stub]) -> None:
    stub("apt-get", "echo 'Ubuntu\thttp://a.test/ubuntu/'")
    with pytest.raises(TarballError, match="--mirror URL"):
        find_mirror()


@pytest.mark.parametrize("url", ["nowhere", "http://a b", "http://a [trusted=yes]"])
def test_a_mirror_is_a_url(url: str) -> None:
    with pytest.raises(TarballError, match="expected a URL"):
        find_mirror(url)


@pytest.mark.parametrize("name", ["", "-x", "trixie main", "../x", "Sid"])
def test_a_suite_is_a_name(name: str) -> None:
    with pytest.raises(TarballError, match="expected a name like trixie"):
        Suite(name, "amd64", Mirror("http://a.test"))


RECORDS = """\
case $* in
  *update*) echo u >>updates ;;
  *download*)
    cd ~-
    for word in "$@"; do
      [[ $word != *=* ]] || printf '%s' "${word%%=*}" >"${word%%=*}_${word#*=}_amd64.deb"
    done ;;
esac
"""


def archive(stub: type[Stub], packages: dict[str, str], update: str = "") -> None:
    """Let apt know packages by name, each with what it depends on."""
    stub("apt-get", update + RECORDS)
    cases = ""
    for name, depends in packages.items():
        digest = hashlib.sha256(name.encode()).hexdigest()
        cases += f"""\
[[ " $* " != *" {name} "* ]] || cat <<'END'
Package: {name}
Source: {name}-source (1.0)
Version: 1.0+b1
Architecture: amd64
Depends: {depends}
Size: {len(name)}
SHA256: {digest}

END
"""
    stub("apt-cache", cases)


def suite(said: list[str] | None = None) -> Suite:
    mirror = Mirror("http://a.test/debian", "http://a.test/security")
    return Suite("trixie", "amd64", mirror, (said if said is not None else []).append)


def wanted(name: str) -> bool:
    return name.startswith("lib")


def test_dependencies_are_followed_where_they_are_wanted(stub: type[Stub]) -> None:
    archive(
        stub,
        {
            "condor": "libone (>= 1), libtwo:any | libother, perl",
            "libone": "libtwo",
            "libtwo": "",
            "libother": "",
            "perl": "libperl",
            "libperl": "",
        },
    )
    packages = suite().fetch(["condor"], wanted)
    assert [package.name for package in packages] == ["condor", "libone", "libtwo"]
    assert packages[0].source == "condor-source"
    assert packages[0].source_version == "1.0"
    assert packages[0].version == "1.0+b1"
    assert packages[0].file.read_text() == "condor"


def test_what_is_there_is_not_downloaded_again(stub: type[Stub]) -> None:
    archive(stub, {"condor": ""})
    file = suite().fetch(["condor"], wanted)[0].file
    written = file.stat().st_mtime_ns
    said: list[str] = []
    suite(said).fetch(["condor"], wanted)
    assert file.stat().st_mtime_ns == written
    assert not any("downloading" in line for line in said)
    file.write_text("damaged")
    suite(said).fetch(["condor"], wanted)
    assert file.read_text() == "condor"


def test_a_package_that_is_not_there_is_named(stub: type[Stub]) -> None:
    archive(stub, {"other": ""})
    with pytest.raises(TarballError, match="Debian trixie has no condor for amd64"):
        suite().fetch(["condor"], wanted)


def test_apt_is_asked_three_times(stub: type[Stub]) -> None:
    failing = (
        "[[ $* != *update* ]] || { echo t >>tries; echo 'E: no route' >&2; exit 100; }\n"
    )
    archive(stub, {"condor": ""}, update=failing)
    said: list[str] = []
    with pytest.raises(TarballError, match="no route"):
        suite(said).fetch(["condor"], wanted)
    assert len(stub.note("tries")) == 3
    assert sum("trying again" in line for line in said) == 2


def test_a_suite_that_is_not_there_is_final(stub: type[Stub]) -> None:
    words = "E: The repository 'http://a.test/debian trixie Release' does not have a Release file."
    failing = (
        f'[[ $* != *update* ]] || {{ echo t >>tries; echo "{words}" >&2; exit 100; }}\n'
    )
    archive(stub, {"condor": ""}, update=failing)
    with pytest.raises(TarballError, match="has no suite 'trixie'"):
        suite().fetch(["condor"], wanted)
    assert len(stub.note("tries")) == 1


def test_without_its_security_suite_it_goes_on_and_says_so(stub: type[Stub]) -> None:
    failing = """\
if [[ $* == *update* ]] && grep -q security "${2%/*}/sources.list"; then
  echo 'E: Failed to fetch http://a.test/security/dists/trixie-security/x' >&2
  exit 100
fi
"""
    archive(stub, {"condor": ""}, update=failing)
    said: list[str] = []
    one = suite(said)
    assert [package.name for package in one.fetch(["condor"], wanted)] == ["condor"]
    assert one.lacking == " (without its security updates)"
    assert any("going on without the security suite" in line for line in said)


def test_the_machines_own_apt_is_left_alone(stub: type[Stub], cache: Path) -> None:
    archive(stub, {"condor": ""})
    suite().fetch(["condor"], wanted)
    text = next(cache.glob("debian/trixie-amd64-*/apt.conf")).read_text()
    places = [line for line in text.splitlines() if line.startswith("Dir::")]
    for line in places:
        value = line.split('"')[1]
        assert value in ("", "/dev/null", "pkgcache.bin") or value.startswith(str(cache))
    assert "#clear APT::Update;" in text
