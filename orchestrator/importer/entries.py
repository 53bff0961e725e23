"""What an ``<entry>`` of the XML is here: a value for each key, the reference's defaults filled in."""

import functools
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from orchestrator.config import Entry
from orchestrator.config.values import (
    Caches,
    Classes,
    FrontendName,
    Name,
    Share,
    is_entry_name,
)
from orchestrator.importer import reference, submit_attributes
from orchestrator.importer.imported import DEFAULTS, Imported
from orchestrator.importer.report import Report
from orchestrator.importer.values import (
    Fields,
    Value,
    attributes,
    files,
    problem_of,
)
from orchestrator.importer.xml_file import Element


def entry(element: Element, report: Report) -> Imported | None:
    """Return an ``<entry>``, or None (and a note) when there can be none like it here.

    Raises:
        ConfigError: what the reference would refuse, too.
    """
    fields = Fields(element, reference.ENTRY, report, [])
    name = fields.needed("name")
    made = Imported(name, element.where, dict(DEFAULTS))
    reader = _Reader(made, report)
    is_name = is_entry_name(name)
    if not is_name:
        what = "an entry whose name cannot be one here: letters, digits and . _ - only"
        report.add("left", element.where, what, f'"{name}"')
    if not is_name or not reader.head(fields):
        for comment in (comment for part in element.below() for comment in part.comments):
            report.add(
                "kept", comment.where, "a comment at an entry left out", comment.text
            )
        return None
    reader.config(element.child("config"))
    reader.lists(element)
    reader.comments(element)
    return made


