"""``glidein-factory release``: let held glideins go on."""

import click

from orchestrator import hand_options
from orchestrator.hand_options import Wish


@click.command()
@hand_options.chosen_options
def command(wish: Wish) -> None:
    """Release held glideins: GLIDEIN is CLUSTER.PROCESS, or a whole CLUSTER.

    \b
    Examples:
      glidein-factory release 1234.0
      glidein-factory release --entry CERN_T2 --older 30m --yes

    Exit codes: 0 all of them; 1 not all, or a schedd did not answer; 2 nobody is named.
    """
    hand_options.carry_out("release", wish)
