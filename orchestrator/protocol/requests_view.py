"""The requests view: what Frontends ask of each entry, taken for all, left where entries find it.

``views/requests.json`` says when the view was taken, ``views/requests/ENTRY.json`` what it has
for an entry; the latter is written only when that changed. No secrets are in them. An entry for
which the view is too old asks the collector itself: :func:`take_own`.
"""

import dataclasses
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import classad2 as classad

from orchestrator import disk
from orchestrator.arguments import ClientWeb
from orchestrator.deciding.request import (
    Credentials,
    Refusal,
    Removal,
    Request,
    RequestsView,
)
from orchestrator.protocol.ads import Kind
from orchestrator.protocol.collector import Collector
from orchestrator.protocol.reader import Ad, Reader, printable, refusal

log = logging.getLogger(__name__)

STAMP = "requests.json"
FOLDER = "requests"
FORMAT = 1
REFUSALS = 100  # kept of one entry, and of all ads that are of no entry
HEARD = 1000  # clients


@dataclass
class Taken:
    """What one look at the collector brought: by entry, and refusals that are of none."""

    taken: float  # epoch seconds
    views: dict[str, RequestsView] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    heard: dict[str, int] = field(default_factory=dict)


def take(
    collector: Collector, reader: Reader, clock: Callable[[], float] = time.time
) -> Taken:
    """Ask the collector for the requests of all entries at once, and store what they bring.

    Raises:
        CollectorError: no collector answered; what was taken before is the last that is known.
    """
    taken = clock()  # what arrives while we read belongs to the next view
    return sort_out(
        collector.ads(Kind.REQUEST_GLOBAL, constraint=_global_for(reader.name)),
        collector.ads_apart(Kind.REQUEST, constraint=_request_for(reader.name)),
        reader,
        taken,
    )


def take_own(
    collector: Collector,
    reader: Reader,
    entry: str,
    clock: Callable[[], float] = time.time,
) -> RequestsView:
    """Ask the collector for the requests of one entry.

    Raises:
        CollectorError: no collector answered.
    """
    taken = clock()
    name = classad.quote(f"{entry}@{reader.name}")
    found = sort_out(
        collector.ads(Kind.REQUEST_GLOBAL, constraint=_global_for(reader.name)),
        collector.ads(Kind.REQUEST, constraint=f"ReqGlidein =?= {name}"),
        reader,
        taken,
    )
    return found.views.get(entry, RequestsView(taken))


# By the end of a name, or its beginning: a list of all entries, as the reference has it in its
# constraint, would be searched once for each ad.


def _request_for(factory: str) -> str:
    end = f"@{factory}"
    return f"substr(ReqGlidein, -{len(end)}) =?= {classad.quote(end)}"


def _global_for(factory: str) -> str:
    start = f"{factory}@"
    return f"substr(Name, 0, {len(start)}) =?= {classad.quote(start)}"


def sort_out(
    global_ads: Iterable[Ad], request_ads: Iterable[Ad], reader: Reader, taken: float
) -> Taken:
    """Read ads, global ones first: requests name the files that those bring."""
    requests: dict[str, list[Request]] = {}
    refusals: dict[str, list[Refusal]] = {}
    heard: dict[str, int] = {}

    def refuse(refused: Refusal) -> None:
        entry = refused.entry if refused.entry in reader.terms else ""
        found = refusals.setdefault(entry, [])
        if len(found) < REFUSALS:
            found.append(refused)

    try:
        for ad in global_ads:
            for refused in _keep(reader, ad):
                refuse(refused)
        for ad in request_ads:
            outcome = reader.read(ad)
            if isinstance(outcome, Refusal):
                refuse(outcome)
                continue
            requests.setdefault(outcome.entry, []).append(outcome)
            when = ad.get("LastHeardFrom")
            if isinstance(when, int) and (outcome.client in heard or len(heard) < HEARD):
                heard[outcome.client] = max(when, heard.get(outcome.client, 0))
    finally:
        reader.forget()
    views = {}
    for entry in {*requests, *refusals} - {""}:
        mine = sorted(requests.get(entry, ()), key=lambda one: one.name)
        views[entry] = RequestsView(
            taken,
            tuple(mine),
            tuple(sorted(refusals.get(entry, ()), key=lambda one: (one.name, one.reason))),
            heard={one.client: heard[one.client] for one in mine if one.client in heard},
        )
    return Taken(taken, views, tuple(refusals.get("", ())), heard)


