"""``glidein-factory why``: why an entry does what it does, or what became of a glidein."""

import json
from pathlib import Path

import click

from orchestrator.explain import entry, words
from orchestrator.explain.glidein import explain as explain_glidein
from orchestrator.explain.glidein import is_glidein, lines
from orchestrator.options import (
    complete_entry,
    config_option,
    entry_name,
    json_option,
    work_of,
)
from orchestrator.terminal import BAD, FAINT, WARN, printable, say

_COLOURS = {"fail": BAD, "warn": WARN, "head": "bright_white", "ok": "green"}


@click.command()
@click.argument("what", metavar="ENTRY|GLIDEIN", shell_complete=complete_entry)
@click.option(
    "--frontend", default="", help="Only its requests: a name, client or identity."
)
@click.option(
    "--hours",
    default=entry.HOURS,
    show_default=True,
    help="How far back failures are counted.",
)
@json_option
@config_option
def command(what: str, frontend: str, hours: int, as_json: bool, folder: Path) -> None:
    """Explain the last decision of an ENTRY, or the life of one GLIDEIN: CLUSTER.PROCESS, or its
    name in the pool, as condor_status shows it.

    What keeps it from more comes first, with what mends it; then what was asked and seen, and
    how fresh that was; each limit with its value; back-off, downtimes, held glideins and
    failures, each with one glidein to look at. All from the work tree: nobody is asked, but the
    pool for the number of a glidein that still runs and is known by its name alone.

    \b
    Examples:
      glidein-factory why CERN_T2
      glidein-factory why CERN_T2 --frontend cms --json
      glidein-factory why 1234.0
      glidein-factory why slot1@glidein_4711_1795557438@node7.example.org

    Exit codes: 0 explained; 1 no such entry or glidein, or it may not be read.
    """
    work = work_of(folder)
    if is_glidein(what):
        glidein = explain_glidein(work, what)
        found = lines(glidein)
        told: object = glidein
    else:
        record = entry.explain(work, entry_name(work, what), hours=hours)
        if frontend:
            record["requests"] = [
                one
                for one in record["requests"]
                if frontend in (one["client"], one["frontend"], one["identity"])
            ]
        told, found = record, words.of_entry(record)
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    for text, kind in found:
        say(
            printable(text),
            _COLOURS.get(kind) or (FAINT if text.startswith("    ") else None),
        )
