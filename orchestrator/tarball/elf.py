"""Read what a program or library needs to start, and change how it starts.

Only what the HTCondor tarball is made from: 64-bit, little-endian ELF files (x86-64, ARM 64,
POWER 64 LE). Paths of libraries are changed by ``patchelf``, not here.
"""

import re
import struct
from dataclasses import dataclass
from pathlib import Path

MACHINES = {62: "x86_64", 183: "aarch64", 21: "ppc64le"}  # e_machine -> as `uname -m` says

_MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little endian
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 0, 1, 5, 14, 15, 29
_SHT_DYNSYM, _STB_WEAK = 11, 2
_HEADER = struct.Struct("<IIQQQQQQ")  # one program header
_SECTION = struct.Struct("<IIQQQQIIQQ")  # one section header
_SYMBOL = struct.Struct("<IBBHQQ")


@dataclass(frozen=True)
class Elf:
    """What the loader reads of one file.

    ``needed`` are sonames, ``run_path`` is DT_RUNPATH or DT_RPATH as written, ``interpreter``
    is empty for libraries and for programs that are linked statically.
    """

    machine: str
    interpreter: str
    needed: tuple[str, ...]
    soname: str
    run_path: str


def is_elf(path: Path) -> bool:
    """Tell whether the file is one that :func:`read` understands."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def read(path: Path) -> Elf:
    """Read one file.

    Raises:
        ValueError: it is no ELF file of a kind named above, or is damaged.
    """
    data = path.read_bytes()
    try:
        return _read(data)
    except (struct.error, IndexError, StopIteration) as error:
        raise ValueError(f"{path}: damaged ELF file") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def mentioned(path: Path) -> set[str]:
    """Return each name of a library that the file holds as text: what it may load later."""
    names = re.findall(rb"\0/?(lib[\w.+-]+?\.so(?:\.\d+)*)(?=\0)", path.read_bytes())
    return {name.decode() for name in names}


def detach_interpreter(path: Path, size: int) -> int:
    """Let the kernel look for the interpreter's path past the end of the file.

    Afterwards the program cannot start until ``size`` bytes are appended: the path and NULs.
    The text in memory, by which the loader knows itself, stays. Returns the file's length,
    which is where the path belongs.

    Raises:
        ValueError: the program has no interpreter.
    """
    data = bytearray(path.read_bytes())
    for at, header in _headers(data):
        if header[0] == _PT_INTERP:
            kind, flags, _offset, virtual, physical, _size, _memory, align = header
            new = (kind, flags, len(data), virtual, physical, size, size, align)
            _HEADER.pack_into(data, at, *new)
            path.write_bytes(data)
            return len(data)
    raise ValueError(f"{path}: it has no interpreter")


def exports(path: Path) -> set[str]:
    """Return the names that a library defines for others, without versions."""
    data = path.read_bytes()
    return {name for _, name, _, section in _symbols(data) if section}


def weaken(path: Path, names: set[str]) -> None:
    """Let a library load although nobody defines the ``names`` it uses; none may be called."""
    data = bytearray(path.read_bytes())
    for at, name, info, section in _symbols(data):
        if name in names and not section:
            data[at + 4] = _STB_WEAK << 4 | info & 0xF
    path.write_bytes(data)


def _symbols(data: bytes | bytearray) -> list[tuple[int, str, int, int]]:
    """Return each dynamic symbol: place in the file, name, info, section (0: elsewhere)."""
    (start,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    sections = [_SECTION.unpack_from(data, start + size * index) for index in range(count)]
    found = []
    for _name, kind, _flags, _address, offset, length, link, *_ in sections:
        if kind != _SHT_DYNSYM:
            continue
        strings = sections[link][4]
        for at in range(offset, offset + length, _SYMBOL.size):
            name, info, _other, section, _value, _size = _SYMBOL.unpack_from(data, at)
            found.append((at, _text(data, strings + name), info, section))
    return found


def _text(data: bytes | bytearray, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode()


def _headers(data: bytes | bytearray) -> list[tuple[int, tuple[int, ...]]]:
    """Return each program header with its place in the file."""
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    places = range(start, start + size * count, size)
    return [(at, _HEADER.unpack_from(data, at)) for at in places]


def _read(data: bytes) -> Elf:
    if data[: len(_MAGIC)] != _MAGIC:
        raise ValueError("not a 64-bit, little-endian ELF file")
    (number,) = struct.unpack_from("<H", data, 18)
    if number not in MACHINES:
        raise ValueError(f"made for processor number {number}, which is none of ours")
    headers = [header for _, header in _headers(data)]

    entries: list[tuple[int, int]] = []
    interpreter = ""
    for kind, _flags, offset, _virtual, _physical, size, *_ in headers:
        if kind == _PT_INTERP:
            interpreter = data[offset : offset + size].split(b"\0")[0].decode()
        if kind == _PT_DYNAMIC:
            for tag, value in struct.iter_unpack("<QQ", data[offset : offset + size]):
                if tag == _DT_NULL:
                    break
                entries.append((tag, value))

    strings = 0
    for tag, address in entries:
        if tag == _DT_STRTAB:
            strings = next(
                offset + address - virtual
                for kind, _flags, offset, virtual, _physical, size, *_ in headers
                if kind == _PT_LOAD and virtual <= address < virtual + size
            )

    def named(*tags: int) -> tuple[str, ...]:
        return tuple(_text(data, strings + value) for tag, value in entries if tag in tags)

    return Elf(
        machine=MACHINES[number],
        interpreter=interpreter,
        needed=named(_DT_NEEDED),
        soname="".join(named(_DT_SONAME)),
        run_path=":".join(named(_DT_RUNPATH) or named(_DT_RPATH)),
    )
