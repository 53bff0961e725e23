"""Tarballs of an HTCondor that is bash under other names: small, and it really runs."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from orchestrator.errors import TarballError
from orchestrator.tarball import condor_files, condor_tarball, elf

NAMES = ["sbin/condor_master", "sbin/condor_startd", "sbin/condor_starter"]
MORE = ["sbin/condor_schedd", "bin/condor_version", "libexec/condor_chirp", "libexec/x.py"]
VERSION = b"\0$CondorVersion: 9.8.7 2026-01-01 $\0"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIDEIN_FACTORY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(condor_tarball, "_LEVEL", 1)  # quick


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """An installed HTCondor."""
    folder = tmp_path / "prefix"
    bash = Path(shutil.which("bash") or "")
    for name in (*NAMES, *MORE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(bash, folder / name)
    with (folder / NAMES[0]).open("ab") as file:
        file.write(VERSION)
    (folder / "sbin/condor_on").symlink_to("condor_master")
    (folder / "bin/condor_status").symlink_to("../sbin/condor_master")
    (folder / "bin/unrelated").write_text("not HTCondor's")
    (folder / "lib").mkdir()
    return folder


def build(prefix: Path, dest: Path, profile: str = "glidein") -> Path:
    return condor_tarball.from_dir(prefix, dest, profile, lambda _: None)


def members(tarball: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(tarball) as archive:
        return {member.name: member for member in archive}


def test_the_name_says_version_and_processor(prefix: Path, tmp_path: Path) -> None:
    machine = os.uname().machine
    assert build(prefix, tmp_path).name == f"condor-9.8.7-{machine}.tar.gz"
    assert build(prefix, tmp_path, "pool").name == f"condor-pool-9.8.7-{machine}.tar.gz"


def test_it_runs_where_it_is_unpacked_with_its_own_library(
    prefix: Path, tmp_path: Path
) -> None:
    home = tmp_path / "a  work dir"
    condor_tarball.unpack(build(prefix, tmp_path), home)
    script = 'while read -r line; do [[ $line != */libc.so* ]] || echo "${line#*/}"; done'
    said = subprocess.check_output(
        [home / "sbin/condor_master", "-c", f"{script} </proc/self/maps"], text=True
    )
    assert said
    assert all(f"/{line}" == str(home / "lib/libc.so.6") for line in said.splitlines())


def test_the_profile_says_what_goes_in(prefix: Path, tmp_path: Path) -> None:
    glidein, pool = (
        members(build(prefix, tmp_path)),
        members(build(prefix, tmp_path, "pool")),
    )
    assert set(NAMES) <= set(glidein)
    assert "sbin/condor_schedd" not in glidein
    assert "sbin/condor_schedd" in pool
    assert not {"bin/unrelated", "libexec/x.py"} & set(pool)


def test_links_stay_links_that_stay_inside(prefix: Path, tmp_path: Path) -> None:
    found = members(build(prefix, tmp_path))
    assert found["sbin/condor_on"].linkname == "condor_master"
    assert found["bin/condor_status"].linkname == "../sbin/condor_master"


def test_the_manifest_tells_what_was_left_out(prefix: Path, tmp_path: Path) -> None:
    tarball = build(prefix, tmp_path)
    with tarfile.open(tarball) as archive:
        file = archive.extractfile("MANIFEST")
        assert file
        lines = file.read().decode().splitlines()
    assert lines[0] == "version 9.8.7"
    assert lines[1] == f"arch {os.uname().machine}"
    assert "left_out sbin/condor_schedd" in lines


def test_the_same_input_gives_the_same_bytes(prefix: Path, tmp_path: Path) -> None:
    first = build(prefix, tmp_path / "1")
    for path in prefix.rglob("condor_*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    (prefix / "sbin/condor_startd").chmod(0o700)
    second = build(prefix, tmp_path / "2")
    assert first.read_bytes() == second.read_bytes()


def test_members_have_no_owner_and_no_time(prefix: Path, tmp_path: Path) -> None:
    for member in members(build(prefix, tmp_path)).values():
        assert (member.uid, member.gid, member.mtime) == (0, 0, 0)
        assert member.uname == member.gname == ""


def test_a_program_that_lacks_a_library_is_left_out(prefix: Path, tmp_path: Path) -> None:
    condor_tarball._patchelf(
        "--add-needed", "libnowhere.so.9", str(prefix / "bin/condor_version")
    )
    tarball = build(prefix, tmp_path)
    assert "bin/condor_version" not in members(tarball)
    with tarfile.open(tarball) as archive:
        file = archive.extractfile("MANIFEST")
        assert file
        assert b"left_out bin/condor_version (needs libnowhere.so.9)" in file.read()


def test_an_essential_program_that_lacks_a_library_is_an_error(
    prefix: Path, tmp_path: Path
) -> None:
    condor_tarball._patchelf("--add-needed", "libnowhere.so.9", str(prefix / NAMES[1]))
    with pytest.raises(TarballError, match=r"condor_startd: needs libnowhere\.so\.9"):
        build(prefix, tmp_path)


def test_an_incomplete_htcondor_is_an_error(prefix: Path, tmp_path: Path) -> None:
    (prefix / "sbin/condor_starter").unlink()
    with pytest.raises(TarballError, match="condor_starter not found"):
        build(prefix, tmp_path)


def test_a_library_comes_from_the_prefix_first(prefix: Path, tmp_path: Path) -> None:
    needed = elf.read(prefix / NAMES[0]).needed
    name = next(name for name in needed if not name.startswith(("libc.", "ld")))
    source = condor_tarball._first(
        condor_tarball._machine_folders(), name, os.uname().machine
    )
    assert source
    (prefix / "lib" / name).write_bytes(source.read_bytes() + b"ours")
    with tarfile.open(build(prefix, tmp_path)) as archive:
        file = archive.extractfile(f"lib/{name}")
        assert file
        assert file.read().endswith(b"ours")


def test_a_whole_root_is_understood(prefix: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    prefix.rename(root / "usr")
    assert set(NAMES) <= set(members(build(root, tmp_path)))


def test_unpack_refuses_a_path_that_is_too_long(prefix: Path, tmp_path: Path) -> None:
    home = tmp_path
    while len(str(home)) < condor_tarball.PATH_BYTES:
        home /= "d" * 100
    with pytest.raises(TarballError, match=r"path too long: \d+ bytes, at most 1023"):
        condor_tarball.unpack(build(prefix, tmp_path), home)


def test_unpack_refuses_what_is_no_htcondor(tmp_path: Path) -> None:
    tarball = tmp_path / "other.tar.gz"
    with tarfile.open(tarball, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    with pytest.raises(TarballError, match="no HTCondor tarball"):
        condor_tarball.unpack(tarball, tmp_path / "home")
    tarball.write_bytes(tarball.read_bytes()[:20])
    with pytest.raises(TarballError, match=r"damaged|cannot unpack"):
        condor_tarball.unpack(tarball, tmp_path / "home")


def test_upstreams_tarball_keeps_its_programs(prefix: Path, tmp_path: Path) -> None:
    (prefix / "lib/libcondor_utils_9.so").write_bytes(VERSION)
    upstream = tmp_path / "condor-9.8.7-x86_64-stripped.tar.gz"
    with tarfile.open(upstream, "w:gz") as archive:
        archive.add(prefix, "condor-9.8.7-x86_64-stripped")
    tarball = condor_tarball.from_tarball(upstream, tmp_path, say=lambda _: None)
    found = members(tarball)
    assert {*NAMES, "lib/libcondor_utils_9.so", "MANIFEST"} <= set(found)
    assert not {"RELOCATE", "sbin/condor_schedd"} & set(found)
    home = tmp_path / "home"
    condor_tarball.unpack(tarball, home)
    assert (home / NAMES[0]).read_bytes() == (prefix / NAMES[0]).read_bytes()


def test_upstreams_tarball_has_one_top_folder(prefix: Path, tmp_path: Path) -> None:
    upstream = tmp_path / "flat.tar.gz"
    with tarfile.open(upstream, "w:gz") as archive:
        archive.add(prefix, ".")
    with pytest.raises(TarballError, match="one top folder"):
        condor_tarball.from_tarball(upstream, tmp_path, say=lambda _: None)


def test_an_unknown_processor_or_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TarballError, match="arch: expected one of amd64, arm64, ppc64el"):
        condor_tarball.from_debian("trixie", "vax", tmp_path)
    with pytest.raises(TarballError, match="profile: expected one of glidein, pool"):
        condor_tarball.from_debian("trixie", "amd64", tmp_path, "all")


def test_patterns_stop_at_a_slash() -> None:
    assert condor_files.in_profile("libexec/anything", "pool")
    assert not condor_files.in_profile("libexec/annex/anything", "pool")
