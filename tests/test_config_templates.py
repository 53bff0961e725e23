"""Templates and overrides: what an entry inherits, and who is blamed for a mistake in it."""

import pytest

from orchestrator.config import Entry, work_folder
from orchestrator.errors import ConfigError
from tests.configured import Configured
from tests.test_config import mistakes


def north(configured: Configured) -> Entry:
    return configured.load().entries["north"]


def inherit(configured: Configured, *names: str) -> None:
    said = ", ".join(f'"{name}"' for name in names)
    configured.change("entries/north.toml", "gate", f"inherits = [{said}]\ngate")


def test_later_templates_win_and_the_entry_wins_over_all(configured: Configured) -> None:
    configured.write(
        "templates/a.toml",
        'site = "a"\nrsl = "a"\nwork_dir = "OSG"\nslot = { cpus = 1, memory_mb = 1 }\n',
    )
    configured.write("templates/b.toml", 'site = "b"\nrsl = "b"\nslot.cpus = 2\n')
    inherit(configured, "a", "b")
    found = north(configured)
    assert (found.site, found.rsl, found.work_dir) == ("Example", "b", "OSG")
    assert (found.slot.cpus, found.slot.memory_mb) == (2, 1)
    assert configured.load().entries["south"].rsl == ""


def test_a_template_may_stand_in_factory_toml(configured: Configured) -> None:
    configured.change("factory.toml", "[web]", '[templates.a]\nrsl = "a"\n[web]')
    inherit(configured, "a")
    assert north(configured).rsl == "a"


def test_templates_inherit_too_and_what_they_share_counts_once(
    configured: Configured,
) -> None:
    configured.write("templates/base.toml", 'rsl = "base"\ngroups = ["base"]\n')
    for name in ("a", "b"):
        text = f'inherits = ["base"]\ngroups.extend = ["{name}"]\n'
        configured.write(f"templates/{name}.toml", text)
    configured.write(
        "templates/a.toml", 'inherits = ["base"]\nrsl = "a"\ngroups.extend = ["a"]'
    )
    inherit(configured, "a", "b")
    found = north(configured)
    assert found.groups == ["base", "a", "b"]
    assert found.rsl == "a", "base came before a, and does not come again with b"


def test_lists_are_replaced_or_made_longer(configured: Configured) -> None:
    configured.write("files/x", "x")
    configured.write(
        "templates/a.toml",
        'proxy = "http://a:1"\n[[files]]\nsource = "files/x"\nname = "x1"\n',
    )
    inherit(configured, "a")
    configured.change(
        "entries/north.toml",
        "site",
        'proxy = { extend = ["http://b:1"] }\nfiles.extend = [{source = "files/x", name = "x2"}]\nsite',
    )
    found = north(configured)
    assert found.proxy == ["http://a:1", "http://b:1"]
    assert [file.name for file in found.files] == ["x1", "x2"]
    configured.change("entries/north.toml", "files.extend", "files")
    assert [file.name for file in north(configured).files] == ["x2"]


def test_a_value_alone_keeps_the_flags_that_a_template_gave(configured: Configured) -> None:
    configured.write(
        "templates/a.toml",
        "[attributes]\nA = { job_publish = true }\nB = { value = 1, glidein_publish = true }\n",
    )
    inherit(configured, "a")
    configured.change("entries/north.toml", "site", 'attributes.A = "x"\nsite')
    found = north(configured).attributes
    assert (found["A"].value, found["A"].type, found["A"].job_publish) == (
        "x",
        "string",
        True,
    )
    assert (found["B"].value, found["B"].type, found["B"].glidein_publish) == (
        "1",
        "int",
        True,
    )


def test_overrides_win_in_the_order_of_their_names(configured: Configured) -> None:
    configured.write("templates/a.toml", 'rsl = "a"\nbosco_dir = "a"\n')
    inherit(configured, "a")
    configured.write(
        "overrides/20-b.toml",
        'glidein = "b"\n[entries.north]\nsite = "b"\n[templates.a]\nrsl = "b"\n',
    )
    configured.write(
        "overrides/10-a.toml",
        'glidein = "a"\nfactory = "A"\nfiles.extend = [{source = "files/check.sh", name = "c"}]\n'
        "[entries.north]\nsite = 'a'\nattributes.A = 1\n",
    )
    found = configured.load()
    entry = found.entries["north"]
    assert (found.factory.factory, found.factory.glidein) == ("A", "b")
    assert [file.out_name for file in found.factory.files] == ["site_check.sh", "c"]
    assert (entry.site, entry.rsl, entry.bosco_dir) == ("b", "b", "a")
    assert entry.attributes["A"].value == "1"


def test_the_work_tree_is_found_whatever_else_is_wrong(configured: Configured) -> None:
    assert work_folder(configured.folder) == configured.folder / "work"
    configured.write("entries/north.toml", "[broken")
    configured.write("overrides/a.toml", 'work = "/elsewhere"\nnonsense = 1\n')
    assert str(work_folder(configured.folder)) == "/elsewhere"
    configured.write("overrides/b.toml", "work = 5")
    with pytest.raises(
        ConfigError, match=r"b\.toml: work: expected a text in quotes, got 5"
    ):
        work_folder(configured.folder)
    configured.write("overrides/b.toml", "work")
    with pytest.raises(ConfigError, match=r"b\.toml"):
        work_folder(configured.folder)


