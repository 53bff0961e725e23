"""When a daemon that died is started again: a table of accidents and delays."""

import pytest

from orchestrator.daemon.restarts import History
from orchestrator.worktree.daemon_settings import Restarts

SETTINGS = Restarts(delay_s=1, max_delay_s=6, attempts=4, interval_s=100)


@pytest.mark.parametrize(
    ("accidents", "delays"),
    [
        pytest.param([0, 1, 2, 3], [1, 2, 4, 6], id="growing, up to the longest"),
        pytest.param([0, 1, 2, 3, 4], [1, 2, 4, 6, None], id="then it is left down"),
        pytest.param(
            [0, 1, 2, 3, 102], [1, 2, 4, 6, 2], id="those of long ago are forgotten"
        ),
        pytest.param([0, 100, 200], [1, 1, 1], id="seldom enough"),
    ],
)
def test_delays(accidents: list[float], delays: list[float | None]) -> None:
    history = History()
    assert [history.after_accident(at, SETTINGS) for at in accidents] == delays


def test_without_a_limit_it_is_always_tried_again() -> None:
    history = History()
    settings = Restarts(delay_s=1, max_delay_s=8, attempts=0)
    assert [history.after_accident(0, settings) for _ in range(2000)][-1] == 8
