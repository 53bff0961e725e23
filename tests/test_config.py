"""The configuration files: what they mean, and how each mistake is reported."""

import re
import shutil
from pathlib import Path

import pytest

import orchestrator
from orchestrator import config
from orchestrator.config import Entry, Factory, key_attributes
from orchestrator.errors import ConfigError
from tests.configured import Configured


def mistakes(configured: Configured) -> list[str]:
    """Return the lines of the complaint, less the first."""
    with pytest.raises(ConfigError) as caught:
        configured.load()
    head, *lines = str(caught.value).splitlines()
    count = "1 mistake " if len(lines) == 1 else f"{len(lines)} mistakes "
    assert head.startswith(count), head
    return [line.strip() for line in lines]


EXAMPLE = Path(orchestrator.__file__).parent / "example"


def test_the_example_is_right() -> None:
    made = config.load(EXAMPLE)
    assert list(made.entries) == ["local"]
    local = made.entries["local"]
    assert (local.grid_type, local.limits.entry.glideins) == ("condor", 50)
    assert local.attributes["GLIDEIN_ResourceName"].job_publish


def test_the_example_names_every_key_and_what_holds_without_it(tmp_path: Path) -> None:
    """With all that is commented out put in, the same comes out."""
    made = config.load(EXAMPLE)
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    for file in tmp_path.rglob("*.toml"):
        lines = re.sub(r"(?m)^# (\[\w+\]|\w+ *= (?!…))", r"\1", file.read_text())
        # These say "what HTCondor's configuration says" and "as Limits has it" by not being there.
        file.write_text(re.sub(r"(?m)^(collector|default_per_frontend) = .*", "", lines))
    full = config.load(tmp_path)
    assert full.factory == made.factory
    assert full.entries == made.entries
    text = "".join(file.read_text() for file in EXAMPLE.rglob("*.toml"))
    for model in (Factory, Entry):
        for key in model.model_fields:
            assert re.search(rf"(?m)^(# )?\[*{key}\b", text), f"{key} is not in the example"


def test_entries_are_sorted_and_disabled_ones_left_out(configured: Configured) -> None:
    configured.write(
        "entries/a.toml", 'gatekeeper = "x"\ngrid_type = "arc"\nenabled = false\n'
    )
    assert list(configured.load().entries) == ["north", "south"]


def test_tarballs_tell_version_and_processor_by_their_names(configured: Configured) -> None:
    first, second = configured.load().tarballs
    assert (first.version, first.arch) == ("25.14.1", "x86_64")
    assert second.version == "23.9.6"
    assert first.path.is_file()


@pytest.mark.parametrize(
    ("written", "value", "kind"),
    [
        ('"text"', "text", "string"),
        ("5", "5", "int"),
        ("-5", "-5", "int"),
        ("true", "True", "expr"),
        ("1.5", "1.5", "expr"),
        ('{ value = "5" }', "5", "string"),
        ('{ value = "a + b", type = "expr" }', "a + b", "expr"),
    ],
)
def test_short_and_long_forms_of_an_attribute(
    configured: Configured, written: str, value: str, kind: str
) -> None:
    configured.change("factory.toml", "GLIDEIN_Max_Tail = 400", f"A = {written}")
    found = configured.load().factory.attributes["A"]
    assert (found.value, found.type) == (value, kind)


def test_keys_of_an_entry_become_attributes(configured: Configured) -> None:
    configured.change(
        "entries/north.toml",
        "site =",
        'condor_version = "23.9.6"\nslot.cpus = "auto"\nslot.memory_mb = 2000\n'
        "lifetime.max_idle_s = 60\nsite =",
    )
    found = key_attributes(configured.load().entries["north"])
    assert {name: (one.value, one.type) for name, one in found.items()} == {
        "GLIDEIN_Site": ("Example", "string"),
        "GLIDEIN_CPUS": ("auto", "string"),
        "GLIDEIN_MaxMemMBs": ("2000", "int"),
        "GLIDEIN_Max_Idle": ("60", "int"),
        "CONDOR_VERSION": ("23.9.6", "string"),
    }


@pytest.mark.parametrize(
    ("written", "argument"),
    [
        ('"None"', "None"),
        ('"OSG"', "OSG"),
        ('"http://a:3128"', "http://a:3128"),
        ('["http://a:3128", "http://b:3128"]', "http://a:3128,http://b:3128"),
        ("[]", "None"),
    ],
)
def test_web_caches(configured: Configured, written: str, argument: str) -> None:
    configured.change("entries/north.toml", "site =", f"proxy = {written}\nsite =")
    assert configured.load().entries["north"].proxy_argument == argument


