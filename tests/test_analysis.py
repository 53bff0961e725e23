"""A period in numbers."""

import dataclasses

from click.testing import CliRunner

from orchestrator.explain.analysis import analyze
from orchestrator.verbs import analyze as verb
from tests.decided import Decided, failed, useful
from tests.deciding import NOW

NODE_FAILED = "check: this node failed a check"


def test_a_period_is_summed_by_entry_frontend_cause_and_node(decided: Decided) -> None:
    hole = [failed(f"1.{n}", NODE_FAILED, node="hole") for n in range(9)]
    mixed = [useful(f"2.{n}", node="fine") for n in range(8)] + [
        failed("3.0", NODE_FAILED, node="fine")
    ]
    atlas = [useful("4.0", share="atlas:frontend", job_s=None, good_job_s=None)]
    unknown = [failed("5.0", "no output came", node="", total_s=None)]
    removed = [dataclasses.replace(useful("6.0"), good=False, removed=True)]
    old = [useful("7.0", at=NOW - 90_000)]
    decided.ended("north", [*hole, *mixed, *unknown, *removed, *old])
    decided.ended("south", atlas)
    told = analyze(decided.work, ["north", "south"], NOW - 86_400, NOW)

    north = told["entries"]["north"]
    assert (north["ended"], north["good"], north["failed"]) == (20, 8, 11)
    assert (north["early"], north["removed"]) == (11, 1)
    assert north["causes"] == {NODE_FAILED: 10, "no output came": 1}
    assert north["seconds"]["good_job_s"] == 9 * 5_000
    assert (north["measured"]["total_s"], north["ended"]) == (19, 20)
    # 9 x (7,100 - 6,000): the failed ones did not tell of HTCondor's time.
    assert (north["seconds"]["idle_s"], north["measured"]["idle_s"]) == (9_900, 9)

    assert told["frontends"]["atlas"]["measured"]["job_s"] == 0
    first, second = told["nodes"]
    assert (first["node"], first["black_hole"], first["failed"]) == ("hole", True, 9)
    assert (second["node"], second["black_hole"]) == ("fine", False)
    assert told["nodes_unknown"] == 1

    only = analyze(decided.work, ["north", "south"], NOW - 86_400, NOW, "atlas")
    assert (only["total"]["ended"], list(only["entries"])) == (1, ["south"])


def test_what_is_not_known_is_shown_as_unknown(decided: Decided) -> None:
    decided.ended("north", [useful("4.0", job_s=None, good_job_s=None), useful("4.1")])
    decided.ended("south", [useful("5.0", job_s=None, good_job_s=None, jobs=None)])
    done = CliRunner().invoke(
        verb.command,
        [
            "--config",
            str(decided.work.parent),
            "--since",
            "2026-01-01T00:00Z",
            "--until",
            "2030-01-01T00:00Z",
        ],
    )
    assert done.exit_code == 0, done.output
    (_, north), (south_counts, south) = (
        [line for line in done.output.splitlines() if line.startswith(name)]
        for name in ("north", "south")
    )
    assert north.endswith("1.7 of 1/2  1.4 of 1/2")
    assert south.split()[-2:] == ["?", "?"]
    assert south_counts.split()[6] == "?"
