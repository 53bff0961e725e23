"""A whole configuration of the reference: what of it becomes what."""

import json
import shutil
from pathlib import Path

import pytest

from orchestrator import config
from orchestrator.config import Configuration
from tests.imported import differences, meaning_of_toml, meaning_of_xml, run

WHOLE = Path(__file__).parent / "fixtures" / "glideinwms-whole"
MAIN, MORE = WHOLE / "glideinWMS.xml", WHOLE / "config.d" / "20-more.xml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The whole configuration, imported, with the files that it names."""
    paths = []
    for path in (MAIN, MORE):
        copy = tmp_path / path.name
        copy.write_text(
            path.read_text().replace("/etc/gwms-factory/", f"{tmp_path}/files/")
        )
        paths.append(copy)
    (tmp_path / "files").mkdir()
    for name in ("check.sh", "setup.sh", "last.sh"):
        (tmp_path / "files" / name).write_text("#!/bin/sh\n")
    shutil.make_archive(str(tmp_path / "files" / "lib"), "gztar", WHOLE / "config.d")
    done = run(*paths, "--out", tmp_path / "out")
    assert done.exit_code == 0, (done.output, done.exception)
    return tmp_path / "out"


@pytest.fixture
def made(folder: Path) -> Configuration:
    return config.load(folder)


def test_the_factory(made: Configuration) -> None:
    factory = made.factory
    assert (factory.factory, factory.glidein) == ("OSG_Example", "v3_9")
    assert factory.schedd == [f"schedd_glideins{n}@factory.example.org" for n in (1, 2)]
    assert factory.collector == ["collector.example.org:9618"]
    assert factory.monitoring_collectors == ["monitor.example.org:9618"]
    assert (factory.cycle.delay_s, factory.cycle.advertise_every) == (90, 3)
    assert (factory.restarts.attempts, factory.restarts.interval_s) == (4, 900)
    assert factory.pilot_accounting
    assert factory.num_factories == 2
    assert factory.web.url == "http://factory.example.org/factory/stage"


def test_how_long_things_are_kept(made: Configuration) -> None:
    kept = made.factory.retention
    tables = (kept.outputs, kept.event_logs, kept.summaries)
    assert [(one.days, one.min_days, one.mb) for one in tables] == [
        (6.5, 1, 300),
        (20, 4, 200),
        (60, 5, 50),
    ]
    assert kept.credential_days == 20
    assert (made.factory.keys.bits, made.factory.keys.grace_s) == (3072, 600)


def test_who_may_ask(made: Configuration) -> None:
    frontends = made.factory.frontends
    assert frontends["OSG_Flock"].identity == "vofrontend@flock.example.org"
    assert frontends["OSG_Flock"].classes == {"frontend": "feosg", "ligo": "feligo"}
    assert frontends["CMS"].classes == {"frontend": "fecms"}


def test_attributes_and_files_of_all_glideins(made: Configuration) -> None:
    found = made.factory.attributes
    assert list(found) == ["CONDOR_VERSION", "USE_CCB", "USE_MATCH_AUTH"]
    assert not found["CONDOR_VERSION"].const
    assert (found["USE_CCB"].value, found["USE_CCB"].type) == ("True", "string")
    assert found["USE_CCB"].glidein_publish
    files = [(Path(one.source).name, one.kind) for one in made.factory.files]
    assert files == [("setup.sh", "exec"), ("last.sh", "exec")]


def test_entries_mean_the_same(folder: Path, tmp_path: Path) -> None:
    xml = meaning_of_xml([tmp_path / MAIN.name, tmp_path / MORE.name])
    del xml["Example_Cream"]  # there is no such grid type here, and it is listed
    assert not differences(xml, meaning_of_toml(folder))


def test_holds_that_a_release_cures_are_of_all_entries(made: Configuration) -> None:
    for entry in made.entries.values():
        codes = [(one.code, one.subcodes) for one in entry.release.recoverable]
        assert codes == [(26, [100, 101]), (41, [])]


def test_an_attribute_of_factory_and_entries_keeps_both_flags(tmp_path: Path) -> None:
    attr = '<attr name="A" value="1" glidein_publish="{}"/>'
    entries = "".join(
        f'<entry name="e{n}" gatekeeper="x"><attrs>{attr.format(True)}</attrs></entry>'
        for n in range(3)
    )
    text = f"<glidein><attrs>{attr.format(False)}</attrs><entries>{entries}</entries></glidein>"
    (tmp_path / "a.xml").write_text(text)
    assert run(tmp_path / "a.xml", "--out", tmp_path / "out").exit_code == 0
    made = config.load(tmp_path / "out")
    assert not made.factory.attributes["A"].glidein_publish
    assert all(one.attributes["A"].glidein_publish for one in made.entries.values())


def test_all_else_is_listed(folder: Path, tmp_path: Path) -> None:
    """Each attribute of the factory's part is in factory.toml, or in the report with its line."""
    report = (folder / "import-report.txt").read_text()
    main = tmp_path / MAIN.name

    def line_of(text: str) -> int:
        return main.read_text()[: main.read_text().index(text)].count("\n") + 1

    for text in (
        "advertise_with_tcp",
        "remove_old_cred_freq",
        "base_client_log_dir",
        "use_symlink",
        "<monitor ",
        "<monitor_footer",
        '<process_log backup_count="5" extension="err"',
        "<condor_tarball ",
        '<file absfname="' + str(tmp_path / "files" / "blacklist"),
        "DN=",
        "after_entry",
        "<!-- agreed",
        "<!-- The factory",
    ):
        # The line of an attribute is the line in which its element begins.
        assert f"{main}:{line_of(text)}" in report, text
    assert f"{tmp_path / MORE.name}:9: Example_Cream" in report


def test_what_cannot_hold_together_is_mended_and_listed(tmp_path: Path) -> None:
    file = '<file absfname="/{}/x.sh"/>'
    text = (
        '<glidein>\n<log_retention><job_logs min_days="9"/></log_retention>\n'
        f"<files>{file.format('a')}\n{file.format('b')}</files></glidein>"
    )
    (tmp_path / "a.xml").write_text(text)
    assert run(tmp_path / "a.xml", "--out", tmp_path / "out").exit_code == 0
    said = (tmp_path / "out" / "factory.toml").read_text()
    assert "days = 7\nmin_days = 7\nmb = 100\n" in said
    assert '"/a/x.sh"' in said
    assert "/b/" not in said
    report = (tmp_path / "out" / "import-report.txt").read_text()
    assert f"{tmp_path}/a.xml:2: 9 above 7" in report
    assert f"{tmp_path}/a.xml:4: the factory: /b/x.sh: x.sh" in report


def test_json_has_the_same(tmp_path: Path) -> None:
    done = run(MAIN, "--json", "--out", tmp_path / "out")
    told = json.loads(done.output)
    assert (told["entries"], told["templates"]) == (2, 1)
    assert any("monitor_footer" in note["what"] for note in told["notes"])