def test_all_mistakes_are_reported_at_once_with_their_places(
    configured: Configured,
) -> None:
    configured.change("factory.toml", "keep_days = 10", 'keep_days = "ten"\nstge = "x"')
    configured.change("entries/north.toml", "grid_type", "grid_typ")
    configured.change("entries/south.toml", '"condor"', '"slurm"')
    found = mistakes(configured)
    assert found[:4] == [
        'factory.toml:8: web.keep_days: expected a whole number, got "ten"',
        'factory.toml:9: web.stge: unknown key, did you mean "stage"?',
        "entries/north.toml: grid_type: is missing",
        'entries/north.toml:2: grid_typ: unknown key, did you mean "grid_type"?',
    ]
    assert found[4].startswith("entries/south.toml:2: grid_type: expected one of 'condor',")
    assert found[4].endswith('got "slurm"')


FACTORY_MISTAKES = [
    (
        'factory = "Example"',
        "factory = 5",
        "factory.toml:1: factory: expected a text in quotes",
    ),
    ('factory = "Example"', 'factory = "a b"', "factory.toml:1: factory: expected letters"),
    ('"schedd@f', '"sch edd@f', "factory.toml:3: schedd: expected a schedd's name"),
    ("http://f", "ftp://f", "factory.toml:7: web.url: expected a URL"),
    (
        "keep_days = 10",
        "keep_days = 0",
        "web.keep_days: expected a number of at least 1, got 0",
    ),
    (
        "keep_days = 10",
        "keep_days = true",
        "web.keep_days: expected a whole number, got true",
    ),
    ("[web]", "[wbe]", 'unknown key, did you mean "web"?'),
    ("= 400", '= "a\\nb"', "attributes.GLIDEIN_Max_Tail.value: expected one line"),
    ("= 400", '= " a"', "attributes.GLIDEIN_Max_Tail.value: expected one line"),
    (
        "= 400",
        '= { value = "x", type = "int" }',
        'type "int" needs a whole number, not "x"',
    ),
    (
        "= 400",
        "= { value = 1, publishes = true }",
        'did you mean "publish" or "job_publish"?',
    ),
    (
        "= 400",
        "= { value = 1, publish = false, parameter = false }",
        "nobody would ever see it",
    ),
    ("= 400", "= { value = 1, publish = false, const = false }", "only override"),
    (
        "= 400",
        "= { value = 1, parameter = false, job_publish = true }",
        "need parameter = true",
    ),
    ("GLIDEIN_Max_Tail", "'GLIDEIN Max'", "expected letters, digits and _ only"),
    ("GLIDEIN_Max_Tail", "GLIDEIN_Entry_Name", "expected another name: the glidein itself"),
    ('"exec"', '"nocache"', "a file that nobody signs is never published"),
    ('"exec"', '"execute"', "files[0].kind: expected one of"),
    ('"exec"', '"regular"\nperiod_s = 5', "period_s is for what is run"),
    ('"site_check.sh"', '"../x"', "cannot be a file's name on a worker node"),
    ('"site_check.sh"', '"constants.cfg"', "what the factory itself calls a file"),
    ('"site_check.sh"', '"condor.sh"', "what the factory itself calls a file"),
    ('"exec"', '"untar"\nuntar_dir = "../.."', "not a folder below"),
    ('"exec"', '"untar"\nuntar_dir = "a/../b"', "leaves the work directory"),
    (
        "files/check.sh",
        "files/none.sh",
        "factory.toml:14: files[0].source: expected a file, and",
    ),
    (
        "condor-23.9.6-x86_64.tar.gz",
        "condor-x.tar.gz",
        "condor_tarballs[1]: expected condor-<ver",
    ),
    ("condor-23.9.6-x86_64", "condor-23.9.7-x86_64", "condor_tarballs[1]: expected a file"),
    ("[web]", "[web", "factory.toml:6: Expected ']'"),
    (
        "keep_days = 10",
        "keep_days = 99999999999",
        "web.keep_days: expected a number of at most",
    ),
    ("http://factory", "http://me:secret@factory", "web.url: expected a URL"),
    ("org/stage", "org:port/stage", "web.url: expected a URL"),
    ('"schedd@factory.example.org"', "[]", "schedd: expected a schedd's name, or a list"),
    ('"schedd@factory.example.org"', '["a", "a"]', "or a list of different ones"),
    ('"schedd@factory.example.org"', '["a b"]', "expected a schedd's name: letters"),
    ("[web]", 'collector = "a b"\n[web]', 'collector: expected a collector "host:port"'),
    ("[web]", "collector = 5\n[web]", 'collector: expected a collector "host:port"'),
    ("[web]", "cycle.jitter = 1\n[web]", "cycle.jitter: expected a number of at most 0.9"),
    (
        "[web]",
        "cycle.delay_s = 0\n[web]",
        "cycle.delay_s: expected a number of at least 0.1",
    ),
    ("[web]", "keys.bits = 1024\n[web]", "keys.bits: expected one of 2048, 3072 or 4096"),
    ("[web]", "retention.outputs.day = 1\n[web]", 'unknown key, did you mean "days"'),
    ("[web]", "retention.outputs.days = 1\n[web]", "min_days 2 is more than days 1"),
    ("[web]", "retention.outputs = 1\n[web]", "retention.outputs: expected a table, got 1"),
    ("[web]", "retention = 1\n[web]", "retention: expected a table, got 1"),
    ("[web]", "frontends.a = {}\n[web]", "frontends.a.identity: is missing"),
    (
        "[web]",
        "frontends.All.identity = 'a@b'\n[web]",
        "frontends.All: expected another name",
    ),
    (
        "[web]",
        "frontends.a = { identity = 'a b' }\n[web]",
        "frontends.a.identity: expected one word",
    ),
    (
        "[web]",
        "frontends.a = { identity = 'a@b', classes.c = '../u' }\n[web]",
        "frontends.a.classes.c: expected letters, digits",
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), FACTORY_MISTAKES)
def test_a_mistake_in_factory_toml(
    configured: Configured, old: str, new: str, said: str
) -> None:
    configured.change("factory.toml", old, new)
    assert any(said in line for line in mistakes(configured)), mistakes(configured)


