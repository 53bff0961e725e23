"""Ask collectors for ads, and tell them ours: within time limits, over authenticated sessions.

Sessions belong to the process and are inherited by those it forks.
"""

import contextlib
import json
import logging
import os
import select
import signal
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NoReturn

import classad2 as classad
import htcondor2 as htcondor
import tenacity

from orchestrator.errors import CollectorError
from orchestrator.protocol.ads import Ad, Kind, Withdrawal

log = logging.getLogger(__name__)

QUERY_S = 20  # seconds a query may take; advertising has HTCondor's own limit, 20 s
PATIENCE_S = 30  # seconds after which a query is not tried again

_EXPRESSION = "/Expr("  # how ClassAds in JSON begin what is no literal


class Collector:
    """The collectors of one pool; without ``addresses``, the one of HTCondor's configuration.

    Ads go to all of them, a query to the first that answers. ``token`` is an IDTOKEN to be
    known by; without one, HTCondor's configuration says how we authenticate.
    """

    def __init__(
        self,
        addresses: str | Sequence[str] = (),
        *,
        token: str = "",
        query_s: int = QUERY_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        if isinstance(addresses, str):
            addresses = [addresses]
        self.addresses = tuple(addresses) or (htcondor.param.get("COLLECTOR_HOST", ""),)
        self._patience_s = patience_s
        self._settings = {
            "QUERY_TIMEOUT": str(query_s),
            "SEC_CLIENT_INTEGRITY": "REQUIRED",
        }
        if token:
            self._settings["SEC_CLIENT_AUTHENTICATION_METHODS"] = "IDTOKENS"
        security = htcondor.SecurityContext(token.strip()) if token else None
        self._collectors: dict[str, htcondor.Collector] = {}
        for address in self.addresses:
            try:
                self._collectors[address] = htcondor.Collector(address, security)
            except (htcondor.HTCondorException, ValueError) as error:
                raise CollectorError(f"collector {address!r}: {error}") from error

    def __str__(self) -> str:
        return ", ".join(self.addresses)

    def advertise(self, ads: Iterable[Mapping[str, Any]], kind: Kind) -> None:
        """Tell all ads, of one kind, in one go.

        Raises:
            CollectorError: no collector took them.
        """
        told = [{"MyAddress": self._my_address(), **ad} for ad in ads]
        if told:
            self._tell([classad.ClassAd(ad) for ad in told], kind.update)

    def withdraw(self, withdrawals: Iterable[Withdrawal]) -> None:
        """Withdraw ads, all that can be; harmless to repeat.

        Raises:
            CollectorError: no collector took one of the withdrawals.
        """
        failed: list[CollectorError] = []
        for one in withdrawals:
            ad = classad.ClassAd(
                {
                    "MyType": "Query",
                    "TargetType": one.kind.my_type,
                    "Requirements": classad.ExprTree(
                        f"({one.requirements}) && GlideinMyType =?= {classad.quote(one.kind.my_type)}"
                    ),
                }
            )
            try:
                self._tell([ad], one.kind.invalidate)
            except CollectorError as error:
                failed.append(error)
        if failed:
            raise failed[0]

    def ads(self, *kinds: Kind, constraint: str = "true") -> list[Ad]:
        """Return the ads of some kinds for which ``constraint`` is true.

        Only literal values, unevaluated: what others advertise is never computed here. An ad
        that cannot be read at all is left out, and logged.

        Raises:
            CollectorError: no collector answered within the time limits.
        """
        return [
            ad for ad in map(literals, self._patiently(*_question(kinds, constraint))) if ad
        ]

    def ads_apart(
        self, *kinds: Kind, constraint: str = "true", limit_s: float = 120
    ) -> Iterator[Ad]:
        """Return the same one by one, for questions with ten thousand ads for an answer.

        A process of its own asks: its 200 MB go with it, and so does a connection that hangs.

        Raises:
            CollectorError: no collector answered within the time limits.
        """
        source, target = os.pipe()
        deadline = time.monotonic() + limit_s
        pid = os.fork()
        if pid == 0:
            os.close(source)
            self._answer(target, *_question(kinds, constraint))
        os.close(target)
        try:
            yield from _Pipe(source, deadline, str(self)).ads()
        finally:
            os.close(source)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _answer(self, target: int, table: htcondor.AdType, constraint: str) -> NoReturn:
        """In the other process: write what a query brings into a pipe, and end."""
        try:
            with os.fdopen(target, "wb") as pipe:
                try:
                    ads = self._patiently(table, constraint)
                except CollectorError as error:
                    _write(pipe, _FAILED, str(error).encode(errors="replace"))
                else:
                    while ads:
                        _write(pipe, _AD, _json(ads.pop()).encode())
                    _write(pipe, _END, b"")
        finally:
            os._exit(0)  # none of the other process's clean-up is ours

    def _patiently(self, table: htcondor.AdType, constraint: str) -> list[classad.ClassAd]:
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(CollectorError),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=5),  # seconds
            stop=tenacity.stop_after_delay(self._patience_s),
            before_sleep=tenacity.before_sleep_log(log, logging.WARNING),
            reraise=True,
        )
        return attempts(self._query, table, constraint)

    def _query(self, table: htcondor.AdType, constraint: str) -> list[classad.ClassAd]:
        problems = []
        for address, collector in self._collectors.items():
            try:
                with _configured(self._settings):
                    ads: list[classad.ClassAd] = collector.query(table, constraint)
                return ads
            except (htcondor.HTCondorException, OSError) as error:
                problems.append(f"{address}: {error}")
        raise CollectorError(f"no answer from a collector: {'; '.join(problems)}")

    def _tell(self, ads: list[classad.ClassAd], command: str) -> None:
        problems = []
        for address, collector in self._collectors.items():
            try:
                with _configured(self._settings):
                    collector.advertise(ads, command)
            except (htcondor.HTCondorException, OSError) as error:
                problems.append(f"{address}: {command}: {error}")
        if len(problems) == len(self._collectors):
            raise CollectorError(f"no collector took our ads: {'; '.join(problems)}")
        for problem in problems:
            log.warning("collector %s", problem)

    def _my_address(self) -> str:
        """Return what condor_advertise would say; a collector keys license ads by it."""
        host = self.addresses[0].strip("<>").split("?")[0].rpartition(":")[0]
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.connect((host, 9618))  # sends nothing
                return f"<{probe.getsockname()[0]}:0>"
        except OSError:
            return "<127.0.0.1:0>"


