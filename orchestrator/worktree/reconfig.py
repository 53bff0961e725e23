"""Take over a configuration: publish its areas, then write the work tree that daemons read.

Everything is looked at before anything is written. The areas come first, then the records of
entries, and last the record of the factory: so that what daemons tell glideins to fetch, and the
entries that the factory names, are always there.

The work tree::

    glidein_startup.sh         what is submitted
    factory/factory.json       what the Factory daemon needs; that it changed tells it to look
    factory/published.json     which areas were current until when (orchestrator/stage/history.py)
    factory/seen.json          what need not be looked at again (orchestrator/worktree/seen.py)
    entries/<NAME>/entry.json  what an Entry daemon needs; retired.json once the entry is gone
    entries/<NAME>/queued.json written by the Entry daemon: the descriptions that its queued
                               glideins were told (orchestrator/worktree/told.py)
    reconfig.lock
"""

import json
import logging
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator import disk
from orchestrator.config import Configuration
from orchestrator.stage import history, publish
from orchestrator.worktree import seen
from orchestrator.worktree.plan import (
    STARTUP,
    Change,
    Plan,
    area_folder,
    entry_file,
    factory_file,
    make_plan,
    seen_file,
)
from orchestrator.worktree.seen import EntrySeen, Seen, Stamp

__all__ = ["STARTUP", "Change", "Plan", "carry_out", "lock", "make_plan"]

log = logging.getLogger(__name__)


def lock(configuration: Configuration) -> Any:
    """Return a context that keeps a second reconfiguration of the same work tree out."""
    return disk.locked(configuration.work / "reconfig.lock")


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
    last = factory_file(work)
    for path, (content, mode) in plan.files.items():
        if path != last:
            batch.add_if_changed(path, content, mode)
    batch.commit()
    for folder in plan.retired:
        (folder / "entry.json").replace(folder / "retired.json")
    for path in plan.files:
        if path.name == "entry.json":
            path.with_name("retired.json").unlink(missing_ok=True)
    disk.put_if_changed(last, *plan.files[last])
    gone = _throw_away(plan, now)
    disk.put_if_changed(seen_file(work), _seen_now(plan).dump())
    return gone


def _throw_away(plan: Plan, now: datetime) -> list[Path]:
    """Note what is current now, and remove what has been old for long enough."""
    configuration = plan.configuration
    stage = configuration.stage
    told = configuration.work / "factory" / "published.json"
    same = _same_folders(plan)
    found = history.found_on(stage, same)
    known = history.advance(history.load(told), found, plan.descriptions, now)
    disk.put_if_changed(told, history.dump(known))
    keep_days = configuration.factory.web.keep_days
    old = list(history.expired(known, (), keep_days, now))
    protected = queued_descriptions(configuration.work) if old else set()
    if protected is None:
        return []
    drop: dict[str, set[str]] = {}
    for name, description in old:
        if description not in protected:
            drop.setdefault(name, set()).add(description)
    gone = []
    for name, there in found.items():
        if name in same and name not in drop:
            continue
        folder = stage / name
        dropped = drop.get(name, set())
        for path in history.garbage(folder, dropped, there - dropped):
            path.unlink()
            gone.append(path)
        if name not in plan.descriptions and not any(folder.iterdir()):
            folder.rmdir()
    if gone:
        known = history.advance(known, history.found_on(stage, {}), plan.descriptions, now)
        disk.put_if_changed(told, history.dump(known))
    return gone


def _same_folders(plan: Plan) -> dict[str, set[str]]:
    """Return the areas in whose folders nothing came or went, with their descriptions."""
    stage = plan.configuration.stage
    areas = {area_folder(name): was for name, was in plan.seen.entries.items()}
    return {
        name: set(was.descriptions)
        for name, was in areas.items()
        if name in plan.descriptions and seen.stamp(stage / name) == was.folder
    }


def _seen_now(plan: Plan) -> Seen:
    """Return what the next run need not look at again."""
    configuration, now = plan.configuration, plan.seen
    script = configuration.work / STARTUP
    now.startup[1:] = [seen.key(repr(seen.stamp(script)))]
    for publication in plan.publications.values():
        for one in publication.missing:
            if isinstance(one.content, Path):  # a large file; its copy is now on the stage
                digest = now.digest(one.content)
                if digest.sha256 == one.sha256:
                    now.note(publication.folder / one.name, digest)
    entries: dict[str, EntrySeen] = {}
    for name in configuration.entries:
        folder = configuration.stage / area_folder(name)
        made = plan.publications.get(folder.name)
        was = now.entries.get(name)
        stamp = _stamp(folder)
        if made is None:
            assert was is not None, name  # that is why nothing had to be published
            if was.folder == stamp:
                entries[name] = was
                continue
            names = list(was.files)
        else:
            names = [one.name for one in made.files]
        entries[name] = EntrySeen(
            key=plan.keys[name],
            description=plan.descriptions[folder.name],
            schedd=plan.schedds[name],
            files={one: _stamp(folder / one) for one in names},
            record=_stamp(entry_file(configuration.work, name)),
            folder=stamp,
            descriptions=sorted(history.descriptions(folder)),
        )
    now.entries = entries
    return now


def _stamp(path: Path) -> Stamp:
    found = seen.stamp(path)
    assert found is not None, path  # it was written just now
    return found


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
