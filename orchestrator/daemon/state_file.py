"""Small JSON files by which daemons tell the command line and each other how they are."""

import json
import os
from pathlib import Path
from typing import Any


def write(path: Path, state: dict[str, Any], mode: int = 0o644) -> None:
    """Replace ``path`` as a whole; not brought to the disk at once: it is soon written again."""
    part = path.with_name(f".part-{path.name}")
    text = json.dumps(state, separators=(",", ":")).encode() + b"\n"
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.write(file, text)
    finally:
        os.close(file)
    part.replace(path)


def read(path: Path) -> dict[str, Any]:
    """Return what ``path`` says; nothing when it is missing or damaged."""
    try:
        state = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}
