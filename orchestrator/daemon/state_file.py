"""Small JSON files by which daemons tell the command line and each other how they are."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from orchestrator import disk


def write(path: Path, state: dict[str, Any], mode: int = 0o644) -> None:
    """Replace ``path`` as a whole; not brought to the disk at once: it is soon written again.

    Raises:
        OSError: it cannot be written, and is as it was; the error names it.
    """
    part = path.with_name(f".part-{path.name}")
    text = json.dumps(state, separators=(",", ":")).encode() + b"\n"
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        disk.write_all(file, text)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()  # what is left of the room is for others
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(file)
    part.replace(path)


def read(path: Path) -> dict[str, Any]:
    """Return what ``path`` says; nothing when it is missing or damaged."""
    try:
        return parse(path.read_bytes())
    except OSError:
        return {}


def parse(text: bytes) -> dict[str, Any]:
    """Return what a file says that holds ``text``; nothing when it is damaged."""
    try:
        state = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return state if isinstance(state, dict) else {}
