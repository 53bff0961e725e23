"""``glidein-factory status``: how the factory, its entries, Frontends and credentials are."""

import json
import time
from pathlib import Path

import click

from orchestrator.explain import factory
from orchestrator.explain.credentials import SOON_S
from orchestrator.explain.records import CredentialRecord, FactoryRecord, FrontendRecord
from orchestrator.options import (
    close_to,
    complete_entry,
    config_option,
    json_option,
    work_of,
)
from orchestrator.span import span
from orchestrator.terminal import BAD, FAINT, GOOD, WARN, Cell, Styled, ago, say, table
from orchestrator.verbs import entries

NOT_RUNNING, PROBLEMS = 3, 4  # exit codes
MANY = 30  # entries; of more, only those that something is wrong with are shown


@click.command()
@click.argument("names", nargs=-1, metavar="[ENTRY]...", shell_complete=complete_entry)
@click.option(
    "--all", "every", is_flag=True, help=f"All entries, also when there are over {MANY}."
)
@click.option("--watch", is_flag=True, help="Show it again and again, until Ctrl-C.")
@click.option(
    "--every",
    "pause_s",
    type=click.FloatRange(0.2),
    default=5.0,
    show_default=True,
    help="Seconds between two looks, with --watch.",
)
@json_option
@config_option
def command(
    names: tuple[str, ...],
    every: bool,
    watch: bool,
    pause_s: float,
    as_json: bool,
    folder: Path,
) -> None:
    """Show the factory, its entries (or those named), Frontends and credentials.

    Reads the work tree alone: it never waits for a daemon, a schedd or a collector.

    \b
    Examples:
      glidein-factory status
      glidein-factory status --watch
      glidein-factory status CERN_T2 --json

    Exit codes: 0 all is well; 3 not running; 4 running, and something is wrong (it is
    shown); 1 there is no work tree, or it may not be read.
    """
    work = work_of(folder)
    while True:
        told = _chosen(factory.explain(work), names)
        if as_json:
            click.echo(json.dumps(told, indent=None if watch else 2))
        else:
            if watch:
                click.clear()
            show(told, every or bool(names))
        if not watch:
            break
        time.sleep(pause_s)
    if not told["running"]:
        raise click.exceptions.Exit(NOT_RUNNING)
    if told["problems"]:
        raise click.exceptions.Exit(PROBLEMS)


def show(told: FactoryRecord, every: bool) -> None:
    """Print the record; with ``every``, all of its entries."""
    say(_headline(told), GOOD if told["running"] and not told["problems"] else BAD)
    for what, look in told["looks"].items():
        problem = f"; then: {look['problem']}" if look["problem"] else ""
        say(f"  {what}: looked {ago(look['age_s'])}{problem}", BAD if problem else FAINT)
    say("")
    listed = list(told["entries"].values())
    chosen = listed
    if not every and len(listed) > MANY:
        chosen = [one for one in listed if entries.is_wrong(one)]
    if chosen:
        entries.show(chosen)
    if len(chosen) < len(listed):
        say(
            f"{len(listed) - len(chosen)} more without a problem: glidein-factory entries",
            FAINT,
        )
    if told["frontends"]:
        say("")
        _show_frontends(told["frontends"])
    if told["credentials"]:
        say("")
        _show_credentials(told["credentials"])
    if told["problems"]:
        say("")
    for problem in told["problems"]:
        say(problem, BAD)


def _headline(told: FactoryRecord) -> str:
    text = f"{told['factory']}: {told['state']}"
    if told["running"]:
        up = ago(None if told["started"] is None else told["now"] - told["started"])
        text += f", process {told['pid']}, started {up}"
    sums = {
        key: "?" if count is None else str(count) for key, count in told["glideins"].items()
    }
    text += (
        f"; {len(told['entries'])} entries: {sums['idle']} idle, {sums['running']} running,"
    )
    text += f" {sums['held']} held"
    if old := told["unknown"] - told["untold"]:
        text += f"; without {old} whose numbers are old"
    return f"{text}; {told['untold']} have told nothing yet" if told["untold"] else text


def _show_frontends(found: list[FrontendRecord]) -> None:
    head = (
        "Frontend",
        "identity",
        "heard",
        "entries",
        "asks idle",
        "max",
        "idle",
        "run",
        "refused",
    )
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        has = one["glideins"]
        refused: Cell = one["refused"]
        if one["refused"]:
            refused = Styled(f"{one['refused']}: {one['refusals'][0]['reason']}", BAD)
        rows.append(
            (
                *(one["frontend"] or "not known", one["identity"], ago(one["heard_age_s"])),
                *(one["entries"], one["idle"], one["max"], has["idle"], has["running"]),
                refused,
            )
        )
    table(head, rows)


def _show_credentials(found: list[CredentialRecord]) -> None:
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        left = one["remaining_s"]
        life: Cell = "does not say" if left is None else span(left)
        if left is not None and left < SOON_S:
            life = Styled(
                "expired" if left <= 0 else span(left), BAD if left <= 0 else WARN
            )
        rows.append((one["identifier"], one["client"], ", ".join(one["purposes"]), life))
    table(("credential", "client", "what", "lives for"), rows)


def _chosen(told: FactoryRecord, names: tuple[str, ...]) -> FactoryRecord:
    unknown = set(names) - told["entries"].keys()
    if unknown:
        hint = "".join(close_to(name, told["entries"]) for name in sorted(unknown))
        raise click.BadParameter(f"no such entry: {', '.join(sorted(unknown))}{hint}")
    if names:
        told["entries"] = {name: told["entries"][name] for name in names}
    return told
