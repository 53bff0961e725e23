"""``glidein-factory submit``: a test glidein by hand."""

import getpass
import json
from pathlib import Path

import click

from orchestrator.daemon import command as daemon
from orchestrator.errors import FactoryError
from orchestrator.options import (
    complete_entry,
    config_option,
    entry_name,
    json_option,
    work_of,
)
from orchestrator.protocol import requests_view
from orchestrator.queue import by_hand
from orchestrator.terminal import say


@click.command()
@click.argument("entry", shell_complete=complete_entry)
@click.option(
    "--client",
    default="",
    help="For whom: FRONTEND.GROUP, or a Frontend's name. Needed if several ask.",
)
@click.option(
    "--count",
    type=click.IntRange(1, by_hand.MOST),
    default=1,
    show_default=True,
    help="Glideins.",
)
@click.option(
    "--limit",
    "limit_s",
    type=click.FloatRange(1),
    default=90,
    show_default=True,
    help="Seconds to wait.",
)
@json_option
@config_option
def command(
    entry: str, client: str, count: int, limit_s: float, as_json: bool, folder: Path
) -> None:
    """Submit a glidein of ENTRY by hand, also when it is down, in back-off, or at a limit.

    It is like those that a Frontend asked for: with the credential and the pool of one that asks
    this entry now, counted as its own, and removed as its own when it asks for none. The
    entry's daemon submits it, so it is in the journal as all others. Where no Frontend asks,
    "request" asks in the name of one, and "glidein-command" runs a glidein here.

    \b
    Examples:
      glidein-factory submit CERN_T2
      glidein-factory submit CERN_T2 --client cms.main --count 2
      glidein-factory queue CERN_T2

    Exit codes: 0 submitted; 1 not submitted, or not known (the message says which).
    """
    work = work_of(folder)
    entry_name(work, entry)
    if daemon.running(work) is None:
        raise FactoryError("the factory does not run: glidein-factory start")
    home = work / "entries" / entry
    order = by_hand.give(home, _client(work, entry, client), count, getpass.getuser())
    told = by_hand.wait(home, order, limit_s)
    if "problem" in told:
        raise FactoryError(f"{entry}: {told['problem']}")
    if as_json:
        click.echo(json.dumps({"client": order.client, **told}, indent=2))
        return
    ids = ", ".join(f"{one}.{n}" for one in told["clusters"] for n in range(count))
    say(f"submitted for {order.client}: {ids}")


def _client(work: Path, entry: str, said: str) -> str:
    """Return the client that is meant, or the only one that asks."""
    view = requests_view.read(work, entry)
    asking = sorted({one.client for one in view.requests})
    meant = {
        one.client
        for one in view.requests
        if said in ("", one.client, one.frontend, one.client.partition(".")[0])
    }
    if len(meant) == 1:
        return meant.pop()
    if not asking:
        raise FactoryError(
            f"no Frontend asks {entry} for anything, so there is no pool to join:"
            " glidein-factory request --help"
        )
    raise FactoryError(f"say --client, one of: {', '.join(asking)}")
