"""What the XML of the reference means, entry by entry, computed straight from it.

Nothing of the importer is used here: what it wrote is loaded, brought into the same form, and
compared.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from orchestrator import config
from orchestrator.config import Entry
from orchestrator.verbs.import_ import command
from orchestrator.worktree.entry_limits import Limits

CORPUS = Path(__file__).parent / "fixtures" / "glideinwms"
Meaning = dict[str, Any]

# factory_defaults.xml of the reference.
_ENTRY = {
    "auth_method": "grid_proxy",
    "enabled": "True",
    "gridtype": "condor",
    "trust_domain": "grid",
    "work_dir": ".",
    "verbosity": "std",
    "rsl": "",
    "bosco_dir": "",
    "proxy_url": "None",
    "comment": "",
}
_LIMIT = {"glideins": 5000, "held": 50, "idle": 100}
_CONFIG: dict[str, dict[str, Any]] = {
    "max_jobs/default_per_frontend": _LIMIT,
    "max_jobs/per_entry": {"glideins": 10000, "held": 1000, "idle": 2000},
    "stale_age": {"idle": 604800, "running": 2678400},
    "release": {"max_per_cycle": 20, "sleep": 0.2},
    "remove": {"max_per_cycle": 5, "sleep": 0.2},
    "restrictions": {"require_voms_proxy": "False"},
    "submit": {
        "cluster_size": 10,
        "max_per_cycle": 100,
        "sleep": 0.2,
        "slots_layout": "fixed",
    },
}
_ATTR = {
    "type": "string",
    "publish": "True",
    "parameter": "True",
    "const": "True",
    "glidein_publish": "False",
    "job_publish": "False",
}
_FLAGS = ("publish", "parameter", "const", "glidein_publish", "job_publish")


def run(*words: object) -> Result:
    """Run ``glidein-factory import``; a complaint is in ``exception``."""
    return CliRunner().invoke(command, [str(word) for word in words])


def meaning_of_xml(paths: Iterable[Path]) -> dict[str, Meaning]:
    """Return what each entry of the files is; a later file's entry replaces an earlier one."""
    entries: dict[str, ET.Element] = {}
    for path in paths:
        for entry in ET.parse(path).getroot().iterfind("entries/entry"):
            entries[entry.attrib["name"]] = entry
    return {name: _entry(one) for name, one in entries.items()}


def _entry(xml: ET.Element) -> Meaning:
    found: Meaning = {key: xml.get(key, default) for key, default in _ENTRY.items()}
    found["gatekeeper"] = xml.attrib["gatekeeper"]
    found["schedd"] = xml.get("schedd_name")
    for place, defaults in _CONFIG.items():
        element = xml.find(f"config/{place}")
        for key, default in defaults.items():
            said = default if element is None else element.get(key, default)
            number = isinstance(default, int | float)
            found[f"{place} {key}"] = float(said) if number else said
    found["per_frontend"] = {
        one.attrib["name"]: {key: float(one.get(key, _LIMIT[key])) for key in _LIMIT}
        for one in xml.iterfind("config/max_jobs/per_frontends/per_frontend")
    }
    found["submit_attrs"] = {
        one.attrib["name"]: one.get("value", "All").strip()
        for one in xml.iterfind("config/submit/submit_attrs/submit_attr")
    }
    found["attrs"] = {
        one.attrib["name"]: _attribute(one.attrib) for one in xml.iterfind("attrs/attr")
    }
    found["allow_frontends"] = {
        one.attrib["name"]: one.get("security_class", "All").split(",")
        for one in xml.iterfind("allow_frontends/allow_frontend")
    }
    found["groups"] = [
        one.attrib["group_name"] for one in xml.iterfind("monitorgroups/monitorgroup")
    ]
    found["files"] = [_file(one) for one in xml.iterfind("files/file")]
    return found


def _attribute(said: dict[str, str]) -> tuple[str, ...]:
    whole = {**_ATTR, **said}
    if (
        whole["parameter"] == "False"
    ):  # the reference looks at these two for parameters only
        whole["glidein_publish"] = whole["job_publish"] = "False"
    # Blanks around a value do not reach a glidein.
    return (said["value"].strip(), whole["type"], *(whole[flag] for flag in _FLAGS))


