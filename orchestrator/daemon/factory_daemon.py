"""The Factory daemon: one warm process that forks a daemon per entry and watches them.

It imports all that its children need, decides nothing and talks to no one: neither collector nor
schedd, so that nothing of them can stop it. It tells how its children are in
``factory/status.json``, and which entries it gave up in ``factory/left_down.json``, where the
views daemon finds them and tells Frontends.
"""

import functools
import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from orchestrator import disk
from orchestrator.daemon import logs, process, state_file
from orchestrator.daemon.board import Board, Slot
from orchestrator.daemon.children import Child, Children, State
from orchestrator.daemon.lock import Held, Lock
from orchestrator.daemon.notify import notify, watchdog_s
from orchestrator.errors import FactoryError, words
from orchestrator.worktree.factory_record import FactoryRecord, read_factory

log = logging.getLogger(__name__)

VIEWS, MONITOR = "@views", "@monitor"  # no entry can have these names
_OURS = (VIEWS, MONITOR)  # all other children are of an entry
STATUS = "factory/status.json"
LEFT_DOWN = "factory/left_down.json"
_STOP = (signal.SIGTERM, signal.SIGINT)
_TWICE_S = 1.0  # who signals a process and its group means it once
_LOOK_AT_RECORD_S = 2.0
_WRITE_STATUS_S = 15.0
_TELL_S = 0.5
_READY_S = 60.0  # after this the factory counts as started, whatever some entries do
_GOLDEN = 0.618034  # multiples of it, modulo 1, fill the span from 0 to 1 evenly


class Mains(Protocol):
    """What the children do; each returns an exit code of :mod:`orchestrator.daemon.children`.

    ``prepare`` is called once before, in the Factory daemon, for what all of them share.
    """

    def prepare(self, record: FactoryRecord) -> None: ...

    def entry(self, name: str, slot: Slot, parent: int, phase: float) -> int: ...
    def views(self, slot: Slot, parent: int) -> int: ...
    def monitor(self, slot: Slot, parent: int) -> int: ...


