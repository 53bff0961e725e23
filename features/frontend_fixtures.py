"""A Frontend's areas, as the reference system's Frontend writes them, and a server in front of them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator.stage.static_server import serving

STAMP = "k3cbZC"  # what the reference has in its names is a time, not a hash


LIST_HEAD = "# Outfile \tInFile \tType \tPeriod \tPrefix \tCondition \tConfigOut\n"


@dataclass
class Frontend:
    """The two areas of a Frontend: group and client, in the reference's formats."""

    root: Path
    url: str
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    rows: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    unsigned: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    env: dict[str, str] = field(default_factory=dict)  # more of a rehearsal's environment
    keep: bool = False  # whether a rehearsal leaves its work directory, to be looked at

    def add(
        self,
        area: str,
        out: str,
        content: str | bytes,
        kind: str = "exec",
        *,
        where: str = "file_list",
        period_s: int = 0,
        prefix: str = "GLIDEIN_PS_",
        condition: str = "TRUE",
        key: str = "FALSE",
        name: str = "",
    ) -> None:
        """Add a file to the list ``where`` of an area (client or group), after those it has."""
        stem, dot, ending = out.partition(".")
        name = name or (out if kind == "nocache" else f"{stem}.{STAMP}{dot}{ending}")
        data = content if isinstance(content, bytes) else content.encode()
        self.files.setdefault(area, {})[name] = data
        if kind == "nocache":
            self.unsigned.add(name)
        columns = (out, name, kind, str(period_s), prefix, condition, key)
        self.rows.setdefault((area, where), []).append(" \t".join(columns) + "\n")

    def _write_lists(self) -> None:
        """Make lists and descriptions of what was added."""
        for area in ("client", "group") if self.rows else ():
            named = [where for where_area, where in self.rows if where_area == area]
            files = self.files.setdefault(area, {})
            for where in named:
                rows = "".join(self.rows[area, where])
                files[f"{where}.{STAMP}.lst"] = (LIST_HEAD + rows).encode()
            files[f"description.{STAMP}.cfg"] = description(*named)

    def publish(self) -> list[str]:
        """Write both areas; return the glidein's options for them."""
        self._write_lists()
        signs = {}
        for area, folder in (("client", self.root), ("group", self.root / "group_main")):
            folder.mkdir(exist_ok=True)
            lines = ["# File: signature", "#"]
            for name, content in self.files[area].items():
                (folder / name).write_bytes(
                    content + b"changed\n" if name in self.changed else content
                )
                if name not in self.unsigned:
                    lines.append(f"{hashlib.sha1(content).hexdigest()}  {name}")
            text = ("\n".join(lines) + "\n").encode()
            (folder / f"signature.{STAMP}.sha1").write_bytes(text)
            signs[area] = hashlib.sha1(text).hexdigest()
        description = f"description.{STAMP}.cfg"
        return [
            *("-clientweb", self.url, "-clientsign", signs["client"]),
            *("-clientsigntype", "sha1", "-clientdescript", description),
            *("-clientgroup", "main", "-clientwebgroup", f"{self.url}/group_main"),
            *("-clientsigngroup", signs["group"], "-clientdescriptgroup", description),
        ]


def file_list(*rows: tuple[str, str, str, str]) -> bytes:
    """Write a list of the reference: out, in, type and the key for its path."""
    lines = [
        f"{out} \t{name} \t{kind} \t0 \tGLIDEIN_PS_ \tTRUE \t{key}\n"
        for out, name, kind, key in rows
    ]
    return (LIST_HEAD + "".join(lines)).encode()


def description(*lists: str) -> bytes:
    text = f"signature \tsignature.{STAMP}.sha1\n"
    return (text + "".join(f"{name} \t{name}.{STAMP}.lst\n" for name in lists)).encode()


@pytest.fixture
def frontend(tmp_path: Path) -> Iterator[Frontend]:
    """A Frontend with two areas, served but not yet written."""
    root = tmp_path / "frontend"
    root.mkdir()
    with serving(root) as server:
        yield Frontend(root, server.url)
