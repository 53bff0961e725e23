"""How one glidein ended: read from its outputs, and from what the queue said of it.

Our glideins leave a report (:mod:`orchestrator.outputs.glidein_output`); without one, the lines that
the reference's log tools look for tell some of it. All of it was written on a machine that is
not ours: it is bounded, and nothing in it is taken for a number or a word without a look.
Unknown stays unknown (None), and is never a success.
"""

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.errors import FactoryError
from orchestrator.exits import meaning
from orchestrator.outputs.glidein_output import read_output

HEAD = 64 * 1024  # bytes read of an output's beginning
TAIL = 1024 * 1024  # and of its end: there are the report, and the logs
HISTORY = "StartdHistoryLog"
HISTORY_LIMIT = 4 * 1024 * 1024  # bytes, unpacked
PATIENCE_S = 3_600  # so long after the end an output may still be on its way

NO_OUTPUT = "no output came"
REMOVED = "removed"
STOPPED = 3  # the exit code of a glidein that the stop list told to leave

_LONGEST = 200  # characters of a text
_MOST_S = 366 * 86_400  # no glidein runs longer
_PHASE = re.compile(r"[a-z_]{1,20}")
_NAME = re.compile(r"glidein_[0-9_]{1,60}")


@dataclass(frozen=True)
class Ended:
    """A glidein that left the queue, as the queue tells it; times in epoch seconds.

    ``removed`` says that it was removed, by the factory or by hand, instead of ending by
    itself. ``exit_code`` and ``signal`` are what the batch system knows, if it does.
    """

    cluster: int
    process: int
    client: str
    share: str
    ended: float
    started: float | None = None
    removed: bool = False
    exit_code: int | None = None
    signal: int | None = None

    @property
    def id(self) -> str:
        """CLUSTER.PROCESS."""
        return f"{self.cluster}.{self.process}"


@dataclass(frozen=True)
class Outcome:
    """How a glidein ended, and where its time went (seconds; None: not known).

    ``job_s`` is time in which its jobs used all of it: a job on half of the cores counts half.
    ``good_job_s`` is the part of jobs that ended with exit code 0; ``before_job_s`` is the time
    until the first job, all of it where none came. ``source`` says what told: "report", "lines"
    or "queue". ``name`` is what the pool knew it by; several in a slot have one each.
    """

    glidein: str
    client: str
    share: str
    ended: float
    cause: str
    source: str
    good: bool = False
    removed: bool = False
    code: int | None = None
    detail: str = ""
    node: str = ""
    name: str = ""
    jobs: int | None = None
    launched: bool | None = None  # HTCondor was started
    total_s: float | None = None
    validation_s: float | None = None
    before_job_s: float | None = None
    condor_s: float | None = None
    job_s: float | None = None
    good_job_s: float | None = None
    phases_ms: dict[str, int] = field(default_factory=dict)

    @property
    def idle_s(self) -> float | None:
        """Time in which HTCondor ran and had no job."""
        if self.condor_s is None or self.job_s is None:
            return None
        return max(0.0, self.condor_s - self.job_s)

    @property
    def waste_s(self) -> float | None:
        """Time of the batch slot in which no job ran that ended well."""
        if self.total_s is None or self.good_job_s is None:
            return None
        return max(0.0, self.total_s - self.good_job_s)

    def failed_early(self, early_s: float) -> str:
        """Return the cause if it failed before it was of use, or within ``early_s``; else "".

        What a person or the factory stopped did not fail. Not to know how it ended is a failure.
        """
        if self.good or self.removed or self.code == STOPPED:
            return ""
        early = self.launched is False or self.total_s is None or self.total_s < early_s
        return self.cause if early else ""

    def as_json(self) -> dict[str, Any]:
        """Return the record as files keep it, without what is not known."""
        told = {
            key: value for key, value in asdict(self).items() if value not in (None, "")
        }
        return {**told, "idle_s": self.idle_s, "waste_s": self.waste_s}


def output_files(folder: Path, ended: Ended) -> tuple[Path, Path]:
    """Return where a glidein's standard output and error are, below the entry's ``glideins``."""
    stem = folder / ended.client / f"job.{ended.cluster}.{ended.process}"
    return stem.with_name(stem.name + ".out"), stem.with_name(stem.name + ".err")