def _keep(reader: Reader, ad: Ad) -> Iterator[Refusal]:
    """Store the files of a global ad; what is wrong with it, or with one of them, is returned."""
    found = reader.read_global(ad)
    if isinstance(found, Refusal):
        yield found
        return
    for problem in found.problems:
        yield refusal(ad, problem)
    for ident, (user, data) in found.files.items():
        try:
            reader.store.keep_global(user, found.frontend, found.client, ident, data)
        except OSError as error:
            yield refusal(ad, f"{ident}: cannot be kept: {error.strerror}")


class Writer:
    """Writes the files of a view below ``views/``; it remembers what they hold."""

    def __init__(self, work: Path) -> None:
        self._folder = work / "views"
        self._written: dict[str, bytes] = {}  # entry -> digest of what its file holds

    def write(self, taken: Taken) -> int:
        """Write what changed, then the stamp; return how many entries changed.

        Raises:
            OSError: something cannot be written; the stamp then says the older time.
        """
        folder = self._folder / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = {path.stem for path in folder.glob("*.json")}
        changed = 0
        for entry, view in taken.views.items():
            text = _dump_view(view)
            digest = hashlib.sha256(text).digest()
            path = folder / f"{entry}.json"
            if entry not in self._written and entry in there:
                self._written[entry] = hashlib.sha256(path.read_bytes()).digest()
            if entry not in there or self._written.get(entry) != digest:
                _put(path, text)
                self._written[entry] = digest
                changed += 1
        for entry in there - taken.views.keys():
            (folder / f"{entry}.json").unlink(missing_ok=True)
            self._written.pop(entry, None)
            changed += 1
        refused = [dataclasses.asdict(one) for one in taken.refusals]
        self._stamp(taken.taken, "", taken.heard, refused)
        return changed

    def problem(self, text: str) -> None:
        """Write that the collector could not be asked; what was taken before stays."""
        stamp = _read_stamp(self._folder.parent)
        told = printable(text, 1000)
        self._stamp(stamp.taken, told, stamp.heard, stamp.refusals)

    def _stamp(
        self, taken: float, problem: str, heard: dict[str, int], refusals: list[Any]
    ) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = {
            "format": FORMAT,
            "taken": taken,
            "problem": problem,
            "heard": heard,
            "refusals": refusals,
        }
        _put(self._folder / STAMP, json.dumps(told).encode())


@dataclass
class _Stamp:
    taken: float = 0
    problem: str = ""
    heard: dict[str, int] = field(default_factory=dict)
    refusals: list[Any] = field(default_factory=list)


class View:
    """The requests of one entry, as the view has them; a file that did not change is not read."""

    def __init__(self, work: Path, entry: str) -> None:
        self._work = work
        self._path = work / "views" / FOLDER / f"{entry}.json"
        self._seen: tuple[int, int, int] | None = None
        self._known: tuple[tuple[Request, ...], tuple[Refusal, ...]] = ((), ())

    def read(self) -> RequestsView:
        """Return the view; what is missing or damaged is a problem of the view, never raised."""
        stamp = _read_stamp(self._work)
        if stamp.taken == 0:
            return RequestsView(0, problem=stamp.problem or "no view was taken yet")
        try:
            requests, refusals = self._load()
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            self._seen = None
            return RequestsView(0, problem=f"{self._path}: damaged: {error!r:.200}")
        heard = {
            one.client: stamp.heard[one.client]
            for one in requests
            if one.client in stamp.heard
        }
        return RequestsView(stamp.taken, requests, refusals, stamp.problem, heard)

    def _load(self) -> tuple[tuple[Request, ...], tuple[Refusal, ...]]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._seen, self._known = None, ((), ())
            return self._known
        seen = (found.st_mtime_ns, found.st_size, found.st_ino)
        if seen != self._seen:
            self._known = _load_view(self._path.read_bytes())
            self._seen = seen
        return self._known


