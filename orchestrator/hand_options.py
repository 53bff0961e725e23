"""What the verbs rm, hold and release have in common: whom they mean, and asking before."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from orchestrator.options import config_option, duration, entry_name, work_of, yes_option
from orchestrator.queue import act_by_hand
from orchestrator.queue.act_by_hand import Deed
from orchestrator.terminal import say

AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any])
_SHOWN = 10  # glideins that are listed before the question
_DONE = {"remove": "removed", "hold": "held", "release": "released"}


def chosen_options(function: AnyCommand) -> AnyCommand:
    """Add what says which glideins are meant."""
    for option in (
        config_option,
        yes_option,
        click.option("--why", default="", help="A reason; the queue keeps it."),
        click.option(
            "--older",
            "older_s",
            callback=duration,
            metavar="DURATION",
            help="Only those that are in their state for longer.",
        ),
        click.option(
            "--frontend", default="", help="Of this Frontend, FRONTEND:CLASS or client."
        ),
        click.option(
            "--entry", "entries", multiple=True, help="Of this entry; may be repeated."
        ),
        click.argument("ids", nargs=-1, metavar="[GLIDEIN]..."),
    ):
        function = option(function)
    return function


def carry_out(
    deed: Deed,
    folder: Path,
    ids: tuple[str, ...],
    entries: tuple[str, ...],
    state: str,
    frontend: str,
    older_s: int | None,
    why: str,
    yes: bool,
    *,
    force: bool = False,
) -> None:
    """Find who is meant, show and ask, do it, and say with how many.

    Raises:
        click.UsageError: nobody is named.
        FactoryError: a schedd did not answer; nothing is done on what is not known.
    """
    if not (ids or entries or frontend):
        raise click.UsageError("say whom: GLIDEIN, --entry or --frontend")
    work = work_of(folder)
    names = [entry_name(work, name) for name in entries]
    found = act_by_hand.choose(
        work, deed, names, ids=ids, state=state, frontend=frontend, older_s=older_s
    )
    count = sum(len(one.glideins) for one in found)
    if not count:
        say(f"nothing to {deed}")
        return
    if not yes and (count > 1 or not ids):
        from orchestrator.verbs import queue  # its table

        some = [one for part in found for one in part.glideins][:_SHOWN]
        queue.show(some, time.time())
        where = ", ".join(f"{len(one.glideins)} of {one.record.name}" for one in found[:5])
        more = ", …" if len(found) > 5 else ""
        click.confirm(f"{deed} {count} glideins ({where}{more})?", abort=True)
    done = act_by_hand.act(deed, found, why, force=force)
    say(f"{_DONE[deed]} {done} of {count}")
    if done < count:
        raise click.exceptions.Exit(1)  # some left meanwhile, or the schedd refused
