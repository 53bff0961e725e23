"""The last outcomes of an entry, read from the end of their files."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TAIL = 4 * 1024 * 1024  # bytes: some ten thousand glideins


def recent(
    folder: Path, since: float, tail: int = TAIL
) -> tuple[list[dict[str, Any]], float, bool]:
    """Return what is kept of the glideins that ended since ``since`` (epoch), the oldest first.

    Returns:
        The outcomes as their lines tell them; since when they are all there; and whether that
        is ``since``: with more than ``tail`` bytes of them the older ones are left out. Lines
        that are damaged are left out too.
    """
    first = datetime.fromtimestamp(since, UTC).strftime("%Y%m%d")
    found: list[dict[str, Any]] = []
    left, whole = tail, True
    for path in sorted(folder.glob("outcomes.*.jsonl"), reverse=True):
        if path.name.split(".")[1] < first or left <= 0:
            whole = whole and path.name.split(".")[1] < first
            break
        text, cut = _end_of(path, left)
        left -= len(text)
        whole = whole and not cut
        found += reversed([told for told in _lines(text) if told["ended"] >= since])
    found.reverse()
    if not whole and found:
        since = max(since, found[0]["ended"])
    return found, since, whole


def lines(folder: Path, since: float, until: float) -> Iterator[dict[str, Any]]:
    """Yield all outcomes that are kept of the glideins that ended between two times (epoch)."""
    first, last = (
        datetime.fromtimestamp(at, UTC).strftime("%Y%m%d") for at in (since, until)
    )
    for path in sorted(folder.glob("outcomes.*.jsonl")):
        if first <= path.name.split(".")[1] <= last:
            for told in _lines(path.read_bytes()):
                if since <= told["ended"] <= until:
                    yield told


def _end_of(path: Path, limit: int) -> tuple[bytes, bool]:
    """Return the last whole lines of a file, ``limit`` bytes at most, and whether more was there."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - limit)
        file.seek(start)
        text = file.read()
    return (text.partition(b"\n")[2] if start else text), start > 0


def _lines(text: bytes) -> Iterator[dict[str, Any]]:
    for line in text.split(b"\n"):
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and isinstance(told.get("ended"), int | float):
            yield told
