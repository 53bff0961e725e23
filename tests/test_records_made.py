"""From every key of the configuration to what daemons are told."""

from collections import Counter
from dataclasses import fields

import pytest

from orchestrator.deciding.backoff import Policy
from orchestrator.worktree.daemon_settings import Cycle, Kept, Logs, Restarts, Retention
from orchestrator.worktree.entry_limits import HoldRule, Limit, Limits
from orchestrator.worktree.entry_record import EntryRecord, read_entry
from orchestrator.worktree.factory_record import FactoryRecord, Frontend, read_factory
from tests.configured import ENTRY, Configured

FACTORY = """\
factory = "F"
glidein = "g"
schedd = ["one@example.org", "two@example.org"]
collector = "wms.example.org:9618"
monitoring_collectors = ["monitor.example.org:9618", "[2001:db8::1]:9618"]
num_factories = 2
pilot_accounting = true
bounds = { glideins = 1_000, unseen = 50 }
cycle = { delay_s = 30, jitter = 0, advertise_every = 2, full_query_s = 600, collector_limit_s = 5, schedd_limit_s = 6, parallel = 1 }
keys = { bits = 4096, grace_s = 60 }
logs = { mb = 1, keep = 0, level = "debug" }
restarts = { delay_s = 2, max_delay_s = 9, attempts = 3, interval_s = 60, heartbeat_s = 10, memory_mb = 20 }

[web]
url = "http://factory.example.org/stage"

[frontends.cms]
identity = "cms@cms.example.org"
classes = { frontend = "cms_user", testing = "cms_test" }

[retention]
credential_days = 5
outputs = { days = 3 }
summaries = { mb = 7, min_days = 0 }
"""

NORTH = """\
gatekeeper = "ce.example.org ce.example.org:9619"
grid_type = "batch slurm"
rsl = "(queue=default)"
bosco_dir = "bosco"
schedd = "two@example.org"
work_dir = "/tmp"
proxy = "OSG"
verbosity = "nodebug"
trust_domain = "OSG"
auth_method = "scitoken+project_id"
require_voms = true
groups = ["north", "cms"]
view_max_age_s = 100
requests_max_age_s = 200
slot.layout = "fixed"
lifetime = { max_walltime_s = 171_000, max_queued_s = 3_600 }
attributes = { GLIDEIN_ESTIMATED_CPUS = 4, X = { value = 1, const = false } }

[allow_frontends]
cms = ["testing"]

[limits]
entry = { glideins = 100, idle = 9, held = 0 }
default_per_frontend = { glideins = 50, held = 1 }
per_frontend."cms:testing" = { idle = 4 }
unseen = 17

[submit]
cluster_size = 5
max_per_cycle = 6
sleep_s = 0
attributes = { "+maxWallTime" = 2880, request_cpus = 8, "+distro" = '"RHEL9"', "+WantWholeNode" = true }

[remove]
max_per_cycle = 7
sleep_s = 1.5
stale_idle_s = 8
stale_running_s = 9

[release]
max_per_cycle = 10
sleep_s = 0.1
recoverable = [12, { code = 6, subcodes = [1, 2] }]
max_holds = 11
forget_holds = 12
after_s = 13

[backoff]
bad_signs = 1
bad_percent = 2
remembered = 3
memory_s = 4
first_s = 5
longest_s = 6
trial = 7
early_s = 8
calm_s = 9
"""


@pytest.fixture
def everything(configured: Configured) -> Configured:
    configured.write("factory.toml", FACTORY)
    configured.write("entries/north.toml", NORTH)
    configured.reconfig()
    return configured


def test_all_that_an_entry_can_say(everything: Configured) -> None:
    found = read_entry(everything.work, "north")
    assert found == EntryRecord(
        pilot=found.pilot,
        parameters={"X": 1},
        early={},
        collectors=("wms.example.org:9618",),
        gatekeeper="ce.example.org ce.example.org:9619",
        grid_type="batch slurm",
        rsl="(queue=default)",
        bosco_dir="bosco",
        submit_attributes={
            "+maxWallTime": "2880",
            "request_cpus": "8",
            "+distro": '"RHEL9"',
            "+WantWholeNode": "True",
        },
        limits=Limits(  # those that are numbers of glideins are shared with another factory
            entry=Limit(50, 4, 0),
            share_default=Limit(25, 50, 1),
            shares={"cms:testing": Limit(25, 2, 1)},
            submit_cluster=5,
            submit_cycle=6,
            submit_pause_s=0,
            remove_cycle=7,
            remove_pause_s=1.5,
            release_cycle=10,
            release_pause_s=0.1,
            stale_idle_s=8,
            stale_running_s=9,
            recoverable=(HoldRule(12), HoldRule(6, (1, 2))),
            max_holds=11,
            forget_holds=12,
            release_after_s=13,
            unseen=17,
            view_max_age_s=100,
            requests_max_age_s=200,
        ),
        backoff=Policy(1, 2, 3, 4, 5, 6, 7, 8, 9),
        allow_frontends={"cms": ("testing",)},
        auth_method="scitoken+project_id",
        trust_domain="OSG",
        require_voms=True,
        attributes={"GLIDEIN_Max_Walltime": 171_000, "GLIDEIN_ESTIMATED_CPUS": 4},
        groups=("north", "cms"),
        max_walltime_s=171_000,
        idle_lifetime_s=3_600,
        pilot_accounting=True,
        monitoring_collectors=("monitor.example.org:9618", "[2001:db8::1]:9618"),
        factory_glideins=1_000,
        factory_unseen=50,
        cycle=Cycle(30, 0, 2, 600, 5, 6, 1),
        retention=Retention(Kept(3, 2, 100), Kept(14, 3, 100), Kept(31, 0, 7)),
        logs=Logs(1, 0, "debug"),
    )
    pilot = found.pilot
    assert (pilot.entry, pilot.glidein, pilot.factory) == ("north", "g", "F")
    assert (pilot.schedd, pilot.proxy, pilot.work_dir) == ("two@example.org", "OSG", "/tmp")
    assert (pilot.verbosity, pilot.slots_layout) == ("nodebug", "fixed")
    default = EntryRecord(pilot, {}, {})
    same = {
        one.name
        for one in fields(found)
        if getattr(found, one.name) == getattr(default, one.name)
    }
    assert same == {"pilot", "early", "condor_version"}, "not tried here"


