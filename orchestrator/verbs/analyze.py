"""``glidein-factory analyze``: a period in numbers."""

import json
import time
from collections.abc import Mapping
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

HEAD = (
    *("ended", "good", "failed", "early", "removed", "jobs"),
    *("hours", "before start", "idle", "jobs ran", "useful"),
)
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

    Hours are those of batch slots: in all, until HTCondor was started, without a job, with
    jobs, and with jobs that ended well. What glideins did not tell is not in a sum: "12 of 3/5"
    are 12 hours of 3 of the 5 glideins, "?" means that none told.

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
        say("")
        _sums(what, told[what], told["total"])
    causes = told["total"]["causes"]
    if causes:
        say("")
        rows: list[tuple[Cell, ...]] = [(n, cause) for cause, n in causes.items()]
        table(("failed", "cause"), rows[:_CAUSES])
    _nodes(told)


def _sums(what: str, sums: Mapping[str, SumRecord], total: SumRecord) -> None:
    rows = [_row(name or "unknown", one) for name, one in sums.items()]
    if len(rows) > 1:
        rows.append(_row("all", total))
    table((what, *HEAD), rows)


def _row(name: str, one: SumRecord) -> tuple[Cell, ...]:
    failed: Cell = Styled(str(one["failed"]), BAD) if one["failed"] else 0
    jobs: Cell = one["jobs"] if one["jobs_known"] else None
    return (
        *(name, one["ended"], one["good"], failed, one["early"], one["removed"], jobs),
        *(_hours(one, key) for key in analysis.TIMES),
    )


def _hours(one: SumRecord, key: str) -> Cell:
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
