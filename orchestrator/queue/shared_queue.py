"""One full look at the queue for all entries, left in files: ``views/queue`` in the work tree.

``ENTRY.json`` has the glideins of an entry, and is written only when they changed. ``stamp.json``
is written last, at every look, by schedd::

    {"format": 1, "schedds": {NAME: {"begun": monotonic, "boot": ID, "taken": epoch,
                                     "tried": monotonic, "problem": "",
                                     "glideins": N, "others": {ENTRY: N}}}}

``begun`` is when the last look that succeeded began, ``tried`` when the last one did, by the
clock that is never set back; ``problem`` says why that failed, if it did. ``glideins`` is how
many there were; ``others`` are those of entries that are no more.
The files hold no secrets.
"""

import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from orchestrator.errors import ScheddError
from orchestrator.limited import NoAnswer, limited
from orchestrator.queue.queue_view import Glidein, State
from orchestrator.queue.schedd import Ours, Queued, Schedd

log = logging.getLogger(__name__)

FORMAT = 1
STAMP = "stamp.json"
_PART = 20_000  # glideins that are asked for at once
_FIELDS = tuple(field.name for field in fields(Glidein))
_text = json.JSONEncoder(separators=(",", ":")).encode
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Looks(Protocol):
    """Whoever can look at a whole queue: a :class:`orchestrator.queue.schedd.Schedd`."""

    def query(self, ours: Ours) -> list[Queued]: ...


@dataclass(frozen=True)
class Look:
    """The last shared look at one schedd that succeeded (0: none), and the last one of all.

    ``problem`` says why the last one, begun at ``tried``, failed; "" when it did not.
    """

    begun: float  # monotonic, as tried
    tried: float
    taken: float  # epoch
    problem: str = ""


class SharedQueue:
    """The files, for the entry that reads them; a look at nothing new costs one ``stat``."""

    def __init__(self, work: Path, schedd: str, entry: str) -> None:
        folder = queue_folder(work)
        self._stamp, self._file = folder / STAMP, folder / f"{entry}.json"
        self._schedd = schedd
        self._known: tuple[int, int] = (0, 0)
        self._look: Look | None = None

    def look(self) -> Look | None:
        """Return the last shared look at the schedd; None when there was none since boot."""
        try:
            about = self._stamp.stat()
        except OSError:
            return None
        if (about.st_ino, about.st_mtime_ns) != self._known:
            self._known = (about.st_ino, about.st_mtime_ns)
            self._look = self._read_stamp()
        return self._look

    def glideins(self) -> list[Queued] | None:
        """Return what the last look saw of the entry, or None when that cannot be read.

        It may already be what a newer look saw.
        """
        try:
            said = json.loads(self._file.read_bytes())
            if said["format"] != FORMAT or said["schedd"] != self._schedd:
                return None
            return [_queued(row, submission) for *row, submission in said["glideins"]]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s: cannot be read: %r", self._file, error)
            return None

    def _read_stamp(self) -> Look | None:
        said = _stamp(self._stamp).get(self._schedd)
        if said is None or said["boot"] != boot_id():
            return None
        return Look(said["begun"], said["tried"], said["taken"], said["problem"])


def queue_folder(work: Path) -> Path:
    """Return where the files are."""
    return work / "views" / "queue"


def boot_id() -> str:
    """Return what tells this start of the machine from others."""
    return _BOOT.read_text().strip()


def take(
    work: Path,
    schedds: Mapping[str, Schedd],
    factory: str,
    glidein: str,
    entries: Mapping[str, str],
    limit_s: float = 180,
) -> dict[str, str]:
    """Look at all queues and leave what is there to the entries; return what failed, by schedd.

    ``schedds`` by name; ``entries`` are the names of the entries, each with its schedd's name.
    The memory for it is needed only meanwhile, in a child process.

    Raises:
        OSError: the files cannot be written.
    """
    here = {name: schedd.here() for name, schedd in schedds.items()}
    try:
        return limited(lambda: _take(work, here, factory, glidein, entries), limit_s)
    except NoAnswer as error:
        return dict.fromkeys(schedds, str(error))


def _take(
    work: Path,
    schedds: Mapping[str, Looks],
    factory: str,
    glidein: str,
    entries: Mapping[str, str],
) -> dict[str, str]:
    folder = queue_folder(work)
    folder.mkdir(parents=True, exist_ok=True)
    stamp = _stamp(folder / STAMP)
    boot = boot_id()
    problems: dict[str, str] = {}
    for name, schedd in schedds.items():
        begun, taken = time.monotonic(), time.time()
        before = stamp.get(name, {})
        mine = {entry for entry, at in entries.items() if at == name}
        parts = 1 + int(before.get("glideins", 0)) // _PART
        try:
            found = _Found(mine)
            for number in range(parts):
                found.add(schedd.query(Ours(factory, glidein, part=(number, parts))))
        except ScheddError as error:
            problems[name] = str(error)
            if before.get("boot") != boot:
                before = {"begun": 0.0, "boot": boot, "taken": 0.0, "others": {}}
            stamp[name] = {**before, "tried": begun, "problem": str(error)}
            continue
        found.write(folder, name)
        stamp[name] = {
            "begun": begun,
            "boot": boot,
            "taken": taken,
            "tried": begun,
            "problem": "",
            "glideins": found.count,
            "others": found.others,
        }
    for path in folder.glob("*.json"):
        if path.name != STAMP and path.stem not in entries:
            path.unlink(missing_ok=True)
    kept = {name: said for name, said in stamp.items() if name in schedds}
    _put(folder / STAMP, json.dumps({"format": FORMAT, "schedds": kept}).encode())
    return problems


class _Found:
    """What was found, by entry, as text: a tenth of the memory of what it says."""

    def __init__(self, entries: Iterable[str]) -> None:
        self.rows: dict[str, list[tuple[int, int, str]]] = {name: [] for name in entries}
        self.others: dict[str, int] = {}
        self.count = 0

    def add(self, found: Iterable[Queued]) -> None:
        """Take in a part."""
        for one, entry, submission in found:
            self.count += 1
            if entry in self.rows:
                said = [getattr(one, name) for name in _FIELDS]
                self.rows[entry].append(
                    (one.cluster, one.process, _text([*said, submission]))
                )
            else:
                self.others[entry] = self.others.get(entry, 0) + 1

    def write(self, folder: Path, schedd: str) -> None:
        """Write what changed of each entry."""
        for entry, rows in self.rows.items():
            listed = ",".join(text for _, _, text in sorted(rows))
            head = _text({"format": FORMAT, "schedd": schedd})
            text = f'{head[:-1]},"glideins":[{listed}]}}'.encode()
            path = folder / f"{entry}.json"
            if not path.exists() or path.read_bytes() != text:
                _put(path, text)


def _put(path: Path, text: bytes) -> None:
    """Replace a file as a whole; the next look makes it again, so the disk need not have it."""
    part = path.with_name(f".part-{path.name}")
    part.write_bytes(text)
    part.replace(path)


def _queued(row: list[Any], submission: str) -> Queued:
    cluster, process, state, *rest = row
    return Queued(Glidein(cluster, process, State(state), *rest), "", submission)


def _stamp(path: Path) -> dict[str, dict[str, Any]]:
    """Return what the stamp says of each schedd; nothing when it cannot be read."""
    try:
        said = json.loads(path.read_bytes())
        if said["format"] != FORMAT:
            return {}
        schedds: dict[str, dict[str, Any]] = said["schedds"]
        return schedds
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s: cannot be read: %r", path, error)
        return {}
