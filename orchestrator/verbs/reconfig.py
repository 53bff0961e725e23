"""``glidein-factory reconfig``: take over the configuration."""

import json
import logging
from dataclasses import asdict
from pathlib import Path

import click

from orchestrator import config, disk
from orchestrator.errors import PublishError
from orchestrator.options import config_option
from orchestrator.share import share
from orchestrator.stage import history
from orchestrator.worktree import reconfig
from orchestrator.worktree.reconfig import Change

_SIGNS = {"new": "+", "changed": "~", "retired": "-"}


@click.command()
@config_option
@click.option(
    "--plan", "only_plan", is_flag=True, help="Show what would change; write nothing."
)
@click.option(
    "--verify", is_flag=True, help="Read all files again, also those that did not change."
)
@click.option("--json", "as_json", is_flag=True, help="The changes, as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Name each file that is written.")
def command(
    folder: Path, only_plan: bool, verify: bool, as_json: bool, verbose: bool
) -> None:
    """Check the configuration, publish the web area and write the work tree.

    Everything is checked before anything is written. A run that is interrupted leaves what was
    published before usable; run it again.

    \b
    Examples:
      glidein-factory reconfig --plan
      glidein-factory reconfig --plan --json
      glidein-factory reconfig

    Exit codes: 0 done, or planned; 1 mistakes (all are shown), or something cannot be written.
    """
    logging.basicConfig(
        format="%(levelname)s: %(message)s",
        level=logging.INFO if verbose else logging.WARNING,
    )
    configuration = config.load(folder)
    if only_plan:
        plan = reconfig.make_plan(configuration, share("glidein"), verify=verify)
        _show(plan.changes, as_json)
        return
    try:
        with reconfig.lock(configuration):
            plan = reconfig.make_plan(configuration, share("glidein"), verify=verify)
            gone = reconfig.carry_out(plan, history.utc_now())
    except disk.Busy as error:
        raise PublishError(f"another reconfig is at work: it holds {error}") from error
    _show(plan.changes, as_json)
    if gone and not as_json:
        click.echo(f"{len(gone)} files of older areas were no longer needed and are gone")


def _show(changes: tuple[Change, ...], as_json: bool) -> None:
    """Print one line for each change, and one for all that stays."""
    if as_json:
        click.echo(json.dumps([asdict(one) for one in changes], indent=2))
        return
    for change in changes:
        if change.kind == "unchanged":
            continue
        name = f"entry {change.name}" if change.name else "factory"
        published = f", {change.files} files ({_size(change.size)})" if change.files else ""
        click.echo(f"{_SIGNS[change.kind]} {name}: {change.kind}{published}")
        for detail in change.details:
            click.echo(f"    {detail}")
    same = sum(change.kind == "unchanged" for change in changes if change.name)
    if all(change.kind == "unchanged" for change in changes):
        click.echo(f"nothing to change: {same} entries are as configured")
    else:
        click.echo(f"{same} entries stay as they are")


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
