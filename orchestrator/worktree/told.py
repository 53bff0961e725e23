"""What the glideins in the queue were told, so that nobody throws it away: ``queued.json``.

By name, with the last day (epoch seconds) on which a glidein was told it::

    {"main": {…}, "entry": {…}, "credentials": {…}, "schedds": {…}}

``schedds`` is where they are: one at most, for an entry moves only when it has none. ``main`` and ``entry`` are descriptions of web areas, as :mod:`orchestrator.worktree.reconfig` reads them;
``credentials`` are files below the credential folder of the work tree.
"""

import json
import logging
from collections.abc import Iterable
from pathlib import Path

from orchestrator import disk
from orchestrator.worktree.entry_record import EntryRecord

log = logging.getLogger(__name__)

NAME = "queued.json"
KINDS = ("main", "entry", "credentials", "schedds")
_DAY_S = 86_400


class Told:
    """The file in the folder of an entry."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._told: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        self._damaged = False
        try:
            said = {"schedds": {}, **json.loads(self.path.read_text())}
            self._told = {
                kind: {str(name): int(day) for name, day in said[kind].items()}
                for kind in KINDS
            }
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # Left as it is: who reads it then throws nothing away.
            self._damaged = True
            log.error("%s: cannot be read: %r", self.path, error)

    @property
    def schedd(self) -> str:
        """The schedd in which there may be glideins of the entry; "" when there is none."""
        return next(iter(self._told["schedds"]), "")

    def add(self, record: EntryRecord, credentials: Iterable[str], now: float) -> None:
        """Note what a glidein is about to be told; on the disk when this returns.

        Raises:
            OSError: it cannot be written: do not submit.
        """
        day = int(now // _DAY_S) * _DAY_S
        names = {
            "main": [record.pilot.descript],
            "entry": [record.pilot.descript_entry],
            "credentials": list(credentials),
            "schedds": [record.schedd],
        }
        if self._damaged:
            return
        told = {kind: {**self._told[kind]} for kind in KINDS}
        for kind, of_kind in names.items():
            told[kind] |= dict.fromkeys(of_kind, day)
        self._put(told)

    def forget(self, since: float | None, now: float) -> None:
        """Forget what only glideins were told that are gone, and bring the rest to the disk.

        ``since`` is when the oldest glidein was submitted (epoch seconds), None when there is
        none; the clocks of schedd and factory may differ by a day. Call it seldom, and only when
        the view of the queue is fresh.

        Raises:
            OSError: it cannot be written.
        """
        if self._damaged and since is not None:
            return
        oldest = (now if since is None else since) - 2 * _DAY_S
        told = {
            kind: {name: day for name, day in self._told[kind].items() if day >= oldest}
            for kind in KINDS
        }
        self._put(told)

    def leave(self) -> None:
        """Note that no glidein is left in the schedd.

        Raises:
            OSError: it cannot be written.
        """
        self._put({**self._told, "schedds": {}})

    def clear(self) -> None:
        """Forget all: no glidein is queued, and none will be.

        Raises:
            OSError: it cannot be written.
        """
        self._put({kind: {} for kind in KINDS})

    def _put(self, told: dict[str, dict[str, int]]) -> None:
        if told == self._told and self.path.exists() and not self._damaged:
            return
        disk.put_if_changed(self.path, json.dumps(told, indent=1).encode() + b"\n")
        self._told, self._damaged = told, False
