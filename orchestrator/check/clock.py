"""This host's clock against those of others."""

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

from orchestrator.check.finding import fail, ok, warn
from orchestrator.check.web import Answered, Site
from orchestrator.explain.records import Finding
from orchestrator.span import span
from orchestrator.worktree.factory_record import FactoryRecord

_WARN_S, _FAIL_S = 30.0, 300.0  # tokens and views are judged by minutes
_MEND = "timedatectl; chronyc tracking"


def web_clock(record: FactoryRecord) -> Iterator[Finding]:
    """Compare with the Date of the web server's answer, which glideins compare with too."""
    what = "clock of the web server"
    try:
        answer = Site(record.web.url, Path(record.web.stage)).get(
            record.web.stop_list, fresh=True
        )
        date = parsedate_to_datetime(answer.headers["Date"])
    except Answered:
        return  # that is another check's finding
    except (KeyError, ValueError):
        yield warn(what, f"{record.web.url} sends no Date", "")
        return
    yield skew(what, date.timestamp())


def skew(what: str, theirs: float) -> Finding:
    """Return how far their clock (epoch) is from ours."""
    ahead = time.time() - theirs
    words = f"this host is {span(abs(ahead))} {'ahead' if ahead > 0 else 'behind'}"
    if abs(ahead) >= _FAIL_S:
        return fail(what, words, _MEND)
    return warn(what, words, _MEND) if abs(ahead) >= _WARN_S else ok(what, words)
