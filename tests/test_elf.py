"""ELF files are read and changed right: tried on this machine's own programs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestrator.tarball import elf


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A copy of bash: a program with an interpreter that says what it is told to."""
    found = shutil.which("bash")
    assert found
    copy = tmp_path / "program"
    shutil.copy(found, copy)
    return copy


def test_reads_what_the_loader_reads(program: Path) -> None:
    found = elf.read(program)
    assert found.machine == os.uname().machine
    assert "libc.so.6" in found.needed
    assert Path(found.interpreter).name.startswith("ld")
    assert found.soname == ""


def test_a_library_has_a_name_and_exports(program: Path) -> None:
    listed = subprocess.check_output(["ldd", program], text=True)
    libc = next(
        Path(line.split()[2]) for line in listed.splitlines() if "libc.so.6" in line
    )
    assert elf.read(libc).soname == "libc.so.6"
    assert "printf" in elf.exports(libc)
    assert "printf" not in elf.exports(program)


def test_the_interpreter_is_appended_to_a_detached_program(program: Path) -> None:
    interpreter = elf.read(program).interpreter
    length = elf.detach_interpreter(program, 200)
    assert program.stat().st_size == length
    with pytest.raises(OSError, match=r"program"):
        subprocess.run([program, "-c", "exit"], check=True)
    with program.open("ab") as file:
        file.write(interpreter.encode().ljust(200, b"\0"))
    assert subprocess.check_output([program, "-c", "echo runs"]) == b"runs\n"
    assert elf.read(program).interpreter == interpreter


def test_a_library_that_is_only_mentioned_is_found(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(
        b"x\0libone.so.1\0/libtwo.so\0not-libthree.so\0libfour.so.2x\0libfive.so\0\0"
    )
    assert elf.mentioned(file) == {"libone.so.1", "libtwo.so", "libfive.so"}


def test_weak_symbols_may_be_missing(program: Path) -> None:
    before = program.read_bytes()
    elf.weaken(program, {"no such symbol"})
    assert program.read_bytes() == before
    elf.weaken(program, {"printf", "malloc"})
    assert program.read_bytes() != before
    assert subprocess.check_output([program, "-c", "printf %s runs"]) == b"runs"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"#!/bin/sh\n", id="a script"),
        pytest.param(b"\x7fELF\x01\x01" + b"\0" * 100, id="32 bits"),
        pytest.param(b"\x7fELF\x02\x01" + b"\0" * 100, id="a processor of nobody's"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    with pytest.raises(ValueError, match=str(file)):
        elf.read(file)


def test_a_cut_file_is_refused(program: Path) -> None:
    program.write_bytes(program.read_bytes()[:100])
    with pytest.raises(ValueError, match="damaged"):
        elf.read(program)
