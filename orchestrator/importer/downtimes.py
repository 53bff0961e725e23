"""Downtimes of others: the reference's file, and the YAML of OSG topology.

The reference's lines are ``START END ENTRY FRONTEND CLASS # comment`` (older ones without
FRONTEND). Topology speaks of resources; which entries lead there, GLIDEIN_ResourceName says.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from orchestrator.errors import ConfigError
from orchestrator.importer.report import Report
from orchestrator.worktree.downtimes import ALL, FACTORY, OPEN, Downtime, epoch, is_word

_LIMIT = 64 * 1024 * 1024  # bytes
_TIME = "%b %d, %Y %H:%M %z"
# Services of a resource through which glideins come; a resource's cache or storage is none.
_COMPUTE = ("ce", "compute element", "execution endpoint", "grid services hosting")
_HARMLESS = "no significant outage expected"


def reference(
    path: Path,
    entries: Iterable[str],
    report: Report,
    aliases: Mapping[str, list[str]] = {},
) -> Iterator[Downtime]:
    """Yield the downtimes in a file of the reference; what it cannot read is noted, as is the rest.

    ``aliases`` are the names of entries by that of the set in which they were.

    Raises:
        ConfigError: the file is no text, or too large.
    """
    known = {FACTORY, ALL, *entries}
    for number, line in enumerate(_text(path).split("\n"), start=1):
        where = f"{path}:{number}"
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        said, _, comment = line.partition("#")
        words = said.split()
        try:
            one = _of_words(words, _one_line(comment))
        except ValueError as error:
            what = "a downtime that cannot be read, by the reference neither"
            report.add("left", where, what, f"{error}: {line.strip()}")
            continue
        if one.entry in aliases and one.entry not in known:
            yield from (replace(one, entry=name) for name in aliases[one.entry])
            continue
        if one.entry not in known:
            report.add(
                "mended", where, "a downtime of an entry that is not here: kept", one.entry
            )
        yield one


def _of_words(words: list[str], comment: str) -> Downtime:
    if len(words) < 2:
        raise ValueError("expected START END ENTRY FRONTEND CLASS # comment")
    start, end = _epoch(words[0]), None if words[1] == OPEN else _epoch(words[1])
    if end is not None and end <= start:
        raise ValueError("it ends before it starts")
    names = words[2:]
    if not names:
        names = [FACTORY]
    if len(names) == 2:  # ENTRY CLASS, before there was FRONTEND
        names = [names[0], ALL, names[1]]
    if len(names) > 3:  # a comment without its sign
        comment = " ".join([*names[3:], comment]).strip()
    entry, frontend, security_class = (*names[:3], ALL, ALL)[:3]
    if not all(is_word(word) for word in (entry, frontend, security_class)):
        raise ValueError("a name cannot be printed")
    return Downtime(start, end, entry, frontend, security_class, comment)


def _epoch(text: str) -> int:
    try:
        return epoch(text)
    except ValueError:
        # A zone as the reference writes it when its clock is half an hour off, "+5:30".
        return epoch(re.sub(r"([+-])([0-9]:[0-9]{2})$", r"\g<1>0\2", text))


class _Lines(yaml.SafeLoader):
    """Puts the line of each mapping into it, as the key None; refuses references to elsewhere.

    A few references to references would be more text than there is memory.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="a reference (*name) is refused", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Any, Any]:
        found = super().construct_mapping(node, deep)
        found[None] = node.start_mark.line + 1
        return found


def topology(
    path: Path, resources: Mapping[str, list[str]], report: Report
) -> Iterator[Downtime]:
    """Yield the downtimes in a file of OSG topology, for each entry that leads to their resource.

    ``resources`` are the names of entries by GLIDEIN_ResourceName.

    Raises:
        ConfigError: the file is no list of downtimes.
    """
    text = _text(path)
    try:
        told = yaml.load(text, _Lines)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        raise ConfigError(f"{path}: not YAML: {error}") from error
    if told is None:
        return
    if not isinstance(told, list):
        raise ConfigError(f"{path}:1: expected a list of downtimes")
    for one in told:
        if not isinstance(one, dict):
            raise ConfigError(
                f"{path}: expected a list of downtimes, got {str(one)[:60]!r}"
            )
        yield from _of_topology(one, f"{path}:{one[None]}", resources, report)


def _of_topology(
    one: Mapping[Any, Any], where: str, resources: Mapping[str, list[str]], report: Report
) -> Iterator[Downtime]:
    said = f"{one.get('ID', 'no ID')}, {one.get('ResourceName', 'no ResourceName')}"
    times = []
    for key in ("StartTime", "EndTime"):
        try:
            times.append(int(_time(one.get(key)).timestamp()))
        except ValueError:
            what = f"a downtime of topology whose {key} cannot be read"
            report.add("left", where, what, f"{said}: {one.get(key)!r}")
            return
    if times[1] <= times[0]:
        report.add("left", where, "a downtime of topology that ends before it starts", said)
        return
    if str(one.get("Severity", "")).strip().lower() == _HARMLESS:
        what = "a downtime of topology with no significant outage: the entry stays up"
        report.add("left", where, what, said)
        return
    services = one.get("Services")
    if isinstance(services, list) and services:
        names = [str(service) for service in services]
        if not any(name.strip().lower() in _COMPUTE for name in names):
            what = "a downtime of topology for other services than a CE"
            report.add("left", where, what, f"{said}: {', '.join(names)}")
            return
    entries = resources.get(str(one.get("ResourceName", "")).strip(), [])
    if not entries:
        report.add("left", where, "a downtime of topology for no resource of ours", said)
    comment = _one_line(f"OSG {one.get('ID', '')}: {one.get('Description') or ''}")
    for entry in entries:
        yield Downtime(times[0], times[1], entry, comment=comment)


def _time(said: Any) -> datetime:
    """Read a time of topology: "Jan 01, 2026 12:00 +0000"."""
    if isinstance(said, datetime):  # YAML's own form of a time
        return said if said.tzinfo else said.replace(tzinfo=UTC)
    return datetime.strptime(" ".join(str(said).split()), _TIME)


def _one_line(text: str) -> str:
    """Return a comment as the line of a downtime can hold it."""
    words = "".join(letter if letter.isprintable() else " " for letter in text).split()
    return " ".join(words).strip("# ")[:300]


def _text(path: Path) -> str:
    content = path.read_bytes()
    if len(content) > _LIMIT:
        raise ConfigError(f"{path}: more than {_LIMIT // 1024**2} MB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: not UTF-8") from error
