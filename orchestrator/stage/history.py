"""What was published when, and so what of a stage may be thrown away.

The history is a file of the work tree, not of the web area. A description that is replaced is
kept for the configured days, counted from when it was last current: glideins in a queue were
told its name. What the queue may still need longer is protected by name. Unknown is never
"not needed": what cannot be read stops the throwing away, not the publishing.
"""

import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestrator import disk
from orchestrator.errors import PublishError
from orchestrator.stage import area

log = logging.getLogger(__name__)

_DESCRIPTION = re.compile(r"description\.[0-9a-f]{16}\.cfg")


@dataclass
class AreaHistory:
    """One area's descriptions: the current one, and when each other one ceased to be it."""

    current: str | None = None
    retired: dict[str, datetime] = field(default_factory=dict)


History = dict[str, AreaHistory]  # by the folder's name; the main area's is ""


def load(path: Path) -> History:
    """Read the history; without a file it is empty.

    Raises:
        PublishError: the file is not a history.
    """
    try:
        told = json.loads(path.read_text())
        return {
            name: AreaHistory(
                one["current"],
                {key: datetime.fromisoformat(when) for key, when in one["retired"].items()},
            )
            for name, one in told["areas"].items()
        }
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PublishError(
            f"{path}: is not the history that was written there ({error!r}); with it moved"
            " away, everything old is kept anew for the configured days"
        ) from error


def dump(history: History) -> bytes:
    """Return the file's content."""
    areas = {
        name: {
            "current": one.current,
            "retired": {key: when.isoformat() for key, when in sorted(one.retired.items())},
        }
        for name, one in sorted(history.items())
    }
    return (json.dumps({"areas": areas}, indent=2) + "\n").encode()


def found_on(stage: Path, known: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return the descriptions that each area of the stage holds.

    Those of ``known`` areas need not be looked for.
    """
    found = {"": descriptions(stage)}
    with os.scandir(stage) as there:
        names = sorted(
            one.name
            for one in there
            if one.name.startswith("entry_") and one.is_dir(follow_symlinks=False)
        )
    for name in names:
        found[name] = known[name] if name in known else descriptions(stage / name)
    return found


def descriptions(folder: Path) -> set[str]:
    """Return the descriptions that one area holds, current and old ones."""
    return {name for name in os.listdir(folder) if _DESCRIPTION.fullmatch(name)}  # noqa: PTH208


def advance(
    old: History, found: Mapping[str, set[str]], current: Mapping[str, str], now: datetime
) -> History:
    """Return the history after ``current`` became what glideins are told.

    A description on the stage of which nothing is known is taken for just retired.
    """
    new: History = {}
    for name in {*found, *current}:
        before = old.get(name, AreaHistory())
        retired = {
            one: before.retired.get(one, now)
            for one in found.get(name, set())
            if one != current.get(name)
        }
        if retired or name in current:
            new[name] = AreaHistory(current.get(name), retired)
    return new


def expired(
    history: History, protected: Iterable[str], keep_days: int, now: datetime
) -> Iterator[tuple[str, str]]:
    """Yield (area, description) of what nobody needs any more."""
    safe = set(protected)
    for name, one in history.items():
        for description, since in one.retired.items():
            if description not in safe and since < now - timedelta(days=keep_days):
                yield name, description


def garbage(folder: Path, drop: set[str], keep: set[str]) -> list[Path]:
    """Return the files of an area that belong to no description of ``keep``, in an order in
    which they may go: descriptions first.

    ``keep`` and ``drop`` are all the descriptions there are. Only names with a hash in them,
    and leftovers of interrupted writing, are ever returned.
    """
    needed = set(keep)
    for description in keep:
        try:
            signature = _signature_of(folder / description)
            needed |= {signature, *area.signed_names((folder / signature).read_text())}
        except (OSError, ValueError, StopIteration) as error:
            log.warning("kept everything in folder=%s: %s: %s", folder, description, error)
            return []
    files = [
        path
        for path in sorted(folder.iterdir())
        if (area.HASHED.fullmatch(path.name) or path.name.startswith(disk.PART))
        and path.name not in needed
        and not path.is_dir()
    ]
    return sorted(files, key=lambda path: path.name not in drop)


def _signature_of(description: Path) -> str:
    lines = description.read_text().splitlines()
    return next(
        line.split(" \t", 1)[1] for line in lines if line.startswith("signature \t")
    )


def utc_now() -> datetime:
    """Return the time, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
