"""An entry_set becomes entries of their own; attributes that name others get their values."""

from pathlib import Path

import pytest

from orchestrator import config
from orchestrator.config import Configuration
from orchestrator.worktree.downtimes import DowntimesFile
from tests.imported import run

SET = """<glidein factory_name="F" glidein_name="v1" schedd_name="s@example.org">
<submit><submit_attrs><submit_attr name="+everywhere" value="1"/></submit_attrs></submit>
<entry_sets>
<entry_set alias="Both" enabled="True" work_dir="OSG" comment="two CEs of a site">
<config><max_jobs>
<per_entry glideins="101" idle="11" held="0"/>
<default_per_frontend glideins="50" idle="1" held="7"/>
<per_frontends><per_frontend name="F:a" glideins="9" idle="8" held="7"/></per_frontends></max_jobs>
<submit cluster_size="3"><submit_attrs><submit_attr name="+x" value="2"/></submit_attrs></submit>
<entry_selection algorithm_name="Default"/></config>
<!-- of the set -->
<attrs><attr name="GLIDEIN_Site" value="Example" comment="as in OIM"/></attrs>
<allow_frontends><allow_frontend name="F"/></allow_frontends>
<entries>
<entry name="Both_1" gatekeeper="ce1.example.org ce1.example.org:9619" rsl="(queue=a)"/>
<entry name="Both_2" gatekeeper="ce2.example.org ce2.example.org:9619" work_dir="TMPDIR"
 auth_method="scitoken" trust_domain="OSG"><config/></entry>
</entries></entry_set></entry_sets>
<entries><entry name="Alone" gatekeeper="ce3.example.org"/></entries></glidein>
"""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "a.xml").write_text(SET)
    (tmp_path / "down").write_text("2027-01-01T00:00:00Z None Both All All # both\n")
    done = run(tmp_path / "a.xml", tmp_path / "down", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    return tmp_path / "out"


@pytest.fixture
def made(out: Path) -> Configuration:
    return config.load(out)


def test_each_member_is_an_entry_with_what_the_set_says(made: Configuration) -> None:
    assert list(made.entries) == ["Alone", "Both_1", "Both_2"]
    one, other = made.entries["Both_1"], made.entries["Both_2"]
    assert (one.gatekeeper, one.rsl) == (
        "ce1.example.org ce1.example.org:9619",
        "(queue=a)",
    )
    assert (one.work_dir, one.auth_method, one.trust_domain) == (
        "OSG",
        "grid_proxy",
        "grid",
    )
    assert (other.work_dir, other.auth_method) == ("TMPDIR", "scitoken")
    assert other.trust_domain == "OSG"
    for member in (one, other):
        assert member.attributes["GLIDEIN_Site"].value == "Example"
        assert member.submit.cluster_size == 3
        assert member.submit.attributes == {"+everywhere": "1", "+x": "2"}
        assert member.allow_frontends == {"F": ["All"]}
        assert member.comment == "two CEs of a site"


def test_together_they_have_the_limits_of_the_set(made: Configuration) -> None:
    for name in ("Both_1", "Both_2"):
        limits = made.entries[name].limits
        assert (limits.entry.glideins, limits.entry.idle, limits.entry.held) == (50, 5, 0)
        default = limits.default_per_frontend
        assert (default.glideins, default.idle, default.held) == (25, 1, 3)
        assert limits.per_frontend["F:a"].glideins == 4


def test_the_factory_submits_of_all_are_of_entries_without_a_set_too(
    made: Configuration,
) -> None:
    assert made.entries["Alone"].submit.attributes == {"+everywhere": "1"}


def test_what_a_set_was_is_told(out: Path) -> None:
    report = (out / "import-report.txt").read_text()
    assert "a.xml:4: Both: Both_1, Both_2" in report
    assert 'a.xml:10: "Default"' in report, "how the reference picks one"
    assert "a.xml:17: <config>" in report, "what a member of a set holds"
    for name in ("Both_1", "Both_2"):
        text = (out / "entries" / f"{name}.toml").read_text()
        assert "# of the set" in text
        assert "# GLIDEIN_Site: as in OIM" in text


def test_a_downtime_of_the_set_is_one_of_each_member(out: Path) -> None:
    found = DowntimesFile(out / "work").read()
    when = 1_800_000_000
    assert found.of("Both_1", None, None, when)
    assert found.of("Both_2", None, None, when)
    assert not found.of("Alone", None, None, when)


def test_a_set_that_is_off_is_off(tmp_path: Path) -> None:
    text = SET.replace('alias="Both" enabled="True"', 'alias="Both" enabled="False"')
    (tmp_path / "a.xml").write_text(text)
    assert run(tmp_path / "a.xml", "--out", tmp_path / "out").exit_code == 0
    assert list(config.load(tmp_path / "out").entries) == ["Alone"]


def test_an_entry_shared_by_more_factories_than_others(tmp_path: Path) -> None:
    text = SET.replace(
        "<submit><submit_attrs>", '<submit num_factories="2"><submit_attrs>', 1
    )
    text = text.replace(
        '<entry name="Alone" gatekeeper="ce3.example.org"/>',
        '<entry name="Alone" gatekeeper="ce3.example.org"><config><max_jobs num_factories="5">'
        '<per_entry glideins="100"/></max_jobs></config></entry>',
    )
    (tmp_path / "a.xml").write_text(text)
    assert run(tmp_path / "a.xml", "--out", tmp_path / "out").exit_code == 0
    made = config.load(tmp_path / "out")
    assert made.factory.num_factories == 2
    assert made.entries["Alone"].limits.num_factories == 5
    assert made.entries["Both_1"].limits.num_factories is None


EXPANDED = """<glidein factory_name="F" glidein_name="v1" enable_attribute_expansion="{}">
<attrs><attr name="BASE" value="/cvmfs"/><attr name="N" type="int" value="8"/>
<attr name="WHERE" value="$(BASE)/$(GLIDEIN_Site)" comment="a path"/></attrs>
<entries><entry name="a" gatekeeper="ce.example.org" rsl="(count=$(N))(x=$$(GLIDEIN_Site))">
<attrs><attr name="GLIDEIN_Site" value="Ex'am&quot;ple"/>
<attr name="COST" type="expr" value="$$(N) * $(DOLLAR)1"/></attrs></entry>
<entry name="b" gatekeeper="ce.example.org">
<attrs><attr name="GLIDEIN_Site" value="B"/><attr name="WHERE" value="$(BASE)"/></attrs></entry>
</entries></glidein>
"""


def test_attributes_that_name_others_get_their_values(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(EXPANDED.format("True"))
    done = run(tmp_path / "a.xml", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.exception
    made = config.load(tmp_path / "out")
    one, other = made.entries["a"], made.entries["b"]
    assert one.attributes["WHERE"].value == "/cvmfs/Ex'am\"ple"
    assert one.attributes["COST"].value == "8 * $1"
    assert one.rsl == '(count=8)(x="Ex\'am\\"ple")'
    assert other.attributes["WHERE"].value == "/cvmfs"
    assert list(made.factory.attributes) == ["BASE", "N"]
    report = (tmp_path / "out" / "import-report.txt").read_text()
    assert "a.xml:3: WHERE" in report
    assert "enable_attribute_expansion" not in report


def test_without_it_a_dollar_is_a_dollar(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(EXPANDED.format("False"))
    assert run(tmp_path / "a.xml", "--out", tmp_path / "out").exit_code == 0
    made = config.load(tmp_path / "out")
    assert made.factory.attributes["WHERE"].value == "$(BASE)/$(GLIDEIN_Site)"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("$(NOBODY)", "'NOBODY' is not there"),
        ("$(WHERE)", "'WHERE' names itself"),
        ("$(GLIDEIN_Site)" * 66_000, "more than 65536 characters"),
    ],
)
def test_what_cannot_be_put_in_is_refused(tmp_path: Path, value: str, said: str) -> None:
    text = EXPANDED.format("True").replace('"$(BASE)"', f'"{value}"')
    (tmp_path / "a.xml").write_text(text)
    done = run(tmp_path / "a.xml", "--out", tmp_path / "out")
    assert said in str(done.exception)
    assert "a.xml:8: " in str(done.exception)


def test_attributes_that_name_each_other_twice_are_no_bomb(tmp_path: Path) -> None:
    names = [f"A{number}" for number in range(60)]
    attrs = "".join(
        f'<attr name="{one}" value="$({two})$({two})"/>'
        for one, two in zip(names, [*names[1:], "GLIDEIN_WorkDir"], strict=True)
    )
    text = EXPANDED.format("True").replace('<attr name="BASE"', f'{attrs}<attr name="BASE"')
    (tmp_path / "a.xml").write_text(text)
    done = run(tmp_path / "a.xml", "--out", tmp_path / "out")
    assert "more than 65536 characters" in str(done.exception)
