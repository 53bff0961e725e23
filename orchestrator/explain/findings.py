"""What keeps an entry from more glideins, or will: one sentence each, and what mends it."""

from collections.abc import Iterator
from pathlib import Path

from orchestrator.daemon.children import State
from orchestrator.deciding.backoff import Phase
from orchestrator.deciding.bounds import Rule
from orchestrator.explain import room
from orchestrator.explain.credentials import SOON_S
from orchestrator.explain.daemons import Daemons
from orchestrator.explain.records import (
    CredentialRecord,
    EntryRecord,
    Finding,
    RequestRecord,
)
from orchestrator.queue.queue_view import Freshness
from orchestrator.span import span

OK, WARN, FAIL = "ok", "warn", "fail"
SILENT = "the Factory daemon has not told of itself for a minute"

# A request that meets one of these has what it asked for.
_SATISFIED = (Rule.ASKED_IDLE, Rule.ASKED_MAX)
# Said of the entry as a whole, before any request.
_OF_ENTRY = (Rule.QUEUE_VIEW, Rule.REQUESTS_VIEW, Rule.BACKOFF)
_MANY = 5  # fewer glideins prove nothing


def findings(told: EntryRecord, daemons: Daemons, work: Path) -> list[Finding]:
    """Return what is to be said of an entry; one that is "ok" when there is nothing."""
    found = [
        *room.without([("work tree", work)]),
        *_daemon(told, daemons),
        *_views(told),
        *_closed(told),
        *_requests(told),
        *_failures(told),
        *_credentials(told),
    ]
    order = {FAIL: 0, WARN: 1, OK: 2}
    return sorted(found or [_ok(told)], key=lambda one: order[one["state"]])


def _daemon(told: EntryRecord, daemons: Daemons) -> Iterator[Finding]:
    pid = daemons.pid
    if pid is None:
        yield _finding("factory", FAIL, "the factory does not run", "glidein-factory start")
    elif daemons.silent:
        yield _finding("factory", FAIL, SILENT, "glidein-factory logs --factory")
    elif told["daemon"] is None and told["state"] != "retired":
        yield _finding(
            "daemon", FAIL, "the entry has no daemon yet", "glidein-factory logs --factory"
        )
    elif told["daemon"] is not None and not told["alive"]:
        daemon = told["daemon"]
        words = f"the entry's daemon is {daemon['state']}: {daemon['problem']}"
        mend = f"glidein-factory logs {told['entry']}"
        if daemon["state"] == State.DOWN:
            mend += f"; kill -HUP {pid} tries again"
        yield _finding("daemon", FAIL, words, mend)
    for step, text in told["problems"].items():
        yield _finding(
            step, FAIL, f"{step}: {text}", f"glidein-factory logs {told['entry']}"
        )


def _views(told: EntryRecord) -> Iterator[Finding]:
    if told["decided"] is None:
        yield _finding("decision", WARN, "nothing was decided yet", "")
        return
    for which, mend in (
        ("queue", "condor_status -schedd"),
        ("requests", "condor_status -any"),
    ):
        view = told["views"][which]
        if view["freshness"] != Freshness.FRESH:
            words = f"nothing can be submitted: {view['freshness']}"
            yield _finding(f"{which} view", FAIL, words, f"glidein-factory check; {mend}")


def _closed(told: EntryRecord) -> Iterator[Finding]:
    for line in told["stopped"]:
        scope = line.partition("#")[0].strip().removesuffix(" now")
        words = f"glideins leave, by the stop list: {line}"
        yield _finding(
            "stop list", WARN, words, f"glidein-factory stop-list remove {scope}"
        )
    if told["down"]:
        yield _finding(
            "downtime", WARN, told["down"], f"glidein-factory up {told['entry']}"
        )
    for one in told["backoffs"]:
        if one["phase"] == Phase.OPEN:
            continue
        rest = (
            f"nothing for another {span(one['remaining_s'])}"
            if one["phase"] == Phase.CLOSED
            else "a few glideins are on trial"
        )
        words = f"{one['share']} is in back-off number {one['level']}, {rest}: {one['why']}"
        yield _finding("back-off", FAIL, words, _look(told))