class _Reader:
    def __init__(self, made: Imported, report: Report) -> None:
        self._made, self._report = made, report

    def head(self, fields: Fields) -> bool:
        """Read the attributes of ``<entry>``; False when there can be no such entry here."""
        element = fields.element
        assert element is not None
        made = self._made
        for key, ours in (("gatekeeper", "gatekeeper"), ("gridtype", "grid_type")):
            value = " ".join(fields.needed(key).split())
            if wrong := problem_of(_key(ours), value) if value else "it is empty":
                what = f"an entry that cannot be one here ({ours}: {wrong})"
                self._report.add(
                    "left", element.where, what, f'{made.name}: {key}="{value}"'
                )
                return False
            made.said[(ours,)] = value
        made.said["enabled",] = fields.flag("enabled")
        made.said["comment",] = element.attributes.get("comment", "")
        same = ("auth_method", "trust_domain", "verbosity", "work_dir", "rsl", "bosco_dir")
        for key in (*same, "schedd_name", "proxy_url"):
            ours = {"schedd_name": "schedd", "proxy_url": "proxy"}.get(key, key)
            said = fields.text(key)
            if said is not None and (said or (ours,) in DEFAULTS):
                self._put(
                    (ours,), said.strip() if ours == "rsl" else said, fields.where, key
                )
        self._machine(fields)
        return True

    def _machine(self, fields: Fields) -> None:
        """Tell of the machine that a cloud's entry names: here the Frontend names it."""
        for key in ("vm_id", "vm_type"):
            said = fields.text(key)
            if said is not None:
                what = f"{key}: here Frontends name it, when auth_method has +{key}"
                self._report.add("do", fields.where, what, f'{self._made.name}: "{said}"')

    def _put(self, path: tuple[str, ...], value: Any, where: str, key: str) -> None:
        """Say one key of an entry, if it can be said."""
        if path == ("proxy",) and value == "":
            value = "None"
        kind = _PROXY if path == ("proxy",) else _key(path[0])
        if wrong := problem_of(kind, value):
            what = f"a value that cannot be said here ({path[0]}: {wrong})"
            self._report.add("left", where, what, f'{self._made.name}: {key}="{value}"')
        else:
            self._made.said[path] = value

    def config(self, config: Element | None) -> None:
        """Read ``<config>``."""
        jobs = self._child(config, "max_jobs")
        fields = self._fields(jobs, {})
        if fields.text("num_factories") is not None:
            factories = self._at_least(1, fields, "num_factories")
            self._made.said["limits", "num_factories"] = factories
        for tag, ours, defaults in (
            ("per_entry", "entry", reference.PER_ENTRY),
            (
                "default_per_frontend",
                "default_per_frontend",
                reference.DEFAULT_PER_FRONTEND,
            ),
        ):
            self._limits(("limits", ours), self._fields(self._child(jobs, tag), defaults))
        for one in _children(self._child(jobs, "per_frontends")):
            fields = self._fields(one, reference.PER_FRONTEND)
            share = fields.needed("name")
            if wrong := problem_of(_SHARE, share):
                what = f"a limit for what is no Frontend's class here ({wrong})"
                told = f"{self._made.name}: {one.said}"
                self._report.add("left", one.where, what, told)
                one.pass_over()
                continue
            self._limits(("limits", "per_frontend", share), fields)
        self._rates(config)
        restrictions = self._fields(
            self._child(config, "restrictions"), reference.RESTRICTIONS
        )
        self._made.said["require_voms",] = restrictions.flag("require_voms_proxy")

    def _rates(self, config: Element | None) -> None:
        said = self._made.said
        stale = self._fields(self._child(config, "stale_age"), reference.STALE_AGE)
        for key in ("idle", "running"):
            said["remove", f"stale_{key}_s"] = self._at_least(1, stale, key)
        if stale.text("unclaimed") != reference.STALE_AGE["unclaimed"]:
            what = "<stale_age unclaimed=…>, which the reference does not look at either"
            self._report.add("left", stale.where, what, self._made.name)
        for tag, defaults in (("release", reference.RELEASE), ("remove", reference.REMOVE)):
            fields = self._fields(self._child(config, tag), defaults)
            said[tag, "max_per_cycle"] = self._at_least(1, fields, "max_per_cycle")
            said[tag, "sleep_s"] = fields.decimal("sleep")
        submit = self._child(config, "submit")
        fields = self._fields(submit, reference.SUBMIT)
        for key in ("cluster_size", "max_per_cycle"):
            said["submit", key] = self._at_least(1, fields, key)
        said["submit", "sleep_s"] = fields.decimal("sleep")
        layout = fields.needed("slots_layout")
        if layout not in ("fixed", "partitionable"):
            self._report.add(
                "left", fields.where, f'slots_layout="{layout}"', self._made.name
            )
        else:
            said["slot", "layout"] = layout
        listed = _children(self._child(submit, "submit_attrs"))
        said.update(
            submit_attributes.read(
                listed, self._made.name, self._report, self._made.remarks
            )
        )

    def lists(self, element: Element) -> None:
        """Read attributes, files, allowed Frontends and monitoring groups."""
        made, report = self._made, self._report
        all_attributes = attributes(
            _children(element.child("attrs")), made.name, report, made.remarks
        )
        for name, one in all_attributes.items():
            made.said["attributes", name] = one
        made.said["files",] = files(
            _children(element.child("files")), made.name, report, made.remarks
        )
        for child in _children(element.child("allow_frontends")):
            fields = self._fields(child, reference.ALLOW_FRONTEND)
            name = fields.needed("name")
            classes = tuple(fields.needed("security_class").replace(",", " ").split())
            wrong = problem_of(_FRONTEND, name) or problem_of(_CLASSES, list(classes))
            if wrong:  # to leave it out would open the entry to everybody
                report.add(
                    "do", child.where, f"allow_frontends: {wrong}", f'{made.name}: "{name}"'
                )
                made.said["enabled",] = False
                continue
            made.said["allow_frontends", name] = classes
        groups: list[Value] = []
        for child in _children(element.child("monitorgroups")):
            fields = self._fields(child, {})
            name = fields.needed("group_name")
            if wrong := problem_of(_NAME, name):
                report.add(
                    "left", child.where, f"a monitoring group ({wrong})", f'"{name}"'
                )
            elif name not in groups:
                groups.append(name)
        made.said["groups",] = tuple(groups)
        for child in _children(element.child("infosys_refs")):
            what = "<infosys_ref>: what an information system once said"
            report.add("left", child.where, what, f"{made.name}: {child.said}")
            child.pass_over()

    def comments(self, element: Element) -> None:
        """Keep the comments within the entry, and texts that nobody looks at."""
        for part in element.below():
            for comment in part.comments:
                self._made.remarks.append(comment.text)
                what = "a comment at an entry, kept in its file"
                self._report.add("kept", comment.where, what, self._made.name)
            if part.text:
                what = f"text in <{part.tag}>, which the reference does not look at"
                self._report.add("left", part.where, what, part.text[:200])

    def _limits(self, path: tuple[str, ...], fields: Fields) -> None:
        for key in ("glideins", "idle", "held"):
            self._made.said[*path, key] = self._at_least(0, fields, key)

    def _at_least(self, least: int, fields: Fields, key: str) -> int:
        found = fields.number(key)
        if found >= least:
            return found
        what = f"a number below {least}: {least} here"
        self._report.add("mended", fields.where, what, f"{self._made.name}: {key}={found}")
        return least

    def _fields(self, element: Element | None, defaults: dict[str, str]) -> Fields:
        return Fields(element, defaults, self._report, self._made.remarks)

    @staticmethod
    def _child(element: Element | None, tag: str) -> Element | None:
        return None if element is None else element.child(tag)


def _children(element: Element | None) -> list[Element]:
    return [] if element is None else element.children


@functools.cache
def _key(name: str) -> TypeAdapter[Any]:
    """Return what checks the values of one of an entry's keys."""
    return TypeAdapter(get_type_hints(Entry, include_extras=True)[name])


_PROXY: TypeAdapter[Any] = TypeAdapter(Caches)
_SHARE: TypeAdapter[Any] = TypeAdapter(Share)
_FRONTEND: TypeAdapter[Any] = TypeAdapter(FrontendName)
_CLASSES: TypeAdapter[Any] = TypeAdapter(Classes)
_NAME: TypeAdapter[Any] = TypeAdapter(Name)