ENTRY_MISTAKES = [
    ('"Example"', '"Example"\ncpus = 4', 'unknown key, did you mean "slot.cpus"?'),
    (
        '"Example"',
        '"Example"\nslot.cpus = 0',
        "slot.cpus: expected a number of at least 1, or",
    ),
    (
        '"Example"',
        '"Example"\nslot.cpus = "many"',
        "slot.cpus: expected a number of at least 1",
    ),
    ('"Example"', '"Example"\nslot.layout = "static"', "slot.layout: expected one of"),
    ('"Example"', '"Example"\nslot = 5', "slot: expected a table, got 5"),
    ('"Example"', '"Example"\nproxy = "squid"', 'proxy: expected "None", "OSG", or a list'),
    (
        '"Example"',
        '"Example"\nproxy = ["http://a:1", "x"]',
        'proxy: expected "None", "OSG"',
    ),
    ('"Example"', '"Example"\nwork_dir = "relative"', "work_dir: expected one of"),
    (
        '"Example"',
        '"Example"\nattributes.GLIDEIN_Site = "x"',
        'already said by the key "site"',
    ),
    (
        '"Example"',
        '"Example"\ncondor_version = "9"',
        "in condor_tarballs (23.9.6, 25.14.1), got",
    ),
    ('"ce.example.org:9619"', '""', 'gatekeeper: expected something, got ""'),
    ('"condor"', "'condor'\nfiles = [{source='x'}, {source='x'}]", '"x" is there twice'),
    (
        '"Example"',
        '"Example"\nschedd = "x"',
        "schedd: expected one of the factory's schedds",
    ),
    ('"Example"', '"Example"\nallow_frontends.fe = []', 'expected "All", or a list of'),
    (
        '"Example"',
        '"Example"\nallow_frontends.cm = "All"',
        'allow_frontends.cm: no Frontend "cm" in [frontends], did you mean "cms"?',
    ),
    (
        '"Example"',
        '"Example"\nallow_frontends.cms = ["front"]',
        'Frontend "cms" has no class "front", did you mean "frontend"?',
    ),
    (
        '"Example"',
        '"Example"\nlimits.per_frontend."cms:x" = { idle = 1 }',
        'limits.per_frontend.cms:x: Frontend "cms" has no class "x"',
    ),
    (
        '"Example"',
        '"Example"\nlimits.per_frontend.cms = { idle = 1 }',
        "limits.per_frontend.cms: expected FRONTEND:CLASS",
    ),
    (
        '"Example"',
        '"Example"\nlimits.per_frontend."cms:frontend" = { heldd = 1 }',
        'limits.per_frontend.cms:frontend.heldd: unknown key, did you mean "held"?',
    ),
    (
        '"Example"',
        '"Example"\nlimits.entry.idle = -1',
        "limits.entry.idle: expected a number of at least 0, got -1",
    ),
    (
        '"Example"',
        '"Example"\nsubmit.sleep_s = "1"',
        'submit.sleep_s: expected a number, got "1"',
    ),
    (
        '"Example"',
        '"Example"\nsubmit.attributes.Queue = 5',
        "submit.attributes.Queue: expected another command",
    ),
    (
        '"Example"',
        '"Example"\nsubmit.attributes."a b" = 5',
        "submit.attributes.a b: expected a command of a submit file",
    ),
    (
        '"Example"',
        '"Example"\nsubmit.attributes."+a" = "a\\nb"',
        "submit.attributes.+a: expected one line",
    ),
    (
        '"Example"',
        '"Example"\nsubmit.attributes."+a" = []',
        "submit.attributes.+a: expected a text, a number",
    ),
    (
        '"Example"',
        '"Example"\nrelease.recoverable = ["x"]',
        'release.recoverable[0]: expected a table, got "x"',
    ),
    (
        '"Example"',
        '"Example"\nrelease.recoverable = [{ code = 1, subcode = 1 }]',
        "release.recoverable[0].subcode: unknown key",
    ),
    (
        '"Example"',
        '"Example"\nbackoff.bad_signs = 30',
        "backoff: bad_signs 30 is more than are remembered, 20",
    ),
    (
        '"Example"',
        '"Example"\nbackoff.bad_percent = 101',
        "backoff.bad_percent: expected a number of at most 100, got 101",
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), ENTRY_MISTAKES)
def test_a_mistake_in_an_entry(
    configured: Configured, old: str, new: str, said: str
) -> None:
    known = '[frontends.cms]\nidentity = "cms@x"\nclasses.frontend = "u"\n[web]'
    configured.change("factory.toml", "[web]", known)
    configured.change("entries/north.toml", old, new)
    found = mistakes(configured)
    assert any(said in line for line in found), found
    assert all(line.startswith("entries/north.toml") for line in found)


