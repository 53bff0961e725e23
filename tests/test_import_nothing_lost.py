"""Each element and attribute that the reference knows, changed: either our files change, or it is told.

The list is the reference's: its ``factory_defaults.xml``, its documentation of the configuration,
and what its code asks elements for beside that (``vm_id``, ``proxy_url``, ``all_grid_types``, …).
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.importer import conversion, reference
from orchestrator.importer.report import Report

_LIMITS = "glideins held idle"
_DAYS = "max_days max_mbytes min_days"
_ATTR = "name value type const publish parameter glidein_publish job_publish comment"
_FILE = "absfname relfname const executable wrapper untar period prefix type comment"
_CONFIG = {
    "config/max_jobs": "num_factories",
    "config/max_jobs/per_entry": _LIMITS,
    "config/max_jobs/default_per_frontend": _LIMITS,
    "config/max_jobs/per_frontends/per_frontend": f"name {_LIMITS}",
    "config/stale_age": "idle running unclaimed",
    "config/release": "max_per_cycle sleep",
    "config/remove": "max_per_cycle sleep",
    "config/restrictions": "require_voms_proxy require_glidein_glexec_use",
    "config/entry_selection": "algorithm_name",
    "config/submit": "cluster_size max_per_cycle sleep slots_layout",
    "config/submit/submit_attrs/submit_attr": "name value all_grid_types",
    "allow_frontends/allow_frontend": "name security_class",
    "attrs/attr": _ATTR,
    "files/file": _FILE,
    "files/file/untar_options": "dir absdir_outattr cond_attr",
    "infosys_refs/infosys_ref": "ref server type",
    "monitorgroups/monitorgroup": "group_name",
}
_ENTRY = (
    "name enabled gatekeeper gridtype auth_method trust_domain work_dir verbosity schedd_name"
    " proxy_url rsl bosco_dir vm_id vm_type comment"
)
# What may stand where, as a path below <glidein>.
KNOWN = {
    "": "factory_name glidein_name schedd_name factory_collector loop_delay advertise_delay"
    " advertise_with_tcp advertise_with_multiple advertise_pilot_accounting restart_attempts"
    " restart_interval entry_parallel_workers factory_versioning recoverable_exitcodes"
    " enable_attribute_expansion",
    "log_retention/condor_logs": _DAYS,
    "log_retention/job_logs": _DAYS,
    "log_retention/summary_logs": _DAYS,
    "log_retention/process_logs/process_log": f"{_DAYS} backup_count compression extension"
    " msg_types structured",
    "monitor": "base_dir flot_dir javascriptRRD_dir jquery_dir update_thread_count",
    "monitor_footer": "display_txt href_link",
    "security": "key_length pub_key remove_old_cred_age remove_old_cred_freq"
    " reuse_oldkey_onstartup_gracetime",
    "security/frontends/frontend": "name identity comment",
    "security/frontends/frontend/security_classes/security_class": "name username",
    "stage": "base_dir use_symlink web_base_url",
    "submit": "base_client_log_dir base_client_proxies_dir base_dir base_log_dir num_factories",
    "submit/submit_attrs/submit_attr": "name value all_grid_types",
    "attrs/attr": _ATTR,
    "files/file": f"{_FILE} after_entry",
    "files/file/untar_options": "dir absdir_outattr cond_attr",
    "condor_tarballs/condor_tarball": "arch os version tar_file base_dir",
    "cvmfsexec_distro": "sources platforms",
    "monitoring_collectors/monitoring_collector": "DN node group secondary",
    "entries/entry": _ENTRY,
    **{f"entries/entry/{place}": keys for place, keys in _CONFIG.items()},
    "entry_sets/entry_set": f"{_ENTRY.replace('name', 'alias', 1)}",
    "entry_sets/entry_set/entries/entry": _ENTRY,
    **{f"entry_sets/entry_set/{place}": keys for place, keys in _CONFIG.items()},
}
# Two values for each key, both of which the reference takes; others are as good as texts.
_VALUES = {
    "enabled publish parameter job_publish glidein_publish require_voms_proxy use_symlink"
    " advertise_pilot_accounting executable": ("True", "False"),
    "const untar": ("True", "True"),  # with the other value there is another kind of file
    "wrapper after_entry secondary factory_versioning enable_attribute_expansion all_grid_types": (
        "False",
        "True",
    ),
    f"{_LIMITS} {_DAYS} idle running unclaimed max_per_cycle cluster_size num_factories sleep"
    " loop_delay advertise_delay restart_attempts restart_interval remove_old_cred_age"
    " reuse_oldkey_onstartup_gracetime period recoverable_exitcodes": ("40", "80"),
    "slots_layout": ("fixed", "partitionable"),
    "verbosity": ("std", "fast"),
    "gridtype": ("condor", "arc"),
    "key_length": ("2048", "4096"),
    "pub_key": ("RSA", "DSA"),
    "gatekeeper": (
        "ce.example.org ce.example.org:9619",
        "x.example.org x.example.org:9619",
    ),
    "work_dir": (".", "OSG"),
    "proxy_url": ("OSG", "http://squid.example.org:3128"),
    "web_base_url": ("http://a.example.org/stage", "http://b.example.org/stage"),
    "factory_collector node": ("c.example.org:9618", "d.example.org:9618"),
    "schedd_name": ("a@example.org", "b@example.org"),
    "absfname": ("/etc/a.tar.gz", "/etc/b.tar.gz"),
    "relfname": ("x.tgz", "y.tgz"),
    "dir absdir_outattr cond_attr": ("LIB", "LIBS"),
    "security_class": ("All", "one"),
}
VALUES = {key: two for keys, two in _VALUES.items() for key in keys.split()}
# In elements where a key means something else.
_HERE = {("attr", "type"): ("string", "expr"), ("file", "type"): ("untar", "regular")}
_HERE |= {("per_frontend", "name"): ("F:a", "F:b"), ("frontend", "name"): ("F", "G")}
_HERE |= {("attr", "const"): ("True", "False")}
_HERE |= {("attr", "value"): ("$(GLIDEIN_WorkDir)", "$(GLIDEIN_Verbosity)")}


def _two(tag: str, key: str) -> tuple[str, str]:
    return _HERE.get((tag, key)) or VALUES.get(key) or (f"{tag}_{key}", f"{tag}_{key}_2")


def _whole() -> ET.Element:
    """Return a configuration in which everything is said once."""
    root = ET.Element("glidein")
    for place, keys in KNOWN.items():
        element = root
        for tag in place.split("/") if place else ():
            found = element.find(tag)
            element = ET.SubElement(element, tag) if found is None else found
        for key in keys.split():
            element.set(key, _two(element.tag, key)[0])
    for file in root.iter("file"):  # of one kind, and what its name is does not clash
        for key in ("executable", "wrapper"):
            file.set(key, "False")
        del file.attrib["type"]
    of_all = root.find("submit/submit_attrs/submit_attr")
    assert of_all is not None
    of_all.set("name", "of_all")  # no entry says it, too
    one, other = root.findall(".//entry")
    one.set("name", "one")
    other.set("name", "other")
    return root


def _changes() -> Iterator[tuple[str, str]]:
    for place, keys in KNOWN.items():
        yield from ((place, key) for key in keys.split())


def _converted(root: ET.Element, path: Path) -> tuple[dict[str, str], list[str]]:
    """Return our files, and what was told with its place."""
    ET.indent(root)
    ET.ElementTree(root).write(path)
    report = Report()
    _, files = conversion.converted([path], report, ignore_unknown=False)
    told = [
        f"{one.where.rpartition(':')[2]}: {one.what}: {one.detail}" for one in report.notes
    ]
    return files.by_name, told


def test_the_list_has_every_element_that_the_importer_lets_through() -> None:
    known = {tag for place in KNOWN for tag in place.split("/")} | {"glidein"}
    let = {
        *reference.CHILDREN,
        *(t for inside in reference.CHILDREN.values() for t in inside),
    }
    assert known - {""} == let


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What it is before anything changes."""
    return _converted(_whole(), tmp_path_factory.mktemp("old") / "a.xml")[0]


