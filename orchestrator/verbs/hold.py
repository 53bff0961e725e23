"""``glidein-factory hold``: keep glideins in the queue, and from running."""

import click

from orchestrator import hand_options
from orchestrator.hand_options import Wish


@click.command()
@hand_options.chosen_options
@hand_options.state_option("idle, running, wait, pending, …")
def command(wish: Wish) -> None:
    """Hold glideins: GLIDEIN is CLUSTER.PROCESS, or a whole CLUSTER.

    One that runs is ended. The factory takes a hold that no release may cure for final, and
    removes such glideins a few per cycle: to keep them, take the entry "down" first and hold
    with a code that [release] recoverable names; to look at one, copy its files at once.

    \b
    Examples:
      glidein-factory hold 1234.0 --why "to look at it"
      glidein-factory hold --entry CERN_T2 --state idle

    Exit codes: 0 all of them; 1 not all, or a schedd did not answer; 2 nobody is named.
    """
    hand_options.carry_out("hold", wish)
