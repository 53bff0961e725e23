"""Remove, hold or release glideins because a person says so.

The schedd is asked what is there right before; when it does not answer, nothing is done.
"""

import getpass
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.errors import FactoryError, ScheddError
from orchestrator.queue import live_queue
from orchestrator.queue.live_queue import LiveGlidein, Meant
from orchestrator.worktree.entry_record import EntryRecord
from orchestrator.worktree.factory_record import read_factory

Deed = Literal["remove", "hold", "release"]
_PART = 500  # glideins that are told of at once


@dataclass(frozen=True)
class Chosen:
    """The glideins of one entry that are meant."""

    record: EntryRecord
    glideins: list[LiveGlidein]


def choose(work: Path, deed: Deed, entries: Iterable[str], meant: Meant) -> list[Chosen]:
    """Return what is meant in ``entries`` (none: in all of the factory) and can be done.

    Raises:
        FactoryError: a schedd did not answer; or an id is nobody's.
    """
    names = list(entries) or list(read_factory(work).entries)
    found = []
    for name in names:
        record = live_queue.record_of(work, name)
        glideins = live_queue.chosen(live_queue.look(record), meant)
        if deed != "remove":
            held = deed == "release"
            glideins = [one for one in glideins if (one.state == "held") is held]
        if glideins:
            found.append(Chosen(record, glideins))
    there = {one.id for part in found for one in part.glideins}
    there |= {one.partition(".")[0] for one in there}
    missing = [one for one in meant.ids if one not in there]
    if missing:
        what = {"hold": " that is not held", "release": " that is held"}.get(deed, "")
        raise FactoryError(f"no glidein{what} among them: {', '.join(missing)}")
    return found


def act(
    deed: Deed,
    chosen: Iterable[Chosen],
    why: str,
    *,
    force: bool = False,
    done: Callable[[str, int], object] = lambda entry, count: None,
) -> int:
    """Do it, and return with how many glideins; ``done`` is told after each part.

    Raises:
        ScheddError: a schedd did not answer; the message says with how many it was done before.
    """
    total = 0
    reason = (
        f"by hand, {getpass.getuser()}: {why}" if why else f"by hand, {getpass.getuser()}"
    )
    for part in chosen:
        schedd = live_queue.schedd_of(part.record)
        ids = [one.id for one in part.glideins]
        for start in range(0, len(ids), _PART):
            some = ids[start : start + _PART]
            try:
                if deed == "remove":
                    count = schedd.remove(some, reason, force=force)
                elif deed == "hold":
                    count = schedd.hold(some, reason)
                else:
                    count = schedd.release(some, reason)
            except ScheddError as error:
                raise ScheddError(f"{error}; before that, {total} were done") from error
            total += count
            done(part.record.name, count)
    return total
