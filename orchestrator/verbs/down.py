"""``glidein-factory down``: begin or plan a downtime."""

import re
import time
from pathlib import Path

import click

from orchestrator.errors import FactoryError
from orchestrator.verbs.downtimes import config_option, known_scope, scope_options, work_of
from orchestrator.worktree import downtimes, downtimes_edit
from orchestrator.worktree.downtimes import Downtime

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def _time(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> int | None:
    """Read an ISO 8601 time with its time zone; epoch seconds."""
    try:
        return None if text is None else downtimes.epoch(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _duration(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> int | None:
    """Read a duration as 30m, 2h or 1d12h; seconds."""
    if text is None:
        return None
    if not re.fullmatch(r"([0-9]{1,6}[smhdw])+", text):
        raise click.BadParameter(f"expected a duration as 30m, 2h or 1d12h, got {text!r}")
    parts = re.findall(r"([0-9]+)([smhdw])", text)
    return sum(int(count) * _UNITS[unit] for count, unit in parts)


@click.command()
@scope_options
@click.option(
    "--from",
    "start",
    callback=_time,
    metavar="TIME",
    help="When it begins; by default now.",
)
@click.option(
    "--to", "end", callback=_time, metavar="TIME", help="When it ends; by default never."
)
@click.option(
    "--for",
    "seconds",
    callback=_duration,
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

    Times are ISO 8601 with their time zone: 2026-11-24T10:00Z, 2026-11-24T11:00+01:00.
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
