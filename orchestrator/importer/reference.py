"""What the reference knows and takes for granted: its elements, and the values left unsaid.

Facts of its ``factory_defaults.xml``; an attribute that stands here with None has no default.
"""

from collections.abc import Callable, Mapping

from orchestrator.importer.xml_file import Element

# Elements that are lists, and by which of its attributes a member is known again in a later file.
LISTS: Mapping[str, Callable[[Element], str]] = {
    tag: lambda one, keys=keys: "\0".join(one.attributes.get(key, "") for key in keys)  # type: ignore[misc]
    for tag, keys in {
        "allow_frontends": ("name",),
        "attrs": ("name",),
        "condor_tarballs": ("version", "os", "arch"),
        "entries": ("name",),
        "entry_sets": ("alias",),
        "files": ("absfname", "after_entry"),
        "frontends": ("name",),
        "infosys_refs": ("ref",),
        "monitorgroups": ("group_name",),
        "monitoring_collectors": ("node",),
        "per_frontends": ("name",),
        "process_logs": ("extension",),
        "security_classes": ("username",),
        "submit_attrs": ("name",),
    }.items()
}

_ENTRY = "config attrs files allow_frontends infosys_refs monitorgroups"
# Which elements may stand in which; the reference does not look at others.
CHILDREN: Mapping[str, frozenset[str]] = {
    tag: frozenset(inside.split())
    for tag, inside in {
        "glidein": "log_retention monitor monitor_footer security stage submit attrs entries"
        " entry_sets condor_tarballs files monitoring_collectors cvmfsexec_distro",
        "log_retention": "condor_logs job_logs summary_logs process_logs",
        "process_logs": "process_log",
        "security": "frontends",
        "frontends": "frontend",
        "frontend": "security_classes",
        "security_classes": "security_class",
        "condor_tarballs": "condor_tarball",
        "monitoring_collectors": "monitoring_collector",
        "entries": "entry",
        "entry_sets": "entry_set",
        "entry_set": f"{_ENTRY} entries",
        "entry": _ENTRY,
        "config": "max_jobs stale_age release remove restrictions submit entry_selection",
        "max_jobs": "default_per_frontend per_entry per_frontends",
        "per_frontends": "per_frontend",
        "submit": "submit_attrs",
        "submit_attrs": "submit_attr",
        "attrs": "attr",
        "files": "file",
        "file": "untar_options",
        "allow_frontends": "allow_frontend",
        "infosys_refs": "infosys_ref",
        "monitorgroups": "monitorgroup",
    }.items()
}

ENTRY = {
    "auth_method": "grid_proxy",
    "enabled": "True",
    "gridtype": "condor",
    "trust_domain": "grid",
    "work_dir": ".",
    "verbosity": "std",
}
DEFAULT_PER_FRONTEND = {"glideins": "5000", "held": "50", "idle": "100"}
PER_ENTRY = {"glideins": "10000", "held": "1000", "idle": "2000"}
PER_FRONTEND = DEFAULT_PER_FRONTEND
STALE_AGE = {"idle": "604800", "running": "2678400", "unclaimed": "7200"}
RELEASE = {"max_per_cycle": "20", "sleep": "0.2"}
REMOVE = {"max_per_cycle": "5", "sleep": "0.2"}
RESTRICTIONS = {"require_voms_proxy": "False"}
SUBMIT = {
    "cluster_size": "10",
    "max_per_cycle": "100",
    "sleep": "0.2",
    "slots_layout": "fixed",
}
SUBMIT_ATTR = {"value": "All"}
ALLOW_FRONTEND = {"security_class": "All"}
ATTR = {
    "const": "True",
    "glidein_publish": "False",
    "job_publish": "False",
    "parameter": "True",
    "publish": "True",
    "type": "string",
}
FILE = {
    "after_entry": "False",
    "const": "True",
    "executable": "False",
    "period": "0",
    "prefix": "GLIDEIN_PS_",
    "wrapper": "False",
    "untar": "False",
}
UNTAR_OPTIONS = {"cond_attr": "TRUE"}
SECURITY_CLASS = {"name": "frontend"}
LOGS = {
    "condor_logs": {"max_days": "14.0", "max_mbytes": "100.0", "min_days": "3.0"},
    "job_logs": {"max_days": "7.0", "max_mbytes": "100.0", "min_days": "2.0"},
    "summary_logs": {"max_days": "31.0", "max_mbytes": "100.0", "min_days": "3.0"},
}
