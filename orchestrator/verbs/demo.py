"""``glidein-factory demo``: see two glideins run four jobs on this machine."""

import click
from rich.console import Console

from orchestrator.trial import demo


@click.command()
@click.option(
    "--from-debian", "suite", default="trixie", show_default=True, metavar="SUITE"
)
@click.option(
    "--web",
    type=click.Choice(["embedded", "nginx"]),
    default="embedded",
    show_default=True,
    help="What serves the files: a server of our own, or the real one.",
)
@click.option("--squid", is_flag=True, help="Let the glideins fetch through a Squid.")
def command(suite: str, web: str, squid: bool) -> None:
    """Start a pool and two glideins on this machine, run four jobs, stop everything.

    Needs no configuration and no root; root runs it as user nobody. Ctrl-C stops it cleanly.

    \b
    Examples:
      glidein-factory demo
      glidein-factory demo --web nginx --squid

    Exit codes: 0 all jobs ran; 1 not; 130 stopped by Ctrl-C.
    """
    console = Console()
    try:
        demo.run(suite, web, squid, console)
    except KeyboardInterrupt:
        console.print("stopped")
        raise click.exceptions.Exit(130) from None
