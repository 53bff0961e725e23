"""``glidein-factory downtimes``: show what is down, was down, or will be."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from orchestrator.errors import FactoryError
from orchestrator.options import close_to, complete_entry, config_option, work_of
from orchestrator.worktree import downtimes_edit
from orchestrator.worktree.downtimes import ALL, FACTORY, Downtime, DowntimesFile
from orchestrator.worktree.factory_record import read_factory

AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any])


def scope_options(function: AnyCommand) -> AnyCommand:
    """Add what says whose downtime is meant."""
    for option in (
        click.option("--class", "security_class", default=ALL, help="One class of it."),
        click.option("--frontend", default=ALL, help="Only what this Frontend asks for."),
        click.option("--all", "every", is_flag=True, help="All entries."),
        click.option("--factory", is_flag=True, help="The factory as a whole."),
        click.argument("entry", required=False, shell_complete=complete_entry),
    ):
        function = option(function)
    return function


def known_scope(
    work: Path,
    entry: str | None,
    factory: bool,
    every: bool,
    frontend: str,
    security_class: str,
    *,
    retired: bool = False,
) -> tuple[str, str, str]:
    """Return what is meant, if the factory knows it.

    Raises:
        FactoryError: it does not, or there is no work tree yet.
    """
    if (entry is not None) + factory + every != 1:
        raise click.UsageError("say one of: ENTRY, --factory, --all")
    if security_class != ALL and frontend == ALL:
        raise click.UsageError("--class needs --frontend")
    record = read_factory(work)
    if entry is not None and not (retired and (work / "entries" / entry).is_dir()):
        _known("entry", entry, record.entries)
    if frontend != ALL:
        _known("Frontend", frontend, record.frontends)
        if security_class != ALL:
            _known("class", security_class, record.frontends[frontend].classes)
    return entry or (FACTORY if factory else ALL), frontend, security_class


def _known(what: str, name: str, known: Any) -> None:
    if name not in known:
        raise FactoryError(f"no {what} {name!r} here{close_to(name, known)}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, a list.")
@click.option("--ended", is_flag=True, help="Also those that are over.")
@click.option(
    "--prune",
    "days",
    type=click.IntRange(0),
    metavar="DAYS",
    help="First remove older ones.",
)
@config_option
def command(as_json: bool, ended: bool, days: int | None, folder: Path) -> None:
    """Show the downtimes, and any line of their file that cannot be read.

    \b
    Examples:
      glidein-factory downtimes
      glidein-factory downtimes --ended --json
      glidein-factory downtimes --prune 90

    Exit codes: 0 shown; 1 there is no work tree, or the file cannot be written.
    """
    work = work_of(folder)
    now = time.time()
    if days is not None:
        gone = downtimes_edit.prune(work, int(now) - days * 86_400)
        click.echo(f"{gone} removed", err=True)
    lines = DowntimesFile(work).read().lines
    lines = tuple(one for one in lines if ended or not one.over(now))
    entries = {FACTORY, ALL, *read_factory(work).entries}
    if as_json:
        told = [asdict(one) | {"state": _state(one, now)} for one in lines]
        click.echo(json.dumps(told, indent=2))
        return
    if not lines:
        click.echo("nothing is down, and nothing is planned")
    for one in lines:
        unknown = "" if one.entry in entries else " (no such entry now)"
        click.echo(f"{_state(one, now):8}{one.problem or one}{unknown}")


def _state(one: Downtime, now: float) -> str:
    if one.problem:
        return "broken"
    return "over" if one.over(now) else "down" if one.holds(now) else "planned"
