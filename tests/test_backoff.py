"""When an entry is left alone, for how long, and what opens it again."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.deciding.backoff import (
    Backoff,
    Backoffs,
    Phase,
    Policy,
    Sign,
    from_json,
    sign_of,
)
from orchestrator.deciding.queue_counts import Counts
from orchestrator.errors import FactoryError
from orchestrator.outputs.outcome import Outcome
from tests import deciding
from tests.deciding import NOW, UNHURRIED

POLICY = Policy()
BAD = Outcome(
    "1.0", "a.main", "a:x", NOW, "check: this node failed a check", "report", code=40
)
GOOD = replace(BAD, cause="idle", code=0, good=True)


def bad(number: int, when: float = NOW) -> list[Sign]:
    return [Sign(when, False, "held with code 12.0")] * number


def good(number: int, when: float = NOW) -> list[Sign]:
    return [Sign(when, True)] * number


@pytest.mark.parametrize(
    ("signs", "phase"),
    [
        pytest.param(bad(4), Phase.OPEN, id="a few mean nothing"),
        pytest.param(bad(5), Phase.CLOSED, id="enough do"),
        pytest.param(bad(16) + good(4), Phase.CLOSED, id="if most are bad"),
        pytest.param(bad(15) + good(5), Phase.OPEN, id="not if more than a fifth is good"),
        pytest.param(good(100) + bad(16), Phase.CLOSED, id="only the last ones count"),
        pytest.param(bad(50, NOW - 7 * 3_600), Phase.OPEN, id="and not what is long ago"),
    ],
)
def test_it_begins_when_most_of_the_last_signs_are_bad(
    signs: list[Sign], phase: str
) -> None:
    state = Backoff().after(signs, NOW)
    assert state.phase(NOW) == phase
    if phase == Phase.CLOSED:
        assert "held with code 12.0" in state.why


def test_pauses_double_up_to_the_longest() -> None:
    state, now, pauses = Backoff().after(bad(5), NOW), NOW, []
    for _ in range(9):
        pauses.append(round(state.until - now))
        now = state.until
        state = state.after(bad(3, now), now)
    assert pauses == [600, 1_200, 2_400, 4_800, 9_600, 19_200, 21_600, 21_600, 21_600]


def test_bad_signs_in_a_pause_do_not_prolong_it() -> None:
    state = Backoff().after(bad(5), NOW)
    later = state.after(bad(50, NOW + 60), NOW + 60)
    assert later == state
    assert later.after([], state.until).phase(state.until) == Phase.TRIAL


def test_a_good_one_on_trial_opens_it() -> None:
    state = Backoff().after(bad(5), NOW)
    now = state.until + 1
    state = state.after(bad(2, now), now)
    assert state.phase(now) == Phase.TRIAL
    state = state.after(good(1, now), now)
    assert state.phase(now) == Phase.OPEN
    assert state.bound(Counts(), 0, now) is None


def test_an_entry_that_fails_again_soon_pauses_longer_and_calm_forgets() -> None:
    state = Backoff().after(bad(5), NOW)
    now = state.until
    state = state.after(good(1, now), now)
    again = state.after(bad(5, now + 60), now + 60)
    assert round(again.until - now - 60) == 1_200
    calm = now + POLICY.calm_s + POLICY.longest_s
    assert state.after([], calm).level == 0
    assert round(state.after(bad(5, calm), calm).until - calm) == 600


def test_a_clock_that_was_set_back_does_not_close_it_for_longer() -> None:
    state = Backoff().after(bad(5), NOW)
    before = NOW - 86_400 * 365
    assert state.after([], before).until <= before + POLICY.longest_s


def test_what_it_says_and_allows() -> None:
    state = Backoff().after(bad(5), NOW)
    closed = state.bound(Counts(), 0, NOW + 60)
    assert closed is not None
    assert closed.left == 0
    assert closed.words == (
        "back-off number 1, until 2027-01-15T08:10:00+00:00, for another 9 min:"
        " 5 of the last 5 signs were bad: 5 x held with code 12.0"
    )
    trial = state.bound(Counts(pending=1, running_now=7), 1, state.until)
    assert trial is not None
    assert trial.left == 1
    assert trial.words.startswith("3 may be on trial: 2 before (5 of the last 5")


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        pytest.param(replace(BAD, total_s=20.0), False, id="failed soon"),
        pytest.param(BAD, False, id="failed, nobody knows how soon"),
        pytest.param(replace(BAD, total_s=9_000.0), None, id="failed late"),
        pytest.param(replace(BAD, total_s=9e3, launched=False), False, id="never of use"),
        pytest.param(replace(BAD, code=None, cause="no output came"), False, id="unknown"),
        pytest.param(replace(BAD, code=3), None, id="stopped by the operator's list"),
        pytest.param(replace(BAD, removed=True), None, id="removed"),
        pytest.param(replace(GOOD, total_s=20.0), True, id="ended well"),
    ],
)
def test_what_an_outcome_says(outcome: Outcome, says: bool | None) -> None:
    sign = sign_of(outcome)
    assert (sign.good if sign else None) == says


def test_the_queue_gives_signs_once() -> None:
    has = {
        "cms": "6 held for 5 min code 12, 1 held code 1, 1 held code 16",
        "osg": "9 running",
    }
    view = deciding.queue(has)
    state = Backoffs({}, NOW - 600).after(view, [], NOW)
    assert set(state.shares) == {"cms:frontend"}
    assert "6 of the last 6" in state.shares["cms:frontend"].why
    again = Backoffs({}, NOW - 60).after(view, [], NOW)
    assert again.shares == {}


def test_running_long_enough_is_a_good_sign_once() -> None:
    view = deciding.queue({"cms": "2 running for 21 min, 3 running for 25 min"})
    state = Backoffs({}, NOW - 120).after(view, [], NOW)
    assert len(state.shares["cms:frontend"].signs) == 2
    assert state.after(view, [], NOW + 1).shares == state.shares


def test_a_share_does_not_close_another() -> None:
    outcomes = [BAD] * 9
    state = Backoffs({}).after(deciding.queue({}), outcomes, NOW)
    assert state.shares["a:x"].phase(NOW) == Phase.CLOSED
    assert set(state.shares) == {"a:x"}


def test_a_view_that_is_not_fresh_gives_no_signs() -> None:
    view = deciding.queue({"cms": "9 held for 5 min"}, "stale")
    assert Backoffs({}, NOW - 900).after(view, [], NOW) == Backoffs({}, NOW - 900)


def test_by_hand_one_share_or_all_are_opened() -> None:
    state = Backoffs(
        {"a:x": Backoff(1, NOW, NOW + 9), "b:x": Backoff(1, NOW, NOW + 9)}, NOW
    )
    assert set(state.released("a:x").shares) == {"b:x"}
    assert state.released().shares == {}
    assert state.released().looked == NOW


SIGNS = st.lists(
    st.builds(Sign, st.floats(NOW - 1e5, NOW + 1e5), st.booleans(), st.text(max_size=5)),
    max_size=30,
)


@UNHURRIED
@given(st.lists(st.tuples(SIGNS, st.floats(-1e5, 1e5)), max_size=8))
def test_it_is_data_small_and_never_longer_than_the_longest(
    steps: list[tuple[list[Sign], float]],
) -> None:
    state, now = Backoff(), NOW
    for signs, passed in steps:
        now += passed
        state = state.after(signs, now)
        assert state.until <= now + POLICY.longest_s
        assert len(state.signs) <= POLICY.remembered
        both = Backoffs({"a:x": state}, now)
        assert from_json(json.loads(json.dumps(both.as_json()))) == both


@pytest.mark.parametrize("told", [None, [], {}, {"looked": 0, "shares": {"a": {}}}])
def test_a_damaged_state_is_named(told: object) -> None:
    with pytest.raises(FactoryError, match="not the state of a back-off"):
        from_json(told)
