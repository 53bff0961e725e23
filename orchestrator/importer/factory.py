"""What the XML says of the factory as a whole, as keys of ``factory.toml``."""

import re

from orchestrator.config.values import Collectors, Name, Schedds, Url
from orchestrator.importer import retention, security, submit_attributes
from orchestrator.importer.reading import Factory, Reading
from orchestrator.importer.report import Report
from orchestrator.importer.values import Fields, Table, Value, attributes, files
from orchestrator.importer.xml_file import Element

PLACEHOLDER = "change-me"
_NO_COUNTERPART = {
    "monitor": "the page is a part of the stage",
    "monitor_footer": "the page has none",
    "cvmfsexec_distro": "bring the distribution as a file of the factory",
}


def factory(root: Element, report: Report) -> Factory:
    """Return the factory that ``<glidein>`` describes, its entries apart.

    Raises:
        ConfigError: what the reference would refuse, too.
    """
    reading = Reading(root, report)
    _head(reading)
    retention.read(reading)
    security.read(reading)
    _places(reading)
    _lists(reading)
    _monitoring_collectors(reading)
    _remarks(reading)
    return reading.made


def _head(reading: Reading) -> None:
    """Read the attributes of ``<glidein>``."""
    fields, said = reading.fields(reading.root), reading.made.said
    for key, ours in (("factory_name", "factory"), ("glidein_name", "glidein")):
        name = fields.text(key)
        if name is not None and reading.checked(Name, name, fields, key):
            said[ours,] = name
    if (listed := fields.text("schedd_name")) is not None:
        schedds = list(dict.fromkeys(listed.replace(",", " ").split()))
        if reading.checked(Schedds, schedds, fields, "schedd_name"):
            reading.made.schedds = schedds
    collector = fields.text("factory_collector")
    if collector and collector.lower() not in ("none", "default"):
        found = collector.replace(",", " ").split()
        if reading.checked(Collectors, found, fields, "factory_collector"):
            said["collector",] = tuple(found)
    for key, path in (
        ("loop_delay", ("cycle", "delay_s")),
        ("advertise_delay", ("cycle", "advertise_every")),
        ("restart_attempts", ("restarts", "attempts")),
        ("restart_interval", ("restarts", "interval_s")),
    ):
        if fields.text(key) is not None:
            reading.positive(path, fields, key)
    if fields.text("advertise_pilot_accounting") is not None:
        said["pilot_accounting",] = fields.flag("advertise_pilot_accounting")
    if codes := (fields.text("recoverable_exitcodes") or "").strip():
        _recoverable(codes, fields, reading)


def _recoverable(codes: str, fields: Fields, reading: Reading) -> None:
    """Read holds that a release may cure: code [subcode …], …"""
    holds: list[Value] = []
    for one in codes.split(","):
        words = one.split()
        if not words or not all(re.fullmatch(r"[0-9]{1,9}", word) for word in words):
            what = "recoverable_exitcodes: a code that is no number"
            reading.report.add("left", fields.where, what, f'"{one}"')
            continue
        code, *subcodes = map(int, words)
        table: tuple[tuple[str, Value], ...] = (("code", code),)
        if subcodes:
            table = (*table, ("subcodes", tuple(subcodes)))
        holds.append(Table(table))
    reading.made.recoverable = tuple(holds)


def _places(reading: Reading) -> None:
    """Read ``<stage>``, ``<submit>`` and ``<monitor>``: folders and addresses."""
    made, root = reading.made, reading.root
    fields = reading.fields(root.child("stage"))
    url = (fields.text("web_base_url") or "").rstrip("/")
    if url and reading.checked(Url, url, fields, "web_base_url"):
        made.said["web", "url"] = url
        what = "web.url: have the web server serve the folder stage/ there"
        reading.report.add("do", fields.where, what, url)
    submit = root.child("submit")
    fields = reading.fields(submit)
    if fields.text("num_factories") is not None:
        reading.positive(("num_factories",), fields, "num_factories")
    listed = submit.child("submit_attrs") if submit is not None else None
    if listed is not None:
        made.submit = submit_attributes.read(
            listed.children, "the factory", reading.report, made.remarks
        )
    for tag, why in _NO_COUNTERPART.items():
        element = root.child(tag)
        if element is not None and any(element.attributes.values()):
            reading.left(element, why)


def _lists(reading: Reading) -> None:
    """Read attributes, files and HTCondor tarballs."""
    made, report = reading.made, reading.report
    found = attributes(reading.members("attrs"), "the factory", report, made.remarks)
    for name, attribute in found.items():
        made.said["attributes", name] = attribute
    if listed := files(reading.members("files"), "the factory", report, made.remarks):
        made.said["files",] = listed
    for tarball in reading.members("condor_tarballs"):
        what = (
            "an HTCondor for glideins: make a tarball of it (glidein-factory"
            " condor-tarball --from-tarball, or --from-dir), name it in condor_tarballs"
        )
        report.add("do", tarball.where, what, tarball.said)
        tarball.pass_over()


def _monitoring_collectors(reading: Reading) -> None:
    nodes: list[str] = []
    for one in reading.members("monitoring_collectors"):
        fields = reading.fields(one)
        found = fields.needed("node").replace(",", " ").split()
        if reading.checked(Collectors, found, fields, "node of a monitoring collector"):
            nodes += found
        for key, usual in (("group", "default"), ("secondary", "False")):
            if fields.text(key) not in (None, usual):
                what = f"<monitoring_collector {key}=…>: all are alike here"
                reading.report.add("left", one.where, what, f'"{fields.text(key)}"')
    if nodes:
        reading.made.said["monitoring_collectors",] = tuple(dict.fromkeys(nodes))


def _remarks(reading: Reading) -> None:
    """Keep the comments that stand outside of entries; those of others are kept there."""
    for element in _outside_entries(reading.root):
        for comment in element.comments:
            what = f"a comment in <{element.tag}>"
            reading.report.add("kept", comment.where, what, comment.text)
        if element.text:
            what = f"text in <{element.tag}>, which the reference does not look at"
            reading.report.add("left", element.where, what, element.text[:200])


def _outside_entries(element: Element) -> list[Element]:
    """Return ``element`` and all below it, but for entries and sets of them."""
    found = [element]
    for child in element.children:
        if (element.tag, child.tag) not in (
            ("entries", "entry"),
            ("entry_sets", "entry_set"),
        ):
            found += _outside_entries(child)
    return found
