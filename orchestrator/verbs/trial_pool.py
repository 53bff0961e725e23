"""``glidein-factory trial-pool``: a personal HTCondor pool for a first hour."""

import os
from pathlib import Path

import click

from orchestrator.daemon import command as daemon
from orchestrator.trial import trial_pool


@click.command()
@click.argument("what", type=click.Choice(["start", "stop", "run"]))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--ready-fd", type=int, hidden=True)
@click.option(
    "--limit",
    "limit_s",
    type=click.FloatRange(min=1),
    default=300,
    show_default=True,
    help="Seconds to wait until it is up, or gone.",
)
def command(what: str, folder: Path, ready_fd: int | None, limit_s: float) -> None:
    """Start or stop an HTCondor pool of your own in FOLDER; run: in the foreground.

    For whoever has no pool yet. One pool plays all parts: where Frontends and factory meet,
    where glideins are queued, where they join, and where users' jobs wait. It listens on this
    machine alone, needs no root, and has nobody's jobs but yours.

    `. FOLDER/env` lets HTCondor's commands speak to it. FOLDER/tokens has the token of a
    Frontend (vo), of glideins (glidein), and one for a site that takes any (site).

    \b
    Examples:
      glidein-factory trial-pool start my-pool
      . my-pool/env
      condor_status -any
      glidein-factory trial-pool stop my-pool

    Exit codes: 0 it is up, or gone; 1 not (the message says why).
    """
    if what == "run":

        def ready(said: str) -> None:
            if ready_fd is None:
                click.echo(said)
            else:
                with os.fdopen(ready_fd, "w") as file:
                    file.write(f"{said}\n")

        trial_pool.run(folder, ready)
    elif what == "start":
        words = [*trial_pool.program(), "run", str(folder)]
        pid, said = daemon.launch(words, limit_s, f"{folder}/log")
        click.echo(f"started, process {pid}: {said}")
    else:
        ended = daemon.end(folder / trial_pool.LOCK, limit_s)
        click.echo("not running" if ended is None else f"stopped, was process {ended}")
