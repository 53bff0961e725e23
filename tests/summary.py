"""Sum up the reports of bats and pytest: what was skipped and why, how many passed.

``python -m tests.summary FOLDER`` reads FOLDER/*.tap and FOLDER/*.xml (JUnit). It exits 1 where
nothing may be skipped (see :mod:`tests.needs`) and something was, or where no test ran.
"""

import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.needs import strict

TAP = re.compile(
    r"(?P<verdict>ok|not ok) \d+ (?P<name>.*?)(?: # skip ?(?P<reason>.*)| # in \d+ ms)?"
)


@dataclass(frozen=True)
class Result:
    """One test: ``verdict`` is passed, failed or skipped; ``reason`` is for the last."""

    name: str
    verdict: str
    reason: str = ""


def tap(text: str) -> Iterator[Result]:
    """Read what bats writes."""
    for line in text.splitlines():
        found = TAP.fullmatch(line)
        if not found:
            continue
        if found["reason"] is not None:
            yield Result(found["name"], "skipped", found["reason"])
        else:
            yield Result(found["name"], "passed" if found["verdict"] == "ok" else "failed")


def junit(text: str) -> Iterator[Result]:
    """Read what pytest writes."""
    for case in ET.fromstring(text).iter("testcase"):
        name = f"{case.get('classname', '')}: {case.get('name', '')}"
        skipped = case.find("skipped")
        if skipped is not None:
            yield Result(name, "skipped", skipped.get("message", ""))
        elif case.find("failure") is not None or case.find("error") is not None:
            yield Result(name, "failed")
        else:
            yield Result(name, "passed")


def read(folder: Path) -> list[Result]:
    """Return the results of all reports in a folder."""
    results: list[Result] = []
    for path in sorted(folder.glob("*.tap")):
        results += tap(path.read_text())
    for path in sorted(folder.glob("*.xml")):
        results += junit(path.read_text())
    return results


def main() -> int:
    """Print the summary and return the exit code."""
    results = read(Path(sys.argv[1]))
    count = {word: 0 for word in ("passed", "failed", "skipped")}
    for result in results:
        count[result.verdict] += 1
        if result.verdict == "skipped":
            print(f"skipped: {result.name}: {result.reason}")
        if result.verdict == "failed":
            print(f"failed: {result.name}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    if strict() and count["skipped"]:
        print("nothing may be skipped here")
        return 1
    return 0 if count["passed"] and not count["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
