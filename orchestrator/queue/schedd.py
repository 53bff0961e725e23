"""One schedd: look at our glideins in its queue, submit, remove and release them.

Every call is made in a child process with a time limit (:mod:`orchestrator.limited`): HTCondor's
library would wait for a schedd that hangs until that comes back. Reading is tried again, for that
is harmless; nothing else is: what an answer that was lost had said, only the queue can tell.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import classad2 as classad
import htcondor2 as htcondor
import tenacity

from orchestrator.errors import ScheddError, SubmitFailed, SubmitUncertain
from orchestrator.limited import limited
from orchestrator.queue.queue_states import ALIVE, state_of
from orchestrator.queue.queue_view import Glidein

log = logging.getLogger(__name__)

Result = TypeVar("Result")

SUBMISSION = "GlideinSubmission"  # the attribute by which a submission is found again
ATTRIBUTES = (
    *("ClusterId", "ProcId", "JobStatus", "GridJobStatus", "QDate", "EnteredCurrentStatus"),
    *("GlideinEntryName", "GlideinClient", "GlideinFrontendName"),
    *("GlideinCredentialIdentifier", SUBMISSION),
    *("HoldReasonCode", "HoldReasonSubCode", "HoldReason", "NumSystemHolds"),
)
_ATTEMPTS = 2  # of a query; the second one looks where the schedd is now
_REASON_LIMIT = 500  # characters of a hold's reason
# How HTCondor begins to say that a submission never came to its commit.
_BEFORE_COMMIT = (
    *(
        "Failed to connect to schedd",
        "Failed to create new cluster",
        "Failed to create job",
    ),
    *("Failed to create a cluster", "expected next ProcId", "Failed to send Cluster Ad"),
)


class Queued(NamedTuple):
    """A glidein in the queue, with its entry, its submission, and whether it is held or such."""

    glidein: Glidein
    entry: str
    submission: str


@dataclass(frozen=True)
class Ours:
    """Which glideins of a queue are ours: the factory's, all or those of one ``entry``.

    ``part`` (I, N) is for a process that has no room for all at once: the I-th of N parts, I
    from 0 on.
    """

    factory: str
    glidein: str
    entry: str | None = None
    part: tuple[int, int] = (0, 1)


@dataclass(frozen=True)
class _Place:
    """Where a schedd was found: what the library needs to speak to it."""

    address: str
    version: str


class Schedd:
    """The schedd ``name``, found through one of ``collectors`` (none: HTCondor's configuration).

    Each call ends after ``limit_s`` at the latest.
    """

    def __init__(
        self, name: str, collectors: Sequence[str] = (), limit_s: float = 60
    ) -> None:
        self.name = name
        self._collectors = tuple(collectors)
        self._limit_s = limit_s
        self._place: _Place | None = None

    def query(self, ours: Ours) -> list[Queued]:
        """Return those of our glideins that are in the queue.

        Raises:
            ScheddError: the schedd was not found or did not answer, twice.
        """

        def ask() -> list[Queued]:
            # All of this in the child: what the library allocates goes with it.
            constraint = _constraint(ours.factory, ours.glidein, ours.entry)
            number, parts = ours.part
            if parts > 1:
                constraint += f" && ClusterId % {parts} == {number}"
            ads = self._reading(lambda: self._schedd().query(constraint, list(ATTRIBUTES)))
            return [one for one in map(_queued, ads) if one is not None]

        return self._ask("queue", ask)

    def here(self) -> "Schedd":
        """Return the same schedd for a process that has a time limit already, and is short."""
        return _Here(self.name, self._collectors, self._limit_s)

    def submit(self, description: Mapping[str, str], count: int) -> int:
        """Queue ``count`` jobs, all or none, and return their cluster.

        Never tried again, and neither should the caller: see :mod:`orchestrator.queue.submission`.

        Raises:
            SubmitFailed: nothing was queued.
            SubmitUncertain: the answer was lost.
        """

        def ask() -> int:
            try:
                schedd = self._schedd()
                jobs = htcondor.Submit(dict(description))
            except Exception as error:
                raise SubmitFailed(_words(error)) from error
            cluster: int = schedd.submit(jobs, count=count).cluster()
            return cluster

        try:
            return self._ask("submit", ask)
        except ScheddError as error:
            cause = error.__cause__
            certain = isinstance(cause, SubmitFailed) or _words(cause).startswith(
                _BEFORE_COMMIT
            )
            kind = SubmitFailed if certain else SubmitUncertain
            raise kind(str(error)) from cause

    def remove(self, ids: Sequence[str], reason: str, *, force: bool = False) -> int:
        """Remove glideins (CLUSTER.PROCESS) and return how many; with ``force`` out of the queue
        even when the site does not answer.

        Raises:
            ScheddError: the schedd did not answer; some may be removed.
        """
        removed = self._act("remove", htcondor.JobAction.Remove, ids, reason)
        if force:  # which is only heard of jobs that wait for the site to let them go
            self._act("remove", htcondor.JobAction.RemoveX, ids, reason)
        return removed

    def release(self, ids: Sequence[str], reason: str) -> int:
        """Release held glideins and return how many.

        Raises:
            ScheddError: the schedd did not answer; some may be released.
        """
        return self._act("release", htcondor.JobAction.Release, ids, reason)

    def hold(self, ids: Sequence[str], reason: str) -> int:
        """Hold glideins and return how many.

        Raises:
            ScheddError: the schedd did not answer; some may be held.
        """
        return self._act("hold", htcondor.JobAction.Hold, ids, reason)

    def ads(
        self, factory: str, glidein: str, entry: str, attributes: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Return some attributes of an entry's glideins in the queue, as plain values.

        Raises:
            ScheddError: the schedd was not found or did not answer, twice.
        """

        def ask() -> list[dict[str, Any]]:
            constraint = _constraint(factory, glidein, entry)
            ads = self._reading(lambda: self._schedd().query(constraint, list(attributes)))
            return [
                {name: ad[name] for name in attributes if _plain(ad, name)} for ad in ads
            ]

        return self._ask("queue", ask)

    def _act(self, verb: str, action: Any, ids: Sequence[str], reason: str) -> int:
        if not ids:
            return 0
        # A reason that is no pair is ignored by the library, one with quotes by the schedd.
        said = " ".join(reason.replace('"', "'").replace("\\", "/").split())

        def ask() -> int:
            result = self._schedd().act(action, list(ids), (said, 0))
            return int(result["TotalSuccess"])

        return self._ask(verb, ask)

    def _ask(self, what: str, ask: Callable[[], Result]) -> Result:
        """Return what ``ask`` returns in a child process; keep where the schedd was found.

        Raises:
            ScheddError: it failed; its cause says how.
        """

        def place_and_answer() -> tuple[_Place | None, Result]:
            answer = ask()
            return self._place, answer

        try:
            self._place, answer = self._call(place_and_answer)
            return answer
        except Exception as error:
            self._place = None  # it may have another address when it comes back
            raise ScheddError(f"{self.name}: {what}: {_words(error)}") from error

    def _call(self, call: Callable[[], Result]) -> Result:
        return limited(call, self._limit_s)

    def _reading(self, read: Callable[[], Result]) -> Result:
        """Read, and try again where that may help; to be called in a child process."""

        def look_anew(_: object) -> None:
            self._place = None

        attempts = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_ATTEMPTS)
            | tenacity.stop_after_delay(self._limit_s / 2),
            wait=tenacity.wait_fixed(0.5),  # seconds
            before_sleep=look_anew,
            reraise=True,
        )
        answer: Result = attempts(read)
        return answer

    def _schedd(self) -> Any:
        """Return the library's schedd; to be called in a child process."""
        self._place = place = self._place or self._locate()
        location = {"MyAddress": place.address, "CondorVersion": place.version}
        return htcondor.Schedd(classad.ClassAd(location))

    def _locate(self) -> _Place:
        """Find the schedd's address.

        Raises:
            ScheddError: no collector knows it.
        """
        problems = []
        for collector in self._collectors or ("",):
            try:
                found = _find(collector, self.name)
            except htcondor.HTCondorException as error:
                problems.append(f"{collector or 'collector'}: {_words(error)}")
                continue
            if found is not None:
                return found
            problems.append(f"{collector or 'collector'}: does not know it")
        raise ScheddError(f"not found: {'; '.join(problems)}")


