"""``glidein-factory check``: is this host fit, and does the outside see what it should?"""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from orchestrator.check import caches, clock, host, pool, secrets, web
from orchestrator.explain import words
from orchestrator.explain.daemons import Daemons
from orchestrator.explain.factory import credentials_of
from orchestrator.explain.findings import FAIL, OK
from orchestrator.explain.records import Finding
from orchestrator.options import config_option, json_option, work_of
from orchestrator.terminal import BAD, GOOD, WARN, printable, say
from orchestrator.worktree.entry_record import EntryRecord, read_entry
from orchestrator.worktree.factory_record import FactoryRecord, read_factory

FAILED = 4  # exit code
PARTS = ("host", "web", "caches", "pool", "secrets", "clock")
_COLOURS = {OK: GOOD, "warn": WARN, FAIL: BAD}


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS), metavar="[PART]...")
@click.option("-q", "--quiet", is_flag=True, help="Only what is wrong.")
@json_option
@config_option
def command(parts: tuple[str, ...], quiet: bool, as_json: bool, folder: Path) -> None:
    """Check this host, or PARTS: host, web, caches, pool, secrets, clock.

    Disk space and inodes, limits; that the web server serves what was published, also through
    the caches that entries name, and that no cache keeps the stop list; that collector and
    schedds answer; who can read keys, how long tokens and certificates live; the clock.
    What is wrong is told with the command that mends it.

    \b
    Examples:
      glidein-factory check
      glidein-factory check web caches
      glidein-factory check -q --json

    Exit codes: 0 all is well, warnings at most; 4 something is wrong; 1 there is no work tree.
    """
    logging.getLogger("orchestrator").setLevel(logging.ERROR)  # attempts are findings here
    work = work_of(folder)
    record = read_factory(work)
    entries = [read_entry(work, name) for name in record.entries]
    found = []
    for one in _findings(parts or PARTS, work, record, entries):
        found.append(one)
        if not as_json and not (quiet and one["state"] == OK):
            _say(one)
    if as_json:
        shown = [one for one in found if not (quiet and one["state"] == OK)]
        click.echo(json.dumps(shown, indent=2))
    else:
        counts = {state: sum(one["state"] == state for one in found) for state in _COLOURS}
        say(f"{counts[OK]} ok, {counts['warn']} to note, {counts[FAIL]} wrong")
    if any(one["state"] == FAIL for one in found):
        raise click.exceptions.Exit(FAILED)


def _findings(
    parts: tuple[str, ...], work: Path, record: FactoryRecord, entries: list[EntryRecord]
) -> Iterator[Finding]:
    daemons = Daemons.of(work)
    running = daemons.pid is not None
    places: dict[str, list[str]] = {}
    for one in entries:
        places.setdefault(one.schedd, []).append(one.name)
    descriptions = {one.name: one.pilot.descript_entry for one in entries}

    def of_web() -> Iterator[Finding]:
        yield from web.web(record, descriptions)
        yield from web.stop_list(record)

    def of_pool() -> Iterator[Finding]:
        yield from pool.collectors(record, running=running)
        yield from pool.schedds(record, places)

    def of_secrets() -> Iterator[Finding]:
        yield from secrets.permissions(work, running=running)
        yield from secrets.own()
        yield from secrets.lives(credentials_of(work, record))

    made: dict[str, Callable[[], Iterator[Finding]]] = {
        "host": lambda: host.host(work, record, daemons),
        "web": of_web,
        "caches": lambda: caches.caches(record, (one.pilot.proxy for one in entries)),
        "pool": of_pool,
        "secrets": of_secrets,
        "clock": lambda: clock.web_clock(record),
    }
    for part in parts:
        yield from made[part]()


def _say(one: Finding) -> None:
    told = {**one, "words": f"{one['what']}: {one['words']}"}
    for text, kind in words.of_finding(told):  # type: ignore[arg-type]
        say(printable(text), _COLOURS.get(kind))
