"""``glidein-factory up``: end a downtime."""

import time
from pathlib import Path

import click

from orchestrator.errors import FactoryError
from orchestrator.options import config_option, work_of
from orchestrator.verbs.downtimes import known_scope, scope_options
from orchestrator.worktree import downtimes_edit
from orchestrator.worktree.downtimes import ALL


@click.command()
@scope_options
@config_option
def command(
    entry: str | None,
    factory: bool,
    every: bool,
    frontend: str,
    security_class: str,
    folder: Path,
) -> None:
    """End the downtimes of ENTRY, and drop its planned ones.

    Those of the same scope only: what a wider one keeps down stays down, and is named.

    \b
    Examples:
      glidein-factory up CERN_T2
      glidein-factory up --all --frontend cms

    Exit codes: 0 ended; 1 there is no such downtime, or it cannot be written.
    """
    work = work_of(folder)
    scope = known_scope(work, entry, factory, every, frontend, security_class, retired=True)
    now = int(time.time())
    ended = downtimes_edit.end(work, scope, now)
    for one in ended.cut:
        click.echo(f"ended: {one}")
    for one in ended.dropped:
        click.echo(f"dropped: {one}")
    name, *client = (None if word == ALL else word for word in scope)
    still = ended.left.of(name or ALL, client[0], client[1], now)
    if still is not None:
        click.echo(f"still down, by line {still.line}: {still.problem or still}", err=True)
    elif not ended.cut and not ended.dropped:
        raise FactoryError(f"no such downtime: {' '.join(scope)}")