def test_a_file_whose_name_cannot_be_an_entrys(configured: Configured) -> None:
    configured.write("entries/a b.toml", "")
    assert (
        "entries/a b.toml: the file's name cannot be an entry's" in mistakes(configured)[0]
    )


def test_no_factory_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"factory\.toml: cannot be read: "):
        config.load(tmp_path)


def test_flags_of_an_attribute_are_said_once(configured: Configured) -> None:
    flags = 'A = { type = "expr", job_publish = true }\nGLIDEIN_Max_Tail.const = false\n'
    configured.change(
        "factory.toml", "[attributes]", f"[attribute_flags]\n{flags}[attributes]"
    )
    configured.change(
        "entries/north.toml", "site", "attributes.A = 5\nattributes.B = 5\nsite"
    )
    configured.change(
        "entries/south.toml",
        "site",
        "attributes.A = { value = 5, job_publish = false }\nsite",
    )
    made = configured.load()
    north, south = (made.entries[name].attributes for name in ("north", "south"))
    assert (north["A"].value, north["A"].type, north["A"].job_publish) == (
        "5",
        "expr",
        True,
    )
    assert (north["B"].type, north["B"].job_publish) == ("int", False)
    assert (south["A"].type, south["A"].job_publish) == ("expr", False)
    assert not made.factory.attributes["GLIDEIN_Max_Tail"].const


def test_flags_of_an_attribute_that_cannot_be(configured: Configured) -> None:
    flags = "A = { published = true }\nB = { publish = 1 }\nC = { publish = false }\n"
    configured.change(
        "factory.toml", "[attributes]", f"[attribute_flags]\n{flags}[attributes]"
    )
    configured.change(
        "entries/north.toml", "site", "attributes.C = { value = 5, const = false }\nsite"
    )
    assert mistakes(configured) == [
        (
            'factory.toml:11: attribute_flags.A.published: unknown key, did you mean "publish"'
            ' or "job_publish"?'
        ),
        "factory.toml:12: attribute_flags.B.publish: expected true or false, got 1",
        (
            "entries/north.toml:3: attributes.C: a Frontend can only override (const = false)"
            " what it sees (publish)"
        ),
    ]
