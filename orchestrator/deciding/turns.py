"""Share a number out one by one, taking turns, so that nobody starves.

The turn goes on where it stopped the last time: whoever was served last comes last. That is
all there is to remember, and it holds also when the takers change between two rounds.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Taker(NamedTuple):
    """Who takes part: a name, how many it can use, and the group whose room it takes from."""

    name: str
    wants: int
    group: str = ""


def deal(
    total: int, takers: Sequence[Taker], rooms: Mapping[str, int], last: str
) -> tuple[dict[str, int], str]:
    """Share out at most ``total`` among ``takers``, one each in every round.

    Args:
        takers: Their names differ.
        rooms: How many a group may take together; one that is not named has no bound.
        last: Who was served last the time before.

    Returns:
        How many each got, those with none left out, and who was served last now.
    """
    order = sorted((one for one in takers if one.wants > 0), key=lambda one: one.name)
    start = bisect_right([one.name for one in order], last)
    order = order[start:] + order[:start]
    left = dict(rooms)
    got: dict[str, int] = {}
    while order and total > 0:
        still: list[Taker] = []
        for taker in order:
            if total <= 0:
                break
            group_left = left.get(taker.group, total)
            if group_left <= 0:
                continue
            got[taker.name] = got.get(taker.name, 0) + 1
            left[taker.group] = group_left - 1
            total -= 1
            last = taker.name
            if got[taker.name] < taker.wants:
                still.append(taker)
        order = still
    return got, last
