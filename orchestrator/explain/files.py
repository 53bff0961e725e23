"""Read what daemons write, without taking "may not be read" for "is not there"."""

import json
from pathlib import Path
from typing import Any

from orchestrator.errors import FactoryError


def read(path: Path) -> dict[str, Any]:
    """Return what a JSON file says; nothing when it is missing or damaged: it is soon written anew.

    Raises:
        FactoryError: it may not be read.
    """
    try:
        said = json.loads(path.read_bytes())
    except PermissionError as error:
        raise FactoryError(
            f"{path}: may not be read: do this as the user that runs the factory"
        ) from error
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def age(when: float | None, now: float) -> float | None:
    """Return how long ago ``when`` was; None when it never was."""
    return max(0.0, now - when) if when else None
