"""``glidein-factory logs``: what a glidein wrote, for a person."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestrator.errors import FactoryError
from orchestrator.exits import meaning
from orchestrator.glidein_output import GlideinOutput, read_output

BAR_WIDTH = 30  # characters for the longest phase
STYLES = {"ok": "green", "warn": "yellow", "fail": "red", "failed": "red"}


@click.command(name="logs")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--log", "only", metavar="NAME", help="Print this log alone, as it was (StartdLog)."
)
def command(files: tuple[Path, ...], only: str | None) -> None:
    """Show the report and HTCondor's logs that a glidein left in its output FILES.

    Give its standard output, its standard error, or both.

    \b
    Examples:
      glidein-factory logs job.12.0.out job.12.0.err
      glidein-factory logs --log StartdLog job.12.0.err
    """
    text = "\n".join(file.read_text(errors="replace") for file in files)
    try:
        output = read_output(text)
    except FactoryError as error:
        raise FactoryError(f"{', '.join(map(str, files))}: {error}") from error
    if only:
        if only not in output.logs:
            raise FactoryError(
                f"no log {only}; there are: {', '.join(output.logs) or 'none'}"
            )
        click.echo(output.logs[only], nl=False)
        return
    show(output, Console())


def show(output: GlideinOutput, console: Console) -> None:
    """Print report and logs on ``console``."""
    if output.report is None:
        console.print("[yellow]no report here: it is on standard output of the glidein[/]")
    else:
        _show_report(output.report, console)
    for name, text in output.logs.items():
        console.rule(escape(name))
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    for damage in output.damaged:
        console.print(f"[red]unreadable:[/] {escape(damage)}")


def _show_report(report: dict[str, Any], console: Console) -> None:
    end = report.get("end", {})
    code = end.get("code")
    if isinstance(code, int):
        style = "green" if code == 0 else "red"
        console.print(f"[{style}]exit code {code}[/]: {escape(meaning(code))}")
    phases = report.get("phases", [])
    table = Table("phase", "ms", "", "verdict", title="phases", title_justify="left")
    # The run takes hours where the others take milliseconds: it would leave no bar for them.
    longest = (
        max((phase["ms"] for phase in phases if phase["name"] != "run"), default=0) or 1
    )
    for phase in phases:
        bar = "█" * min(BAR_WIDTH, max(1, round(BAR_WIDTH * phase["ms"] / longest)))
        style = STYLES.get(phase["verdict"], "default")
        verdict = f"[{style}]{escape(phase['verdict'])}[/]"
        table.add_row(escape(phase["name"]), str(phase["ms"]), bar, verdict)
    console.print(table)
    checks = report.get("checks", [])
    if checks:
        table = Table(
            "check", "verdict", "found", "needed", title="checks", title_justify="left"
        )
        for check in checks:
            style = STYLES.get(check["status"], "default")
            table.add_row(
                escape(str(check["name"])),
                f"[{style}]{escape(str(check['status']))}[/]",
                escape(str(check["found"])),
                escape(str(check["needed"])),
            )
        console.print(table)
    table = Table("fact", "value", title="facts", title_justify="left")
    for group, facts in report.items():
        if isinstance(facts, dict):
            for name, value in facts.items():
                table.add_row(escape(f"{group}.{name}"), escape(str(value)))
    console.print(table)
