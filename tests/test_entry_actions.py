"""Acting on a decision: what is asked of the schedd, in which order, and what a failure costs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from orchestrator.daemon.entry_actions import act
from orchestrator.deciding.request import Request
from orchestrator.deciding.sanitize import Target
from orchestrator.deciding.verdict import Decision, Submission
from orchestrator.errors import ScheddError, SubmissionError, SubmitUncertain
from orchestrator.queue.queue_view import Glidein, State
from tests.factory_user import REQUEST


@dataclass
class Played:
    """A schedd and a submitter that note what they are asked; ``broken`` fails by name."""

    asked: list[str] = field(default_factory=list)
    broken: dict[str, Exception] = field(default_factory=dict)

    def remove(self, ids: Sequence[str], reason: str, *, force: bool = False) -> int:
        return self._do(f"remove{'x' if force else ''} {','.join(ids)}: {reason}", len(ids))

    def release(self, ids: Sequence[str], reason: str) -> int:
        return self._do(f"release {','.join(ids)}: {reason}", len(ids))

    def submit(self, request: Request, clusters: Iterable[int], now: float) -> list[int]:
        sizes = list(clusters)
        self._do(f"submit {request.client} {sizes}", len(sizes))
        return sizes

    def _do(self, what: str, count: int) -> int:
        self.asked.append(what)
        for words, error in self.broken.items():
            if what.startswith(words):
                raise error
        return count


def target(process: int, words: str, force: bool = False) -> Target:
    glidein = Glidein(7, process, State.HELD, "F.main", "F:frontend", "ABC", 0, 0)
    return Target(glidein, "rule", words, force)


OTHER = replace(REQUEST, client="Other.main", name="other")
DECISION = Decision(
    0,
    "fresh",
    "fresh",
    0,
    0,
    submit=(Submission(REQUEST, (10, 3)), Submission(OTHER, (2,))),
    remove=(target(0, "stale"), target(1, "held", force=True), target(2, "stale")),
    release=(target(3, "curable"),),
)
ALL = [
    "remove 7.0,7.2: glidein factory: stale",
    "remove 7.1: glidein factory: held",
    "removex 7.1: glidein factory: held",
    "release 7.3: glidein factory: curable",
    "submit Frontend.main [10, 3]",
    "submit Other.main [2]",
]


def test_removing_makes_room_before_submitting() -> None:
    played, beats = Played(), []
    assert act(DECISION, played, played, 0, lambda: beats.append(1)) == []
    assert played.asked == ALL
    assert len(beats) == len(ALL)  # each step may take its time


@pytest.mark.parametrize(
    ("broken", "error", "asked"),
    [
        pytest.param("remove 7.1", ScheddError("away"), 2, id="a schedd that is away"),
        pytest.param(
            "submit Front", SubmitUncertain("away"), 5, id="an answer that is lost"
        ),
        pytest.param("submit Front", SubmissionError("away"), 6, id="a bad description"),
    ],
)
def test_what_a_failure_costs(broken: str, error: Exception, asked: int) -> None:
    played = Played(broken={broken: error})
    (problem,) = act(DECISION, played, played, 0, lambda: None)
    assert "away" in problem
    assert played.asked == ALL[:asked]
