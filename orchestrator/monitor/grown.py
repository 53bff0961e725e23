"""Sums of counters over entries that come, go, and cannot be read for a while.

A plain sum would jump with each of them, and a plot of what ended would show all that an entry
ever did as one peak. Here only what an entry added between two looks counts.
"""

from collections.abc import Mapping

Counters = Mapping[str, float]


class GrownSum:
    """A sum that goes on from ``begin``, which is what it was when the last process wrote it."""

    def __init__(self, begin: Counters) -> None:
        self._sum = dict(begin)
        self._seen: dict[str, Counters] = {}

    def seen(self, entry: str) -> bool:
        return entry in self._seen

    def begin(self, entry: str, counters: Counters) -> None:
        """Let what an entry's counters are more than these count when it is seen first."""
        if counters:
            self._seen[entry] = counters

    def add(self, told: Mapping[str, Counters]) -> dict[str, float]:
        """Return the sum after the counters of all entries that are known now.

        Of an entry that is seen for the first time nothing counts, for it is not known when it
        was; of one that is known again, what it added meanwhile.
        """
        for entry, counters in told.items():
            seen = self._seen.get(entry)
            if seen is counters:
                continue
            for name, value in counters.items():
                added = value - (seen or counters).get(name, value)
                self._sum[name] = self._sum.get(name, 0.0) + max(0.0, added)
            self._seen[entry] = counters
        return dict(self._sum)
