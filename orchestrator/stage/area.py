"""The format of a web area: what files it has, what they are called, what is in them.

Pure: :func:`build` gets the parts of one area and returns all its files; writing them is the
matter of :mod:`orchestrator.stage.publish`. The same parts give the same bytes.

An area is a folder on a web server, read by ``glidein/lib/area.sh``:

``<stem>.<h16><ext>``       an object; h16 starts the SHA-256 of its content
``signature.<id>.<type>``   size and hash of each object and of the description
``description.<id>.cfg``    the names of the other parts

``id`` starts the SHA-256 of what the two say, so neither name ever stands for two contents.
"""

import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SignatureType = Literal["sha256", "sha1"]

# The half of glidein/lib that glideins fetch, in the order in which they source it. The other
# half travels inside glidein_startup.sh.
LIBRARY = (
    *("cgroup.sh", "hints.sh", "gpus.sh", "resources.sh"),
    *("containment.sh", "containers.sh", "cvmfs.sh", "check.sh", "condor.sh"),
    *("knob.sh", "expand.sh", "vars.sh", "places.sh", "system.sh", "expiry.sh"),
    *("batch.sh", "mjf.sh", "credentials.sh", "lifetime.sh", "collectors.sh"),
    *("security.sh", "resource_slots.sh", "slots.sh", "policy.sh", "configure.sh"),
    *("startd.sh", "failure.sh", "interface.sh", "hooks.sh", "periodic.sh", "wrapper.sh"),
    "activity.sh",
)
# What scripts of communities source or call, by name: all of glidein/worker_api.
WORKER_API = (
    *("add_config_line.source", "b64uuencode.source", "condor_chirp", "error_augment.sh"),
    *("error_gen.sh", "gconfig.py", "get_id_selectors.source", "glidein_paths.source"),
    *("gwms-python", "logging_utils.source", "script_wrapper.sh"),
)

STOP_LIST = "stop.lst"
BUNDLE_LIMIT = 256 * 1024  # bytes; what is larger is fetched by itself

FILE_LIST_HEAD = "# OutFile InFile Type Period Prefix Condition ConfigOut\n"

# Compound ones first. What has no such ending keeps its hash at the end.
_EXTENSIONS = (
    *(".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"),
    *(
        ".awk",
        ".bz2",
        ".cfg",
        ".conf",
        ".config",
        ".gz",
        ".json",
        ".lst",
        ".pl",
        ".py",
        ".sh",
    ),
    *(".source", ".tar", ".tgz", ".txt", ".xml", ".xz", ".zip"),
)
HASHED = re.compile(r".+\.[0-9a-f]{16}(\..+)?")


@dataclass(frozen=True)
class Object:
    """One immutable file of an area; ``hash`` is of the area's signature type."""

    name: str
    size: int  # bytes
    sha256: str
    hash: str
    content: bytes | Path  # large ones stay where they are


@dataclass(frozen=True)
class Row:
    """One line of a file list: what a file is, and what a glidein does with it."""

    out: str
    file: Object
    kind: str
    period_s: int = 0
    prefix: str = "GLIDEIN_PS_"
    condition: str = "TRUE"
    config_out: str = "FALSE"

    def __str__(self) -> str:
        columns = (
            *(self.out, self.file.name, self.kind, str(self.period_s)),
            *(self.prefix, self.condition, self.config_out),
        )
        return " \t".join(columns) + "\n"


@dataclass(frozen=True)
class Area:
    """All files of one area, and what a glidein's arguments say about it."""

    objects: tuple[Object, ...]  # sorted by name
    description: Object
    signature: Object  # its ``hash`` is the argument that pins the whole area


def make_object(out: str, content: bytes | Path, kind: SignatureType) -> Object:
    """Give ``content`` the name that its hash makes of ``out``."""
    if isinstance(content, bytes):
        sha256 = hashlib.sha256(content).hexdigest()
        size = len(content)
        signed = sha256 if kind == "sha256" else hashlib.sha1(content).hexdigest()
    else:
        with content.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            size = stream.tell()
            stream.seek(0)
            signed = (
                sha256
                if kind == "sha256"
                else hashlib.file_digest(stream, kind).hexdigest()
            )
    return Object(object_name(out, sha256), size, sha256, signed, content)


def object_name(out: str, sha256: str) -> str:
    """Return ``<stem>.<h16><ext>``; characters that are special in a URL become ``_``."""
    plain = re.sub(r"[^A-Za-z0-9._+-]", "_", out)
    ext = next((e for e in _EXTENSIONS if plain.endswith(e) and plain != e), "")
    return f"{plain.removesuffix(ext)}.{sha256[:16]}{ext}"


def build(
    rows: Iterable[Row],
    kind: SignatureType,
    extra: Iterable[tuple[str, str]] = (),
) -> Area:
    """Lay out one area: its file list, bundle, description and signature file.

    ``extra`` are further lines of the description, in order.
    """
    rows = list(rows)
    listing = FILE_LIST_HEAD + "".join(map(str, rows))
    file_list = make_object("file_list.lst", listing.encode(), kind)
    members = {row.file.name: row.file for row in rows} | {file_list.name: file_list}
    bundle = make_object("bundle.tar.gz", _bundle(members.values()), kind)
    objects = sorted([*members.values(), bundle], key=lambda one: one.name)

    says = [("file_list", file_list.name), ("bundle", bundle.name), *extra]
    # The type is part of the id: one area signed in two ways has two descriptions.
    told = _lines([("signature_type", kind), *says])
    listed = "".join(sorted(f"{one.sha256}  {one.name}\n" for one in objects))
    ident = hashlib.sha256((listed + told).encode()).hexdigest()[:16]

    signature_name = f"signature.{ident}.{kind}"
    text = _lines([("signature", signature_name), *says]).encode()
    description = _named(f"description.{ident}.cfg", text, kind)
    signed = sorted([*objects, description], key=lambda one: one.name)
    signature = _named(signature_name, _signature(signed, kind), kind)
    return Area(tuple(objects), description, signature)


def _lines(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{key} \t{value}\n" for key, value in pairs)


def _named(name: str, content: bytes, kind: SignatureType) -> Object:
    made = make_object(name, content, kind)
    return Object(name, made.size, made.sha256, made.hash, content)


def _signature(signed: Iterable[Object], kind: SignatureType) -> bytes:
    """Write the signature file; ``sha256sum -c`` (or ``sha1sum -c``) reads it."""
    text = f"# signature file: {kind} of each file, and its size in bytes\n"
    for one in signed:
        text += f"# size {one.size}  {one.name}\n{one.hash}  {one.name}\n"
    return text.encode()


def signed_names(signature: str) -> set[str]:
    """Return the names in the text of a signature file."""
    lines = (line for line in signature.splitlines() if not line.startswith("#"))
    return {line.split("  ", 1)[1] for line in lines if "  " in line}


def _bundle(members: Iterable[Object]) -> bytes:
    """Pack the small ones of ``members``, the same bytes each time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for member in sorted(members, key=lambda one: one.name):
            if member.size > BUNDLE_LIMIT:
                continue
            content = member.content
            data = content if isinstance(content, bytes) else content.read_bytes()
            info = tarfile.TarInfo(member.name)  # mtime, uid and gid are 0, the names empty
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)  # 31: a gzip header, no name, no time
    return squeeze.compress(packed.getvalue()) + squeeze.flush()
