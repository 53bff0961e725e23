"""``glidein-factory stop-list``: the emergency stop."""

import json
import time
from pathlib import Path

import click

from orchestrator.daemon import state_file
from orchestrator.errors import FactoryError
from orchestrator.explain import files, stopped
from orchestrator.options import (
    config_option,
    entry_name,
    json_option,
    work_of,
    yes_option,
)
from orchestrator.stage import stop_list
from orchestrator.stage.stop_list import Stop
from orchestrator.terminal import BAD, FAINT, Cell, Styled, ago, say, table
from orchestrator.worktree import downtimes_edit
from orchestrator.worktree.downtimes import ALL, FACTORY, Downtime
from orchestrator.worktree.factory_record import FactoryRecord, read_factory

_what = click.argument("what", type=click.Choice(["factory", "entry", "frontend"]))
_name = click.argument("name", default="")


@click.group(invoke_without_command=True)
@json_option
@config_option
@click.pass_context
def command(context: click.Context, as_json: bool, folder: Path) -> None:
    """Stop glideins, wherever they are: those of an entry, of a Frontend, or all of them.

    Without more words, shows who is on the list and how many glideins have obeyed. Queued
    glideins leave when they start, before they bring anything large; running ones see the list
    at their next look (GLIDEIN_Stop_Interval, mostly 15 minutes), finish their jobs and take
    no more, or with --now end them.

    \b
    Examples:
      glidein-factory stop-list add entry CERN_T2 --why "broken switch"
      glidein-factory stop-list add frontend cms --now --yes
      glidein-factory stop-list
      glidein-factory stop-list remove entry CERN_T2

    Exit codes: 0 done, or shown; 1 no such name, or the list cannot be read or written.
    """
    context.obj = folder
    if context.invoked_subcommand is None:
        _show(work_of(folder), as_json)


@command.command("add")
@_what
@_name
@click.option("--now", is_flag=True, help="Also those with jobs: end them.")
@click.option("--why", default="", help="A reason; each glidein's report tells it.")
@click.option(
    "--keep-submitting",
    is_flag=True,
    help="Begin no downtime: new glideins go out, and leave when they start.",
)
@yes_option
@click.pass_obj
def add(
    folder: Path,
    what: str,
    name: str,
    now: bool,
    why: str,
    keep_submitting: bool,
    yes: bool,
) -> None:
    """Put an entry, a Frontend (its name in glideins: CLIENT or what is before its dot) or the
    factory on the list, and begin a downtime, so that no new glideins go out.

    \b
    Examples:
      glidein-factory stop-list add entry CERN_T2 --why "broken switch"
      glidein-factory stop-list add factory --now --why "security incident"
    """
    work = work_of(folder)
    record = read_factory(work)
    one = Stop(what, _known(work, record, what, name), now, why)
    if not yes:
        how = "at once, their jobs too" if now else "when their jobs are done"
        click.confirm(f"stop all glideins of {one.scope}, {how}?", abort=True)
    stop_list.add(stopped.path_of(record), one, work / stopped.LOCK)
    since = files.read(work / stopped.SINCE)
    state_file.write(work / stopped.SINCE, since | {one.scope: time.time()})
    say(f"published: {one}")
    if keep_submitting:
        return
    scope = _downtime(record, one)
    if scope is None:
        say(
            f"no downtime was begun: {name} is no Frontend of factory.toml; new glideins go"
            " out, and leave when they start",
            BAD,
        )
        return
    comment = f"stop list: {why}" if why else "stop list"
    downtimes_edit.begin(work, Downtime(int(time.time()), None, *scope, comment))
    say(f"and down: {' '.join(scope)}")


@command.command("remove")
@_what
@_name
@click.pass_obj
def remove(folder: Path, what: str, name: str) -> None:
    """Take one off the list. A downtime stays until "up" ends it.

    \b
    Example:
      glidein-factory stop-list remove entry CERN_T2
    """
    work = work_of(folder)
    record = read_factory(work)
    one = Stop(what, name)
    if not stop_list.remove(stopped.path_of(record), one.scope, work / stopped.LOCK):
        raise FactoryError(f"{one.scope} is not on the stop list")
    since = files.read(work / stopped.SINCE)
    since.pop(one.scope, None)
    state_file.write(work / stopped.SINCE, since)
    say(f"off the list: {one.scope}")
    up = {"factory": "--factory", "entry": name, "frontend": f"--all --frontend {name}"}[
        what
    ]
    say(f"it is still down, if it was: glidein-factory up {up}", FAINT)


def _show(work: Path, as_json: bool) -> None:
    told = stopped.explain(work)
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    if not told:
        say("nobody is on the stop list")
        return
    now = time.time()
    rows: list[tuple[Cell, ...]] = [
        (
            f"{one['what']} {one['name']}".strip(),
            Styled("now", BAD) if one["now"] else "after jobs",
            "not known" if one["since"] is None else ago(now - one["since"]),
            *(one["obeyed"], one["idle"], one["running"], one["held"], one["why"]),
        )
        for one in told
    ]
    table(("stopped", "how", "since", "obeyed", "idle yet", "run yet", "held", "why"), rows)


def _known(work: Path, record: FactoryRecord, what: str, name: str) -> str:
    if what == "factory":
        if name:
            raise click.UsageError("the factory has no name here: stop-list add factory")
        return ""
    if not name:
        raise click.UsageError(f"which {what}?")
    return entry_name(work, name) if what == "entry" else name


def _downtime(record: FactoryRecord, one: Stop) -> tuple[str, str, str] | None:
    """Return the downtime that goes with a line; None: there can be none."""
    if one.what == "factory":
        return FACTORY, ALL, ALL
    if one.what == "entry":
        return one.name, ALL, ALL
    name = one.name.partition(".")[0]
    return (ALL, name, ALL) if name in record.frontends else None
