"""Read what daemons write, without taking "may not be read" for "is not there"."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from orchestrator.daemon import state_file
from orchestrator.errors import FactoryError


def read(path: Path) -> dict[str, Any]:
    """Return what a JSON file says; nothing when it is missing or damaged: it is soon written anew.

    Raises:
        FactoryError: it may not be read.
    """
    try:
        return state_file.parse(path.read_bytes())
    except PermissionError as error:
        raise FactoryError(
            f"{path}: may not be read: do this as the user that runs the factory"
        ) from error
    except OSError:
        return {}


def entry_folders(work: Path, configured: Iterable[str]) -> list[Path]:
    """Return the folders of the entries that are ``configured``, and of those that once were."""
    folder = work / "entries"
    return sorted({*(folder / name for name in configured), *folder.iterdir()})


def age(when: float | None, now: float) -> float | None:
    """Return how long ago ``when`` was; None when it never was."""
    return max(0.0, now - when) if when else None
