"""Take over a configuration: publish its areas, then write the work tree that daemons read.

Everything is looked at before anything is written. The areas come first and the work tree last,
so that what daemons tell glideins to fetch is always there.

The work tree::

    glidein_startup.sh         what is submitted
    factory/factory.json       what the Factory daemon needs
    factory/published.json     which areas were current until when (orchestrator/history.py)
    entries/<NAME>/entry.json  what an Entry daemon needs; retired.json once the entry is gone
    entries/<NAME>/queued.json written by the Entry daemon: the descriptions that its queued
                               glideins were told: {"main": [name, …], "entry": [name, …]}
    reconfig.lock
"""

import contextlib
import json
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sh

from orchestrator import disk, history, publish
from orchestrator.config import Configuration
from orchestrator.errors import PublishError
from orchestrator.factory_areas import entry_area, main_area
from orchestrator.publish import Publication
from orchestrator.records import entry_record, factory_record, record_json, spread

log = logging.getLogger(__name__)

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
    """All that a reconfiguration does; nothing of it is done yet."""

    configuration: Configuration
    changes: tuple[Change, ...]
    publications: dict[str, Publication]  # by area folder, the main one ("") first
    files: dict[Path, tuple[bytes, int]]  # of the work tree: content and mode
    retired: tuple[Path, ...]  # folders of entries that are gone

    @property
    def empty(self) -> bool:
        return all(change.kind == "unchanged" for change in self.changes)


def lock(configuration: Configuration) -> Any:
    """Return a context that keeps a second reconfiguration of the same work tree out."""
    return disk.locked(configuration.work / "reconfig.lock")


def make_plan(configuration: Configuration, glidein: Path) -> Plan:
    """Compare the configuration with what is on disk; writes nothing.

    ``glidein`` is the folder of the worker's scripts.

    Raises:
        PublishError: something is missing or in the way.
    """
    work, stage = configuration.work, configuration.stage
    main = main_area(configuration, glidein)
    publications = {"": publish.prepare(main, stage)}
    files = {
        work / STARTUP: (_startup(glidein), 0o755),
        work / "factory" / "factory.json": (
            record_json(factory_record(configuration, main)),
            0o644,
        ),
    }
    changes = [_change("", publications[""], files)]
    schedds = spread(configuration, _schedds_now(work))
    for name, entry in configuration.entries.items():
        made = entry_area(configuration, entry)
        folder = f"entry_{name}"
        publications[folder] = publish.prepare(made, stage / folder)
        record = entry_record(configuration, name, main, made, schedds[name])
        file = {work / "entries" / name / "entry.json": (record_json(record), 0o644)}
        changes.append(_change(name, publications[folder], file))
        files |= file
    retired = tuple(
        path.parent
        for path in sorted((work / "entries").glob("*/entry.json"))
        if path.parent.name not in configuration.entries
    )
    changes += [Change(path.name, "retired") for path in retired]
    return Plan(configuration, tuple(changes), publications, files, retired)


def carry_out(plan: Plan, now: datetime) -> list[Path]:
    """Do what the plan says; return the old files that were thrown away.

    Raises:
        PublishError: something changed under our hands; running it again helps.
    """
    configuration = plan.configuration
    stage, work = configuration.stage, configuration.work
    disk.make_folder(stage)
    publish.ensure_stop_list(stage)
    publish.carry_out(plan.publications.values())
    batch = disk.Batch()
    for path, (content, mode) in plan.files.items():
        batch.add_if_changed(path, content, mode)
    batch.commit()
    for folder in plan.retired:
        (folder / "entry.json").replace(folder / "retired.json")
    for name in configuration.entries:
        (work / "entries" / name / "retired.json").unlink(missing_ok=True)
    return _throw_away(plan, now)


def _throw_away(plan: Plan, now: datetime) -> list[Path]:
    """Note what is current now, and remove what has been old for long enough."""
    configuration = plan.configuration
    stage = configuration.stage
    told = configuration.work / "factory" / "published.json"
    current = {name: one.description for name, one in plan.publications.items()}
    found = history.found_on(stage)
    known = history.advance(history.load(told), found, current, now)
    disk.put_if_changed(told, history.dump(known))
    protected = queued_descriptions(configuration.work)
    if protected is None:
        return []
    keep_days = configuration.factory.web.keep_days
    drop: dict[str, set[str]] = {}
    for name, description in history.expired(known, protected, keep_days, now):
        drop.setdefault(name, set()).add(description)
    gone = []
    for name, there in found.items():
        folder = stage / name
        dropped = drop.get(name, set())
        for path in history.garbage(folder, dropped, there - dropped):
            path.unlink()
            gone.append(path)
        if name not in plan.publications and not any(folder.iterdir()):
            folder.rmdir()
    if gone:
        known = history.advance(known, history.found_on(stage), current, now)
        disk.put_if_changed(told, history.dump(known))
    return gone


def queued_descriptions(work: Path) -> set[str] | None:
    """Return the descriptions that queued glideins were told; None when that is unknown."""
    found: set[str] = set()
    for path in sorted((work / "entries").glob("*/queued.json")):
        try:
            told = json.loads(path.read_text())
            found |= {str(name) for name in (*told["main"], *told["entry"])}
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("nothing old is thrown away: cannot read file=%s: %r", path, error)
            return None
    return found


def _startup(glidein: Path) -> bytes:
    """Return the one file that is submitted."""
    script = glidein / "bundle.sh"
    if not script.is_file():
        raise PublishError(f"{script}: makes {STARTUP}, and it is not there")
    try:
        made = sh.Command("bash")(str(script), _timeout=30, _return_cmd=True)
    except (sh.ErrorReturnCode, sh.TimeoutException) as error:
        raise PublishError(f"{script}: failed: {error}") from error
    return bytes(made.stdout)


def _schedds_now(work: Path) -> dict[str, str]:
    """Return the schedd of each entry that is or was there; of a damaged record, none."""
    found = {}
    for file in ("retired.json", "entry.json"):
        for path in (work / "entries").glob(f"*/{file}"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                found[path.parent.name] = str(
                    json.loads(path.read_bytes())["arguments"]["schedd"]
                )
    return found


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
