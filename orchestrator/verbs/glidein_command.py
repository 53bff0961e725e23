"""``glidein-factory glidein-command``: the command line of one glidein, to run it by hand."""

import json
import shlex
from pathlib import Path

import click

from orchestrator import config
from orchestrator.arguments import Client, Pilot, glidein_arguments
from orchestrator.errors import FactoryError
from orchestrator.reconfig import STARTUP


@click.command()
@click.argument("entry")
@click.option(
    "--config",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=".",
    help="The folder of factory.toml and entries/; by default the current one.",
)
@click.option("--param", "given", multiple=True, metavar="NAME=VALUE", help="A parameter.")
@click.option(
    "--client", default="by_hand.main", help="FRONTEND.GROUP; by default nobody's."
)
def command(entry: str, folder: Path, given: tuple[str, ...], client: str) -> None:
    """Print the command that runs one glidein of ENTRY on this machine."""
    work = config.load(folder).work
    record = work / "entries" / entry / "entry.json"
    try:
        told = json.loads(record.read_text())
    except FileNotFoundError as error:
        raise FactoryError(
            f"{record}: not there: no such entry, or no reconfig yet"
        ) from error
    parameters = {name: str(value) for name, value in told["parameters"].items()}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise click.BadParameter(
                f"expected NAME=VALUE, got {one}", param_hint="--param"
            )
        parameters[name] = value
    try:
        words = glidein_arguments(
            Pilot(**told["arguments"]), Client(client), parameters, cluster="0", process="0"
        )
    except ValueError as error:
        raise FactoryError(str(error)) from error
    click.echo(shlex.join([str((work / STARTUP).absolute()), *words]))
