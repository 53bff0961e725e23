"""``glidein-factory analyze``: a period in numbers."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from orchestrator.explain import analysis
from orchestrator.explain.analysis import AnalysisRecord, SumRecord
from orchestrator.options import (
    complete_entry,
    config_option,
    entry_name,
    json_option,
    since,
    work_of,
)
from orchestrator.span import span
from orchestrator.terminal import BAD, FAINT, Cell, Styled, say, table
from orchestrator.worktree.factory_record import read_factory

COUNTS = ("ended", "good", "failed", "early", "removed", "jobs")
HOURS = ("in all", "HTCondor", "1st job", "idle", "jobs", "useful")  # as analysis.TIMES
_NODES, _CAUSES = 15, 10  # lines


@click.command()
@click.argument("names", nargs=-1, metavar="[ENTRY]...", shell_complete=complete_entry)
@click.option(
    "--since",
    "begin",
    callback=since,
    default="24h",
    show_default=True,
    metavar="TIME",
    help="How long ago (30m, 24h, 7d), or since when (2026-11-24T10:00Z).",
)
@click.option(
    "--until", "end", callback=since, metavar="TIME", help="Likewise; by default now."
)
@click.option("--frontend", default="", help="Of this Frontend, FRONTEND:CLASS or client.")
@json_option
@config_option
def command(
    names: tuple[str, ...],
    begin: float,
    end: float | None,
    frontend: str,
    as_json: bool,
    folder: Path,
) -> None:
    """Tell how the glideins of a period ended: by entry, Frontend, cause of failure and node.

    Hours are those of batch slots: in all; until HTCondor was started; until the first job (all
    of it where none came); with HTCondor and no job; with jobs; and with jobs that ended well.
    What glideins did not tell is not in a sum: "12 of 3/5" are 12 hours of 3 of the 5 glideins,
    "?" means that none told.

    \b
    Examples:
      glidein-factory analyze
      glidein-factory analyze CERN_T2 --since 7d
      glidein-factory analyze --frontend cms --since 2026-11-01T00:00Z --json

    Exit codes: 0 shown; 1 no such entry, or there is no work tree.
    """
    work = work_of(folder)
    chosen = [entry_name(work, name) for name in names] or list(read_factory(work).entries)
    told = analysis.analyze(work, chosen, begin, end, frontend)
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    _show(told)


def _show(told: AnalysisRecord) -> None:
    length = span(told["until"] - told["since"])
    say(
        f"{told['total']['ended']} glideins ended in {length}, {span(time.time() - told['until'])} ago"
        if time.time() - told["until"] > 60
        else f"{told['total']['ended']} glideins ended in the last {length}"
    )
    if not told["total"]["ended"]:
        return
    for what in ("entries", "frontends"):
        sums, total = told[what], told["total"]
        say("")
        _sums((what, *COUNTS), sums, total, _counts)
        say("")
        _sums((f"hours of {what}", *HOURS), sums, total, _hours)
    causes = told["total"]["causes"]
    if causes:
        say("")
        rows: list[tuple[Cell, ...]] = [(n, cause) for cause, n in causes.items()]
        table(("failed", "cause"), rows[:_CAUSES])
    _nodes(told)


def _sums(
    head: tuple[str, ...],
    sums: Mapping[str, SumRecord],
    total: SumRecord,
    cells: Callable[[SumRecord], tuple[Cell, ...]],
) -> None:
    rows = [(name or "unknown", *cells(one)) for name, one in sums.items()]
    if len(rows) > 1:
        rows.append(("all", *cells(total)))
    table(head, rows)


def _counts(one: SumRecord) -> tuple[Cell, ...]:
    failed: Cell = Styled(str(one["failed"]), BAD) if one["failed"] else 0
    jobs: Cell = one["jobs"] if one["jobs_known"] else None
    return (one["ended"], one["good"], failed, one["early"], one["removed"], jobs)


def _hours(one: SumRecord) -> tuple[Cell, ...]:
    return tuple(_sum(one, key) for key in analysis.TIMES)


def _sum(one: SumRecord, key: str) -> Cell:
    measured = one["measured"][key]
    if not measured:
        return None
    text = f"{one['seconds'][key] / 3600:.1f}"
    return text if measured == one["ended"] else f"{text} of {measured}/{one['ended']}"


def _nodes(told: AnalysisRecord) -> None:
    if told["nodes"]:
        say("")
        rows: list[tuple[Cell, ...]] = [
            (
                Styled(one["node"], BAD) if one["black_hole"] else one["node"],
                *(one["entry"], one["ended"], one["failed"], one["early"]),
                ("black hole: " if one["black_hole"] else "") + one["cause"],
            )
            for one in told["nodes"][:_NODES]
        ]
        table(("node", "entry", "ended", "failed", "early", "mostly"), rows)
        if len(told["nodes"]) > _NODES:
            say(f"{len(told['nodes']) - _NODES} more nodes: --json", FAINT)
    if told["nodes_unknown"]:
        say(f"{told['nodes_unknown']} failed on nodes that are not known", FAINT)
