"""What it costs to take over a configuration: ``make bench-reconfig``.

A factory of 1,058 entries (many_entries.py) and three tarballs is published by the real command,
each time as a process of its own. Prints a table and writes build/bench-reconfig.json.

wall_s    of the process, from its start to its end
cpu_s     user and system time of the process and its children
files     that it made, changed, replaced or removed, folders not counted
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import many_entries

RESULT = Path("build/bench-reconfig.json")
FOLDER = Path("build/bench-reconfig")
RUNS = 5
TARBALLS = {  # bytes; as large as the real ones
    "condor-25.14.1-x86_64.tar.gz": 22_000_000,
    "condor-25.14.1-aarch64.tar.gz": 21_000_000,
    "condor-23.0.31-x86_64.tar.gz": 20_000_000,
}
AIMS = {"from nothing": 5.0, "nothing changed": 1.0}  # seconds


@dataclass(frozen=True)
class Result:
    """What build/bench-reconfig.json holds for each case."""

    case: str
    wall_s: float
    cpu_s: float
    files: int


Files = dict[str, tuple[int, int, int]]  # inode, times of modification and of status change


def files(*folders: Path) -> Files:
    """Return what tells whether a file below ``folders`` was touched."""
    found: Files = {}
    for folder in folders:
        for below, _, names in os.walk(folder):
            for name in names:
                now = os.lstat(f"{below}/{name}")
                found[f"{below}/{name}"] = (now.st_ino, now.st_mtime_ns, now.st_ctime_ns)
    return found


def touched(before: Files, after: Files) -> set[str]:
    """Return the files that came, went or are not the same."""
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


@dataclass(frozen=True)
class Factory:
    """A configuration with so many entries, in a folder of its own."""

    folder: Path
    entries: int

    def reconfig(self, *options: str) -> tuple[float, float, set[str]]:
        """Run the command; return wall and CPU seconds, and the files that it touched."""
        stage, work = self.folder / "stage", self.folder / "work"
        before = files(stage, work)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        command = [sys.executable, "-m", "orchestrator", "reconfig", *options]
        subprocess.run(
            [*command, "--config", str(self.folder)], stdout=subprocess.DEVNULL, check=True
        )
        wall = time.perf_counter() - start
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
        return wall, cpu, touched(before, files(stage, work))

    def clear(self, number: int) -> None:
        """Put aside all that was published: ext4 is slow to give out what was just deleted."""
        for name in ("stage", "work"):
            if (self.folder / name).exists():
                (self.folder / name).rename(self.folder / f"{name}.{number}")

    def change_entry(self, number: int) -> None:
        """Give one entry another site."""
        path = self.folder / "entries" / f"{many_entries.name_of(0)}.toml"
        path.write_text(many_entries.entry(0, f"Elsewhere{number}"))

    def change_template(self, number: int) -> None:
        """Change what every entry inherits."""
        path = self.folder / "templates" / "all.toml"
        text = many_entries.TEMPLATES["all"].replace('"NONE"', f'"NONE{number}"')
        path.write_text(text)


def lay_out(folder: Path, entries: int, size: float = 1.0) -> Factory:
    """Write the configuration; ``size`` is of the tarballs, as a part of the real one."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, full in TARBALLS.items():
        (folder / name).write_bytes(b"\x1f\x8b" + os.urandom(int(full * size)))
    listed = ", ".join(f'"{name}"' for name in TARBALLS)
    many_entries.lay_out(folder, entries, listed)
    return Factory(folder, entries)


def cases(factory: Factory) -> Iterator[tuple[str, Callable[[int], None], tuple[str, ...]]]:
    """Yield the name of each case, what leads to it, and the options of the command."""

    def nothing(number: int) -> None: ...

    yield "from nothing", factory.clear, ()
    yield "nothing changed", nothing, ()
    yield "nothing changed, plan", nothing, ("--plan",)
    yield "nothing changed, verify", nothing, ("--verify",)
    yield "one entry changed", factory.change_entry, ()
    yield "a template changed", factory.change_template, ()


def measure(factory: Factory, runs: int) -> Iterator[Result]:
    """Yield the medians of each case."""
    for case, prepare, options in cases(factory):
        found = []
        for number in range(runs):
            prepare(number)
            found.append(factory.reconfig(*options))
        yield Result(
            case,
            round(statistics.median(wall for wall, _, _ in found), 2),
            round(statistics.median(cpu for _, cpu, _ in found), 2),
            int(statistics.median(len(names) for _, _, names in found)),
        )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--entries", type=int, default=many_entries.ENTRIES)
    options = parser.parse_args()
    factory = lay_out(FOLDER, options.entries)
    table = Table(
        title=f"reconfig, {options.entries} entries, medians of {options.runs} runs"
    )
    for key in Result.__dataclass_fields__:
        table.add_column(key, justify="left" if key == "case" else "right")
    table.add_column("aim, s", justify="right")
    results = list(measure(factory, options.runs))
    for one in results:
        aim = AIMS.get(one.case)
        mark = "! " if aim is not None and one.wall_s > aim else ""
        cells = [one.case, f"{mark}{one.wall_s:.2f}", f"{one.cpu_s:.2f}", str(one.files)]
        table.add_row(*cells, "" if aim is None else f"{aim:.0f}")
    Console().print(table)
    RESULT.write_text(json.dumps([asdict(one) for one in results], indent=2) + "\n")
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
