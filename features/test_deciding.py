"""Steps of deciding.feature: an entry that only decides, with no schedd and no collector."""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from orchestrator.deciding.backoff import Backoffs
from orchestrator.deciding.decision import decide
from orchestrator.deciding.queue_counts import key_of
from orchestrator.deciding.verdict import Decision, Turns, Verdict
from orchestrator.outputs.outcome import Ended, Outcome, settle
from orchestrator.queue.queue_view import Glidein, QueueView, Unseen
from tests import deciding
from tests.deciding import NOW

scenarios("deciding.feature")

BOUNDS: dict[str, dict[str, Any]] = {
    "idle glideins": {"entry_idle": 5},
    "glideins": {"entry_glideins": 5},
    "idle glideins of one Frontend": {"share_idle": 5},
    "glideins of one Frontend": {"share_glideins": 5},
    "glideins submitted in one cycle": {"submit_cycle": 5},
    "glideins not yet seen": {"unseen": 5},
    "more glideins in the factory": {},
}
REMOVALS = {
    "nobody": "NO",
    "those not yet sent": "WAIT",
    "those not yet running": "IDLE",
    "all": "ALL",
}


@dataclass
class Entry:
    """An entry, what it knows, and what it decided."""

    asks: dict[str, str] = field(default_factory=dict)
    queue: QueueView = field(default_factory=lambda: deciding.queue({}))
    requests_view: str = "fresh"
    limits: dict[str, Any] = field(default_factory=dict)
    room: int = 1_000
    down_for: dict[str, str] = field(default_factory=dict)
    backoffs: Backoffs = field(default_factory=lambda: Backoffs({}))
    now: float = NOW
    turns: Turns = field(default_factory=Turns)

    def decide(self) -> Decision:
        """Decide with what is known now."""
        later = self.now - NOW
        requests = deciding.requests(self.asks, self.requests_view)
        decision = decide(
            replace(requests, taken=requests.taken + later),
            replace(self.queue, taken=self.queue.taken + later),
            deciding.limits(self.limits),
            entry="site",
            now=self.now,
            factory_room=self.room,
            downtimes=deciding.downtimes(shares=self.down_for),
            backoffs=self.backoffs,
            turns=self.turns,
        )
        self.turns = decision.turns
        return decision

    def verdict(self, client: str) -> Verdict:
        """Return what is decided for a client."""
        verdicts = self.decide().verdicts
        return next(one for one in verdicts if one.request.client == f"{client}.main")

    def ended(self, **changes: Any) -> Outcome:
        """Return the outcome of a glidein of cms that ended now, well unless told otherwise."""
        outcome = Outcome("1.0", "cms.main", "cms:frontend", self.now, "idle", "report")
        return replace(outcome, **{"good": True, "code": 0, **changes})


@pytest.fixture
def entry() -> Entry:
    """An entry that nobody asks anything of, with an empty queue."""
    return Entry()


@given(
    parsers.parse(
        "the Frontend {client} has {idle:d} idle and {running:d} running glideins at the entry"
    )
)
def has(entry: Entry, client: str, idle: int, running: int) -> None:
    entry.queue = deciding.queue({client: f"{idle} pending, {running} running"})


@given(
    parsers.parse(
        "the Frontend {client} has {waiting}, {pending} and {running} glideins at the entry"
    )
)
def has_three(entry: Entry, client: str, waiting: str, pending: str, running: str) -> None:
    entry.queue = deciding.queue({client: f"{waiting}, {pending}, {running}"})


@given(parsers.parse("the entry has a bound of 5 {bound}"))
def bounded(entry: Entry, bound: str) -> None:
    entry.limits = BOUNDS[bound]
    if bound == "more glideins in the factory":
        entry.room = 5


@given(parsers.parse("{what} cannot be seen"))
def unseen(entry: Entry, what: str) -> None:
    match what:
        case "the queue":
            problem = "the schedd does not answer"
            failed = deciding.queue({}, "failed").freshness
            entry.queue = replace(entry.queue, freshness=failed, problem=problem)
        case "the requests":
            entry.requests_view = "failed"
        case _:
            raise ValueError(what)


@given(parsers.parse('the Frontend {client} is in downtime for "{comment}"'))
def down(entry: Entry, client: str, comment: str) -> None:
    entry.down_for = {f"{client}:All": comment}


@given(parsers.parse("{client} asks for {idle:d} idle glideins, {most:d} at most"))
@when(parsers.parse("{client} asks for {idle:d} idle glideins, {most:d} at most"))
def ask(entry: Entry, client: str, idle: int, most: int) -> None:
    entry.asks[client] = f"{idle} idle of {most}"


@when(parsers.parse("cms and osg each ask for {idle:d} idle glideins"))
def both_ask(entry: Entry, idle: int) -> None:
    entry.asks = {"cms": f"{idle} idle of {idle}", "osg": f"{idle} idle of {idle}"}


