"""``<entry_set>``: one name for several entries, of which the reference picks one for each glidein.

Here an entry leads to one place. So each member becomes an entry of its own, with all that the set
says, and with its share of the set's limits: together they are what the set was.
"""

from dataclasses import dataclass

from orchestrator.importer.imported import Imported
from orchestrator.importer.report import Report
from orchestrator.importer.values import Said
from orchestrator.importer.xml_file import Element

_LIMITS = ("glideins", "idle", "held")


@dataclass(frozen=True)
class Member:
    """An entry of a set, as it would stand in ``<entries>``; ``of`` is how many the set has."""

    entry: Element
    alias: str
    of: int

    def share(self, made: Imported) -> None:
        """Leave to ``made`` its share of the set's limits: an equal one, and one at least."""
        shared: Said = {
            path: max(1, number // self.of)
            for path, number in made.said.items()
            if path[0] == "limits" and path[-1] in _LIMITS
            if isinstance(number, int) and number > 0
        }
        made.said.update(shared)


def members(root: Element, report: Report) -> list[Member]:
    """Return the entries of all sets; that they are no set any more is noted."""
    all_ = root.child("entry_sets")
    found = []
    for one in () if all_ is None else all_.children:
        if one.tag == "entry_set":
            found += _members_of(one, report)
    return found


def _members_of(entry_set: Element, report: Report) -> list[Member]:
    alias = entry_set.attributes.get("alias", "")
    listed = entry_set.child("entries")
    inside = (
        [] if listed is None else [one for one in listed.children if one.tag == "entry"]
    )
    names = ", ".join(one.attributes.get("name", "") for one in inside)
    what = (
        "an entry_set: its entries are entries of their own here, each with its share of the"
        " limits; Frontends that ask for the set by its name (alias) must ask for them"
    )
    report.add("do", entry_set.where, what, f"{alias}: {names or 'none'}")
    if not inside:
        entry_set.pass_over()
    return [Member(_whole(entry_set, one, report), alias, len(inside)) for one in inside]


def _whole(entry_set: Element, entry: Element, report: Report) -> Element:
    """Return an entry of the set with all that the set says; what it says itself comes first."""
    common = {key: said for key, said in entry_set.attributes.items() if key != "alias"}
    # What each of its entries says itself, nobody looks at.
    entry_set.looked_at |= {"alias", "enabled"} | (common.keys() - entry.attributes.keys())
    if common.get("enabled") == "False":  # the set decides
        entry.attributes["enabled"] = "False"
    whole = Element("entry", entry.file, entry.line, {**common, **entry.attributes})
    whole.children = [one for one in entry_set.children if one.tag != "entries"]
    whole.comments = [*entry_set.comments]
    for part in entry.below():
        whole.comments += part.comments
    if (listed := entry_set.child("entries")) is not None:
        whole.comments += listed.comments
    for child in entry.children:
        what = "what an entry of an entry_set holds: the reference looks at its attributes alone"
        report.add("left", child.where, what, f"<{child.tag}> {child.said}".strip())
        child.pass_over()
    entry.looked_at.update(entry.attributes)
    return whole
