"""``glidein-factory queue``: the glideins of an entry, as the schedd has them now."""

import json
import time
from collections import Counter
from pathlib import Path

import click

from orchestrator.options import (
    complete_entry,
    config_option,
    duration,
    entry_name,
    json_option,
    work_of,
)
from orchestrator.queue import live_queue
from orchestrator.queue.live_queue import LiveGlidein, Meant
from orchestrator.queue.queue_view import KINDS
from orchestrator.span import span
from orchestrator.terminal import BAD, FAINT, Cell, Styled, say, table

HEAD = ("glidein", "state", "for", "age", "client", "site says", "where", "words")


@click.command()
@click.argument("entry", shell_complete=complete_entry)
@click.option(
    "--state", default="", metavar="STATE", help="idle, running, held, wait, pending, …"
)
@click.option("--frontend", default="", help="Of this Frontend, FRONTEND:CLASS or client.")
@click.option(
    "--older",
    "older_s",
    callback=duration,
    metavar="DURATION",
    help="In their state for longer.",
)
@click.option("--limit", default=50, show_default=True, help="Lines; 0: all of them.")
@json_option
@config_option
def command(
    entry: str,
    state: str,
    frontend: str,
    older_s: int | None,
    limit: int,
    as_json: bool,
    folder: Path,
) -> None:
    """Show the glideins of ENTRY: their state, age, and what the site says of them.

    Asks the schedd. When it does not answer, nothing is shown and the exit code is 1: what the
    daemon knew last is in "why ENTRY".

    \b
    Examples:
      glidein-factory queue CERN_T2
      glidein-factory queue CERN_T2 --state held --limit 0
      glidein-factory queue CERN_T2 --frontend cms --older 2d --json

    Exit codes: 0 shown; 1 no such entry, or its schedd did not answer.
    """
    work = work_of(folder)
    record = live_queue.record_of(work, entry_name(work, entry))
    everything = live_queue.look(record)
    found = live_queue.chosen(everything, Meant((), state, frontend, older_s))
    now = time.time()
    if as_json:
        click.echo(json.dumps([one.as_json(now) for one in found], indent=2))
        return
    shown = found[:limit] if limit else found
    show(shown, now)
    counts = Counter(one.state for one in everything)
    sums = ", ".join(f"{counts[name]} {name}" for name in KINDS)
    more = f"; {len(found) - len(shown)} more: --limit 0" if len(shown) < len(found) else ""
    say(f"{entry} at {record.schedd}: {sums}{more}", FAINT)


def show(found: list[LiveGlidein], now: float) -> None:
    """Print a line for each glidein."""
    if found:
        table(HEAD, [_row(one, now) for one in found])


def _row(one: LiveGlidein, now: float) -> tuple[Cell, ...]:
    words = one.words
    state: Cell = (
        one.part if one.part.startswith(one.state) else f"{one.state} ({one.part})"
    )
    if one.state == "held":
        words = f"{one.hold_code}.{one.hold_subcode}: {words}"
        state = Styled("held", BAD)
    return (
        *(one.id, state, span(now - one.since), span(now - one.queued), one.client),
        *(one.site_state, one.host or one.site_id.rpartition(" ")[2], words),
    )
