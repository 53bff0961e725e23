"""The record of an entry for a person: lines, the most important first."""

from collections.abc import Iterator

from orchestrator.explain.records import EntryRecord, Finding, RequestRecord
from orchestrator.span import span
from orchestrator.worktree.downtimes import written

Line = tuple[str, str]  # a text; and "fail", "warn", "ok", "head" or ""


def of_finding(one: Finding) -> Iterator[Line]:
    """Yield a finding, and what mends it."""
    sign = {"ok": "ok  ", "warn": "note", "fail": "FAIL"}[one["state"]]
    yield f"{sign}  {one['words']}", one["state"]
    if one["mend"]:
        yield f"      -> {one['mend']}", ""


def of_entry(told: EntryRecord, client: str = "") -> Iterator[Line]:
    """Yield the record; with ``client``, of requests only those of this Frontend or client."""
    yield f"{told['entry']}: {told['state']}, {_daemon(told)}", "head"
    for finding in told["findings"]:
        yield from of_finding(finding)
    yield "", ""
    when = "never" if told["age_s"] is None else f"{span(told['age_s'])} ago"
    yield f"decided {when}: {told['words']}", ""
    yield from _seen(told)
    for downtime in told["downtimes"]:
        until = (
            "somebody ends it" if downtime["end"] is None else written(int(downtime["end"]))
        )
        holds = (
            "down" if downtime["holds"] else f"down from {written(int(downtime['start']))}"
        )
        scope = " ".join(
            (downtime["entry"], downtime["frontend"], downtime["security_class"])
        )
        yield (
            f"{holds} until {until}, {scope}: {downtime['comment'] or 'no comment'}",
            "warn",
        )
    for backoff in told["backoffs"]:
        left = (
            f" for another {span(backoff['remaining_s'])}" if backoff["remaining_s"] else ""
        )
        yield (
            (
                f"back-off of {backoff['share']}: {backoff['phase']}{left},"
                f" number {backoff['level']}: {backoff['why']}"
            ),
            "warn",
        )
    for one in told["requests"]:
        if client in ("", one["client"], one["frontend"], one["identity"]):
            yield from _request(one)
    for kind, chosen in (("removes", told["removals"]), ("releases", told["releases"])):
        for words, count in chosen.items():
            yield f"{kind} {count}: {words}", ""
    yield from _held(told)
    yield from _ended(told)


def _daemon(told: EntryRecord) -> str:
    daemon = told["daemon"]
    if daemon is None:
        return "without a daemon"
    heard = (
        ""
        if daemon.get("silent_s") is None
        else f", heard {span(daemon['silent_s'])} before"
    )
    return f"its daemon {daemon['state']} (process {daemon.get('pid') or 'none'}){heard}"


def _seen(told: EntryRecord) -> Iterator[Line]:
    for which, where in (("queue", told["schedd"]), ("requests", "the collector")):
        view, look = told["views"][which], told["looks"][which]
        age = "never" if view["age_s"] is None else f"{span(view['age_s'])} ago"
        latest = "never" if look["age_s"] is None else f"{span(look['age_s'])} ago"
        text = f"saw the {which} {age}: {view['freshness']}"
        text += f"; last look for all entries at {where}: {latest}"
        if look["problem"]:
            text += f", and then: {look['problem']}"
        yield text, "fail" if look["problem"] else ""


def _request(one: RequestRecord) -> Iterator[Line]:
    heard = "never" if one["heard_age_s"] is None else f"{span(one['heard_age_s'])} ago"
    yield "", ""
    yield f"request {one['request']}", "head"
    yield (
        f"  of {one['client']} ({one['share']}), {one['identity'] or 'gone'}, heard {heard}",
        "",
    )
    yield f"  {one['words']}", ""
    rule = one["binds"]["rule"] if one["binds"] else ""
    for bound in one["bounds"]:
        left = "any" if bound["left"] is None else bound["left"]
        limit = "none" if bound["limit"] is None else bound["limit"]
        used = bound["used"] + bound["given"]
        text = f"    {bound['rule']:<16} {limit:>8} allowed {used:>8} used {left:>8} left"
        yield (f"{text}  <- binds", "warn") if bound["rule"] == rule else (text, "")
    credential = one["credential"]
    if credential is not None:
        left_s = credential["remaining_s"]
        life = (
            "does not say when it expires"
            if left_s is None
            else f"expired {span(-left_s)} ago"
            if left_s <= 0
            else f"lives for another {span(left_s)}"
        )
        what = ", ".join(credential["purposes"]) or "no files"
        yield f"  credential {credential['identifier']} ({what}) {life}", ""


def _held(told: EntryRecord) -> Iterator[Line]:
    if told["held"]:
        yield "", ""
        yield f"held: {sum(one['count'] for one in told['held'])}", "head"
    for one in told["held"]:
        ages = f"{span(told['now'] - one['newest'])} to {span(told['now'] - one['oldest'])}"
        yield (
            (
                f"  {one['count']} x code {one['code']}.{one['subcode']} for {ages},"
                f" {one['recoverable']} may be released: {one['reason']} (as {one['sample']})"
            ),
            "",
        )


def _ended(told: EntryRecord) -> Iterator[Line]:
    done = told["ended"]
    yield "", ""
    period = span(told["now"] - done["since"])
    yield (
        (
            f"ended in the last {period}{'' if done['whole'] else ' (older ones left out)'}:"
            f" {done['ended']}; {done['good']} well, {done['removed']} removed, {done['stopped']}"
            f" by the stop list, {done['failed']} failed, {done['early']} of them early"
        ),
        "head",
    )
    for cause in done["causes"]:
        nodes = ", ".join(f"{name or 'unknown'} {n}" for name, n in cause["nodes"].items())
        last = span(told["now"] - cause["last"])
        yield (
            f"  {cause['count']} x {cause['cause']}; last {last} ago; nodes: {nodes}",
            "warn",
        )
        sample = cause["sample"]
        detail = f": {sample['detail']}" if sample["detail"] else ""
        gone = "" if sample["there"] else " (its output is gone)"
        yield f"      as {sample['glidein']}{detail}{gone}", ""
        yield f"      -> {sample['look']}", ""
