"""A Factory daemon whose children do what a file tells them: for tests without any HTCondor.

``python -m tests.daemon_stand_ins WORK STOP_S`` runs it; ``entries/NAME/behave`` holds a word of
:class:`Entry`. What children do they append, a line each, to ``told`` in the same folder.
"""

import dataclasses
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from orchestrator.daemon import loop, state_file
from orchestrator.daemon.board import Slot
from orchestrator.daemon.children import DONE
from orchestrator.daemon.factory_daemon import FactoryDaemon
from orchestrator.worktree.daemon_settings import Logs, Restarts
from orchestrator.worktree.entry_record import FORMAT
from orchestrator.worktree.factory_record import FactoryRecord, WebRecord

QUICK = Restarts(delay_s=0.1, max_delay_s=0.4, attempts=3, interval_s=600, heartbeat_s=2)


class Entry:
    """A child that obeys: "die", "hang", "stay" (at SIGTERM), "fail", "done"."""

    delay_s, jitter = 0.3, 0.1

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ballast: list[bytes] = []
        self.tell(f"start {os.getpid()}")

    def tell(self, line: str) -> None:
        with (self.folder / "told").open("a") as told:
            told.write(line + "\n")

    def word(self) -> str:
        path = self.folder / "behave"
        return path.read_text().strip() if path.exists() else ""

    again_s = None

    def cycle(self) -> int | None:
        match self.word():
            case "die":
                os._exit(9)
            case "hang":
                time.sleep(600)
            case "fail":
                raise ValueError("as told")
            case "done":
                self.tell("withdrawn")
                state_file.write(self.folder / "status.json", {"state": "retired"})
                return DONE
        self.tell("cycle")
        return None

    def news(self) -> bool:
        return self.word() == "news"

    def leave(self, *, orphaned: bool) -> None:
        if self.word() == "stay":
            time.sleep(600)
        self.tell("orphaned" if orphaned else "withdrawn")


class StandIns:
    """The children of a factory that speaks to nobody."""

    def __init__(self, work: Path) -> None:
        self.work = work

    def prepare(self, record: FactoryRecord) -> None:
        pass

    def entry(self, name: str, slot: Slot, parent: int, phase: float) -> int:
        slot.settle(1, 0)
        return loop.run(Entry(self.work / "entries" / name), slot, parent, phase)

    def views(self, slot: Slot, parent: int) -> int:
        folder = self.work / "views"
        return loop.run(Entry(folder), slot, parent)

    def monitor(self, slot: Slot, parent: int) -> int:
        folder = self.work / "monitor"
        return loop.run(Entry(folder), slot, parent)


def write_record(work: Path, *entries: str, restarts: Restarts = QUICK) -> None:
    """Write the record of a factory with these entries, and empty ones of the entries."""
    (work / "factory").mkdir(parents=True, exist_ok=True)
    (work / "views").mkdir(exist_ok=True)
    (work / "monitor").mkdir(exist_ok=True)
    for name in entries:
        (work / "entries" / name).mkdir(parents=True, exist_ok=True)
        (work / "entries" / name / "entry.json").touch()
    web = WebRecord(
        "http://localhost/", str(work), "stop", "sha256", "description.cfg", "0"
    )
    record = FactoryRecord("Test", "here", web, entries, restarts=restarts, logs=Logs(1, 1))
    told: dict[str, Any] = {"format": FORMAT} | dataclasses.asdict(record)
    part = work / "factory" / "factory.part"
    part.write_text(json.dumps(told))
    part.replace(work / "factory" / "factory.json")


def main() -> None:
    work, stop_s = Path(sys.argv[1]), float(sys.argv[2])
    daemon = FactoryDaemon(work, StandIns(work), log_files=False, stop_s=stop_s)
    sys.exit(daemon.run(lambda said: print(f"ready: {said}", flush=True)))


if __name__ == "__main__":
    main()
