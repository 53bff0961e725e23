"""``glidein-factory glidein-command``: the command line of one glidein, to run it by hand."""

import shlex
from pathlib import Path

import click

from orchestrator import config
from orchestrator.arguments import Client
from orchestrator.options import config_option
from orchestrator.worktree.entry_record import read_entry
from orchestrator.worktree.reconfig import STARTUP


@click.command()
@click.argument("entry")
@config_option
@click.option("--param", "given", multiple=True, metavar="NAME=VALUE", help="A parameter.")
@click.option(
    "--client", default="by_hand.main", help="FRONTEND.GROUP; by default nobody's."
)
def command(entry: str, folder: Path, given: tuple[str, ...], client: str) -> None:
    """Print the command that runs one glidein of ENTRY on this machine.

    \b
    Examples:
      glidein-factory glidein-command CERN_T2
      sh -c "$(glidein-factory glidein-command CERN_T2 --param GLIDEIN_Collector=vo.example.org)"

    Exit codes: 0 printed; 1 no such entry, or the configuration has mistakes.
    """
    work = config.load(folder).work
    parameters: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise click.BadParameter(
                f"expected NAME=VALUE, got {one}", param_hint="--param"
            )
        parameters[name] = value
    words = read_entry(work, entry).arguments(Client(client), parameters)
    click.echo(shlex.join([str((work / STARTUP).absolute()), *words]))
