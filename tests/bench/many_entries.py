"""The configuration of a production factory: 1,058 entries, written as operators write them.

By what public configurations hold: entries of a dozen attributes, most of them the same as in
other entries (so here they come from templates), HTCondor-CE and ARC, limits and submit
attributes of their own.
"""

from pathlib import Path

ENTRIES = 1_058

FACTORY = """\
factory = "Bench"
glidein = "production"
schedd = ["schedd1@factory.example.org", "schedd2@factory.example.org"]
collector = "wms.example.org:9618"
work = "work"
condor_tarballs = [TARBALLS]

[web]
url = "http://factory.example.org/stage"
stage = "stage"

[attributes]
GLIDEIN_Max_Tail = 400
GLIDEIN_Expose_Grid_Env = "True"

[frontends.CMS]
identity = "cms@cms.example.org"
classes = { frontend = "cms_user", testing = "cms_test" }

[frontends.OSG]
identity = "osg@osg.example.org"
classes = { frontend = "osg_user" }

[[files]]
source = "files/has_tmp.sh"
kind = "exec"
"""

TEMPLATES = {
    "all": """\
trust_domain = "grid"
work_dir = "TMPDIR"
[slot]
layout = "fixed"
[attributes]
GLEXEC_BIN = "NONE"
GLIDEIN_REQUIRED_OS = { value = "any", glidein_publish = true }
GLIDEIN_ResourceName = { glidein_publish = true, job_publish = true, value = "unknown" }
GLIDEIN_Country = { glidein_publish = true, job_publish = true, value = "unknown" }
[limits]
entry = { glideins = 10_000, idle = 4_000, held = 1_000 }
default_per_frontend = { glideins = 5_000, idle = 100, held = 50 }
""",
    "cms": """\
inherits = ["all"]
auth_method = "scitoken"
[attributes]
GLIDEIN_CMSSite = { glidein_publish = true, job_publish = true, value = "unknown" }
GLIDEIN_Supported_VOs = "CMS"
[allow_frontends]
CMS = "All"
""",
    "osg": """\
inherits = ["all"]
auth_method = "grid_proxy"
proxy = "OSG"
[attributes]
GLIDEIN_Supported_VOs = "glowVO,OSGVO,GLUEX,DUNE,LIGO"
GLIDEIN_DEBUG_OUTPUT = { value = "True", glidein_publish = true, job_publish = true }
[allow_frontends]
OSG = ["frontend"]
CMS = ["testing"]
""",
    "htcondor-ce": """\
grid_type = "condor"
[submit]
cluster_size = 40
max_per_cycle = 400
""",
    "arc": """\
grid_type = "arc"
[submit]
cluster_size = 10
max_per_cycle = 10
sleep_s = 2
attributes = { arc_rte = "ENV/GLITE", batch_queue = "grid" }
""",
}


def entry(number: int, site: str = "") -> str:
    """Return the file of one entry."""
    arc = number % 2
    cores = (1, 4, 8, 16)[number % 4]
    site = site or f"T2_XX_Site{number // 4}"
    host = f"ce{number % 4}.site{number // 4}.example.org"
    return f"""\
inherits = ["{("cms", "osg")[number % 3 == 0]}", "{("htcondor-ce", "arc")[arc]}"]
comment = "Entry created on 2023-11-{1 + number % 30:02}"
gatekeeper = "{host if arc else f"{host} {host}:9619"}"
site = "{site}"

[slot]
cpus = {cores}
memory_mb = {cores * 2000}

[lifetime]
max_walltime_s = {86_400 + 3600 * (number % 48)}

[limits.entry]
glideins = {1000 + number}

[attributes]
GLIDEIN_ResourceName = "RESOURCE-{number // 4}"
GLIDEIN_Country = "{("US", "CH", "IT", "UK")[number % 4]}"
GLIDEIN_CMSSite = {{ value = "{site}", glidein_publish = true, job_publish = true }}
GLIDEIN_SEs = {{ value = "srm.site{number // 4}.example.org", glidein_publish = true }}
GLIDEIN_Retire_Time_Spread = {number % 7200}

[submit.attributes]
{f"request_cpus = {cores}" if arc else f'"+xcount" = {cores}'}
{"request_memory = 2000" if arc else f'"+maxMemory" = {cores * 2000}'}
"""


def lay_out(folder: Path, entries: int = ENTRIES, tarballs: str = "") -> None:
    """Write the configuration into ``folder``; ``tarballs`` as the TOML of their list."""
    for name in ("entries", "templates", "files"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "factory.toml").write_text(FACTORY.replace("TARBALLS", tarballs))
    (folder / "files" / "has_tmp.sh").write_text("#!/bin/sh\ntest -d /tmp\n")
    for name, text in TEMPLATES.items():
        (folder / "templates" / f"{name}.toml").write_text(text)
    for number in range(entries):
        (folder / "entries" / f"{name_of(number)}.toml").write_text(entry(number))


def name_of(number: int) -> str:
    return f"CMSHTPC_T2_XX_Site{number // 4}_ce{number % 4}"
