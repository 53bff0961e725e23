"""Several files that say the same thing: who wins, what is made longer, who said it."""

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config.layers import EXTEND, Layer, origin, put_on, settled
from orchestrator.toml_file import Lines, Place

# Each key has one shape, as in files without mistakes: "n1" numbers, "l1" lists, "t1" tables.
numbers = st.integers(0, 9)
lists = st.lists(numbers, max_size=3)
extensions = lists.map(lambda more: {EXTEND: more})


def table(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "n1": numbers,
            "n2": numbers,
            "l1": lists | extensions,
            "l2": lists | extensions,
            "t1": below,
            "t2": below,
        },
    )


tables = table(table(table(st.just({}))))


@given(tables, tables, tables)
def test_it_does_not_matter_which_two_come_together_first(a: Any, b: Any, c: Any) -> None:
    assert put_on(put_on(a, b), c) == put_on(a, put_on(b, c))


@given(tables)
def test_nothing_changes_nothing(a: Any) -> None:
    assert put_on(a, {}) == put_on({}, a) == a


def leaves(data: Any, place: Place = ()) -> list[tuple[Place, Any]]:
    if isinstance(data, dict):
        return [one for key in data for one in leaves(data[key], (*place, key))]
    if isinstance(data, list):
        return [((*place, index), one) for index, one in enumerate(data)]
    return [(place, data)]


def at(data: Any, place: Place) -> Any:
    for part in place:
        data = data[part]
    return data


@given(st.lists(tables, min_size=1, max_size=5))
def test_the_last_one_wins_and_can_be_blamed(said: list[Any]) -> None:
    layers = [Layer(f"{number}", Lines(""), data) for number, data in enumerate(said)]
    together = settled(reduce(put_on, said, {}))
    for place, value in leaves(together):
        layer, there = origin(layers, place)
        assert at(layer.data, there) == value
        if not isinstance(place[-1], int):  # nobody later says it
            later = layers[layers.index(layer) + 1 :]
            assert all((place, value) != one for la in later for one in leaves(la.data))
            assert all(place not in dict(leaves(la.data)) for la in later)


@pytest.mark.parametrize(
    ("below", "above", "together"),
    [
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ({"a": [1]}, {"a": {EXTEND: [2]}}, {"a": [1, 2]}),
        ({"a": "x"}, {"a": {EXTEND: ["y"]}}, {"a": ["x", "y"]}),
        ({}, {"a": {EXTEND: [2]}}, {"a": [2]}),
        ({"a": {EXTEND: [1]}}, {"a": {EXTEND: [2]}}, {"a": [1, 2]}),
        ({"a": {EXTEND: [1]}}, {"a": [2]}, {"a": [2]}),
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 2}}, {"a": {"b": 2, "c": 1}}),
        ({"a": {"b": 1}}, {"a": 2}, {"a": 2}),
        ({"a": 2}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": {EXTEND: [1], "b": 2}}, {"a": {"b": 2, EXTEND: [1]}}),
    ],
)
def test_one_on_top_of_another(below: Any, above: Any, together: Any) -> None:
    kept = repr((below, above))
    assert settled(put_on(below, above)) == together
    assert repr((below, above)) == kept, "what others inherit as well was changed"
