"""What a reconfiguration would do: the configuration compared with what is on disk."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator import disk
from orchestrator.config import Configuration
from orchestrator.errors import PublishError
from orchestrator.stage import publish
from orchestrator.stage.area import Area
from orchestrator.stage.factory_areas import entry_area, main_area
from orchestrator.stage.publish import Publication
from orchestrator.worktree import seen
from orchestrator.worktree.records import entry_record, factory_record, record_json, spread
from orchestrator.worktree.seen import Seen

STARTUP = "glidein_startup.sh"


@dataclass(frozen=True)
class Change:
    """What happens to the factory or to one entry: new, changed, retired or unchanged."""

    name: str  # of the entry; "" is the factory with its main area
    kind: str
    details: tuple[str, ...] = ()
    files: int = 0  # to be published
    size: int = 0  # of these, bytes


@dataclass(frozen=True)
class Plan:
    """All that a reconfiguration does; nothing of it is done yet.

    ``descriptions`` are those that are current afterwards, by area folder, the main one ("")
    first; ``publications`` only what has to be looked at. ``seen`` is what was seen on disk.
    """

    configuration: Configuration
    changes: tuple[Change, ...]
    publications: dict[str, Publication]
    descriptions: dict[str, str]
    files: dict[Path, tuple[bytes, int]]  # of the work tree: content and mode
    retired: tuple[Path, ...]  # folders of entries that are gone
    schedds: dict[str, str]  # by entry
    keys: dict[str, str]  # by entry: what it is made from
    seen: Seen

    @property
    def empty(self) -> bool:
        return all(change.kind == "unchanged" for change in self.changes)


def make_plan(configuration: Configuration, glidein: Path, *, verify: bool = False) -> Plan:
    """Compare the configuration with what is on disk; writes nothing.

    ``glidein`` is the folder of the worker's scripts. With ``verify`` every file is read, also
    those that have not changed since the last run.

    Raises:
        PublishError: something is missing or in the way.
    """
    work, stage = configuration.work, configuration.stage
    before = Seen() if verify else seen.load(seen_file(work))
    main = main_area(configuration, glidein, before)
    publications = {"": publish.prepare(main, stage, before)}
    descriptions = {"": publications[""].description}
    record = record_json(factory_record(configuration, main))
    files = {factory_file(work): (record, 0o644), **_startup(work, glidein, before)}
    changes = [_change("", publications[""], files)]
    schedds = spread(configuration, _schedds_now(configuration, before))
    keys = _keys(configuration, main, schedds, before)
    for name, entry in configuration.entries.items():
        folder, path = area_folder(name), entry_file(work, name)
        known = before.still_there(name, stage / folder, path)
        if known is not None and known.key == keys[name]:
            descriptions[folder] = known.description
            changes.append(Change(name, "unchanged"))
            continue
        made = entry_area(configuration, entry, before)
        publications[folder] = publish.prepare(made, stage / folder, before)
        descriptions[folder] = publications[folder].description
        told = entry_record(configuration, name, main, made, schedds[name])
        file = {path: (record_json(told), 0o644)}
        changes.append(_change(name, publications[folder], file))
        files |= file
    retired = _retired(configuration)
    changes += [Change(path.name, "retired") for path in retired]
    return Plan(
        configuration,
        tuple(changes),
        publications,
        descriptions,
        files,
        retired,
        schedds,
        keys,
        before,
    )


def area_folder(name: str) -> str:
    """Return the folder of an entry's area, below the stage."""
    return f"entry_{name}"


def entry_file(work: Path, name: str) -> Path:
    """Return the record of an entry."""
    return work / "entries" / name / "entry.json"


def factory_file(work: Path) -> Path:
    """Return the record of the factory."""
    return work / "factory" / "factory.json"


def seen_file(work: Path) -> Path:
    """Return the file that says what the last run saw."""
    return work / "factory" / "seen.json"


