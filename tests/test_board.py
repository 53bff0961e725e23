"""The memory that daemons share: signs of life, and a bound that all of them together keep."""

import os
import time

import pytest

from orchestrator.daemon.board import Board


def in_children(count: int, main: "object") -> None:
    """Run ``main(number)`` in that many processes at a time, and wait for them."""
    assert callable(main)
    pids = []
    for number in range(count):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                main(number)
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * count


def test_a_child_s_life_is_seen_by_its_parent() -> None:
    slot = Board().take()
    assert slot.beaten == 0
    before = time.monotonic()

    def live(number: int) -> None:
        slot.beat()
        slot.note_cycle()
        slot.note_work(0.5)
        slot.settle(5, 2)

    in_children(1, live)
    assert before <= slot.beaten <= time.monotonic()
    assert (slot.cycles, slot.took_s, slot.glideins) == (1, 0.5, 7)


def test_slots_are_taken_once_and_wiped_for_the_next() -> None:
    board = Board(capacity=2)
    first, second = board.take(), board.take()
    assert first.number != second.number
    first.settle(3, 0)
    with pytest.raises(RuntimeError, match="more than 2 daemons"):
        board.take()
    first.wipe()
    assert board.take().number == first.number
    assert first.glideins == 0


def test_many_processes_never_reserve_more_than_there_is() -> None:
    board = Board()
    slots = [board.take() for _ in range(20)]

    def reserve(number: int) -> None:
        for _ in range(50):
            slots[number].reserve(3, most=25, most_unseen=1000)

    in_children(20, reserve)
    assert board.glideins() == board.unseen() == 25


def test_room_is_what_the_others_leave() -> None:
    board = Board()
    mine, other = board.take(), board.take()
    other.settle(60, 10)
    assert mine.reserve(100, most=100, most_unseen=1000) == (30, 990)
    assert mine.reserve(100, most=100, most_unseen=30) == (30, 20)  # the old one is free
    assert other.reserve(100, most=100, most_unseen=1000) == (10, 970)
    mine.settle(12, 8)
    assert mine.glideins == 20
    assert other.reserve(5, most=100, most_unseen=1000) == (10, 982)
    assert mine.reserve(100, most=100, most_unseen=1000).glideins == 5
    assert other.reserve(100, most=50, most_unseen=10) == (0, 0)


def test_a_killed_process_keeps_nobody_from_reserving() -> None:
    board = Board()
    slot = board.take()

    def hold(number: int) -> None:
        context = board._locked()
        context.__enter__()
        os._exit(0)

    in_children(1, hold)
    assert slot.reserve(1, most=1, most_unseen=1) == (1, 1)
