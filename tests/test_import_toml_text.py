"""TOML as the importer writes it: whatever is inherited, an attribute comes out as it was meant."""

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config import Attribute
from orchestrator.config.layers import flagged, put_on
from orchestrator.config.sources import long_form
from orchestrator.importer import toml_text
from orchestrator.importer.values import FLAGS, Attr, Path, Said

flags = st.sampled_from(
    [
        (True, True, True, False, False),
        (True, True, True, True, True),
        (True, True, False, False, True),
        (True, False, True, False, False),
        (False, True, True, True, False),
    ]
)
wholes = st.sampled_from(["5", "0", "-7", "007", "+3"])
attributes = st.one_of(
    st.builds(Attr, wholes, st.just("int"), flags),
    st.builds(Attr, wholes | st.sampled_from(["", "x", "a'b\\"]), st.just("string"), flags),
    st.builds(Attr, wholes | st.just("true"), st.just("expr"), flags),
)
known = st.none() | st.builds(Attr, st.just(""), st.sampled_from(["", "expr"]), flags)
PATH: Path = ("attributes", "A")


def table(lines: list[str]) -> dict[str, Any]:
    return long_form(tomllib.loads("\n".join(lines)))


@given(st.lists(attributes, min_size=1, max_size=4), known)
def test_each_layer_says_what_makes_it_of_the_one_below(
    chain: list[Attr], common: Attr | None
) -> None:
    said_of = {} if common is None else {"A": common}
    below: Said = {}
    data: dict[str, Any] = {}
    for one in chain:
        if below.get(PATH) != one:
            data = put_on(data, table(toml_text.tables({PATH: one}, below, said_of)))
        below = {PATH: one}
        flag_table = {}
        if common is not None:
            flag_table["A"] = dict(zip(FLAGS, common.flags, strict=True)) | (
                {"type": common.type} if common.type else {}
            )
        found = Attribute.model_validate(flagged(data, flag_table)["attributes"]["A"])
        assert (found.value, found.type) == (one.value, one.type)
        assert tuple(getattr(found, flag) for flag in FLAGS) == one.flags


@given(st.text(), st.text())
def test_any_text_is_read_as_it_was(key: str, value: str) -> None:
    line = f"{toml_text.key(key)} = {toml_text.text(value)}"
    assert tomllib.loads(line) == {key: value}


@given(st.text())
def test_no_comment_ends_early(said: str) -> None:
    lines = [*toml_text.comment(said), "a = 1"]
    assert tomllib.loads("\n".join(lines) + "\n") == {"a": 1}


def test_tables_are_written_as_people_write_them() -> None:
    said: Said = {
        ("rsl",): "(a=1)",
        ("limits", "entry", "idle"): 5,
        ("limits", "per_frontend", "F:c", "idle"): 1,
        ("limits", "per_frontend", "F:c", "held"): 2,
        ("submit", "cluster_size"): 3,
        ("submit", "attributes", "+x"): "8",
        ("remove", "sleep_s"): 0.2,
    }
    assert toml_text.tables(said, {}, {}) == [
        'rsl = "(a=1)"',
        "limits.entry.idle = 5",
        'limits.per_frontend."F:c" = { idle = 1, held = 2 }',
        "remove.sleep_s = 0.2",
        "",
        "[submit]",
        "cluster_size = 3",
        'attributes."+x" = 8',
    ]