def read(work: Path, entry: str) -> RequestsView:
    """Return the view of one entry; see :class:`View`, which is for those who read often."""
    return View(work, entry).read()


def read_refusals(work: Path) -> list[Refusal]:
    """Return refusals that are of no entry: global ads, and requests for what is no entry."""
    try:
        return [_refusal(one) for one in _read_stamp(work).refusals]
    except (ValueError, KeyError, TypeError):
        return []


def _read_stamp(work: Path) -> _Stamp:
    path = work / "views" / STAMP
    try:
        told = json.loads(path.read_bytes())
        if told["format"] != FORMAT:
            raise ValueError("of another version")
        taken, heard, refusals = told["taken"], told["heard"], told["refusals"]
        if isinstance(taken, bool) or not isinstance(taken, int | float) or not taken >= 0:
            raise ValueError(f"taken at {taken!r:.40}")
        if not isinstance(refusals, list):
            raise TypeError("refusals are no list")
        return _Stamp(taken, _str(told["problem"]), _numbers(heard), refusals)
    except FileNotFoundError:
        return _Stamp()
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return _Stamp(problem=f"{path}: damaged: {error!r:.200}")


def _put(path: Path, text: bytes) -> None:
    """Replace a file as a whole; not brought to the disk, since the collector has it anyway."""
    part = path.with_name(disk.PART + path.name)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(text)
    part.replace(path)


# The file of an entry. Written out by hand: dataclasses.asdict takes ten times as long.


def _dump_view(view: RequestsView) -> bytes:
    return json.dumps(
        {
            "format": FORMAT,
            "requests": [_dump_request(one) for one in view.requests],
            "refusals": [vars(one) for one in view.refusals],
        }
    ).encode()


def _dump_request(request: Request) -> dict[str, Any]:
    return {
        **vars(request),
        "web": vars(request.web),
        "credentials": vars(request.credentials),
    }


def _load_view(text: bytes) -> tuple[tuple[Request, ...], tuple[Refusal, ...]]:
    told = json.loads(text)
    if told["format"] != FORMAT:
        raise ValueError("of another version")
    return (
        tuple(_request(one) for one in told["requests"]),
        tuple(_refusal(one) for one in told["refusals"]),
    )


def _request(told: dict[str, Any]) -> Request:
    credentials = dict(told["credentials"])
    return Request(
        **_strings(told, "name", "entry", "client", "frontend", "security_class"),
        **_strings(told, "identity", "barred", "user"),
        idle=_int(told["idle"]),
        max_glideins=_int(told["max_glideins"]),
        removal=Removal(told["removal"]),
        margin=_int(told["margin"]),
        idle_lifetime_s=_int(told["idle_lifetime_s"]),
        parameters=_texts(told["parameters"]),
        web=ClientWeb(**_texts(told["web"])),
        credentials=Credentials(
            identifier=_str(credentials["identifier"]),
            files=_texts(credentials["files"]),
            values=_texts(credentials["values"]),
            digest=_str(credentials["digest"]),
            expires=None
            if credentials["expires"] is None
            else _int(credentials["expires"]),
        ),
        monitor=_numbers(told["monitor"]),
    )


def _refusal(told: dict[str, Any]) -> Refusal:
    return Refusal(**_strings(told, "name", "entry", "client", "identity", "reason"))


def _strings(told: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: _str(told[name]) for name in names}


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"not a text: {value!r:.40}")
    return value


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"not a count: {value!r:.40}")
    return value


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"not a table: {value!r:.40}")
    return value


def _texts(value: Any) -> dict[str, str]:
    return {_str(name): _str(text) for name, text in _dict(value).items()}


def _numbers(value: Any) -> dict[str, int]:
    found = _dict(value)
    for name, number in found.items():
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"{name}: not a number: {number!r:.40}")
    return found