def test_all_that_the_factory_can_say(everything: Configured) -> None:
    found = read_factory(everything.work)
    assert found == FactoryRecord(
        factory="F",
        glidein="g",
        web=found.web,
        entries=("north", "south"),
        collectors=("wms.example.org:9618",),
        schedds=("one@example.org", "two@example.org"),
        frontends={
            "cms": Frontend(
                "cms@cms.example.org", {"frontend": "cms_user", "testing": "cms_test"}
            )
        },
        monitoring_collectors=("monitor.example.org:9618", "[2001:db8::1]:9618"),
        max_glideins=1_000,
        max_unseen=50,
        key_bits=4096,
        key_grace_s=60,
        credential_days=5,
        cycle=Cycle(30, 0, 2, 600, 5, 6, 1),
        logs=Logs(1, 0, "debug"),
        restarts=Restarts(2, 9, 3, 60, 10, 20),
    )
    assert found.web.stage == str(everything.stage.absolute())


def test_what_nobody_says_is_as_daemons_have_it(configured: Configured) -> None:
    configured.reconfig()
    found = read_entry(configured.work, "south")
    assert found == EntryRecord(
        found.pilot,
        {},
        found.early,
        gatekeeper="ce.example.org:9619",
        attributes={"GLIDEIN_Max_Tail": 400, "GLIDEIN_Site": "Example"},
    )
    factory = read_factory(configured.work)
    assert factory == FactoryRecord(
        "Example",
        "first",
        factory.web,
        entries=("north", "south"),
        schedds=("schedd@factory.example.org",),
    )


def spread(configured: Configured, *schedds: str) -> dict[str, str]:
    """Publish with these schedds; return the one of each entry."""
    listed = ", ".join(f'"{name}@example.org"' for name in schedds)
    lines = (configured.folder / "factory.toml").read_text().splitlines()
    lines[2] = f"schedd = [{listed}]"
    configured.write("factory.toml", "\n".join(lines))
    configured.reconfig()
    names = read_factory(configured.work).entries
    return {
        name: read_entry(configured.work, name).schedd.removesuffix("@example.org")
        for name in names
    }


def test_entries_stay_with_their_schedd(configured: Configured) -> None:
    for number in range(60):
        configured.write(f"entries/e{number}.toml", ENTRY)
    first = spread(configured, "a", "b", "c")
    counts = Counter(first.values())
    assert set(counts) == {"a", "b", "c"}
    assert min(counts.values()) >= 10, "hardly spread"
    assert spread(configured, "d", "c", "b", "a") == first, "their glideins are there"
    fewer = spread(configured, "d", "c", "b")
    assert {name for name in first if first[name] != fewer[name]} == {
        name for name in first if first[name] == "a"
    }
    configured.write("entries/e0.toml", f'schedd = "d@example.org"\n{ENTRY}')
    (configured.folder / "entries/e1.toml").unlink()
    pinned = spread(configured, "d", "c", "b")
    assert pinned == {k: v for k, v in fewer.items() if k != "e1"} | {"e0": "d"}
    configured.write("entries/e1.toml", ENTRY)
    assert spread(configured, "a", "b", "c", "d")["e1"] == fewer["e1"], (
        "it was there before"
    )
    (configured.work / "factory" / "seen.json").unlink()
    assert spread(configured, "a", "b", "c", "d") == pinned | {"e1": fewer["e1"]}


def test_an_entry_that_more_factories_share_than_others(everything: Configured) -> None:
    everything.write(
        "entries/north.toml", NORTH.replace("unseen = 17", "unseen = 17\nnum_factories = 5")
    )
    everything.reconfig()
    limits = read_entry(everything.work, "north").limits
    assert limits.entry == Limit(20, 1, 0)
    assert limits.shares == {"cms:testing": Limit(10, 1, 1)}
