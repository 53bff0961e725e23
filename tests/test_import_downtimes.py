"""Downtimes of the reference and of OSG topology, in the file of ours."""

from pathlib import Path

import pytest

from orchestrator.importer import downtimes
from orchestrator.importer.report import Report
from orchestrator.worktree.downtimes import Downtime, DowntimesFile, epoch
from tests.imported import run

WHOLE = Path(__file__).parent / "fixtures" / "glideinwms-whole"
XML = (WHOLE / "glideinWMS.xml", WHOLE / "config.d")
THEIRS, TOPOLOGY = WHOLE / "glideinWMS.downtimes", WHOLE / "Example_downtime.yaml"


def written(out: Path) -> list[str]:
    """Return the downtimes as lines; each can be read."""
    lines = DowntimesFile(out / "work").read().lines
    assert not [one.problem for one in lines if one.problem]
    return [str(one) for one in lines]


def test_downtimes_of_the_reference(tmp_path: Path) -> None:
    assert run(*XML, THEIRS, "--out", tmp_path / "out").exit_code == 0
    assert written(tmp_path / "out") == [
        "2026-11-01T07:00:00Z  2026-11-02T07:00:00Z  Example_T2  All  All  # new disks",
        "2026-12-01T06:00:00Z  None  Example_Slurm  CMS  frontend  # moved out",
        "2027-01-01T00:00:00Z  2027-01-02T00:00:00Z  factory  All  All",
        "2027-02-01T00:00:00Z  2027-02-02T00:00:00Z  All  All  All  # older, without a Frontend",
        "2027-03-01T00:00:00Z  None  Example_Gone  All  All  # no such entry",
    ]
    report = (tmp_path / "out" / "import-report.txt").read_text()
    assert f'{THEIRS}:7: "tomorrow" is not a time' in report
    assert f"{THEIRS}:8: Example_Gone" in report


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2026-01-01T00:00:00+05:30 None", ("factory", "All", "All", "")),
        ("2026-01-01T00:00:00+5:30 None E", ("E", "All", "All", "")),
        ("2026-01-01T00:00:00Z None E C #x", ("E", "All", "C", "x")),
        ("2026-01-01T00:00:00Z None E F C", ("E", "F", "C", "")),
        (
            "2026-01-01T00:00:00Z\tNone\tE\tF\tC\tsince then # x",
            ("E", "F", "C", "since then x"),
        ),
        ("2026-01-01T00:00:00Z None E F C # a # \x07 b", ("E", "F", "C", "a # b")),
    ],
)
def test_lines_of_the_reference(
    tmp_path: Path, line: str, expected: tuple[str, str, str, str]
) -> None:
    (tmp_path / "d").write_text(f"{line}\n")
    report = Report()
    (one,) = downtimes.reference(tmp_path / "d", ["E"], report)
    assert (*one.scope, one.comment) == expected
    assert not report.notes


@pytest.mark.parametrize(
    "line",
    [
        "2026-01-01T00:00:00Z",
        "now None E",
        "2026-01-01T00:00:00 None E",
        "2026-01-01T00:00:00Z never E",
        "2026-01-02T00:00:00Z 2026-01-01T00:00:00Z E",
    ],
)
def test_lines_that_nobody_can_read_are_listed(tmp_path: Path, line: str) -> None:
    (tmp_path / "d").write_text(f"\n{line}\n")
    report = Report()
    assert not list(downtimes.reference(tmp_path / "d", ["E"], report))
    assert report.notes[0].where == f"{tmp_path}/d:2"
    assert line in report.notes[0].detail


def test_downtimes_of_topology_are_those_of_the_entries_that_lead_there(
    tmp_path: Path,
) -> None:
    assert run(*XML, TOPOLOGY, "--out", tmp_path / "out").exit_code == 0
    times = "2027-01-05T12:00:00Z  2027-01-06T17:00:00Z"
    assert written(tmp_path / "out") == [
        f"{times}  {name}  All  All  # OSG 1005710: Power: one rack"
        for name in ("Example_T2", "Example_T3")
    ]
    report = (tmp_path / "out" / "import-report.txt").read_text()
    for line, said in (
        (12, "1005711, Example-CE1: XRootD cache server"),
        (21, "1005712, Example-CE1"),
        (30, "1005713, Elsewhere-CE1"),
        (41, "1005714, Example-Slurm: 'sometime'"),
    ):
        assert f"{TOPOLOGY}:{line}: {said}" in report


def test_later_ones_are_added_to_what_is_there(tmp_path: Path) -> None:
    """So a nightly look at topology does not repeat itself, nor bring back what is over."""
    out = tmp_path / "out"
    (tmp_path / "a.xml").write_text(
        '<glidein><entries><entry name="e" gatekeeper="x"><attrs>'
        '<attr name="GLIDEIN_ResourceName" value="R"/></attrs></entry></entries></glidein>'
    )
    assert run(tmp_path / "a.xml", "--out", out).exit_code == 0
    text = (
        "- {ID: 1, StartTime: 'Jan 01, 2099 12:00 +0000', EndTime: 'Jan 02, 2099 12:00 +0000',"
        " ResourceName: R, Services: [CE], Severity: Outage}\n"
        "- {ID: 2, StartTime: 'Jan 01, 2020 12:00 +0000', EndTime: 'Jan 02, 2020 12:00 +0000',"
        " ResourceName: R, Services: [CE], Severity: Outage}\n"
    )
    (tmp_path / "t.yaml").write_text(text)
    first = run(tmp_path / "t.yaml", "--out", out)
    assert "1 downtimes written" in first.output
    assert "0 downtimes written" in run(tmp_path / "t.yaml", "--out", out).output
    assert written(out) == [
        "2099-01-01T12:00:00Z  2099-01-02T12:00:00Z  e  All  All  # OSG 1:"
    ]
    assert "no factory.toml" in str(
        run(tmp_path / "t.yaml", "--out", tmp_path / "x").exception
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a: [\n", ":2: not YAML"),
        ("a: 1\n", ":1: expected a list of downtimes"),
        ("- 1\n", "expected a list of downtimes, got '1'"),
        ("- !!python/object/apply:os.system [x]\n", ":1: not YAML"),
        ("- {[a]: 1}\n", "not YAML"),
        (
            "- ID: &a [x, x]\n- ID: [*a, *a]\n",
            ":2: not YAML: a reference (*name) is refused",
        ),
        ("- " + "[" * 5000 + "]" * 5000, "not YAML"),
    ],
)
def test_what_is_no_list_of_downtimes(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.yaml").write_text(text)
    done = run(*XML, tmp_path / "t.yaml", "--out", tmp_path / "out")
    assert f"{tmp_path}/t.yaml" in str(done.exception)
    assert said in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_what_is_written_is_read_as_it_was() -> None:
    one = Downtime(epoch("2026-01-01T00:00:00Z"), None, "E", "F", "C", "why")
    assert str(one) == "2026-01-01T00:00:00Z  None  E  F  C  # why"
