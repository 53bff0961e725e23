"""``glidein-factory down``: begin or plan a downtime."""

import time
from pathlib import Path

import click

from orchestrator.errors import FactoryError
from orchestrator.options import config_option, duration, epoch, work_of
from orchestrator.verbs.downtimes import known_scope, scope_options
from orchestrator.worktree import downtimes, downtimes_edit
from orchestrator.worktree.downtimes import Downtime


@click.command()
@scope_options
@click.option(
    "--from",
    "start",
    callback=epoch,
    metavar="TIME",
    help="When it begins; by default now.",
)
@click.option(
    "--to", "end", callback=epoch, metavar="TIME", help="When it ends; by default never."
)
@click.option(
    "--for",
    "seconds",
    callback=duration,
    metavar="DURATION",
    help="How long it lasts: 30m, 2h, 1d12h.",
)
@click.option("--comment", default="", help="Why; Frontends are told.")
@config_option
def command(
    entry: str | None,
    factory: bool,
    every: bool,
    frontend: str,
    security_class: str,
    start: int | None,
    end: int | None,
    seconds: int | None,
    comment: str,
    folder: Path,
) -> None:
    """Take ENTRY out of service: no more glideins are submitted; those that run go on.

    Times are ISO 8601 with their time zone: 2026-11-24T10:00Z, 2026-11-24T11:00+01:00. To end
    glideins that are queued or run: "rm", or "stop-list".

    \b
    Examples:
      glidein-factory down CERN_T2 --for 2h --comment "new disks"
      glidein-factory down CERN_T2 --from 2026-12-01T08:00Z --to 2026-12-01T18:00Z
      glidein-factory down --all --frontend cms --comment "bad scripts"
      glidein-factory down --factory

    Exit codes: 0 written; 1 no such entry or Frontend, or it cannot be written.
    """
    if end is not None and seconds is not None:
        raise click.UsageError("either --to or --for")
    work = work_of(folder)
    scope = known_scope(work, entry, factory, every, frontend, security_class)
    start = int(time.time()) if start is None else start
    if seconds is not None:
        end = start + seconds
    if end is not None and end <= time.time():
        raise FactoryError(f"that would be over: it ends at {downtimes.written(end)}")
    one = Downtime(start, end, *scope, comment)
    downtimes_edit.begin(work, one)
    click.echo(one)