@contextlib.contextmanager
def _configured(settings: Mapping[str, str]) -> Iterator[None]:
    """Let HTCondor's configuration, which is the whole process's, say something else meanwhile."""
    before = {name: htcondor.param.get(name) for name in settings}
    for name, value in settings.items():
        htcondor.param[name] = value
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                del htcondor.param[name]
            else:
                htcondor.param[name] = str(old)


def _question(kinds: Sequence[Kind], constraint: str) -> tuple[htcondor.AdType, str]:
    """Return the table to ask for, and the constraint with the kinds in it."""
    of_kind = " || ".join(
        f"GlideinMyType =?= {classad.quote(kind.my_type)}" for kind in kinds
    )
    # Ads of Frontends are among those of masters. Generic ads have a table for each MyType,
    # which only a query for any type looks into.
    masters = all(kind.update == "UPDATE_MASTER_AD" for kind in kinds)
    table = htcondor.AdType.Master if masters else htcondor.AdType.Any
    return table, f"({of_kind}) && ({constraint})"


def _json(ad: classad.ClassAd) -> str:
    """Return an ad as JSON, "" if it cannot be written so."""
    try:
        text: str = ad.printJson()
        return text
    except (UnicodeError, classad.ClassAdException) as error:
        log.warning("an ad cannot be read: %s", error)
        return ""


def literals(ad: classad.ClassAd) -> Ad:
    """Return the literal strings, numbers and booleans of an ad, by name; {} if unreadable.

    Expressions are left out and not evaluated: forty of them can double a string to a terabyte.
    """
    return _literals(_json(ad))


def _literals(text: str | bytes) -> Ad:
    if not text:
        return {}
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        log.warning("an ad cannot be read: %s", error)
        return {}
    return {
        name: value
        for name, value in told.items()
        if isinstance(value, bool | int | float)
        or (isinstance(value, str) and not value.startswith(_EXPRESSION))
    }


_AD, _END, _FAILED = b"A", b"E", b"F"  # what follows in the pipe; then its length


def _write(pipe: BinaryIO, kind: bytes, data: bytes) -> None:
    pipe.write(kind + len(data).to_bytes(8, "big") + data)


class _Pipe:
    """Where the other process writes; reading it ends at ``deadline`` (monotonic seconds)."""

    def __init__(self, handle: int, deadline: float, who: str) -> None:
        self._handle = handle
        self._deadline = deadline
        self._who = who
        self._chunk = b""
        self._at = 0

    def ads(self) -> Iterator[Ad]:
        while True:
            head = self._take(9)
            data = self._take(int.from_bytes(head[1:], "big"))
            if head[:1] == _END:
                return
            if head[:1] == _FAILED:
                raise CollectorError(data.decode(errors="replace"))
            ad = _literals(data)
            if ad:
                yield ad

    def _take(self, size: int) -> bytes:
        while len(self._chunk) - self._at < size:
            left_s = self._deadline - time.monotonic()
            if left_s <= 0 or not select.select([self._handle], [], [], left_s)[0]:
                raise CollectorError(f"collector {self._who}: no answer in time")
            more = os.read(self._handle, 256 * 1024)
            if not more:
                raise CollectorError(f"collector {self._who}: its answer was cut off")
            self._chunk = self._chunk[self._at :] + more
            self._at = 0
        taken = self._chunk[self._at : self._at + size]
        self._at += size
        return taken
