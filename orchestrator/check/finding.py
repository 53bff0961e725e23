"""How a check says what it found."""

from orchestrator.explain.findings import FAIL, OK, WARN
from orchestrator.explain.records import Finding


def ok(what: str, words: str) -> Finding:
    """Return that all is well with ``what``."""
    return {"what": what, "state": OK, "words": words, "mend": ""}


def warn(what: str, words: str, mend: str = "") -> Finding:
    """Return what will be a failure, or is one for few."""
    return {"what": what, "state": WARN, "words": words, "mend": mend}


def fail(what: str, words: str, mend: str = "") -> Finding:
    """Return what is wrong, and the command that mends it."""
    return {"what": what, "state": FAIL, "words": words, "mend": mend}
