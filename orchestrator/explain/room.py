"""Disks without room: daemons go on, keep what they know to themselves, and submit nothing."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from orchestrator.explain.records import Finding

BYTES, INODES = 20 << 20, 100  # with less that is free, the next file may not find room


def without(places: Iterable[tuple[str, Path]]) -> Iterator[Finding]:
    """Yield what is to be said of those places (a name and a folder) that have no room."""
    seen = set()
    for what, path in places:
        try:
            about, device = os.statvfs(path), path.stat().st_dev
        except OSError:
            continue  # that is another finding
        if device in seen:
            continue
        seen.add(device)
        free, inodes = about.f_bavail * about.f_frsize, about.f_favail
        if free < BYTES:
            words = f"the disk of the {what} is full: {free >> 20} MiB free at {path}"
            yield _finding(words, f"df -h {path}; du -xsh {path}/*")
        elif about.f_files and inodes < INODES:
            words = f"the disk of the {what} has no room for files: {inodes} inodes free at {path}"
            yield _finding(words, f"df -i {path}; du -x --inodes {path} | sort -n | tail")


def _finding(words: str, mend: str) -> Finding:
    words += "; daemons keep to themselves what they cannot write, and submit nothing"
    return {"what": "disk", "state": "fail", "words": words, "mend": mend}
