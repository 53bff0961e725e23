"""What keeps an entry, or some Frontends and classes, from new glideins: downtimes and permits."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

ALL = "All"  # in place of a Frontend or a class: any


@dataclass(frozen=True)
class Closures:
    """The downtimes that hold now: why the entry is down, and why FRONTEND:CLASS is.

    Either part of a share may be All. An empty reason is none; nobody says "" when it is down.
    """

    entry: str = ""
    shares: Mapping[str, str] = field(default_factory=dict)

    def why(self, frontend: str, security_class: str) -> str:
        """Return why this Frontend and class get nothing; "" when they may."""
        if self.entry:
            return self.entry
        for name in (
            f"{frontend}:{security_class}",
            f"{frontend}:{ALL}",
            f"{ALL}:{security_class}",
            f"{ALL}:{ALL}",
        ):
            if self.shares.get(name):
                return self.shares[name]
        return ""


Permits = Mapping[
    str, Collection[str]
]  # the classes by Frontend, or All; nobody: everybody


def frontend_permitted(permits: Permits, frontend: str) -> bool:
    """Return whether the entry serves ``frontend`` at all."""
    return not permits or frontend in permits


def class_permitted(permits: Permits, frontend: str, security_class: str) -> bool:
    """Return whether the entry serves this class of a Frontend that it serves."""
    classes = permits.get(frontend, ())
    return not permits or ALL in classes or security_class in classes
