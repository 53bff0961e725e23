"""Records without ages: a file that stays as it is tells when something was, not how long ago."""

from typing import Any

_ENDINGS = ("age_s", "remaining_s")


def timeless(told: Any) -> Any:
    """Return a record without what changes by itself; next to each of these is a time."""
    if isinstance(told, dict):
        return {
            name: timeless(below)
            for name, below in told.items()
            if not str(name).endswith(_ENDINGS)
        }
    return [timeless(one) for one in told] if isinstance(told, list) else told
