"""Whom an entry serves: the classes by Frontend, or All; naming nobody, it serves everybody."""

from collections.abc import Collection, Mapping

from orchestrator.worktree.entry_record import ALL_CLASSES

Permits = Mapping[str, Collection[str]]


def frontend_permitted(permits: Permits, frontend: str) -> bool:
    """Return whether the entry serves ``frontend`` at all."""
    return not permits or frontend in permits


def class_permitted(permits: Permits, frontend: str, security_class: str) -> bool:
    """Return whether the entry serves this class of this Frontend."""
    classes = permits.get(frontend, ())
    return not permits or ALL_CLASSES in classes or security_class in classes