@pytest.mark.parametrize(
    ("place", "key"), [*_changes()], ids=lambda part: part or "glidein"
)
def test_it_is_taken_over_or_told(
    place: str, key: str, old: dict[str, str], tmp_path: Path
) -> None:
    after = _whole()
    element = after.find(place) if place else after
    assert element is not None
    first, second = _two(element.tag, key)
    if element.tag == "file" and key in ("const", "untar", "executable", "wrapper", "type"):
        _as_kind(element, key)
    else:
        element.set(key, second)
        assert first != second
    new, told = _converted(after, tmp_path / "a.xml")
    line = _line_of(after, element, tmp_path / "a.xml")
    named = any(one.startswith(f"{line}: ") and key in one for one in told)
    assert old != new or named, told


def _as_kind(file: ET.Element, key: str) -> None:
    """Make another kind of file of it, with all that goes with it."""
    file.set("untar", "False")
    file.set("const", "True")
    if key in ("executable", "wrapper"):
        file.set(key, "True")
    elif key == "const":
        file.set("const", "False")
    elif key == "type":
        file.set("type", "exec:s")


def _line_of(root: ET.Element, element: ET.Element, path: Path) -> int:
    """Return the line in which an element begins; ET.indent gives each one of its own."""
    begins = [
        number
        for number, line in enumerate(path.read_text().split("\n"), start=1)
        if line.strip().startswith((f"<{element.tag} ", f"<{element.tag}>"))
    ]
    return begins[[*root.iter(element.tag)].index(element)]
