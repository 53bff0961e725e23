"""What a glidein wrote, for a person: its report, and HTCondor's logs.

Both come from a node that we do not control: whatever they hold is shown, and nothing of it
reaches the terminal as a command.
"""

import re
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestrator.exits import meaning
from orchestrator.outputs.glidein_output import GlideinOutput

BAR_WIDTH = 30  # characters for the longest phase
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and line feed
STYLES = {"ok": "green", "warn": "yellow", "fail": "red", "failed": "red"}


def show(output: GlideinOutput, console: Console) -> None:
    """Print report and logs on ``console``."""
    if output.report is None:
        console.print("[yellow]no report here: it is on standard output of the glidein[/]")
    else:
        _show_report(output.report, console)
    for name, text in output.logs.items():
        console.rule(_cell(name))
        console.print(printable(text), markup=False, highlight=False, soft_wrap=True)
    for damage in output.damaged:
        console.print(f"[red]unreadable:[/] {_cell(damage)}")


def _show_report(report: dict[str, Any], console: Console) -> None:
    end = report.get("end")
    code = end.get("code") if isinstance(end, dict) else None
    if isinstance(code, int):
        style = "green" if code == 0 else "red"
        console.print(f"[{style}]exit code {code}[/]: {escape(meaning(code))}")
    console.print(_phases(_records(report, "phases")))
    checks = _records(report, "checks")
    if checks:
        console.print(_checks(checks))
    table = Table("fact", "value", title="facts", title_justify="left")
    for group, facts in report.items():
        if isinstance(facts, dict):
            for name, value in facts.items():
                table.add_row(_cell(f"{group}.{name}"), _cell(value))
    console.print(table)


def _phases(phases: list[dict[str, Any]]) -> Table:
    table = Table("phase", "ms", "", "verdict", title="phases", title_justify="left")
    times = [_milliseconds(phase) for phase in phases]
    # The run takes hours where the others take milliseconds: it would leave no bar for them.
    short = [
        ms for phase, ms in zip(phases, times, strict=True) if phase.get("name") != "run"
    ]
    longest = max(short, default=0) or 1
    for phase, ms in zip(phases, times, strict=True):
        bar = "█" * min(BAR_WIDTH, max(1, round(BAR_WIDTH * ms / longest)))
        table.add_row(
            _cell(phase.get("name")),
            _cell(phase.get("ms")),
            bar,
            _styled(phase.get("verdict")),
        )
    return table


def _checks(checks: list[dict[str, Any]]) -> Table:
    table = Table(
        "check", "verdict", "found", "needed", title="checks", title_justify="left"
    )
    for check in checks:
        table.add_row(
            _cell(check.get("name")),
            _styled(check.get("status")),
            _cell(check.get("found")),
            _cell(check.get("needed")),
        )
    return table


def _records(report: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = report.get(key)
    return (
        [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    )


def _milliseconds(phase: dict[str, Any]) -> int:
    ms = phase.get("ms")
    return ms if isinstance(ms, int) else 0


def _styled(verdict: Any) -> str:
    return f"[{STYLES.get(str(verdict), 'default')}]{_cell(verdict)}[/]"


def _cell(value: Any) -> str:
    return escape(printable(str(value)))


def printable(text: str) -> str:
    """Return ``text`` with control characters written out: a terminal would obey them."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
