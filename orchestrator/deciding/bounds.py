"""What bounds a number of glideins: the rule, its value, what counts against it, what is left.

These records are the reasons that the log, ``why`` and the page show.
"""

import enum
from collections.abc import Iterable
from typing import Any, NamedTuple


class Rule(enum.StrEnum):
    """All that can keep a request from more glideins, in the order in which it is looked at.

    The first that leaves no room is named as the reason, though others may leave none either.
    """

    QUEUE_VIEW = "queue view"
    REQUESTS_VIEW = "requests view"
    DUPLICATE = "duplicate"
    CLASS = "class not allowed"
    FRONTEND = "frontend not allowed"
    DOWNTIME = "downtime"
    MOVING = "moving"
    CREDENTIAL = "credential"
    ASKED_IDLE = "asked idle"
    ASKED_MAX = "asked max"
    ENTRY_HELD = "entry held"
    SHARE_HELD = "share held"
    ENTRY_IDLE = "entry idle"
    ENTRY_GLIDEINS = "entry glideins"
    SHARE_IDLE = "share idle"
    SHARE_GLIDEINS = "share glideins"
    BACKOFF = "back-off"
    UNSEEN = "unseen"
    FACTORY = "factory"
    FACTORY_UNSEEN = "factory unseen"
    CYCLE = "cycle"


_SAYS = {
    Rule.ASKED_IDLE: "asked for {} idle",
    Rule.ASKED_MAX: "asked for {} at most",
    Rule.ENTRY_HELD: "the entry stops at {} held",
    Rule.SHARE_HELD: "this Frontend and class stop at {} held",
    Rule.ENTRY_IDLE: "the entry may have {} idle",
    Rule.ENTRY_GLIDEINS: "the entry may have {} glideins",
    Rule.SHARE_IDLE: "this Frontend and class may have {} idle",
    Rule.SHARE_GLIDEINS: "this Frontend and class may have {} glideins",
    Rule.UNSEEN: "{} may be submitted and not yet seen in the queue",
    Rule.FACTORY: "the whole factory has room for {} more",
    Rule.FACTORY_UNSEEN: "the whole factory may submit {} before others are seen",
    Rule.CYCLE: "{} may be submitted in one cycle",
    Rule.BACKOFF: "{} may be on trial",
}


class Bound(NamedTuple):
    """One rule with its numbers: glideins allowed, there before this cycle, given in it.

    With ``limit`` None the rule shuts out altogether, and ``why`` says why.
    """

    rule: Rule
    limit: int | None
    used: int = 0
    given: int = 0
    why: str = ""

    @property
    def left(self) -> int | None:
        """How many more glideins the rule allows; None: any number."""
        if self.limit is None:
            return 0
        if self.rule in (Rule.ENTRY_HELD, Rule.SHARE_HELD):
            return 0 if self.used >= self.limit else None
        return max(0, self.limit - self.used - self.given)

    @property
    def words(self) -> str:
        """The rule for a person."""
        if self.limit is None:
            return self.why
        text = f"{_SAYS[self.rule].format(self.limit)}: {self.used} before"
        if self.given:
            text += f", {self.given} more now"
        return f"{text} ({self.why})" if self.why else text

    def as_json(self) -> dict[str, Any]:
        """Return the record as the work tree keeps it."""
        return {
            "rule": str(self.rule),
            "limit": self.limit,
            "used": self.used,
            "given": self.given,
            "left": self.left,
            "words": self.words,
        }


def room(bounds: Iterable[Bound]) -> int | None:
    """Return how many glideins all of ``bounds`` together allow; None: any number."""
    return min(
        (left for left in (one.left for one in bounds) if left is not None), default=None
    )
