"""Several files of a ``config.d`` on top of each other, as the reference puts them.

A later file's attributes win; a list gets the later file's members, and one that was there
before, by its name, is replaced as a whole. After that a list is in the order of those names.
"""

from collections.abc import Sequence

from orchestrator.errors import ConfigError
from orchestrator.importer.reference import CHILDREN, LISTS
from orchestrator.importer.report import Report
from orchestrator.importer.xml_file import Element

ROOT = "glidein"


def merged(roots: Sequence[Element], report: Report) -> Element:
    """Return what all files say together; the elements are changed.

    Raises:
        ConfigError: one is no configuration of a factory.
    """
    for root in roots:
        if root.tag != ROOT:
            raise ConfigError(
                f"{root.where}: expected <{ROOT}>, the configuration of a factory,"
                f" got <{root.tag}>"
            )
    whole = roots[0]
    for root in roots[1:]:
        _put_on(whole, root, report)
    return whole


def unknown(root: Element) -> list[Element]:
    """Return the elements that the reference does not know where they stand."""
    found: list[Element] = []
    for child in root.children:
        if child.tag in CHILDREN.get(root.tag, ()):
            found += unknown(child)
        else:
            found.append(child)
    return found


def repeated(root: Element) -> list[Element]:
    """Return the elements of which there is a later one in their place: that one alone counts."""
    found: list[Element] = []
    for child in root.children:
        if root.tag not in LISTS and root.child(child.tag) is not child:
            found.append(child)
        else:
            found += repeated(child)
    return found


def _put_on(below: Element, above: Element, report: Report) -> None:
    below.comments += above.comments
    if above.text:
        below.text = above.text
    name_of = LISTS.get(below.tag)
    if name_of is not None:
        members = {name_of(one): one for one in below.children}
        for one in above.children:
            before = members.get(name_of(one))
            if before is not None and below.tag == "entries":
                what = "an entry of an earlier file, replaced by a later file's"
                name = one.attributes.get("name", "")
                report.add("mended", before.where, what, f"{name}, by {one.where}")
            members[name_of(one)] = one
        below.children = [members[name] for name in sorted(members)]
        return
    below.attributes.update(above.attributes)
    for child in above.children:
        same = below.child(child.tag)
        if same is None:
            below.children.append(child)
        else:
            _put_on(same, child, report)
