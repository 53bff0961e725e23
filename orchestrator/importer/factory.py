"""What the XML says of the factory as a whole, as keys of ``factory.toml``."""

import re
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from orchestrator.config.values import Collectors, FrontendName, Name, Schedds, Url, Word
from orchestrator.importer import reference
from orchestrator.importer.report import Report
from orchestrator.importer.values import (
    Fields,
    Said,
    Table,
    Value,
    attributes,
    files,
    problem_of,
)
from orchestrator.importer.xml_file import Element

PLACEHOLDER = "change-me"
_BITS = (2048, 3072, 4096)


@dataclass
class Factory:
    """What ``factory.toml`` will say, and what all entries get from it."""

    said: Said = field(default_factory=dict)
    frontends: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    schedds: list[str] = field(default_factory=list)
    recoverable: tuple[Value, ...] = ()
    remarks: list[str] = field(default_factory=list)


def factory(root: Element, report: Report) -> Factory:
    """Return the factory that ``<glidein>`` describes, its entries apart.

    Raises:
        ConfigError: what the reference would refuse, too.
    """
    reader = _Reader(root, report)
    reader.head()
    reader.retention()
    reader.security()
    reader.places()
    reader.lists()
    reader.remarks()
    return reader.made


class _Reader:
    def __init__(self, root: Element, report: Report) -> None:
        self._root, self._report = root, report
        self.made = Factory()

    def _fields(self, element: Element | None) -> Fields:
        return Fields(element, {}, self._report, self.made.remarks)

    def _left(self, element: Element, why: str) -> None:
        """Tell of an element that has no counterpart, with all its attributes."""
        said = " ".join(f'{key}="{one}"' for key, one in element.attributes.items())
        self._report.add("left", element.where, f"<{element.tag}>: {why}", said)

    def _checked(self, kind: Any, said: Any, fields: Fields, key: str) -> bool:
        """Return whether our configuration takes ``said``; if not, tell of it."""
        wrong = problem_of(TypeAdapter(kind), said)
        if wrong:
            what = f"{key}: a value that cannot be said here ({wrong})"
            self._report.add("left", fields.where, what, f'"{said}"')
        return not wrong

    def head(self) -> None:
        """Read the attributes of ``<glidein>``."""
        fields, said = self._fields(self._root), self.made.said
        for key, ours in (("factory_name", "factory"), ("glidein_name", "glidein")):
            name = fields.text(key)
            if name is not None and self._checked(Name, name, fields, key):
                said[ours,] = name
        if (listed := fields.text("schedd_name")) is not None:
            schedds = list(dict.fromkeys(listed.replace(",", " ").split()))
            if self._checked(Schedds, schedds, fields, "schedd_name"):
                self.made.schedds = schedds
        collector = fields.text("factory_collector")
        if collector and collector.lower() not in ("none", "default"):
            found = collector.replace(",", " ").split()
            if self._checked(Collectors, found, fields, "factory_collector"):
                said["collector",] = tuple(found)
        for key, path in (
            ("loop_delay", ("cycle", "delay_s")),
            ("advertise_delay", ("cycle", "advertise_every")),
            ("restart_attempts", ("restarts", "attempts")),
            ("restart_interval", ("restarts", "interval_s")),
        ):
            if fields.text(key) is not None:
                self._positive(path, fields, key)
        if fields.text("advertise_pilot_accounting") is not None:
            said["pilot_accounting",] = fields.flag("advertise_pilot_accounting")
        if codes := (fields.text("recoverable_exitcodes") or "").strip():
            self._recoverable(codes, fields)
        fields.rest()

    def _positive(self, path: tuple[str, ...], fields: Fields, key: str) -> None:
        number = fields.number(key)
        if number >= 1:
            self.made.said[path] = number
        else:
            what = f"{key}: a number below 1: as by default here"
            self._report.add("mended", fields.where, what, f'{key}="{number}"')

    def _recoverable(self, codes: str, fields: Fields) -> None:
        """Read holds that a release may cure: code [subcode …], …"""
        holds: list[Value] = []
        for one in codes.split(","):
            words = one.split()
            if not words or not all(re.fullmatch(r"[0-9]{1,9}", word) for word in words):
                what = "recoverable_exitcodes: a code that is no number"
                self._report.add("left", fields.where, what, f'"{one}"')
                continue
            code, *subcodes = map(int, words)
            table: tuple[tuple[str, Value], ...] = (("code", code),)
            if subcodes:
                table = (*table, ("subcodes", tuple(subcodes)))
            holds.append(Table(table))
        self.made.recoverable = tuple(holds)

    def retention(self) -> None:
        """Read ``<log_retention>``."""
        element = self._root.child("log_retention")
        if element is None:
            return
        self._fields(element).rest()
        for tag, ours in (
            ("job_logs", "outputs"),
            ("condor_logs", "event_logs"),
            ("summary_logs", "summaries"),
        ):
            kept = element.child(tag)
            if kept is None:
                continue
            fields = self._fields(kept)
            said = Fields(kept, reference.LOGS[tag], self._report, [])
            days, least = said.decimal("max_days"), said.decimal("min_days")
            if least > days:
                what = f"<{tag}>: min_days above max_days: as many"
                self._report.add("mended", kept.where, what, f"{least} above {days}")
            table = {"days": days, "min_days": min(days, least)}
            table["mb"] = max(1, int(said.decimal("max_mbytes")))
            for key, value in table.items():
                self.made.said["retention", ours, key] = value
            for key in reference.LOGS[tag]:
                fields.text(key)
            fields.rest()
        logs = element.child("process_logs")
        for log in logs.children if logs is not None else ():
            self._left(log, "daemons here have one log each, see [logs] (mb, keep, level)")

    def security(self) -> None:
        """Read ``<security>`` with its Frontends."""
        element, said = self._root.child("security"), self.made.said
        if element is None:
            return
        fields = self._fields(element)
        if fields.text("key_length") is not None:
            bits = fields.number("key_length")
            if bits in _BITS:
                said["keys", "bits"] = bits
            else:
                what = (
                    f"key_length: one of {', '.join(map(str, _BITS))} here, 2048 by default"
                )
                self._report.add("mended", fields.where, what, f'"{bits}"')
        if (kind := fields.text("pub_key")) not in (None, "RSA"):
            self._report.add("left", fields.where, "pub_key: RSA here", f'"{kind}"')
        if fields.text("remove_old_cred_age") is not None:
            said["retention", "credential_days"] = fields.decimal("remove_old_cred_age")
        if fields.text("reuse_oldkey_onstartup_gracetime") is not None:
            grace = fields.number("reuse_oldkey_onstartup_gracetime")
            said["keys", "grace_s"] = max(0, grace)
        fields.rest()
        frontends = element.child("frontends")
        for one in frontends.children if frontends is not None else ():
            self._frontend(one)

    def _frontend(self, element: Element) -> None:
        fields = self._fields(element)
        name, identity = fields.needed("name"), fields.needed("identity")
        fields.rest()
        if not self._checked(FrontendName, name, fields, "name of a Frontend"):
            return
        if not self._checked(Word, identity, fields, f"identity of Frontend {name}"):
            return
        classes: dict[str, str] = {}
        listed = element.child("security_classes")
        for one in listed.children if listed is not None else ():
            inner = Fields(one, reference.SECURITY_CLASS, self._report, self.made.remarks)
            security_class, user = inner.needed("name"), inner.needed("username")
            inner.rest()
            if self._checked(
                FrontendName, security_class, inner, "name of a class"
            ) and self._checked(Name, user, inner, "username"):
                classes[security_class] = user
        self.made.frontends[name] = (identity, classes)

    def places(self) -> None:
        """Read ``<stage>``, ``<submit>`` and ``<monitor>``: folders and addresses."""
        said, report = self.made.said, self._report
        stage = self._root.child("stage")
        if stage is not None:
            fields = self._fields(stage)
            url = fields.text("web_base_url")
            if url is not None and self._checked(
                Url, url.rstrip("/"), fields, "web_base_url"
            ):
                said["web", "url"] = url.rstrip("/")
                what = "web.url: have the web server serve the folder stage/ there"
                report.add("do", fields.where, what, url)
            fields.rest()
        submit = self._root.child("submit")
        if submit is not None:
            fields = self._fields(submit)
            if fields.text("num_factories") is not None:
                self._positive(("num_factories",), fields, "num_factories")
            fields.rest()
        for tag in ("monitor", "monitor_footer", "cvmfsexec_distro"):
            element = self._root.child(tag)
            if element is not None and any(element.attributes.values()):
                why = {
                    "monitor": "the page is a part of the stage",
                    "monitor_footer": "the page has none",
                    "cvmfsexec_distro": "bring the distribution as a file of the factory",
                }[tag]
                self._left(element, why)

    def lists(self) -> None:
        """Read attributes, files, HTCondor tarballs, monitoring collectors, sets of entries."""
        made, report, root = self.made, self._report, self._root
        all_attributes = attributes(
            _members(root, "attrs"), "the factory", report, made.remarks
        )
        for name, attribute in all_attributes.items():
            made.said["attributes", name] = attribute
        found = files(_members(root, "files"), "the factory", report, made.remarks)
        if found:
            made.said["files",] = found
        for tarball in _members(root, "condor_tarballs"):
            told = " ".join(f'{key}="{one}"' for key, one in tarball.attributes.items())
            what = (
                "an HTCondor for glideins: make a tarball of it (glidein-factory"
                " condor-tarball --from-tarball, or --from-dir), name it in condor_tarballs"
            )
            report.add("do", tarball.where, what, told)
        nodes: list[str] = []
        for one in _members(root, "monitoring_collectors"):
            fields = self._fields(one)
            found_nodes = fields.needed("node").replace(",", " ").split()
            if self._checked(
                Collectors, found_nodes, fields, "node of a monitoring collector"
            ):
                nodes += found_nodes
            for key, usual in (("group", "default"), ("secondary", "False")):
                if fields.text(key) not in (None, usual):
                    what = f"<monitoring_collector {key}=…>: all are alike here"
                    report.add("left", one.where, what, f'"{fields.text(key)}"')
            fields.rest()
        if nodes:
            made.said["monitoring_collectors",] = tuple(dict.fromkeys(nodes))
        for one in _members(root, "entry_sets"):
            inside = ", ".join(
                each.attributes.get("name", "")
                for each in one.below()
                if each.tag == "entry"
            )
            what = (
                "<entry_set>: several entries behind one name; write its entries one by one"
            )
            report.add(
                "left", one.where, what, f"{one.attributes.get('alias', '')}: {inside}"
            )

    def remarks(self) -> None:
        """Keep the comments that stand outside of entries; those of others are kept there."""
        for element in _outside_entries(self._root):
            for comment in element.comments:
                what = f"a comment in <{element.tag}>"
                self._report.add("kept", comment.where, what, comment.text)
            if element.text:
                what = f"text in <{element.tag}>, which the reference does not look at"
                self._report.add("left", element.where, what, element.text[:200])


def _members(root: Element, tag: str) -> list[Element]:
    found = root.child(tag)
    return [] if found is None else found.children


def _outside_entries(element: Element, within: str = "glidein") -> list[Element]:
    """Return ``element`` and all below it, but for the entries themselves; sets are no entries."""
    found = [element]
    for child in element.children:
        if not (child.tag == "entry" and element.tag == "entries" and within == "glidein"):
            found += _outside_entries(child, element.tag)
    return found
