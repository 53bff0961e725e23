"""``glidein-factory start``: the daemons, in the background."""

from pathlib import Path

import click

from orchestrator.daemon import command as daemon
from orchestrator.options import config_option, work_of


@click.command()
@config_option
@click.option(
    "--limit",
    "limit_s",
    type=click.FloatRange(min=1),
    default=120,
    show_default=True,
    help="Seconds to wait until it is ready.",
)
def command(folder: Path, limit_s: float) -> None:
    """Start the factory in the background and wait until it is ready.

    Ready means that each daemon has done a first cycle, or failed to. It logs to files below
    log/ of the work tree.

    \b
    Example:
      glidein-factory start --limit 300

    Exit codes: 0 ready, 1 not started, or not yet ready (the message says which).
    """
    pid, said = daemon.start(work_of(folder), limit_s)
    click.echo(f"started, process {pid}: {said}")