def _startup(work: Path, glidein: Path, before: Seen) -> dict[Path, tuple[bytes, int]]:
    """Return the one file that is submitted, unless it is known to be as it should be."""
    path = work / STARTUP
    sources = seen.tree(glidein)
    if before.startup == [sources, seen.key(repr(seen.stamp(path)))]:
        return {}
    before.startup[:] = [sources]
    return {path: (bundled(glidein), 0o755)}


def bundled(glidein: Path) -> bytes:
    """Return the one file that is submitted.

    Raises:
        PublishError: it cannot be made.
    """
    import sh  # takes longer to load than all the rest of an unchanged configuration

    script = glidein / "bundle.sh"
    if not script.is_file():
        raise PublishError(f"{script}: makes {STARTUP}, and it is not there")
    try:
        made = sh.Command("bash")(str(script), _timeout=30, _return_cmd=True)
    except (sh.ErrorReturnCode, sh.TimeoutException) as error:
        raise PublishError(f"{script}: failed: {error}") from error
    return bytes(made.stdout)


def _schedds_now(configuration: Configuration, before: Seen) -> dict[str, str]:
    """Return the schedd of each entry that is or was there; of a damaged record, none."""
    if len(configuration.factory.schedd) == 1:
        return {}  # there is no choice
    found = {}
    for name in configuration.entries:
        record = entry_file(configuration.work, name)
        known = before.entries.get(name)
        if known is not None and known.record == seen.stamp(record):
            found[name] = known.schedd
            continue
        for path in (record, record.with_name("retired.json")):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                found[name] = str(json.loads(path.read_bytes())["arguments"]["schedd"])
                break
    return found


def _keys(
    configuration: Configuration, main: Area, schedds: Mapping[str, str], before: Seen
) -> dict[str, str]:
    """Return, for each entry, a hash of all that its area and its record are made from."""
    common = seen.key(
        *(seen.code(), str(configuration.stage.absolute())),
        *(
            configuration.factory.model_dump_json(),
            main.description.name,
            main.signature.hash,
        ),
    )
    keys = {}
    for name, entry in configuration.entries.items():
        files = (
            before.digest(configuration.path(file.source)).sha256 for file in entry.files
        )
        keys[name] = seen.key(common, name, schedds[name], entry.model_dump_json(), *files)
    return keys


def _retired(configuration: Configuration) -> tuple[Path, ...]:
    """Return the folders of entries that are there and no longer configured."""
    folder = configuration.work / "entries"
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return tuple(
        folder / name
        for name in names
        if name not in configuration.entries
        and entry_file(configuration.work, name).is_file()
    )


def _change(
    name: str, publication: Publication, files: dict[Path, tuple[bytes, int]]
) -> Change:
    """Compare one entry, or the factory, with what is on disk."""
    details: list[str] = []
    new = False
    for path, (content, mode) in files.items():
        if not disk.differs(path, content, mode):
            continue
        if not path.exists():
            new = True
        elif path.suffix == ".json":
            details += _differences(_flat(_loaded(path)), _flat(json.loads(content)))
        else:
            details.append(path.name)
    count, size = len(publication.missing), sum(o.size for o in publication.missing)
    kind = "new" if new else "changed" if details or count else "unchanged"
    return Change(name, kind, tuple(details), count, size)


def _loaded(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return {}


def _flat(value: Any, key: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {key: value}
    flat: dict[str, Any] = {}
    for name, below in value.items():
        flat |= _flat(below, f"{key}.{name}" if key else name)
    return flat


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    missing = object()
    differences = []
    for key in [*new, *(key for key in old if key not in new)]:
        before, after = old.get(key, missing), new.get(key, missing)
        if before is missing:
            differences.append(f"{key}: now {json.dumps(after)}")
        elif after is missing:
            differences.append(f"{key}: no longer")
        elif before != after:
            differences.append(f"{key}: {json.dumps(before)} -> {json.dumps(after)}")
    return differences