def settle(
    folder: Path, ended: Iterable[Ended], now: float, patience_s: float = PATIENCE_S
) -> tuple[list[Outcome], list[Ended]]:
    """Read the outputs of glideins that ended.

    Returns:
        The outcomes, and those to ask for again: their output may still be on its way.
    """
    outcomes: list[Outcome] = []
    waiting: list[Ended] = []
    for one in ended:
        out, err = output_files(folder, one)
        text, problem = _read(out)
        # An unreadable file is no better tomorrow; one that is not there may come.
        if text or problem or one.removed or now - one.ended >= patience_s:
            outcomes.append(outcome_of(one, text, _read(err)[0] if text else "", problem))
        else:
            waiting.append(one)
    return outcomes, waiting


def outcome_of(ended: Ended, out: str, err: str = "", problem: str = "") -> Outcome:
    """Return how a glidein ended that wrote ``out`` and ``err``; ``problem``: why it is unreadable.

    Where several shared the batch slot it is the outcome of them all: the worst of how they
    ended, their jobs together, the mean of their times.
    """
    queue_s = _seconds(ended.ended - ended.started) if ended.started else None
    facts: dict[str, Any] = {"total_s": queue_s, "source": "queue"}
    reports = _reports(out)
    several = _ends(err)
    if len(reports) > 1 or len(several) > 1:
        facts |= together([_from_report(one) for one in reports], several)
    else:
        facts |= _from_lines(out)
        facts |= _from_report(reports[0]) if reports else {}
    if facts.get("launched"):
        if "job_s" not in facts or "good_job_s" not in facts or facts["source"] == "lines":
            facts |= _from_history(err, facts.get("jobs"), facts.get("cpus"))
    elif facts.get("launched") is False:
        facts |= {"job_s": 0.0, "good_job_s": 0.0, "condor_s": 0.0, "jobs": 0}
    facts.pop("cpus", None)
    if facts.get("jobs") == 0 and facts.get("total_s") is not None:
        facts["before_job_s"] = facts["total_s"]
    code = facts.pop("code", None)
    told_cause = facts.pop("cause", "")
    detail = facts.pop("detail", "")
    good = False
    if ended.removed:
        cause = REMOVED
    elif ended.signal:
        cause = f"killed by signal {ended.signal}"
    elif code == 0 and ended.exit_code:
        # The report is written before the last steps; what went wrong in them came later.
        code = ended.exit_code
        cause = meaning(code)
    elif code == 0:
        cause, good = told_cause or "ended", True
    elif code is not None:
        cause = meaning(code)
        detail = detail or told_cause
    elif problem:
        cause, detail = "its output cannot be read", problem
    elif out.strip():
        cause = "its output says nothing of its end"
    else:
        cause = NO_OUTPUT
    if code is None and ended.exit_code is not None:
        code = ended.exit_code
        detail = detail or f"exit code {code}: {meaning(code)}"
    return Outcome(
        glidein=ended.id,
        client=ended.client,
        share=ended.share,
        ended=ended.ended,
        cause=cause,
        good=good,
        removed=ended.removed,
        code=code,
        detail=detail[:_LONGEST],
        **facts,
    )


# --- our report ------------------------------------------------------------------------------


def _reports(out: str) -> list[dict[str, Any]]:
    """Return the reports in an output; when the last one cannot be read, none."""
    try:
        output = read_output(out, only="")
    except FactoryError:
        return []
    return [] if output.report is None else output.reports