def test_the_file_that_says_it_is_blamed(configured: Configured) -> None:
    configured.write("templates/a.toml", '\nwork_dir = "x"\n[slot]\ncpu = 1\n')
    configured.write("templates/b.toml", '[[files]]\nsource = "files/none"\n')
    configured.change("factory.toml", "[web]", "[templates.c]\n\nproxy = 5\n[web]")
    configured.write(
        "overrides/x.toml",
        '[entries.north]\nfiles.extend = [\n  { source = "files/none2" },\n]\n[web]\nkeep_days = 0\n',
    )
    inherit(configured, "a", "b", "c")
    assert mistakes(configured) == [
        (
            "templates/a.toml:2: work_dir: expected one of ., Condor, OSG, TMPDIR, AUTO, or an"
            ' absolute path, got "x"'
        ),
        'templates/a.toml:4: slot.cpu: unknown key, did you mean "cpus"?',
        (
            'factory.toml:8: templates.c.proxy: expected "None", "OSG", or a list of web caches'
            ' "http://host:port", got 5'
        ),
        "overrides/x.toml:6: web.keep_days: expected a number of at least 1, got 0",
    ]
    configured.change("templates/a.toml", '"x"', '"."')
    configured.change("templates/a.toml", "cpu ", "cpus ")
    configured.change("factory.toml", "proxy = 5", 'proxy = "OSG"')
    configured.change("overrides/x.toml", "keep_days = 0", "keep_days = 1")
    folder = configured.folder
    assert mistakes(configured) == [
        (
            "templates/b.toml:2: files[0].source: expected a file,"
            f' and "{folder}/files/none" is none'
        ),
        (
            "overrides/x.toml:2: entries.north.files.extend[0].source: expected a file,"
            f' and "{folder}/files/none2" is none'
        ),
    ]


def test_a_template_that_many_inherit_is_blamed_once(configured: Configured) -> None:
    configured.write("templates/a.toml", 'verbosity = "loud"\n')
    for name in ("north", "south"):
        configured.change(f"entries/{name}.toml", "gate", 'inherits = ["a"]\ngate')
    (said,) = mistakes(configured)
    assert said.startswith("templates/a.toml:1: verbosity: expected one of ")


def test_a_template_is_checked_though_nobody_inherits_it(configured: Configured) -> None:
    configured.write(
        "templates/a.toml", "grid_typ = 1\n[attributes]\nA = { job_publish = true }\n"
    )
    assert mistakes(configured) == [
        'templates/a.toml:1: grid_typ: unknown key, did you mean "grid_type"?'
    ]


def test_what_a_template_leaves_to_the_entry_is_missing_there(
    configured: Configured,
) -> None:
    configured.write("templates/a.toml", "[attributes]\nA = { job_publish = true }\n")
    inherit(configured, "a")
    assert mistakes(configured) == ["entries/north.toml: attributes.A.value: is missing"]


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (
            "overrides/a.toml",
            "[entries.nort]\nsite = 'x'\n",
            (
                "overrides/a.toml:1: entries.nort: no entries/nort.toml to override,"
                ' did you mean "north"?'
            ),
        ),
        (
            "overrides/a.toml",
            "entries = 5",
            "overrides/a.toml:1: entries: expected a table",
        ),
        (
            "overrides/a.toml",
            "entries.north = 5",
            "overrides/a.toml:1: entries.north: expected a table, got 5",
        ),
        (
            "overrides/a.toml",
            "templates.'a b'.rsl = ''",
            "overrides/a.toml:1: templates.a b: expected a template's name: letters",
        ),
        (
            "templates/-.toml",
            "",
            "templates/-.toml: the file's name cannot be a template's",
        ),
        ("entries/All.toml", "", "entries/All.toml: the file's name cannot be an entry's"),
        ("entries/factory.toml", "", "the file's name cannot be an entry's"),
        (
            "templates/a.toml",
            "inherits = ['none']",
            'templates/a.toml:1: inherits[0]: no template "none"',
        ),
        (
            "templates/a.toml",
            "inherits = 'x'",
            'templates/a.toml:1: inherits: expected a list of templates, got "x"',
        ),
        (
            "templates/a.toml",
            "rsl = ''\ninherits = ['a']",
            'templates/a.toml:2: inherits: template "a" inherits itself',
        ),
        ("templates/a.toml", "[\n", "templates/a.toml:1: "),
        ("templates/a.toml", "site.extend = [1]", "templates/a.toml:1: site"),
    ],
)
def test_what_cannot_be_put_together(
    configured: Configured, file: str, text: str, said: str
) -> None:
    configured.write(file, text)
    (found,) = mistakes(configured)
    assert said in found, found


def test_an_entry_is_a_file(configured: Configured) -> None:
    configured.change("factory.toml", "[web]", "[entries.north]\n[web]")
    assert mistakes(configured) == [
        "factory.toml:6: entries.north: an entry is a file: entries/north.toml"
    ]


def test_templates_that_inherit_each_other(configured: Configured) -> None:
    configured.write("templates/a.toml", "inherits = ['b']")
    configured.write("templates/b.toml", "inherits = ['a']")
    inherit(configured, "a")
    assert mistakes(configured) == [
        'templates/a.toml:1: inherits: template "a" inherits itself',
        'templates/b.toml:1: inherits: template "b" inherits itself',
    ]


def test_what_cannot_be_read_is_told_alone(configured: Configured) -> None:
    """Nothing is said of what is wrong only because a file it needs cannot be read."""
    configured.write("templates/a.toml", "gatekeeper = ")
    configured.write("entries/south.toml", "= 1")
    configured.write(
        "overrides/x.toml", "[entries.south]\nsite = 'x'\n[templates.a]\nrsl = ''\n"
    )
    configured.write("entries/north.toml", 'inherits = ["a"]\n')
    found = mistakes(configured)
    assert [one.partition(":")[0] for one in found] == [
        "templates/a.toml",
        "entries/south.toml",
    ]
