"""Memory that the Factory daemon shares with all its children: one slot for each.

A child writes its slot (that it lives, how many glideins it has); the Factory daemon and all
other children read it. Made before the first fork. Numbers are doubles, eight bytes aligned, so
that nobody reads half of one. The bound on glideins of the whole factory is kept here: who wants
to submit reserves room first, under a lock that ends with its holder.
"""

import fcntl
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

SLOTS = 4096
_WIDTH = 8  # numbers in a slot: 64 bytes, one line of a processor's cache
_BEAT, _CYCLES, _GLIDEINS, _UNSEEN, _RESERVED, _TAKEN, _BLIND, _TOOK = range(8)


class Room(NamedTuple):
    """How many more glideins the whole factory may have, and may submit before others are seen."""

    glideins: int
    unseen: int


class Board:
    """All slots; ``capacity`` is how many children there can be at a time."""

    def __init__(self, capacity: int = SLOTS) -> None:
        self.capacity = capacity
        size = (
            (capacity + 1) * _WIDTH * 8
        )  # the last number says how many slots were ever taken
        self._file = os.memfd_create("glidein-factory-board", os.MFD_CLOEXEC)
        os.truncate(self._file, size)
        self._memory = mmap.mmap(self._file, size)
        self._numbers = memoryview(self._memory).cast("d")

    def slot(self, number: int) -> "Slot":
        """Return slot ``number``, from 0."""
        return Slot(self, number)

    def take(self) -> "Slot":
        """Return a slot that is free, wiped; only the Factory daemon takes slots.

        Raises:
            RuntimeError: all are taken.
        """
        for number in range(self.capacity):
            if not self._numbers[number * _WIDTH + _TAKEN]:
                slot = self.slot(number)
                slot.wipe()
                self._numbers[number * _WIDTH + _TAKEN] = 1
                self._numbers[-1] = max(self._numbers[-1], number + 1)
                return slot
        raise RuntimeError(f"no room for more than {self.capacity} daemons")

    def glideins(self) -> int:
        """Return the glideins of all entries, seen, unseen and reserved."""
        return int(sum(self._column(_GLIDEINS))) + self.unseen()

    def unseen(self) -> int:
        """Return the glideins of all entries that were submitted and not yet seen, or reserved."""
        return int(sum(self._column(_UNSEEN)) + sum(self._column(_RESERVED)))

    def blind(self) -> int:
        """Return how many entries have yet to look at the queue before they may act."""
        return int(sum(self._column(_BLIND)))

    def _column(self, field: int) -> "memoryview[float]":
        return self._numbers[field : int(self._numbers[-1]) * _WIDTH : _WIDTH]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from reserving; a killed one does not keep the lock."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)


class Slot:
    """One child's part of the board."""

    def __init__(self, board: Board, number: int) -> None:
        self._board = board
        self._numbers = board._numbers
        self._at = number * _WIDTH
        self.number = number

    def beat(self) -> None:
        """Say that this child lives."""
        self._numbers[self._at + _BEAT] = time.monotonic()

    @property
    def beaten(self) -> float:
        """When the child last said so (time.monotonic()); 0: never."""
        return self._numbers[self._at + _BEAT]

    def note_cycle(self) -> None:
        """Say that one more cycle is over, be it that it found nothing to do."""
        self._numbers[self._at + _CYCLES] += 1

    def note_work(self, took_s: float) -> None:
        """Say how long a cycle took that had something to do."""
        self._numbers[self._at + _TOOK] = took_s

    @property
    def took_s(self) -> float:
        """How long the last cycle took that had something to do."""
        return self._numbers[self._at + _TOOK]

    @property
    def cycles(self) -> int:
        return int(self._numbers[self._at + _CYCLES])

    @property
    def glideins(self) -> int:
        """The glideins in the queue, seen or not, as far as the child knows."""
        return int(self._numbers[self._at + _GLIDEINS] + self._numbers[self._at + _UNSEEN])

    def reserve(self, wanted: int, most: int, most_unseen: int) -> "Room":
        """Reserve room for at most ``wanted`` more glideins and return how much there is.

        Of the factory there may be ``most`` glideins, and ``most_unseen`` not yet seen. Who
        asked for less than there is has no right to more; it is reserved until :meth:`settle`.
        """
        with self._board._locked():
            self._numbers[self._at + _RESERVED] = 0
            glideins, unseen = self._board.glideins(), self._board.unseen()
            room = Room(max(0, most - glideins), max(0, most_unseen - unseen))
            self._numbers[self._at + _RESERVED] = min(wanted, *room)
        return room

    def settle(self, glideins: int, unseen: int) -> None:
        """Say how many glideins there are; what was reserved and not used is free again."""
        self._numbers[self._at + _GLIDEINS] = glideins
        self._numbers[self._at + _UNSEEN] = unseen
        self._numbers[self._at + _RESERVED] = 0

    @property
    def blind(self) -> bool:
        """Whether this entry has yet to look at the queue before it may act."""
        return bool(self._numbers[self._at + _BLIND])

    @blind.setter
    def blind(self, is_blind: bool) -> None:
        self._numbers[self._at + _BLIND] = is_blind

    @property
    def board(self) -> Board:
        return self._board

    def wipe(self) -> None:
        """Make the slot as new, and free."""
        self._numbers[self._at : self._at + _WIDTH] = memoryview(bytes(_WIDTH * 8)).cast(
            "d"
        )