def _from_report(report: Mapping[str, Any]) -> dict[str, Any]:
    end, run, condor = (
        _group(report, "end"),
        _group(report, "run"),
        _group(report, "condor"),
    )
    code = end.get("code")
    if isinstance(code, bool) or not isinstance(code, int) or not 0 <= code < 256:
        return {}  # a report that does not say how it ended is none
    phases = _phases(report.get("phases"))
    launch_ms = _count(run.get("launch_ms"))
    launched = launch_ms is not None or "seconds" in condor
    before_run = sum(ms for name, ms in phases.items() if name != "run") / 1000
    total_ms = _count(end.get("ms"))
    cpus = _count(_group(report, "resources").get("cpus"))
    jobs, name = _count(run.get("jobs")), condor.get("name")
    total_s = None if total_ms is None else total_ms / 1000
    validation_s = before_run if launch_ms is None else launch_ms / 1000
    first_s = _seconds(condor.get("first_job_s"))
    before_job_s = None
    if jobs == 0 or not launched:
        before_job_s = total_s
    elif first_s is not None:
        before_job_s = validation_s + first_s
    found: dict[str, Any] = {
        "source": "report",
        "code": code,
        "cause": _text(end.get("cause")),
        "detail": _failed_check(report.get("checks")) if code == 40 else "",
        "node": _text(_group(report, "node").get("host")),
        "name": name if isinstance(name, str) and _NAME.fullmatch(name) else None,
        "jobs": jobs,
        "launched": launched,
        "total_s": total_s,
        "validation_s": validation_s,
        "before_job_s": before_job_s,
        "condor_s": _seconds(condor.get("seconds")),
        "phases_ms": phases,
        "cpus": cpus,
        "job_s": _whole_s(run.get("job_core_ms"), cpus),
        "good_job_s": _whole_s(run.get("good_core_ms"), cpus),
    }
    return {key: value for key, value in found.items() if value is not None}


def _whole_s(core_ms: Any, cpus: int | None) -> float | None:
    """Return seconds of all cores from milliseconds of one; None when that cannot be known."""
    value = _count(core_ms)
    return value / 1000 / cpus if value is not None and cpus else None


def together(facts: list[dict[str, Any]], codes: Mapping[int, int]) -> dict[str, Any]:
    """Return the facts of several glideins in one batch slot, from those of each that has some;
    ``codes`` are the exit codes of all that are known to have been there, by number.
    """
    facts = [one for one in facts if one]
    if not facts:
        return {}
    worst = {**max(facts, key=lambda one: int(one["code"]))}
    ended_worse = max(codes.values(), default=0)
    if ended_worse > worst["code"]:
        worst |= {"code": ended_worse, "cause": "", "detail": ""}
    launched = [one["launched"] for one in facts]
    complete = len(facts) >= len(codes)
    told: dict[str, Any] = {
        **worst,
        "launched": True if any(launched) else False if complete else None,
        "jobs": _sum_of("jobs", facts, complete),
        "total_s": max((one["total_s"] for one in facts if "total_s" in one), default=None),
        "name": " ".join(one["name"] for one in facts if "name" in one) or None,
    }
    for name in ("validation_s", "before_job_s", "condor_s", "job_s", "good_job_s"):
        # One that was never launched had no job, and no HTCondor.
        zero = {} if name in ("validation_s", "before_job_s") else {name: 0.0}
        filled = [one if one["launched"] else {**zero, **one} for one in facts]
        total = _sum_of(name, filled, complete)
        told[name] = None if total is None else total / len(facts)
    return {key: value for key, value in told.items() if value is not None}


def _sum_of(name: str, facts: list[dict[str, Any]], complete: bool) -> Any:
    known = [one[name] for one in facts if name in one]
    return sum(known) if complete and len(known) == len(facts) else None


_ONE_ENDED = re.compile(
    r"\S{10,40} INFO +\w+: glidein (\d{1,3}) of \d{1,3} ended: code=(\d{1,3})"
)


def _ends(err: str) -> dict[int, int]:
    """Return the exit codes of the glideins that shared a batch slot, by their number."""
    found = (
        _ONE_ENDED.fullmatch(line) for line in err.splitlines() if "ended: code=" in line
    )
    return {int(one[1]): int(one[2]) for one in found if one}


def _phases(told: Any) -> dict[str, int]:
    phases: dict[str, int] = {}
    for one in told if isinstance(told, list) else []:
        if not isinstance(one, dict):
            continue
        name, ms = one.get("name"), _count(one.get("ms"))
        if isinstance(name, str) and _PHASE.fullmatch(name) and ms is not None:
            phases[name] = ms
        if len(phases) == 20:
            break
    return phases


def _failed_check(told: Any) -> str:
    for one in told if isinstance(told, list) else []:
        if isinstance(one, dict) and one.get("status") == "fail":
            found, needed = _text(one.get("found")), _text(one.get("needed"))
            return f"{_text(one.get('name'))}: found {found}, needed {needed}"
    return ""


def _group(report: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    group = report.get(name)
    return group if isinstance(group, dict) else {}


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float):
        return ""
    text = str(value)[:_LONGEST]
    return "".join(character if character.isprintable() else "?" for character in text)


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**12:
        return None
    return value


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= _MOST_S else None