class _Here(Schedd):
    """One that is asked in this very process."""

    def _call(self, call: Callable[[], Result]) -> Result:
        return call()


def _find(collector: str, name: str) -> _Place | None:
    pool = htcondor.Collector(collector) if collector else htcondor.Collector()
    ad = pool.locate(htcondor.DaemonType.Schedd, name)
    return None if ad is None else _Place(str(ad["MyAddress"]), str(ad["CondorVersion"]))


def _constraint(factory: str, glidein: str, entry: str | None) -> str:
    """Return what tells the glideins that are in the queue from all else there."""
    wanted = {"GlideinFactory": factory, "GlideinName": glidein}
    if entry is not None:
        wanted["GlideinEntryName"] = entry
    terms = [f"{name} =?= {classad.quote(value)}" for name, value in wanted.items()]
    alive = " || ".join(f"JobStatus =?= {status}" for status in ALIVE)
    return " && ".join([*terms, f"({alive})"])


def _words(error: BaseException | None) -> str:
    """What an exception of the library says, without the addresses of its own sockets."""
    return " ".join(str(error).split()) or type(error).__name__


def _queued(ad: Mapping[str, Any]) -> Queued | None:
    """Read an ad of the queue; None if it is not (or no longer) a glidein of ours."""
    state = state_of(_number(ad, "JobStatus"), _text(ad, "GridJobStatus") or None)
    if state is None:
        return None
    glidein = Glidein(
        cluster=_number(ad, "ClusterId"),
        process=_number(ad, "ProcId"),
        state=state,
        client=_text(ad, "GlideinClient"),
        share=_text(ad, "GlideinFrontendName"),
        credential=_text(ad, "GlideinCredentialIdentifier"),
        queued=_number(ad, "QDate"),
        since=_number(ad, "EnteredCurrentStatus") or _number(ad, "QDate"),
        hold_code=_number(ad, "HoldReasonCode"),
        hold_subcode=_number(ad, "HoldReasonSubCode"),
        hold_reason=_text(ad, "HoldReason")[:_REASON_LIMIT],
        holds=_number(ad, "NumSystemHolds"),
    )
    return Queued(glidein, _text(ad, "GlideinEntryName"), _text(ad, SUBMISSION))


def _plain(ad: Mapping[str, Any], name: str) -> bool:
    return isinstance(ad.get(name), str | int | float)


def _number(ad: Mapping[str, Any], name: str) -> int:
    value = ad.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _text(ad: Mapping[str, Any], name: str) -> str:
    value = ad.get(name)
    return value if isinstance(value, str) else ""
