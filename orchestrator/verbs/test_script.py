"""``glidein-factory test-script``: try scripts of a community without a factory or HTCondor."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestrator.trial import script_test
from orchestrator.trial.script_test import Outcome


@click.command(name="test-script")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--section",
    type=click.Choice(script_test.SECTIONS),
    default="client",
    help="Whose files they are: the second argument of each script.",
)
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="KEY=VALUE",
    help="A line of glidein_config that the scripts find.",
)
@click.option("--limit", default=600, metavar="SECONDS", help="How long each may take.")
@click.option(
    "--periodic", is_flag=True, help="Run each once more, as the startd does later."
)
@click.option("--json", "as_json", is_flag=True, help="Print what came of them as JSON.")
@click.option("--keep", is_flag=True, help="Leave the work directory, and say where it is.")
def command(
    files: tuple[Path, ...],
    section: str,
    given: tuple[str, ...],
    limit: int,
    periodic: bool,
    as_json: bool,
    keep: bool,
) -> None:
    """Run the scripts FILES in their order, as a glidein would, and show what they set.

    Each is called as `FILE glidein_config SECTION` in a work directory made for it. The first that
    fails ends it, and the exit code is then 1.

    \b
    Examples:
      glidein-factory test-script check_node.sh
      glidein-factory test-script --set GLIDEIN_Site=Here --json setup.sh check.py

    Exit codes: 0 all passed; 1 one did not.
    """
    facts: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise click.BadParameter(f"expected KEY=VALUE, got {one}", param_hint="--set")
        facts[name] = value
    folder = Path(tempfile.mkdtemp(prefix="test-script.")) if keep else None
    outcomes = script_test.run(
        files, section=section, facts=facts, limit_s=limit, periodic=periodic, folder=folder
    )
    if as_json:
        click.echo(json.dumps([asdict(one) for one in outcomes], indent=2))
    else:
        console = Console()
        for outcome in outcomes:
            show(outcome, console)
    if folder is not None:
        click.echo(f"kept: {folder}", err=True)
    if not all(one.passed for one in outcomes):
        raise SystemExit(1)


def show(one: Outcome, console: Console) -> None:
    """Print what came of one script."""
    if one.status is None:
        console.print(f"[yellow]not run[/] {escape(one.script)}")
        return
    verdict = "[green]ok[/]" if one.passed else f"[red]failed, status {one.status}[/]"
    console.print(f"[bold]{escape(one.script)}[/]: {verdict}, {one.ms} ms")
    if one.problem:
        console.print(f"  {escape(one.problem)}")
    if one.set or one.removed:
        table = Table("key", "value", title="glidein_config", title_justify="left")
        for key, value in one.set.items():
            table.add_row(escape(key), escape(value))
        for key in one.removed:
            table.add_row(escape(key), "[red]removed[/]")
        console.print(table)
    if one.variables:
        table = Table(
            *script_test.COLUMNS, title="variables for HTCondor", title_justify="left"
        )
        for line in one.variables:
            table.add_row(*(escape(line.get(name, "")) for name in script_test.COLUMNS))
        console.print(table)
    for name, value in one.metrics.items():
        console.print(f"  {name}: {value}", markup=False, highlight=False)
    if one.detail:
        console.print(f"  {one.detail}", markup=False, highlight=False)
    for title, text in (
        ("standard output", one.output),
        ("standard error", one.errors),
        ("attributes of the slot", one.attributes),
    ):
        if text.strip():
            console.rule(title, align="left")
            console.print(text.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)
