"""Lines and sums of what became of glideins."""

import json
from dataclasses import replace
from pathlib import Path

from orchestrator.outputs import outcomes
from orchestrator.outputs.outcome import Outcome
from orchestrator.outputs.outcomes import Statistics

NOON = 1_795_521_600.0  # 2026-11-24T12:00:00Z
GOOD = Outcome(
    *("1.0", "a.main", "a:x", NOON, "idle", "report"),
    good=True,
    code=0,
    jobs=3,
    launched=True,
    total_s=1_000.0,
    validation_s=10.0,
    condor_s=980.0,
    job_s=900.0,
    good_job_s=800.0,
)
FAILED = Outcome(*("2.0", "a.main", "a:x", NOON + 60, "no output came", "queue"))


def test_sums_by_hour_and_day_hold_only_what_is_known() -> None:
    sums = Statistics()
    sums.add([GOOD, FAILED, replace(GOOD, ended=NOON + 3_700, removed=True, good=False)])
    noon = sums.hours["2026-11-24T12"]
    assert (noon.ended, noon.good, noon.launched, noon.early, noon.jobs) == (2, 1, 1, 1, 3)
    assert noon.failed == {"no output came": 1}
    assert noon.seconds["idle_s"] == 80
    assert noon.seconds["waste_s"] == 200
    assert noon.measured["waste_s"] == 1  # of two
    assert noon.measured["idle_s"] == 1
    busy = Statistics()
    busy.add([replace(GOOD, job_s=980.0)])
    assert busy.hours["2026-11-24T12"].measured["idle_s"] == 1  # and that is 0
    day = sums.days["2026-11-24"]
    assert (day.ended, day.removed, day.seconds["job_s"]) == (3, 1, 1_800)
    assert sums.since(1, NOON + 3_700).ended == 1
    assert sums.since(24, NOON + 3_700).ended == 3


def test_sums_stay_small() -> None:
    sums = Statistics()
    sums.add(
        replace(FAILED, ended=NOON + 3_600 * n, cause=f"cause {n}") for n in range(2_000)
    )
    assert len(sums.hours) == outcomes.HOURS
    assert len(sums.days) == outcomes.DAYS
    sums.add(
        replace(FAILED, ended=NOON + 3_600 * 2_000, cause=f"cause {n}") for n in range(99)
    )
    newest = sums.hours[max(sums.hours)]
    assert len(newest.failed) == outcomes.CAUSES + 1
    assert newest.failed[outcomes.OTHER] == 99 - outcomes.CAUSES


def test_sums_are_kept(tmp_path: Path) -> None:
    assert outcomes.load(tmp_path) == Statistics()
    sums = Statistics()
    sums.add([GOOD, FAILED])
    outcomes.save(tmp_path, sums)
    assert outcomes.load(tmp_path) == sums
    assert [path.name for path in tmp_path.iterdir()] == ["statistics.json"]
    (tmp_path / "statistics.json").write_text(
        '{"hours": {"x": {"unheard": 1}}, "days": {}}'
    )
    assert outcomes.load(tmp_path) == Statistics()


def test_a_line_each_in_the_file_of_its_day(tmp_path: Path) -> None:
    outcomes.append(tmp_path, [GOOD, FAILED])
    outcomes.append(tmp_path, [replace(GOOD, glidein="3.0", ended=NOON + 86_400)])
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["outcomes.20261124.jsonl", "outcomes.20261125.jsonl"]
    told = list(outcomes.read(tmp_path))
    assert [one["glidein"] for one in told] == ["1.0", "2.0", "3.0"]
    assert told[0]["idle_s"] == 80
    assert told[1]["waste_s"] is None


def test_a_line_that_was_cut_off_costs_no_other(tmp_path: Path) -> None:
    outcomes.append(tmp_path, [GOOD])
    path = tmp_path / "outcomes.20261124.jsonl"
    path.write_bytes(path.read_bytes() + b'{"glidein": "9.')
    outcomes.append(tmp_path, [FAILED])
    assert [one["glidein"] for one in outcomes.read(tmp_path)] == ["1.0", "2.0"]


def test_a_day_s_file_has_a_bound(tmp_path: Path) -> None:
    size = len(json.dumps(FAILED.as_json()))
    for _ in range(20):
        outcomes.append(tmp_path, [FAILED], day_bytes=size * 5)
    [path] = tmp_path.iterdir()
    assert 0 < path.stat().st_size <= size * 5


def test_what_has_been_told_is_known_after_a_restart(tmp_path: Path) -> None:
    assert outcomes.told(tmp_path) == set()
    outcomes.append(tmp_path, [GOOD, FAILED])
    assert outcomes.told(tmp_path) == {(one.glidein, one.ended) for one in (GOOD, FAILED)}
