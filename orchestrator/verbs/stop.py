"""``glidein-factory stop``: end the daemons."""

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
    help="Seconds to wait for the end.",
)
def command(folder: Path, limit_s: float) -> None:
    """Stop the factory: its ads are withdrawn, its glideins stay.

    \b
    Example:
      glidein-factory stop

    Exit codes: 0 stopped, or was not running; 1 still runs.
    """
    pid = daemon.stop(work_of(folder), limit_s)
    click.echo("not running" if pid is None else f"stopped, was process {pid}")