def _file(xml: ET.Element) -> tuple[Any, ...]:
    source = xml.attrib["absfname"]
    name = xml.get("relfname", Path(source).name)
    options = xml.find("untar_options")
    kinds = {"executable": "exec", "wrapper": "wrapper", "untar": "untar"}
    kind = next((k for flag, k in kinds.items() if xml.get(flag) == "True"), "regular")
    folder, out, condition = "", "FALSE", "TRUE"
    if kind == "untar":
        said = {} if options is None else options.attrib
        folder = said.get("dir", name.split(".")[0])
        out, condition = said.get("absdir_outattr", "FALSE"), said.get("cond_attr", "TRUE")
    prefix = xml.get("prefix", "GLIDEIN_PS_")
    period = int(xml.get("period", "0"))
    return source, name, kind, period, prefix if period else "", condition, out, folder


def meaning_of_toml(folder: Path) -> dict[str, Meaning]:
    """Return what each entry of the configuration in ``folder`` is, disabled ones as well."""
    enabled = config.load(folder).entries
    names = sorted(path.stem for path in (folder / "entries").glob("*.toml"))
    override = folder / "overrides" / "all.toml"
    override.parent.mkdir(exist_ok=True)
    override.write_text("".join(f'[entries."{name}"]\nenabled = true\n' for name in names))
    entries = config.load(folder).entries
    override.unlink()
    return {name: _loaded(one, name in enabled) for name, one in entries.items()}


def _loaded(entry: Entry, enabled: bool) -> Meaning:
    limits, defaults = entry.limits, Limits()
    found: Meaning = {
        "enabled": str(enabled),
        "gridtype": entry.grid_type,
        "proxy_url": entry.proxy_argument,
        "schedd": entry.schedd,
        "restrictions require_voms_proxy": str(entry.require_voms),
        "submit slots_layout": entry.slot.layout,
        "submit cluster_size": entry.submit.cluster_size,
        "submit max_per_cycle": entry.submit.max_per_cycle,
        "submit sleep": entry.submit.sleep_s,
        "remove max_per_cycle": entry.remove.max_per_cycle,
        "remove sleep": entry.remove.sleep_s,
        "release max_per_cycle": entry.release.max_per_cycle,
        "release sleep": entry.release.sleep_s,
        "stale_age idle": entry.remove.stale_idle_s,
        "stale_age running": entry.remove.stale_running_s,
        "submit_attrs": entry.submit.attributes,
        "allow_frontends": entry.allow_frontends,
        "groups": entry.groups,
    }
    same = "comment gatekeeper rsl bosco_dir work_dir verbosity trust_domain auth_method"
    found |= {key: getattr(entry, key) for key in same.split()}
    for key in _LIMIT:
        own, other = getattr(limits.entry, key), getattr(limits.default_per_frontend, key)
        place = "max_jobs/per_entry " + key
        found[place] = getattr(defaults.entry, key) if own is None else own
        place = "max_jobs/default_per_frontend " + key
        found[place] = getattr(defaults.share_default, key) if other is None else other
    found["per_frontend"] = {
        name: {key: getattr(one, key) for key in _LIMIT}
        for name, one in limits.per_frontend.items()
    }
    found["attrs"] = {
        name: (one.value, one.type, *(str(getattr(one, flag)) for flag in _FLAGS))
        for name, one in entry.attributes.items()
    }
    found["files"] = [
        (
            one.source,
            one.out_name,
            one.kind,
            one.period_s,
            one.prefix if one.period_s else "",
            one.condition,
            one.config_out,
            one.untar_dir,
        )
        for one in entry.files
    ]
    return found


def differences(one: dict[str, Meaning], other: dict[str, Meaning]) -> list[str]:
    """Return one line for each value that is not the same."""
    found = [f"only in one: {name}" for name in sorted(one.keys() ^ other.keys())]
    for name in sorted(one.keys() & other.keys()):
        for key in sorted(one[name].keys() | other[name].keys()):
            mine, yours = one[name].get(key), other[name].get(key)
            if mine != yours:
                found.append(f"{name}: {key}: {mine!r} {yours!r}")
    return found
