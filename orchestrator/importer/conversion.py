"""From the XML of the reference to the files of this factory."""

from collections.abc import Sequence
from pathlib import Path

from orchestrator.errors import ConfigError
from orchestrator.importer import (
    entries,
    entry_sets,
    expansion,
    factory,
    merged,
    unread,
    written,
    xml_file,
)
from orchestrator.importer.imported import Imported
from orchestrator.importer.report import Report
from orchestrator.importer.written import Files
from orchestrator.importer.xml_file import Element

_SHOWN = 10  # elements that nobody knows


def converted(
    paths: Sequence[Path], report: Report, *, ignore_unknown: bool
) -> tuple[list[Imported], Files]:
    """Return the entries and the files that the XML in ``paths`` becomes; later ones win.

    Raises:
        ConfigError: what the reference would refuse, too; or elements that it does not know,
            unless ``ignore_unknown``.
        OSError: a file cannot be read.
    """
    whole = merged.merged([xml_file.read(path) for path in paths], report)
    _tell_strange(whole, report, ignore_unknown=ignore_unknown)
    members = entry_sets.members(whole, report)
    all_ = whole.child("entries")
    alone = [] if all_ is None else [one for one in all_.children if one.tag == "entry"]
    elements = [*alone, *(member.entry for member in members)]
    expansion.expand(whole, elements, report)
    made = factory.factory(whole, report)
    shares = {id(member.entry): member for member in members}
    found: dict[str, Imported] = {}
    for element in elements:
        entry = entries.entry(element, report)
        if entry is None:
            continue
        entry.said = {**made.submit, **entry.said}
        if made.recoverable:
            entry.said["release", "recoverable"] = made.recoverable
        if member := shares.get(id(element)):
            entry.alias = member.alias
            member.share(entry)
        if entry.name in found:
            what = "an entry that is there twice in a file: the last one holds"
            by = f"{entry.name}, by {entry.where}"
            report.add("mended", found[entry.name].where, what, by)
        found[entry.name] = entry
    # Entries first: the lists that members of a set share are marked there.
    unread.tell([*elements, whole], report)
    return [*found.values()], written.files_of(made, [*found.values()], report)


def _tell_strange(whole: Element, report: Report, *, ignore_unknown: bool) -> None:
    """Refuse elements that nobody knows, or tell of them; and of those that do not count."""
    strange = merged.unknown(whole)
    if strange and not ignore_unknown:
        listed = "".join(f"\n  {one.where}: <{one.tag}>" for one in strange[:_SHOWN])
        more = f"\n  and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        raise ConfigError(
            "elements that GlideinWMS does not know, where they stand; mend them, or"
            f" --ignore-unknown as it does{listed}{more}"
        )
    for one in strange:
        what = f"<{one.tag}>, which GlideinWMS does not know"
        report.add("left", one.where, what, one.said)
        one.pass_over()
    for one in merged.repeated(whole):
        what = f"<{one.tag}> again, in the same place: as GlideinWMS does, the last one alone counts"
        report.add("left", one.where, what, one.said)
        one.pass_over()