# --- the lines that the reference's log tools look for ---------------------------------------

_VALIDATED = re.compile(
    r"=== Last script starting .{0,80} after validating for (\d{1,9}) ==="
)
_STARTING = re.compile(r"=== Condor starting ")
_CONDOR = re.compile(r"=== Condor ended .{0,80} after (\d{1,9}) ===")
_ENDING = re.compile(r"=== Glidein ending .{0,80} with code (\d{1,3}) after (\d{1,9}) ===")
_CLAIMS = re.compile(r"Total number of activations/claims: (\d{1,9})")
_STATS = re.compile(r"=== +(End )?Stats of (\S{1,100}) +===")
_JOBS = re.compile(r"Total ?(\w{0,20}) jobs (\d{1,9})\b.{0,80} utilization (\d{1,9})")


def _from_lines(out: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    jobs = seconds = good_seconds = 0
    slot = ""
    stats_ended = False
    for line in out.splitlines():
        if not line.startswith(("=== ", "===\t", "Total")):
            continue
        if match := _VALIDATED.match(line):
            found["validation_s"] = float(match[1])
        elif _STARTING.match(line):
            found["launched"] = True
        elif match := _CONDOR.match(line):
            found["condor_s"] = float(match[1])
        elif match := _ENDING.match(line):
            found |= {"source": "lines", "code": int(match[1]), "total_s": float(match[2])}
            found.setdefault("launched", False)
        elif match := _CLAIMS.match(line):
            found["jobs"] = int(match[1])
        elif match := _STATS.match(line):
            stats_ended |= bool(match[1])
            slot = "" if match[1] else match[2]
        elif slot and (match := _JOBS.match(line)):
            if not match[1]:
                jobs, seconds = jobs + int(match[2]), seconds + int(match[3])
            elif match[1] == "goodZ":
                good_seconds += int(match[3])
    if stats_ended:
        found |= {"job_s": float(seconds), "good_job_s": float(good_seconds)}
        found.setdefault("jobs", jobs)
    return found


# --- the startd's history --------------------------------------------------------------------

_ATTRIBUTE = re.compile(
    r"(JobDuration|CpusProvisioned|ExitCode|ExitBySignal) = ([\w.+-]{1,30})"
)


def _from_history(err: str, jobs: int | None, cpus: int | None) -> dict[str, Any]:
    """Return the seconds of the jobs that the startd's history tells of; nothing unless of all."""
    if jobs == 0:
        return {"job_s": 0.0, "good_job_s": 0.0}
    try:
        output = read_output(err, only=HISTORY, limit=HISTORY_LIMIT)
    except FactoryError:
        return {}
    total = good = 0.0
    seen = 0
    ad: dict[str, str] = {}
    for line in output.logs.get(HISTORY, "").splitlines():
        if match := _ATTRIBUTE.fullmatch(line):
            ad[match[1]] = match[2]
        elif line.startswith("*** "):
            duration = _parsed(ad.get("JobDuration"))
            if duration is None:
                return {}
            part = _parsed(ad.get("CpusProvisioned"))
            whole = min(1.0, part / cpus) if part and cpus else 1.0
            seen += 1
            total += duration * whole
            if ad.get("ExitCode") == "0" and ad.get("ExitBySignal") == "false":
                good += duration * whole
            ad = {}
    if jobs is None or seen != jobs:
        return {}
    return {"job_s": total, "good_job_s": good}


def _parsed(text: str | None) -> float | None:
    try:
        return _seconds(float(text)) if text is not None else None
    except ValueError:
        return None


# --- files -----------------------------------------------------------------------------------


def _read(path: Path) -> tuple[str, str]:
    """Return the beginning and the end of a file, "" when it is not there; and what is wrong."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return "", ""
    except OSError as error:
        return "", f"{path.name}: {error.strerror}"
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            return "", f"{path.name}: not a file"
        content = os.pread(handle, HEAD + TAIL, 0)
        if about.st_size > HEAD + TAIL:
            content = content[:HEAD] + b"\n" + os.pread(handle, TAIL, about.st_size - TAIL)
        return content.decode(errors="replace"), ""
    except OSError as error:
        return "", f"{path.name}: {error.strerror}"
    finally:
        os.close(handle)
