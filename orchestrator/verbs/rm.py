"""``glidein-factory rm``: remove glideins from the queue."""

import click

from orchestrator import hand_options
from orchestrator.hand_options import Wish


@click.command()
@hand_options.chosen_options
@hand_options.state_option("idle, running, held, wait, pending, …")
@click.option(
    "--force", is_flag=True, help="Even when the site does not answer (rm -forcex)."
)
def command(wish: Wish, force: bool) -> None:
    """Remove glideins: GLIDEIN is CLUSTER.PROCESS, or a whole CLUSTER.

    Of several, those that are meant are shown and asked about first. Nothing is done when a
    schedd does not answer. Frontends that still ask get new ones: see "down" and "stop-list".

    \b
    Examples:
      glidein-factory rm 1234.0
      glidein-factory rm --entry CERN_T2 --state held --why "bad token"
      glidein-factory rm --frontend cms --older 7d --yes

    Exit codes: 0 all of them; 1 not all, or a schedd did not answer; 2 nobody is named.
    """
    hand_options.carry_out("remove", wish, force=force)
