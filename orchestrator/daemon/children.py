"""The children of the Factory daemon: started, watched, restarted alone, given up, stopped.

What happens to one child changes nothing for the others. Nothing here waits: :meth:`Children.look`
is called now and then, and after SIGCHLD; times are of ``time.monotonic()``.
"""

import contextlib
import enum
import functools
import gc
import logging
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from orchestrator.daemon import process
from orchestrator.daemon.board import Board, Slot
from orchestrator.daemon.restarts import History
from orchestrator.worktree.daemon_settings import Restarts

log = logging.getLogger(__name__)

Main = Callable[[Slot], int]

DONE = 0  # exit code of a child that has nothing left to do, ever
LEFT = os.EX_TEMPFAIL  # of one that was told to leave
_STARTS = 200  # in one look, so that signals are answered meanwhile
_WEIGH_S = 300.0  # between two looks at the memory of a child


class State(enum.StrEnum):
    WAITING = "waiting"  # to be started
    RUNNING = "running"
    DOWN = "left down"  # it ended too often
    ENDED = "ended"  # it is done, or was told to leave for good


@dataclass
class Child:
    """One child; ``main`` runs in it and returns its exit code."""

    name: str
    main: Main
    slot: Slot
    vital: bool = False  # never left down
    state: State = State.WAITING
    pid: int = 0
    started: float = 0.0
    due: float = 0.0  # when to start it
    history: History = field(default_factory=History)
    problem: str = ""  # how it ended the last time
    fault: str = ""  # why it is being ended
    kill_at: float = 0.0  # when it is killed; 0: not
    weighed: float = 0.0  # when its memory was looked at

    @property
    def comm(self) -> bytes:
        """What ps shows of it."""
        return f"gf {self.name}".encode()[:15]

    @property
    def beaten(self) -> float:
        """The last sign of life."""
        return max(self.started, self.slot.beaten)


class Children:
    """All children by name; ``in_child`` is called first in each process that is forked.

    ``stop_s`` is the time from SIGTERM to SIGKILL.
    """

    def __init__(
        self,
        board: Board,
        settings: Restarts,
        in_child: Callable[[], None] = lambda: None,
        stop_s: float = 30.0,
    ) -> None:
        self.settings = settings
        self.stop_s = stop_s
        self._board = board
        self._in_child = in_child
        self._children: dict[str, Child] = {}
        self._by_pid: dict[int, Child] = {}

    def __getitem__(self, name: str) -> Child:
        return self._children[name]

    def __contains__(self, name: str) -> bool:
        return name in self._children

    def all(self) -> Iterable[Child]:
        return self._children.values()

    def running(self) -> int:
        """Return how many processes there are."""
        return len(self._by_pid)

    def add(self, name: str, main: Main, *, vital: bool = False) -> None:
        """Have a child started at the next look.

        Raises:
            RuntimeError: there are too many.
        """
        self._children[name] = Child(name, main, self._board.take(), vital)

    def forget(self, name: str) -> None:
        """Forget a child that does not run."""
        self._children.pop(name).slot.wipe()

    def revive(self, name: str) -> None:
        """Start a child that was left down or has ended as if it were new."""
        child = self._children[name]
        if child.state in (State.DOWN, State.ENDED):
            child.state, child.due, child.history = State.WAITING, 0.0, History()

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a child that runs."""
        child = self._children[name]
        if child.pid:
            os.kill(child.pid, number)

    def end(self, name: str, fault: str, now: float) -> None:
        """Tell a child to leave; it is killed when it does not. Without a fault it stays away."""
        child = self._children[name]
        if child.pid and not child.kill_at:
            child.fault, child.kill_at = fault, now + self.stop_s
            os.kill(child.pid, signal.SIGTERM)
        elif not child.pid and not fault:
            child.state = State.ENDED

    def look(self, now: float) -> bool:
        """Collect, kill, start what is to be; return whether anything happened."""
        happened = self._collect(now)
        for child in self._by_pid.values():
            self._watch(child, now)
        return self._start(now) or happened

    def next_look(self, now: float) -> float:
        """Return in how many seconds something is due that no signal announces."""
        due = [child.due for child in self.all() if child.state is State.WAITING]
        due += [child.kill_at for child in self._by_pid.values() if child.kill_at]
        silence_s = self.settings.heartbeat_s / 10
        return max(0.0, min([silence_s, *(at - now for at in due)]))

    def _start(self, now: float) -> bool:
        due = [c for c in self.all() if c.state is State.WAITING and c.due <= now]
        if not due:
            return False
        due = due[:_STARTS]
        mains = [(child.comm, functools.partial(self._main, child)) for child in due]
        # What exists now is never looked at by a child's garbage collector: that would write into
        # pages that all share.
        gc.collect()
        gc.freeze()
        pids = process.fork(mains)
        for child, pid in zip(due, pids, strict=True):
            child.pid, child.started, child.weighed = pid, now, now
            child.state, child.fault, child.kill_at = State.RUNNING, "", 0.0
            self._by_pid[pid] = child
        return True

    def _main(self, child: Child) -> int:
        """Run the child's part; this is the child."""
        try:
            self._in_child()
            return child.main(child.slot)
        except BaseException:
            log.exception("daemon=%s ended by a fault", child.name)
            return os.EX_SOFTWARE

    def _collect(self, now: float) -> bool:
        """Note which children have ended."""
        happened = False
        while self._by_pid:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            child = self._by_pid.pop(pid, None)
            if child is not None:
                child.pid = 0
                self._ended(child, os.waitstatus_to_exitcode(status), now)
                happened = True
        return happened

    def _ended(self, child: Child, code: int, now: float) -> None:
        told = bool(child.kill_at)
        if code == DONE or (told and not child.fault):
            child.state, child.problem = State.ENDED, ""
            if code not in (DONE, LEFT):
                log.warning("daemon=%s %s", child.name, _how(code))
            return
        child.problem = child.fault or _how(code)
        delay_s = child.history.after_accident(now, self.settings)
        if delay_s is None and child.vital:
            delay_s = self.settings.max_delay_s
        if delay_s is None:
            child.state = State.DOWN
            log.error(
                "daemon=%s left down after %d accidents in %d s, the last: %s",
                child.name,
                len(child.history.accidents),
                self.settings.interval_s,
                child.problem,
            )
            return
        child.state, child.due = State.WAITING, now + delay_s
        log.warning("daemon=%s restart_in_s=%g: %s", child.name, delay_s, child.problem)

    def _watch(self, child: Child, now: float) -> None:
        """End a child that hangs or leaks; kill one that does not leave."""
        silent_s = now - child.beaten
        if child.kill_at:
            if now >= child.kill_at:
                child.kill_at = now + self.stop_s
                self._kill(child)
        elif silent_s > self.settings.heartbeat_s:
            child.fault = f"no sign of life for {silent_s:.0f} s"
            child.kill_at = now + self.stop_s
            self._kill(child)
        elif now - child.weighed >= _WEIGH_S:
            child.weighed = now
            mb = process.pss_mb(child.pid) or 0.0
            if mb > self.settings.memory_mb:
                limit = self.settings.memory_mb
                self.end(child.name, f"needs {mb:.0f} MB, the limit is {limit} MB", now)

    def _kill(self, child: Child) -> None:
        log.warning("daemon=%s killed: %s", child.name, child.fault or "does not leave")
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)


def _how(code: int) -> str:
    """Say how a process ended."""
    if code < 0:
        try:
            return f"ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"ended by signal {-code}"
    if code == LEFT:
        return "told to leave by somebody else"
    return f"ended with exit code {code}"