@when(
    parsers.parse("cms and osg each ask for {idle:d} idle glideins for {cycles:d} cycles"),
    target_fixture="got",
)
def both_ask_for_cycles(entry: Entry, idle: int, cycles: int) -> Counter[str]:
    both_ask(entry, idle)
    got: Counter[str] = Counter()
    for _ in range(cycles):
        for one in entry.decide().submit:
            got[one.request.client] += one.count
            new = Unseen(*key_of(one.request), count=one.count, since=int(NOW))
            entry.queue = replace(entry.queue, unseen=(*entry.queue.unseen, new))
    return got


@when("cms asks for glideins and osg wants all of its own removed")
def ask_and_remove(entry: Entry) -> None:
    entry.asks = {"cms": "10 idle of 50", "osg": "0 idle of 0, remove ALL"}


@when(
    parsers.parse("cms asks for none and for the removal of {whom}"), target_fixture="gone"
)
def ask_removal(entry: Entry, whom: str) -> str:
    entry.asks = {"cms": f"0 idle of 0, remove {REMOVALS[whom]}"}
    gone: list[Glidein] = []
    while remove := entry.decide().remove:
        these = [one.glidein for one in remove]
        gone += these
        rest = tuple(one for one in entry.queue.glideins if one not in these)
        entry.queue = replace(entry.queue, glideins=rest)
    return deciding.in_words({"cms": gone}).get("cms", "none")


@given(parsers.parse("{number:d} glideins of cms fail at the entry, on nodes without disk"))
@when(parsers.parse("{number:d} glideins of cms fail at the entry, on nodes without disk"))
def fail(entry: Entry, number: int) -> None:
    failed = entry.ended(good=False, code=40, cause="check: this node failed a check")
    entry.backoffs = entry.backoffs.after(entry.queue, [failed] * number, entry.now)


@when("a person opens the entry")
def open_by_hand(entry: Entry) -> None:
    assert entry.verdict("cms").submit == 0
    entry.backoffs = entry.backoffs.released()


@when("a glidein of cms ends and writes nothing", target_fixture="ended")
def ends_silently() -> Ended:
    return Ended(7, 0, "cms.main", "cms:frontend", NOW, NOW - 30)


@then(parsers.parse("the entry submits {number:d} glideins for {client}"))
def submits(entry: Entry, number: int, client: str) -> None:
    assert entry.verdict(client).submit == number, entry.verdict(client).words


@then(parsers.parse('it says "{words}"'))
def says(entry: Entry, words: str) -> None:
    decision = entry.decide()
    assert words in "\n".join([decision.words, *(one.words for one in decision.verdicts)])


@then(parsers.parse('it names the bound "{rule}"'))
def names(entry: Entry, rule: str) -> None:
    assert entry.verdict("cms").binds.rule == rule


@then(parsers.parse("each of them got {number:d} glideins"))
def each_got(got: Counter[str], number: int) -> None:
    assert got == {"cms.main": number, "osg.main": number}


@then("the entry submits and removes nothing")
def nothing(entry: Entry) -> None:
    decision = entry.decide()
    assert (decision.submit, decision.remove, decision.release) == ((), (), ())


@then(parsers.parse('it submits nothing for cms and says "{words}"'))
@then(parsers.parse('the entry submits nothing for cms and says "{words}"'))
def submits_nothing(entry: Entry, words: str) -> None:
    verdict = entry.verdict("cms")
    assert verdict.submit == 0
    assert words in verdict.words


@then(parsers.parse("in the course of time {those} are removed"))
def removed(gone: str, those: str) -> None:
    assert gone == those


@then(parsers.parse("after the pause it submits {number:d} glideins for cms"))
def after_pause(entry: Entry, number: int) -> None:
    entry.now += 601
    entry.backoffs = entry.backoffs.after(entry.queue, [], entry.now)
    submits(entry, number, "cms")


@then(parsers.parse("when one of these is of use it submits {number:d} glideins for cms"))
def of_use(entry: Entry, number: int) -> None:
    entry.backoffs = entry.backoffs.after(entry.queue, [entry.ended()], entry.now)
    submits(entry, number, "cms")


@then("its output is waited for")
def waited_for(ended: Ended, tmp_path: Path) -> None:
    assert settle(tmp_path, [ended], NOW + 60) == ([], [ended])


@then(parsers.parse('after an hour it counts as failed, because "{cause}"'))
def counts_as_failed(ended: Ended, cause: str, tmp_path: Path) -> None:
    [outcome], waiting = settle(tmp_path, [ended], NOW + 3_600)
    assert (outcome.cause, outcome.good, waiting) == (cause, False, [])
    assert outcome.failed_early(1_200) == cause
