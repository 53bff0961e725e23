"""Options and arguments that several verbs have, read in one way."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from orchestrator.errors import FactoryError
from orchestrator.work_folder import FACTORY_FILE, work_folder

AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any])

VARIABLE = "GLIDEIN_FACTORY_CONFIG"
HOST = Path("/etc/glidein-factory")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def config_folder() -> Path:
    """Return where the configuration is when nobody says.

    What the environment says; else here, if there is one; else that of this host.
    """
    said = os.environ.get(VARIABLE)
    if said:
        return Path(said)
    here = Path()
    return HOST if not (here / FACTORY_FILE).exists() and HOST.is_dir() else here


config_option = click.option(
    "--config",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=config_folder,
    show_default=f"${VARIABLE}, else here if {FACTORY_FILE} is here, else {HOST}",
    help=f"The folder of {FACTORY_FILE} and entries/.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, all of it.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def work_of(folder: Path) -> Path:
    """Return the work tree of the configuration in ``folder``, however broken the rest of it is.

    Raises:
        FactoryError: that cannot be found out.
    """
    if not (folder / FACTORY_FILE).exists():
        raise FactoryError(
            f"{folder.absolute()} has no {FACTORY_FILE}: say --config FOLDER, or set {VARIABLE}"
        )
    return work_folder(folder)


def complete_entry(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the entries whose names begin so, for a shell; none where nothing can be read."""
    from orchestrator.worktree.factory_record import read_factory

    try:
        work = work_of(context.params.get("folder") or config_folder())
        return [name for name in read_factory(work).entries if name.startswith(incomplete)]
    except (FactoryError, OSError):
        return []


def seconds(text: str) -> int:
    """Read a duration as 30m, 2h or 1d12h.

    Raises:
        click.BadParameter: it is none.
    """
    if not re.fullmatch(r"([0-9]{1,6}[smhdw])+", text):
        raise click.BadParameter(f"expected a duration as 30m, 2h or 1d12h, got {text!r}")
    parts = re.findall(r"([0-9]+)([smhdw])", text)
    return sum(int(count) * _UNITS[unit] for count, unit in parts)


def duration(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> int | None:
    """Read an option's duration; seconds."""
    return None if text is None else seconds(text)


def epoch(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> int | None:
    """Read an option's ISO 8601 time with its time zone; epoch seconds."""
    from orchestrator.worktree import downtimes  # not every verb has times

    try:
        return None if text is None else downtimes.epoch(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def since(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> float | None:
    """Read the beginning of a period: how long ago, or a time with its zone; epoch seconds."""
    if text is None:
        return None
    if "-" in text:
        return epoch(context, parameter, text)
    return time.time() - seconds(text)


def entry_name(work: Path, name: str) -> str:
    """Return ``name`` if there is such an entry, also one that is retired and has left something.

    Raises:
        FactoryError: there is not; the message has names that are close.
    """
    from orchestrator.worktree.factory_record import read_factory

    record = read_factory(work)
    if name not in record.entries and not (work / "entries" / name).is_dir():
        raise FactoryError(f"no entry {name!r} here{close_to(name, record.entries)}")
    return name


def close_to(name: str, known: Any) -> str:
    """Return "; did you mean …?" for the names among ``known`` that are close, else ""."""
    import difflib

    close = difflib.get_close_matches(name, known, n=3)
    return f"; did you mean {' or '.join(close)}?" if close else ""
