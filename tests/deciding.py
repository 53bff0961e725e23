"""Situations of an entry in words, for tests of what it decides.

An *asker* is FRONTEND, FRONTEND:CLASS or either with /CREDENTIAL: "cms" is group main of the
Frontend cms, class frontend, credential 1; "cms:prio/2" is the same client with another class
and credential. What it asks and has are short texts: see ``ASK`` and ``HAS``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings

from orchestrator.arguments import ClientWeb
from orchestrator.deciding.queue_counts import Key
from orchestrator.deciding.request import Credentials, Removal, Request, RequestsView
from orchestrator.queue.queue_view import Freshness, Glidein, QueueView, State, Unseen
from orchestrator.worktree.downtimes import Downtime, Downtimes
from orchestrator.worktree.entry_limits import HoldRule, Limit, Limits

NOW = 1_800_000_000.0

# For hypothesis on a machine that has other things to do: no test fails by being slow.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ASKER = re.compile(r"(?P<frontend>\w+)(:(?P<cls>\w+))?(/(?P<credential>\w+))?")
ASK = re.compile(  # "10 idle of 50, remove IDLE, margin 2"
    r"(?P<idle>-?\d+) idle of (?P<most>-?\d+)"
    r"(, remove (?P<removal>NO|WAIT|IDLE|ALL))?(, margin (?P<margin>\d+))?"
)
HAS = re.compile(  # "3 pending, 2 running for 40 d, 1 held for 5 min code 12.2 holds 3"
    r"(?P<count>\d+) (?P<state>[a-z-]+)( for (?P<age>\d+) (?P<unit>s|min|h|d))?"
    r"( code (?P<code>\d+)(\.(?P<subcode>\d+))?)?( holds (?P<holds>\d+))?"
)
UNITS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
STATES = {
    "waiting": State.WAIT,
    "pending": State.PENDING,
    "staging-in": State.STAGE_IN,
    "idle-other": State.IDLE_OTHER,
    "running": State.RUNNING,
    "staging-out": State.STAGE_OUT,
    "running-other": State.RUNNING_OTHER,
    "held": State.HELD,
}
WEB = ClientWeb(
    "http://vo.test", "0" * 40, "sha1", "d", "main", "http://vo.test/g", "0", "d"
)


def words(pattern: re.Pattern[str], text: str) -> dict[str, str]:
    """Return the parts of ``text`` by name; it must fit ``pattern`` as a whole."""
    match = pattern.fullmatch(text)
    if not match:
        raise ValueError(f"cannot read {text!r} with {pattern.pattern}")
    return {name: value for name, value in match.groupdict().items() if value is not None}


def key(asker: str) -> Key:
    """Return whose glideins ``asker`` has."""
    told = words(ASKER, asker)
    share = f"{told['frontend']}:{told.get('cls', 'frontend')}"
    credential = f"{told['frontend']}-{told.get('credential', '1')}"
    return Key(f"{told['frontend']}.main", share, credential)


def request(asker: str, asks: str, **changes: Any) -> Request:
    """Return the request of ``asker``."""
    told = words(ASK, asks)
    client, share, credential = key(asker)
    frontend, _, security_class = share.partition(":")
    asked = Request(
        name=asker.replace(":", "_").replace("/", "_"),
        entry="site",
        client=client,
        frontend=frontend,
        security_class=security_class,
        identity=f"{frontend}@vo.test",
        idle=int(told["idle"]),
        max_glideins=int(told["most"]),
        removal=Removal(told.get("removal", "NO")),
        margin=int(told.get("margin", 0)),
        idle_lifetime_s=0,
        parameters={},
        web=WEB,
        credentials=Credentials(credential),
    )
    return replace(asked, **changes)


def glideins(asker: str, has: str, cluster: int) -> tuple[list[Glidein], list[Unseen]]:
    """Return what ``asker`` has in the queue, all of it in one cluster, and what is unseen."""
    whose = key(asker)
    there: list[Glidein] = []
    unseen: list[Unseen] = []
    processes = count()
    for part in has.split(", "):
        told = words(HAS, part)
        number = int(told["count"])
        if told["state"] == "unseen":
            unseen.append(Unseen(*whose, count=number, since=int(NOW) - 10))
            continue
        since = int(NOW) - int(told.get("age", 60)) * UNITS[told.get("unit", "s")]
        there += [
            Glidein(
                cluster,
                next(processes),
                STATES[told["state"]],
                *whose,
                queued=since,
                since=since,
                hold_code=int(told.get("code", 12 if told["state"] == "held" else 0)),
                hold_subcode=int(told.get("subcode", 0)),
                hold_reason="no route to site" if told["state"] == "held" else "",
                holds=int(told.get("holds", 1 if told["state"] == "held" else 0)),
            )
            for _ in range(number)
        ]
    return there, unseen


def queue(has: Mapping[str, str], view: str = "fresh") -> QueueView:
    """Return the queue of all askers; ``view`` is fresh, stale or failed, or says so: old, future."""
    all_glideins: list[Glidein] = []
    all_unseen: list[Unseen] = []
    for cluster, (asker, text) in enumerate(has.items(), 1):
        there, unseen = glideins(asker, text, cluster)
        all_glideins += there
        all_unseen += unseen
    freshness = Freshness.FRESH if view in ("old", "future") else Freshness(view)
    taken = NOW - {"fresh": 10, "future": -3_600}.get(view, 3_600)
    problem = "" if freshness is Freshness.FRESH else "the schedd does not answer"
    return QueueView(freshness, taken, tuple(all_glideins), tuple(all_unseen), problem)


def requests(asks: Mapping[str, str], view: str = "fresh", **changes: Any) -> RequestsView:
    """Return what all askers ask; ``view`` is fresh, old, failed, future or never."""
    age = {"fresh": 20, "old": 3_600, "failed": 20, "future": -3_600, "never": NOW}[view]
    problem = "the collector does not answer" if view == "failed" else ""
    asked = tuple(request(asker, text, **changes) for asker, text in asks.items())
    return RequestsView(NOW - age, asked, problem=problem)


def downtimes(entry: str = "", shares: Mapping[str, str] | None = None) -> Downtimes:
    """Return downtimes that hold now, by their comments: of the entry, and of FRONTEND:CLASS."""
    lines = [Downtime(0, None, "site", comment=entry)] if entry else []
    for share, comment in (shares or {}).items():
        frontend, _, security_class = share.partition(":")
        lines.append(Downtime(0, None, "All", frontend, security_class, comment))
    # Neither over, nor yet to come, nor elsewhere.
    other = (
        Downtime(0, None, "elsewhere"),
        Downtime(0, 9, "site"),
        Downtime(2 * 10**9, None, "site"),
    )
    return Downtimes([*lines, *other])


def limits(told: Mapping[str, Any]) -> Limits:
    """Return the default limits with some changed.

    ``entry_idle`` and the like are parts of the entry's limit, ``share_idle`` and the like of
    the default share's; ``recoverable`` is a list of "CODE" and "CODE.SUBCODE".
    """
    result = Limits()
    for name, value in told.items():
        which, _, part = name.partition("_")
        if name == "recoverable":
            result = replace(result, recoverable=tuple(map(_rule, value)))
        elif which in ("entry", "share") and part in ("idle", "glideins", "held"):
            old: Limit = result.entry if which == "entry" else result.share_default
            new = replace(old, **{part: value})
            result = (
                replace(result, entry=new)
                if which == "entry"
                else replace(result, share_default=new)
            )
        else:
            result = replace(result, **{name: value})
    return result


def _rule(text: str) -> HoldRule:
    code, _, subcode = text.partition(".")
    return HoldRule(int(code), (int(subcode),) if subcode else ())


def in_words(targets: Mapping[str, list[Glidein]]) -> dict[str, str]:
    """Return glideins by asker, as numbers of states: {"cms": "2 waiting, 1 held"}."""
    names = {state: name for name, state in STATES.items()}

    def parts(chosen: list[Glidein]) -> Iterator[str]:
        for state in STATES.values():
            number = sum(one.state is state for one in chosen)
            if number:
                yield f"{number} {names[state]}"

    return {asker: ", ".join(parts(chosen)) for asker, chosen in targets.items() if chosen}