def _requests(told: EntryRecord) -> Iterator[Finding]:
    for refusal in told["refusals"]:
        who = f"{refusal['client'] or 'somebody'} ({refusal['identity'] or 'no identity'})"
        words = f"refused {refusal['count']} x {who}: {refusal['reason']}"
        yield _finding(
            "refused", FAIL, words, "the Frontend's, or [frontends] in factory.toml"
        )
    if told["decided"] is not None and not told["requests"]:
        yield _finding("requests", WARN, "no Frontend asks for anything here", "")
    short: dict[tuple[str, str], list[RequestRecord]] = {}
    for one in told["requests"]:
        binds = one["binds"]
        if binds is None or binds["rule"] in (*_SATISFIED, *_OF_ENTRY):
            continue
        if binds["rule"] == Rule.DOWNTIME and told["down"]:
            continue
        short.setdefault((binds["rule"], binds["words"]), []).append(one)
    for (rule, why), those in short.items():
        first = those[0]
        who = first["client"]
        if len(those) > 1:
            who += f" and {len(those) - 1} more requests"
        asked = sum(one["asked"]["idle"] for one in those)
        given = sum(one["submit"] or 0 for one in those)
        state = FAIL if all(map(_shut, those)) else WARN
        words = f"{who} asked for {asked} idle and got {given} more: [{rule}] {why}"
        yield _finding(rule, state, words, "")


def _shut(one: RequestRecord) -> bool:
    """Whether a request has nothing and gets nothing."""
    return not one["submit"] and not (one["has"] or {}).get("running")


def _failures(told: EntryRecord) -> Iterator[Finding]:
    done = told["ended"]
    judged = done["good"] + done["failed"]
    if done["failed"] * 2 >= judged > 0:
        worst = done["causes"][0]
        words = (
            f"{done['failed']} of {judged} glideins that ended in the last"
            f" {span(told['now'] - done['since'])} failed, {worst['count']} of them:"
            f" {worst['cause']}"
        )
        state = FAIL if judged >= _MANY else WARN
        yield _finding("failures", state, words, worst["sample"]["look"])
    for one in told["held"]:
        cure = (
            f", {one['recoverable']} of them a release may cure"
            if one["recoverable"]
            else ""
        )
        words = f"{one['count']} held with code {one['code']}.{one['subcode']}{cure}: {one['reason']}"
        yield _finding(
            "held", WARN, words, f"glidein-factory queue {told['entry']} --state held"
        )


def _credentials(told: EntryRecord) -> Iterator[Finding]:
    seen = set()
    for one in told["requests"]:
        credential = one["credential"]
        if credential is None or credential["identifier"] in seen:
            continue
        seen.add(credential["identifier"])
        found = life(credential)
        if found is not None:
            yield found


def life(one: CredentialRecord) -> Finding | None:
    """Return what is to be said of a credential that ends soon; else None."""
    left = one["remaining_s"]
    if left is None or left >= SOON_S:
        return None
    said = f"expired {span(-left)} ago" if left <= 0 else f"expires in {span(left)}"
    words = f"credential {one['identifier']} of {one['client']} {said}"
    mend = f"the Frontend {one['frontend']} has to renew it"
    # Some live for minutes and are renewed all the time: only one that is over is a failure.
    return _finding("credential", FAIL if left <= 0 else WARN, words, mend)


def _look(told: EntryRecord) -> str:
    causes = told["ended"]["causes"]
    return (
        causes[0]["sample"]["look"] if causes else f"glidein-factory queue {told['entry']}"
    )


def _ok(told: EntryRecord) -> Finding:
    return _finding("entry", OK, f"all is as asked: {told['words']}", "")


def _finding(what: str, state: str, words: str, mend: str) -> Finding:
    return {"what": what, "state": state, "words": words, "mend": mend}
