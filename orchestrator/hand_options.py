"""What the verbs rm, hold and release have in common: whom they mean, and asking before."""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from orchestrator.options import (
    complete_entry,
    config_option,
    duration,
    entry_name,
    work_of,
    yes_option,
)
from orchestrator.queue import act_by_hand
from orchestrator.queue.act_by_hand import Deed
from orchestrator.queue.live_queue import Meant
from orchestrator.terminal import say

_SHOWN = 10  # glideins that are listed before the question
_DONE = {"remove": "removed", "hold": "held", "release": "released"}


@dataclass(frozen=True)
class Wish:
    """What a person typed: whom in which ``entries`` (none: all), why, and whether to ask."""

    folder: Path
    meant: Meant
    entries: tuple[str, ...]
    why: str
    yes: bool


def chosen_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add what says which glideins are meant; ``function`` gets it as a :class:`Wish`, and what
    other options there are. An option --state is part of the wish."""

    @functools.wraps(function)
    def gathered(
        ids: tuple[str, ...],
        entries: tuple[str, ...],
        frontend: str,
        older_s: float | None,
        why: str,
        yes: bool,
        folder: Path,
        state: str = "",
        **others: Any,
    ) -> None:
        meant = Meant(ids, state, frontend, older_s)
        function(Wish(folder, meant, entries, why, yes), **others)

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
            "--entry",
            "entries",
            multiple=True,
            shell_complete=complete_entry,
            help="Of this entry; may be repeated.",
        ),
        click.argument("ids", nargs=-1, metavar="[GLIDEIN]..."),
    ):
        gathered = option(gathered)
    return gathered


def state_option(states: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option --state, whose help names ``states``."""
    return click.option("--state", default="", metavar="STATE", help=states)


def carry_out(deed: Deed, wish: Wish, *, force: bool = False) -> None:
    """Find who is meant, show and ask, do it, and say with how many.

    Raises:
        click.UsageError: nobody is named.
        FactoryError: a schedd did not answer; nothing is done on what is not known.
    """
    meant = wish.meant
    if not (meant.ids or wish.entries or meant.frontend):
        raise click.UsageError("say whom: GLIDEIN, --entry or --frontend")
    work = work_of(wish.folder)
    names = [entry_name(work, name) for name in wish.entries]
    found = act_by_hand.choose(work, deed, names, meant)
    count = sum(len(one.glideins) for one in found)
    if not count:
        say(f"nothing to {deed}")
        return
    if not wish.yes and (count > 1 or not meant.ids):
        from orchestrator.verbs import queue  # its table

        some = [one for part in found for one in part.glideins][:_SHOWN]
        queue.show(some, time.time())
        where = ", ".join(f"{len(one.glideins)} of {one.record.name}" for one in found[:5])
        more = ", …" if len(found) > 5 else ""
        click.confirm(f"{deed} {count} glideins ({where}{more})?", abort=True)
    done = act_by_hand.act(deed, found, wish.why, force=force)
    say(f"{_DONE[deed]} {done} of {count}")
    if done < count:
        raise click.exceptions.Exit(1)  # some left meanwhile, or the schedd refused
