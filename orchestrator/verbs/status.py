"""``glidein-factory status``: how the factory and each entry are."""

import json
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestrator.daemon import status
from orchestrator.verbs.downtimes import config_option, work_of

NOT_RUNNING, PROBLEMS = 3, 4  # exit codes


@click.command()
@click.argument("names", nargs=-1, metavar="[ENTRY]...")
@click.option("--json", "as_json", is_flag=True, help="All of it, as JSON.")
@config_option
def command(names: tuple[str, ...], as_json: bool, folder: Path) -> None:
    """Show the daemons, and what each entry (or those named) decided last.

    Reads the work tree alone: it never waits for a daemon, a schedd or a collector.

    Exit codes: 0 all is well; 3 not running; 4 running, and something is wrong (it is
    shown); 1 there is no work tree.
    """
    found = status.read(work_of(folder))
    unknown = set(names) - found.entries.keys()
    if unknown:
        raise click.BadParameter(f"no such entry: {', '.join(sorted(unknown))}")
    if as_json:
        told = found.as_json()
        if names:
            told["entries"] = {name: found.entries[name] for name in names}
        click.echo(json.dumps(told, indent=2))
    else:
        _show(found, names or tuple(found.entries))
    if not found.running:
        raise click.exceptions.Exit(NOT_RUNNING)
    if found.problems:
        raise click.exceptions.Exit(PROBLEMS)


def _show(found: status.Status, names: tuple[str, ...]) -> None:
    console = Console(soft_wrap=True)
    factory = found.factory
    console.print(f"{escape(factory['name'])}: {factory['state']}", end="")
    if found.running:
        up = _ago(factory.get("started"))
        console.print(f", process {factory['pid']}, since {up}; requests seen", end=" ")
        console.print(f"{_ago(found.views['requests_taken'])} ago", end="")
    console.print()
    table = Table("entry", "daemon", "beat", "restarts", "glideins", "decided", box=None)
    for name in names:
        about = found.entries[name]
        daemon = about["daemon"] or {}
        decision = about.get("decision") or {}
        table.add_row(
            escape(name),
            str(daemon.get("state", "none")),
            _seconds(daemon.get("silent_s")),
            str(daemon.get("accidents", "")),
            str(about.get("glideins", "")),
            escape(_sentence(about, decision)),
        )
    console.print(table)
    for problem in found.problems:
        console.print(f"[red]{escape(problem)}[/]")


def _sentence(about: dict[str, Any], decision: dict[str, Any]) -> str:
    state = about.get("state", "not yet")
    if not decision or state == "idle":
        return str(state)
    return f"{_ago(about.get('decided'))} ago: {decision.get('words', '')}"


def _ago(when: float | None) -> str:
    return _seconds(max(0.0, time.time() - when)) if when else "never"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
