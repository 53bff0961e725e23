"""Sharing out, one by one."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.deciding.turns import Taker, deal
from tests.deciding import UNHURRIED

TAKERS = st.lists(
    st.builds(
        Taker, st.text("abcdef", min_size=1), st.integers(-2, 9), st.sampled_from("xy")
    ),
    unique_by=lambda one: one.name,
    max_size=6,
)
ROOMS = st.dictionaries(st.sampled_from("xy"), st.integers(-2, 12))


def test_everyone_gets_one_before_anyone_gets_two() -> None:
    takers = [Taker("a", 5), Taker("b", 5), Taker("c", 1)]
    assert deal(6, takers, {}, "") == ({"a": 3, "b": 2, "c": 1}, "a")


def test_the_next_round_goes_on_after_the_last_served() -> None:
    takers = [Taker("a", 9), Taker("b", 9), Taker("c", 9)]
    last, order = "", ""
    for _ in range(7):
        got, last = deal(1, takers, {}, last)
        order += "".join(got)
    assert order == "abcabca"


def test_it_goes_on_also_when_the_last_served_is_gone() -> None:
    assert deal(1, [Taker("a", 1), Taker("c", 1)], {}, "b") == ({"c": 1}, "c")


@UNHURRIED
@given(st.integers(-2, 30), TAKERS, ROOMS, st.sampled_from(["", "c", "zz"]))
def test_nothing_is_left_that_somebody_could_have(
    total: int, takers: list[Taker], rooms: dict[str, int], last: str
) -> None:
    got, _ = deal(total, takers, rooms, last)
    spent = sum(got.values())
    assert spent <= max(0, total)
    by_group = {name: 0 for name in "xy"}
    for taker in takers:
        by_group[taker.group] += got.get(taker.name, 0)
    for name, room in rooms.items():
        assert by_group[name] <= max(0, room)
    for taker in takers:
        share = got.get(taker.name, 0)
        assert 0 <= share <= max(0, taker.wants)
        full = taker.group in rooms and by_group[taker.group] >= max(0, rooms[taker.group])
        assert share == max(0, taker.wants) or full or spent == max(0, total)
        # Fair: who could have had more has at most one less than any other of its group.
        others = [got.get(one.name, 0) for one in takers if one.group == taker.group]
        if share < taker.wants:
            assert share >= max(others) - 1


@UNHURRIED
@given(st.lists(st.integers(0, 3), min_size=30, max_size=30))
def test_nobody_starves_however_little_there_is(totals: list[int]) -> None:
    takers = [Taker(name, 99) for name in "abcd"]
    got_in_all = dict.fromkeys("abcd", 0)
    last = ""
    for total in totals:
        got, last = deal(total, takers, {}, last)
        for name, number in got.items():
            got_in_all[name] += number
    assert max(got_in_all.values()) - min(got_in_all.values()) <= 1
