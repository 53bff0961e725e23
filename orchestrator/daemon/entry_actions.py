"""Do what was decided for an entry: remove, release, submit. Whatever fails is told, not raised.

Removing comes first: it makes room, and never has to wait for what submits.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from orchestrator.deciding.request import Request
from orchestrator.deciding.sanitize import Target
from orchestrator.deciding.verdict import Decision
from orchestrator.errors import FactoryError, JournalError, ScheddError, SubmissionError

log = logging.getLogger(__name__)


class Queue(Protocol):
    """Whoever removes and releases: a :class:`orchestrator.queue.schedd.Schedd`."""

    def remove(self, ids: Sequence[str], reason: str, *, force: bool = False) -> int: ...
    def release(self, ids: Sequence[str], reason: str) -> int: ...


class Submits(Protocol):
    """Whoever submits: a :class:`orchestrator.queue.submission.Submitter`."""

    def submit(
        self, request: Request, clusters: Iterable[int], now: float
    ) -> list[int]: ...


def act(
    decision: Decision,
    queue: Queue,
    submitter: Submits,
    now: float,
    beat: Callable[[], None],
) -> list[str]:
    """Act on ``decision`` and return what did not work; ``beat`` is called before each step.

    A schedd that fails once is not asked again in this cycle.
    """
    problems: list[str] = []
    try:
        for targets, force in ((decision.remove, False), (decision.remove, True)):
            for words, ids in _by_words(targets, force):
                beat()
                count = queue.remove(ids, f"glidein factory: {words}", force=force)
                log.info(
                    "removed=%d force=%s ids=%s: %s", count, force, ",".join(ids), words
                )
        for words, ids in _by_words(decision.release, False):
            beat()
            count = queue.release(ids, f"glidein factory: {words}")
            log.info("released=%d ids=%s: %s", count, ",".join(ids), words)
        for one in decision.submit:
            beat()
            try:
                submitter.submit(one.request, one.clusters, now)
            except SubmissionError as error:  # of this request; the next one may be sound
                problems.append(f"{one.request.client}: cannot be submitted: {error}")
    except (ScheddError, JournalError) as error:
        problems.append(str(error))
    except FactoryError as error:
        problems.append(f"acting: {error}")
    for problem in problems:
        log.error("%s", problem)
    return problems


def _by_words(targets: Iterable[Target], force: bool) -> list[tuple[str, list[str]]]:
    """Group glideins by why they are meant; with ``force``, only those that need it."""
    found: dict[str, list[str]] = {}
    for one in targets:
        if one.force or not force:
            found.setdefault(one.words, []).append(one.glidein.id)
    return list(found.items())
