"""What an Entry daemon remembers between its cycles, as bytes.

Each cycle is a process of its own, which gets the memory of the last one and leaves its own: what
Python does to the memory that all daemons share is gone with it. Only the daemon itself ever
reads these bytes, and it has them from its own child.
"""

import io
import pickle
from typing import Any

from orchestrator.daemon.board import Slot
from orchestrator.daemon.entry_cycle import EntryCycle
from orchestrator.protocol.keys import Keyring
from orchestrator.queue.journal import Journal

_KINDS = {Slot: "slot", Journal: "journal", Keyring: "keyring"}


def remember(cycle: EntryCycle) -> bytes:
    """Return all that ``cycle`` knows, but for what belongs to the process or to the factory."""
    target = io.BytesIO()
    _Pickler(target, pickle.HIGHEST_PROTOCOL).dump(cycle)
    return target.getvalue()


def recall(memory: bytes, slot: Slot, journal: Journal, keyring: Keyring) -> EntryCycle:
    """Return the cycle that was remembered, with this process's slot, journal and keyring."""
    reader = _Unpickler(io.BytesIO(memory))
    reader.known = {"slot": slot, "journal": journal, "keyring": keyring}
    cycle = reader.load()
    assert isinstance(cycle, EntryCycle)
    return cycle


class _Pickler(pickle.Pickler):
    def persistent_id(self, thing: Any) -> str | None:
        return _KINDS.get(type(thing))


class _Unpickler(pickle.Unpickler):
    known: dict[str, Any]

    def persistent_load(self, kind: str) -> Any:
        return self.known[kind]
