"""What a person does by hand: orders, and whom they choose in the queue."""

from pathlib import Path

import pytest

from orchestrator.errors import FactoryError
from orchestrator.queue import by_hand, live_queue
from orchestrator.queue.live_queue import LiveGlidein, Meant


def test_an_order_is_done_once_and_answered(tmp_path: Path) -> None:
    order = by_hand.give(tmp_path, "vo.main", 2, "me")
    with pytest.raises(FactoryError, match="another order waits"):
        by_hand.give(tmp_path, "vo.main", 1, "you")
    assert by_hand.take(tmp_path) == order
    assert by_hand.take(tmp_path) is None
    by_hand.answer(tmp_path, order, clusters=[7])
    assert by_hand.wait(tmp_path, order, 5)["clusters"] == [7]
    assert [path.name for path in tmp_path.iterdir()] == [by_hand.ANSWER]


def test_an_order_that_nobody_took_is_taken_back(tmp_path: Path) -> None:
    order = by_hand.give(tmp_path, "vo.main", 2, "me")
    with pytest.raises(FactoryError, match="nothing was submitted"):
        by_hand.wait(tmp_path, order, 0.3)
    assert by_hand.take(tmp_path) is None


def test_of_one_that_was_taken_and_not_answered_nothing_is_claimed(tmp_path: Path) -> None:
    order = by_hand.give(tmp_path, "vo.main", 2, "me")
    by_hand.take(tmp_path)
    with pytest.raises(FactoryError, match="may come"):
        by_hand.wait(tmp_path, order, 0.3)


@pytest.mark.parametrize("text", ["", "[]", '{"id": 1}', '{"count": 1000000}'])
def test_what_is_no_order_is_not_done(tmp_path: Path, text: str) -> None:
    (tmp_path / by_hand.ORDER).write_text(text)
    assert by_hand.take(tmp_path) is None
    assert not (tmp_path / by_hand.ORDER).exists()


def test_too_many_are_not_done(tmp_path: Path) -> None:
    by_hand.give(tmp_path, "vo.main", by_hand.MOST + 1, "me")
    assert by_hand.take(tmp_path) is None


def glidein(
    ident: str, state: str, part: str, share: str = "cms:main", since: int = 900
) -> LiveGlidein:
    return LiveGlidein(
        ident,
        "north",
        state,
        part,
        f"{share.split(':')[0]}.main",
        share,
        "c",
        since,
        since,
        0,
        "",
        "",
        "",
        0,
        0,
        "",
    )


FOUND = [
    glidein("1.0", "idle", "wait"),
    glidein("1.1", "running", "running"),
    glidein("2.0", "held", "held", since=100),
    glidein("3.0", "idle", "pending", "atlas:prio"),
]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({}, ["1.0", "1.1", "2.0", "3.0"]),
        ({"ids": ("1",)}, ["1.0", "1.1"]),
        ({"ids": ("1.1", "3.0")}, ["1.1", "3.0"]),
        ({"state": "idle"}, ["1.0", "3.0"]),
        ({"state": "wait"}, ["1.0"]),
        ({"frontend": "atlas"}, ["3.0"]),
        ({"frontend": "atlas:prio"}, ["3.0"]),
        ({"frontend": "cms.main"}, ["1.0", "1.1", "2.0"]),
        ({"older_s": 500.0}, ["2.0"]),
        ({"ids": ("1",), "state": "running"}, ["1.1"]),
    ],
)
def test_who_is_meant(said: dict[str, object], meant: list[str]) -> None:
    chosen = live_queue.chosen(FOUND, Meant(**said), now=1_000)  # type: ignore[arg-type]
    assert [one.id for one in chosen] == meant


@pytest.mark.parametrize("ident", ["all", "1.0 || true", "1.0.0", "-1", ""])
def test_what_is_no_id_means_nobody(ident: str) -> None:
    with pytest.raises(FactoryError):
        live_queue.chosen(FOUND, Meant((ident,)))
