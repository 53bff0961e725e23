"""``glidein-factory import``: come from GlideinWMS, with its configuration and downtimes."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import click

from orchestrator import config
from orchestrator.errors import ConfigError
from orchestrator.importer import conversion, downtimes, inputs, written
from orchestrator.importer.inputs import Inputs
from orchestrator.importer.report import Report
from orchestrator.importer.written import Files
from orchestrator.options import json_option
from orchestrator.work_folder import FACTORY_FILE
from orchestrator.worktree import downtimes_edit
from orchestrator.worktree.downtimes import Downtime


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
        found, result = conversion.converted(
            given.xml, report, ignore_unknown=ignore_unknown
        )
        work = folder / "work"
        resources = _by_resource({one.name: one.resource for one in found})
        aliases = _by_resource({one.name: one.alias for one in found})
        names = [one.name for one in found]
        down = list(_downtimes(given, names, resources, report, aliases))
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
    aliases: Mapping[str, list[str]] = {},
) -> Iterator[Downtime]:
    for path in given.downtimes:
        yield from downtimes.reference(path, names, report, aliases)
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
