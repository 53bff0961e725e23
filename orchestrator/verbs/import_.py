"""``glidein-factory import``: come from GlideinWMS, with its configuration and downtimes."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import click

from orchestrator import config
from orchestrator.errors import ConfigError
from orchestrator.importer import (
    downtimes,
    entries,
    factory,
    inputs,
    merged,
    written,
    xml_file,
)
from orchestrator.importer.imported import Imported
from orchestrator.importer.inputs import Inputs
from orchestrator.importer.report import Report
from orchestrator.importer.written import Files
from orchestrator.options import json_option
from orchestrator.work_folder import FACTORY_FILE
from orchestrator.worktree import downtimes_edit
from orchestrator.worktree.downtimes import Downtime

_SHOWN = 10  # elements that nobody knows


@click.command("import")
@click.argument(
    "files",
    metavar="FILE…",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True),
)
@click.option(
    "--out",
    "folder",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write: factory.toml, entries/, templates/.",
)
@click.option("--replace", is_flag=True, help="Write over an earlier import in DIR.")
@click.option(
    "--ignore-unknown", is_flag=True, help="List elements that GlideinWMS does not know."
)
@json_option
def command(
    files: tuple[Path, ...],
    folder: Path,
    replace: bool,
    ignore_unknown: bool,
    as_json: bool,
) -> None:
    """Turn the configuration of a GlideinWMS factory into one of this factory.

    FILE is glideinWMS.xml, files of config.d or that folder (later ones win); the text file of
    downtimes; a YAML file of downtimes of OSG topology. Without any XML, the downtimes go to the
    configuration that is in DIR already.

    \b
    Examples:
      glidein-factory import glideinWMS.xml config.d --out factory
      glidein-factory import config.d glideinWMS.downtimes --out factory
      glidein-factory import topology/*/*_downtime.yaml --out factory

    Exit codes: 0 written; 1 not (the message says why); 2 bad usage.
    """
    given, report = inputs.sort(files), Report()
    result: Files | None = None
    if given.xml:
        found, result = _converted(given, report, ignore_unknown)
        work = folder / "work"
        resources = _by_resource({one.name: one.resource for one in found})
        down = list(_downtimes(given, [one.name for one in found], resources, report))
        result = result.with_report(report)
        written.write(folder, result, over=replace)
    else:
        if not (folder / FACTORY_FILE).is_file():
            raise ConfigError(f"{folder}: no {FACTORY_FILE} there to add the downtimes to")
        configuration = config.load(folder)
        work = configuration.work
        resources = _by_resource(
            {
                name: one.attributes["GLIDEIN_ResourceName"].value
                for name, one in configuration.entries.items()
                if "GLIDEIN_ResourceName" in one.attributes
            }
        )
        now = time.time()
        down = list(_downtimes(given, configuration.entries, resources, report))
        down = [one for one in down if not one.over(now)]
    new = 0
    if down:
        work.mkdir(parents=True, exist_ok=True)
        new = downtimes_edit.add(work, down)
    _tell(report, result, given, folder, new, as_json)


def _converted(
    given: Inputs, report: Report, ignore_unknown: bool
) -> tuple[list[Imported], Files]:
    whole = merged.merged([xml_file.read(path) for path in given.xml], report)
    strange = merged.unknown(whole)
    if strange and not ignore_unknown:
        listed = "".join(f"\n  {one.where}: <{one.tag}>" for one in strange[:_SHOWN])
        more = f"\n  and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        raise ConfigError(
            "elements that GlideinWMS does not know, where they stand; mend them, or"
            f" --ignore-unknown as it does{listed}{more}"
        )
    for one in strange:
        said = " ".join(f'{key}="{text}"' for key, text in one.attributes.items())
        report.add("left", one.where, f"<{one.tag}>, which GlideinWMS does not know", said)
    for one in merged.repeated(whole):
        what = f"<{one.tag}> again, in the same place: as GlideinWMS does, the last one alone counts"
        report.add("left", one.where, what)
    made = factory.factory(whole, report)
    all_ = whole.child("entries")
    found: dict[str, Imported] = {}
    for element in () if all_ is None else all_.children:
        entry = entries.entry(element, report) if element.tag == "entry" else None
        if entry is not None:
            if made.recoverable:
                entry.said["release", "recoverable"] = made.recoverable
            if entry.name in found:
                what = "an entry that is there twice in a file: the last one holds"
                by = f"{entry.name}, by {entry.where}"
                report.add("mended", found[entry.name].where, what, by)
            found[entry.name] = entry
    entries_found = list(found.values())
    return entries_found, written.files_of(made, entries_found, report)


def _by_resource(names: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry, resource in sorted(names.items()):
        found.setdefault(resource, []).append(entry)
    found.pop("", None)
    return found


def _downtimes(
    given: Inputs,
    names: Iterable[str],
    resources: Mapping[str, list[str]],
    report: Report,
) -> Iterator[Downtime]:
    for path in given.downtimes:
        yield from downtimes.reference(path, names, report)
    for path in given.topology:
        yield from downtimes.topology(path, resources, report)


def _tell(
    report: Report,
    result: Files | None,
    given: Inputs,
    folder: Path,
    new: int,
    as_json: bool,
) -> None:
    if as_json:
        told = {
            "entries": result.entries if result else 0,
            "templates": result.templates if result else 0,
            "xml_bytes": given.xml_bytes,
            "toml_bytes": result.size if result else 0,
            "downtimes": new,
            "notes": [asdict(note) for note in report.notes],
        }
        click.echo(json.dumps(told, indent=2))
        return
    if result is None:
        click.echo(report.text(), nl=False)
    else:
        for line in report.summary():
            click.echo(line)
        click.echo(
            f"{result.entries} entries and {result.templates} templates: {given.xml_bytes:,}"
            f" bytes of XML are {result.size:,} of TOML"
            f" ({given.xml_bytes / max(1, result.size):.1f} times less)"
        )
        click.echo(f"each of the above with file and line: {folder / written.REPORT}")
    if given.downtimes or given.topology:
        click.echo(f"{new} downtimes written")
    if result is not None:
        click.echo(f"next: glidein-factory reconfig --plan --config {folder}")