class FactoryDaemon:
    """The daemon of the work tree ``work``; logs go to files there, or else to stderr.

    A child that was told to leave has ``stop_s`` for it.
    """

    def __init__(
        self, work: Path, mains: Mains, *, log_files: bool, stop_s: float = 30.0
    ) -> None:
        self.work = work
        self._root = str(work)
        self._mains = mains
        self._log_files = log_files
        self._stop_s = stop_s
        self._pid = os.getpid()
        self._lock = Lock(f"{work}/factory/lock")
        self._started = time.time()
        self._state = "starting"
        self._problem = ""  # why the last record was not taken over
        self._given_up: dict[str, str] = {}  # reasons by entry, as last written
        self._seen: dict[str, Any] = {}  # stamps of records, by file
        self._wrote_at = 0.0
        self._untold = False  # whether something happened since
        self._unwritten = ""  # why the status could not be written

    def run(self, ready: Callable[[str], None] = lambda said: None) -> int:
        """Run until SIGTERM or SIGINT; return 0. ``ready`` is told, in words, when all are up.

        Raises:
            FactoryError: another factory has this work tree, or there was no reconfig yet.
        """
        try:
            disk.make_folder(self.work / "factory")
            self._lock.take()
        except Held as held:
            raise FactoryError(
                f"a factory already runs on {self.work}: process {held.pid or 'unknown'}"
            ) from held
        self._record = read_factory(self.work)
        self._log_as("factory", "factory.log")
        logs.set_up(self._record.logs)
        disk.make_folder(self.work / "views")
        process.block()
        self._board = Board()
        self._children = Children(
            self._board, self._record.restarts, self._lock.abandon, self._stop_s
        )
        log.info(
            "started factory=%s pid=%d work=%s entries=%d",
            self._record.ad_name,
            self._pid,
            self.work,
            len(self._record.entries),
        )
        self._mains.prepare(self._record)
        self._children.add(VIEWS, self._views, vital=True)
        self._children.add(MONITOR, self._monitor, vital=True)
        self._changed("factory/factory.json")
        self._adopt(self._record)
        self._serve(ready)
        self._stop()
        return 0

    # These run in the children.

    def _entry(self, name: str, slot: Slot) -> int:
        self._log_as(f"entry={name}", f"entries/{name}.log")
        Lock(f"{self._root}/entries/{name}/lock").wrest(self._stop_s)
        phase = slot.number * _GOLDEN % 1
        return self._mains.entry(name, slot, self._pid, phase)

    def _views(self, slot: Slot) -> int:
        self._log_as("views", "views.log")
        Lock(f"{self._root}/views/lock").wrest(self._stop_s)
        return self._mains.views(slot, self._pid)

    def _monitor(self, slot: Slot) -> int:
        self._log_as("monitor", "monitor.log")
        return self._mains.monitor(slot, self._pid)

    # All else runs in the Factory daemon.

    def _serve(self, ready: Callable[[str], None]) -> None:
        """Watch until told to stop."""
        dog_s = watchdog_s()
        look_at_record = time.monotonic() + _LOOK_AT_RECORD_S
        while True:
            now = time.monotonic()
            happened = self._children.look(now)
            if self._state == "starting":
                happened |= self._greet(now, ready)
            if now >= look_at_record:
                look_at_record = now + _LOOK_AT_RECORD_S
                happened |= self._take_over()
            self._tell(now, happened)
            wait_s = min(self._children.next_look(now), look_at_record - now)
            wait_s = min(wait_s, _TELL_S if self._untold else self._record.cycle.delay_s)
            if self._state == "starting":
                wait_s = min(wait_s, 0.2)
            if dog_s is not None:
                notify(WATCHDOG="1")
                wait_s = min(wait_s, dog_s / 3)
            got = process.sleep(wait_s, (*_STOP, signal.SIGCHLD, signal.SIGHUP))
            if got in _STOP:
                log.info("stopping: %s", signal.Signals(got).name)
                return
            if got == signal.SIGHUP:
                self._reload()
                self._tell(time.monotonic(), True)

    def _greet(self, now: float, ready: Callable[[str], None]) -> bool:
        """Say that the factory is up, once each child has done a cycle or failed to."""
        children = list(self._children.all())
        slow = [
            child.name
            for child in children
            if not child.slot.cycles and not child.history.accidents
        ]
        if slow and time.time() - self._started < _READY_S:
            return False
        self._state = "running"
        self._wrote_at = 0.0
        failed = sum(bool(child.history.accidents) for child in children)
        said = f"{len(children) - len(_OURS)} entries"
        said += f", {failed} daemons failed" if failed else ""
        said += f", {len(slow)} not ready" if slow else ""
        notify(READY="1", STATUS=said)
        log.info("ready: %s", said)
        self._tell(now, True)
        ready(said)
        return True

    def _stop(self) -> None:
        """End the entries, then the views, which withdraw what may be left of the ads, and the
        monitor, which tells of it."""
        self._state = "stopping"
        notify(STOPPING="1")
        names = [child.name for child in self._children.all()]
        entries = [name for name in names if name not in _OURS]
        self._end(entries)
        views = self._children[VIEWS]
        views.due = 0.0  # one that waits for its restart is needed now
        self._children.look(time.monotonic())
        self._end([*_OURS])
        self._state = "stopped"
        self._wrote_at = 0.0
        self._tell(time.monotonic(), True)
        log.info("stopped")

    def _end(self, names: list[str]) -> None:
        """Tell children to leave and wait until they are gone; nobody waits for ever."""
        began = now = time.monotonic()
        for name in names:
            self._children.end(name, "", now)
        while any(self._children[name].pid for name in names):
            wait_s = min(self._children.next_look(now), 1.0)
            got = process.sleep(wait_s, (*_STOP, signal.SIGCHLD))
            now = time.monotonic()
            if got in _STOP and now - began > _TWICE_S:  # said twice: now
                for name in names:
                    self._children[name].kill_at = now
            self._tell(now, self._children.look(now))
            notify(WATCHDOG="1")

    def _reload(self) -> None:
        """Take over what changed, at once, and try again what was given up."""
        clock = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        notify(RELOADING="1", MONOTONIC_USEC=str(clock))
        self._take_over()
        for child in self._children.all():
            if child.state is State.DOWN:
                self._children.revive(child.name)
            elif child.name in _OURS or self._changed(f"entries/{child.name}/entry.json"):
                self._children.signal(child.name, signal.SIGHUP)
        notify(READY="1")

    def _take_over(self) -> bool:
        """Read the factory's record if it is a new one; return whether anything changed."""
        happened = self._forget_the_done()
        for child in self._children.all():
            if child.state is State.DOWN and self._changed(
                f"entries/{child.name}/entry.json"
            ):
                self._children.revive(child.name)
                happened = True
        if not self._changed("factory/factory.json"):
            return happened
        try:
            record = read_factory(self.work)
        except FactoryError as error:
            self._problem = str(error)
            log.error("the old configuration stays: %s", error)
            return True
        self._problem = ""
        self._adopt(record)
        return True

    def _adopt(self, record: FactoryRecord) -> None:
        """Have daemons for the entries of the record, and for retired ones that need them.

        An entry that is no longer in it is left alone: its daemon finds that out, looks after
        its glideins, and ends.
        """
        self._record = record
        self._children.settings = record.restarts
        logs.set_up(record.logs)
        new = [name for name in record.entries if name not in self._children]
        for name in (*new, *self._retired(record)):
            self._changed(f"entries/{name}/entry.json")
            self._children.add(name, functools.partial(self._entry, name))
            # Until it has looked, the bound of the whole factory counts what it last had.
            last = state_file.read(self.work / "entries" / name / "status.json")
            slot = self._children[name].slot
            slot.settle(last.get("glideins", 0), last.get("unseen", 0))
            slot.blind = True
        for name in record.entries:
            if self._children[name].state is State.ENDED:  # it had been retired
                self._children.revive(name)
        if self._state != "starting":
            log.info("took over a configuration entries=%d", len(record.entries))

    def _retired(self, record: FactoryRecord) -> list[str]:
        """Return the retired entries that may still have glideins and have no daemon."""
        found = []
        for path in sorted((self.work / "entries").glob("*/retired.json")):
            name = path.parent.name
            if name in record.entries or name in self._children:
                continue
            if state_file.read(path.parent / "status.json").get("state") != "retired":
                found.append(name)
        return found

    def _forget_the_done(self) -> bool:
        done = [
            child.name
            for child in self._children.all()
            if child.state is State.ENDED and child.name not in self._record.entries
        ]
        for name in done:
            self._children.forget(name)
        return bool(done)

    def _changed(self, file: str) -> bool:
        """Return whether a file of the work tree is another one than at the last look."""
        try:
            about = (self.work / file).stat()
            stamp = (about.st_mtime_ns, about.st_size, about.st_ino)
        except OSError:
            stamp = None
        if file in self._seen and self._seen[file] == stamp:
            return False
        self._seen[file] = stamp
        return True

    def _tell(self, now: float, happened: bool) -> None:
        """Write the status, soon after something happened, else now and then."""
        self._untold |= happened
        quiet_s = now - self._wrote_at
        usual_s = min(_WRITE_STATUS_S, self._record.cycle.delay_s)
        if quiet_s < (_TELL_S if self._untold else usual_s):
            return
        self._wrote_at, self._untold = now, False
        down = {
            child.name: child.problem
            for child in self._children.all()
            if child.state is State.DOWN
        }
        try:
            if down != self._given_up:
                state_file.write(self.work / LEFT_DOWN, down)
                self._given_up = down
            daemons = {
                child.name: self._about(child, now) for child in self._children.all()
            }
            state = {
                "written": time.time(),
                "pid": self._pid,
                "started": self._started,
                "state": self._state,
                "problem": self._problem,
                "daemons": daemons,
            }
            state_file.write(self.work / STATUS, state)
            self._unwritten = ""
        except OSError as error:
            if self._unwritten != words(error):
                log.error("the status stays as it was: %s", words(error))
            self._unwritten = words(error)

    def _about(self, child: Child, now: float) -> dict[str, Any]:
        told: dict[str, Any] = {
            "state": child.state,
            "pid": child.pid,
            "silent_s": round(max(0.0, now - child.beaten), 1) if child.pid else None,
            "cycles": child.slot.cycles,
            "cycle_s": round(child.slot.took_s, 3),
            "glideins": child.slot.glideins,
            "accidents": child.history.count(now, self._children.settings),
            "problem": child.problem,
        }
        if child.state is State.WAITING:
            told["restart_in_s"] = round(max(0.0, child.due - now), 1)
        return told

    def _log_as(self, who: str, file: str) -> None:
        logs.LOG.become(who, f"{self._root}/log/{file}" if self._log_files else None)
