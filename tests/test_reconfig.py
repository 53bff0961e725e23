"""Taking over a configuration: all or nothing, once, and nothing lost that is still needed."""

import json
import os
import shutil
import tarfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from orchestrator import disk
from orchestrator.arguments import Client, Pilot, unescape
from orchestrator.errors import PublishError
from orchestrator.share import share
from orchestrator.stage import area
from orchestrator.verbs import glidein_command
from orchestrator.verbs import reconfig as verb
from orchestrator.worktree import plan, reconfig
from orchestrator.worktree.entry_record import read_entry
from tests.configured import (
    NOON,
    Configured,
    assert_what_is_told_is_there,
    configure,
    contents,
    everything,
    killed_at,
)

DAY = timedelta(days=1)


def entry_json(configured: Configured, name: str) -> dict[str, Any]:
    told = json.loads((configured.work / "entries" / name / "entry.json").read_text())
    assert isinstance(told, dict)
    return told


def texts(configured: Configured, folder: str, stem: str) -> str:
    """Return the text of an area's only object with that stem."""
    (path,) = (configured.stage / folder).glob(f"{stem}.*")
    return path.read_text()


def test_what_entries_are_told_is_there(configured: Configured) -> None:
    configured.reconfig()
    assert assert_what_is_told_is_there(configured) == 2


def test_the_example_can_be_published_as_it_is(tmp_path: Path) -> None:
    example = Path(reconfig.__file__).parent.parent / "example"
    made = Configured(shutil.copytree(example, tmp_path / "config"), share("glidein"))
    made.reconfig()
    assert assert_what_is_told_is_there(made) == 1


def test_a_second_run_touches_nothing(configured: Configured) -> None:
    configured.reconfig()
    before = everything(configured.stage, configured.work)
    assert configured.plan().empty
    configured.reconfig(NOON + DAY)
    assert everything(configured.stage, configured.work) == before


def test_two_factories_publish_the_same_bytes(tmp_path: Path) -> None:
    one, other = configure(tmp_path / "one"), configure(tmp_path / "other")
    one.reconfig()
    other.reconfig(NOON + DAY)
    found = [
        {
            name.removeprefix(str(made.stage)): text
            for name, text in contents(made.stage).items()
        }
        for made in (one, other)
    ]
    assert found[0] == found[1]


def test_the_main_area_lists_its_files_in_order(configured: Configured) -> None:
    configured.reconfig()
    rows = [row.split(" \t") for row in texts(configured, "", "file_list").splitlines()[1:]]
    assert [(row[0], row[2]) for row in rows] == [
        ("constants.cfg", "regular"),
        ("condor_vars.lst", "regular"),
        *((name, "library") for name in area.LIBRARY),
        *((name, "api") for name in area.WORKER_API),
        ("condor-25.14.1-x86_64.tar.gz", "condor"),
        ("condor-23.9.6-x86_64.tar.gz", "condor"),
        ("site_check.sh", "exec"),
    ]
    assert texts(configured, "", "constants") == "GLIDEIN_Max_Tail \t400\n"


def test_glideins_are_told_the_tarball_worth_having_early(configured: Configured) -> None:
    configured.change("entries/south.toml", "site", 'condor_version = "23.9.6"\nsite')
    configured.reconfig()
    assert "stop_list \tstop.lst\n" in texts(configured, "", "description")
    for entry, version in (("north", "25.14.1"), ("south", "23.9.6")):
        early = read_entry(configured.work, entry).arguments(Client(), {})
        word = early[early.index("-param_GLIDEIN_Early_x86_64") + 1]
        name, spec, size = unescape(word).split(",")
        assert name.startswith(f"condor-{version}-x86_64.")
        assert f"{spec.removeprefix('sha256:')}  {name}\n" in texts(
            configured, "", "signature"
        )
        assert (configured.stage / name).stat().st_size == int(size)


def test_no_tarball_comes_early_where_the_nodes_have_an_htcondor(
    configured: Configured,
) -> None:
    south = configured.folder / "entries/south.toml"
    south.write_text(south.read_text() + '\n[attributes]\nCONDOR_DIR = "/opt/condor"\n')
    configured.reconfig()
    assert read_entry(configured.work, "south").early == {}
    assert read_entry(configured.work, "north").early != {}


@pytest.mark.parametrize(
    ("flags", "constant", "variable", "shown"),
    [
        ("", True, "A \tS \t- \t+ \tN \tN \t-", "attributes"),
        ("publish = false", True, "A \tS \t- \t+ \tN \tN \t-", None),
        ("parameter = false", False, None, "attributes"),
        ("const = false", False, "A \tS \t- \t+ \tN \tN \t-", "parameters"),
        ("glidein_publish = true", True, "A \tS \t- \t+ \tN \tY \t-", "attributes"),
        ("job_publish = true", True, "A \tS \t- \t+ \tN \tN \t+", "attributes"),
        ('type = "expr"', True, "A \tC \t- \t+ \tN \tN \t-", "attributes"),
    ],
)
def test_the_flags_of_an_attribute_say_where_it_goes(
    configured: Configured,
    flags: str,
    constant: bool,
    variable: str | None,
    shown: str | None,
) -> None:
    line = f"attributes.A = {{ value = 'b c'{flags and ', '}{flags} }}"
    configured.change("entries/north.toml", "site", f"{line}\nsite")
    configured.reconfig()
    lines = texts(configured, "entry_north", "constants").splitlines()
    assert ("A \tb c" in lines) == constant
    found = texts(configured, "entry_north", "condor_vars").splitlines()
    assert [line for line in found if line.startswith("A ")] == (
        [variable] if variable else []
    )
    told = entry_json(configured, "north")
    where = [kind for kind in ("attributes", "parameters") if "A" in told[kind]]
    assert where == ([shown] if shown else [])


def test_archives_say_where_they_are_unpacked(configured: Configured) -> None:
    with tarfile.open(configured.folder / "files/tools.tar.gz", "w:gz") as tools:
        tools.addfile(tarfile.TarInfo("tool"))
    for name, more in (("", ""), ("other.tgz", 'untar_dir = "there/in"')):
        text = f'\n[[files]]\nsource = "files/tools.tar.gz"\nkind = "untar"\nname = "{name}"\n{more}'
        path = configured.folder / "entries/north.toml"
        path.write_text(path.read_text() + text)
    configured.reconfig()
    assert texts(configured, "entry_north", "untar") == (
        "tools.tar.gz \ttools\nother.tgz \tthere/in\n"
    )
    rows = texts(configured, "entry_north", "file_list").splitlines()
    assert [row.split(" \t")[6] for row in rows[1:]].count("UNTAR_CFG_FILE") == 1


def test_a_missing_module_of_the_worker_is_named(configured: Configured) -> None:
    (configured.glidein / "lib" / "startd.sh").unlink()
    with pytest.raises(PublishError, match=r"lib/startd\.sh: glideins need this file"):
        configured.reconfig()
    assert not configured.stage.exists()


def test_a_failing_bundle_is_reported(configured: Configured) -> None:
    (configured.glidein / "bundle.sh").write_text("echo no such lib >&2; exit 3\n")
    with pytest.raises(PublishError, match=r"(?s)bundle\.sh: failed.*no such lib"):
        configured.reconfig()


def test_the_shipped_script_can_be_run(configured: Configured) -> None:
    configured.reconfig()
    script = configured.work / "glidein_startup.sh"
    assert script.read_bytes() == b"#!/bin/bash\n"
    assert os.access(script, os.X_OK)


def test_signed_with_sha1(configured: Configured) -> None:
    configured.change("factory.toml", "[web]", '[web]\nsignature_type = "sha1"')
    configured.reconfig()
    assert len(Pilot(**entry_json(configured, "north")["arguments"]).sign) == 40
    assert assert_what_is_told_is_there(configured) == 2


def test_the_hash_type_can_be_changed(configured: Configured) -> None:
    configured.reconfig()
    configured.change("factory.toml", "[web]", '[web]\nsignature_type = "sha1"')
    configured.reconfig()
    assert assert_what_is_told_is_there(configured) == 2


def test_one_changed_entry_rewrites_that_entry_alone(configured: Configured) -> None:
    configured.reconfig()
    before = everything(configured.stage, configured.work)
    configured.change("entries/north.toml", '"Example"', '"Other"')
    configured.reconfig()
    after = everything(configured.stage, configured.work)
    touched = {path for path in before if before[path] != after[path]}
    new = set(after) - set(before)
    assert {path.parent for path in new} == {configured.stage / "entry_north"}
    north = configured.work / "entries" / "north"
    history = configured.work / "factory" / "published.json"
    assert touched == {
        *(configured.stage / "entry_north", north, north / "entry.json"),
        *(history, history.parent, history.with_name("seen.json")),
    }


def test_the_plan_says_what_changes_and_writes_nothing(configured: Configured) -> None:
    assert {(one.name, one.kind) for one in configured.plan().changes} == {
        ("", "new"),
        ("north", "new"),
        ("south", "new"),
    }
    assert not configured.stage.exists()
    assert not configured.work.exists()
    configured.reconfig()
    before = everything(configured.stage, configured.work)
    configured.change("entries/north.toml", "ce.example.org", "other.example.org")
    (configured.folder / "entries" / "south.toml").unlink()
    configured.write("entries/west.toml", 'gatekeeper = "w"\ngrid_type = "arc"\n')
    plan = configured.plan()
    kinds = {one.name: one.kind for one in plan.changes}
    assert kinds == {"": "changed", "north": "changed", "west": "new", "south": "retired"}
    north = next(one for one in plan.changes if one.name == "north")
    # Slots advertise it, so the entry's area says it as well.
    changed = {one.partition(":")[0] for one in north.details}
    assert changed == {"arguments.sign_entry", "arguments.descript_entry", "gatekeeper"}
    assert 'gatekeeper: "ce.example.org:9619" -> "other.example.org:9619"' in north.details
    assert everything(configured.stage, configured.work) == before


def test_a_retired_entry_is_told_so_and_may_come_back(configured: Configured) -> None:
    configured.reconfig()
    path = configured.folder / "entries" / "south.toml"
    kept = path.read_text()
    path.unlink()
    configured.reconfig()
    south = configured.work / "entries" / "south"
    assert [one.name for one in south.iterdir()] == ["retired.json"]
    path.write_text(kept)
    configured.reconfig()
    assert [one.name for one in south.iterdir()] == ["entry.json"]


def test_old_files_go_when_nobody_can_need_them(configured: Configured) -> None:
    configured.reconfig()
    told = contents(configured.stage)
    configured.change("entries/north.toml", '"Example"', '"Other"')
    configured.reconfig(NOON + DAY)
    assert configured.reconfig(NOON + 11 * DAY) == []
    assert set(told) <= set(contents(configured.stage))
    gone = configured.reconfig(NOON + 11 * DAY + timedelta(seconds=1))
    assert {path.parent.name for path in gone} == {"entry_north"}
    assert {str(path) for path in gone} == set(told) - set(contents(configured.stage))
    assert assert_what_is_told_is_there(configured) == 2
    before = everything(configured.stage, configured.work)
    configured.reconfig(NOON + 40 * DAY)
    assert everything(configured.stage, configured.work) == before


def test_what_queued_glideins_were_told_stays(configured: Configured) -> None:
    configured.reconfig()
    told = entry_json(configured, "north")["arguments"]
    queued = {"main": [told["descript"]], "entry": [told["descript_entry"]]}
    record = configured.work / "entries" / "north" / "queued.json"
    record.write_text(json.dumps(queued))
    before = set(contents(configured.stage))
    configured.change("factory.toml", "= 400", "= 500")
    configured.change("entries/north.toml", '"Example"', '"Other"')
    configured.reconfig(NOON)
    configured.reconfig(NOON + 99 * DAY)
    left = set(contents(configured.stage))
    assert {name for name in before - left if "entry_south" not in name} == set()
    record.write_text("{")
    assert configured.reconfig(NOON + 199 * DAY) == [], "unknown is not: nothing is queued"
    record.unlink()
    assert configured.reconfig(NOON + 199 * DAY) != []
    assert before - set(contents(configured.stage))


def test_the_area_of_a_retired_entry_goes_in_the_end(configured: Configured) -> None:
    configured.reconfig()
    (configured.folder / "entries" / "south.toml").unlink()
    configured.reconfig(NOON + DAY)
    configured.reconfig(NOON + 11 * DAY)
    assert (configured.stage / "entry_south").is_dir()
    configured.reconfig(NOON + 12 * DAY)
    assert not (configured.stage / "entry_south").exists()


def test_two_at_once_are_refused(configured: Configured) -> None:
    with reconfig.lock(configured.load()), pytest.raises(disk.Busy):
        configured.reconfig()


def change_all(configured: Configured) -> None:
    configured.change("factory.toml", "= 400", "= 500")
    configured.change("entries/north.toml", '"Example"', '"Other"')
    (configured.folder / "entries" / "south.toml").unlink()


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param(None, NOON, id="the first one"),
        pytest.param(NOON, NOON + DAY, id="a change"),
        pytest.param(NOON - 99 * DAY, NOON, id="throwing away"),
    ],
)
def test_killed_anywhere_the_next_run_finishes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: datetime | None,
    now: datetime,
) -> None:
    # Both only take time here: what a killed process wrote is not lost.
    monkeypatch.setattr(disk, "_sync", lambda _: None)
    monkeypatch.setattr(plan, "bundled", lambda _: b"#!/bin/bash\n")
    start, here = tmp_path / "start", tmp_path / "here"
    configured = configure(start)
    if before is not None:
        configured.reconfig(before)
        change_all(configured)
    if now == NOON and before is not None:  # what is replaced then is old by now
        configured.reconfig(before)

    def again() -> Configured:
        shutil.rmtree(here, ignore_errors=True)
        shutil.copytree(start, here)
        return Configured(here / "config", here / "share" / "glidein")

    whole = again()
    whole.reconfig(now)
    wanted = contents(whole.stage, whole.work)
    step, cut = 1, again()
    while killed_at(step, cut.reconfig, now):
        told = assert_what_is_told_is_there(cut)
        assert told >= (0 if before is None else 1)
        cut.reconfig(now)
        assert contents(cut.stage, cut.work) == wanted, f"after a kill at step {step}"
        if step % 10 == 0:
            done = everything(cut.stage, cut.work)
            cut.reconfig(now)
            assert everything(cut.stage, cut.work) == done
        step, cut = step + 1, again()
    assert step > 5, "the kills came to nothing"


def run_verb(configured: Configured, *options: str) -> str:
    result = CliRunner().invoke(
        verb.command, ["--config", str(configured.folder), *options], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.output


def test_the_verb(configured: Configured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "share", lambda _: configured.glidein)
    assert "+ entry north: new, 6 files" in run_verb(configured, "--plan")
    assert not configured.work.exists()
    assert "+ factory: new" in run_verb(configured)
    assert run_verb(configured) == "nothing to change: 2 entries are as configured\n"
    with (
        reconfig.lock(configured.load()),
        pytest.raises(PublishError, match="another reconfig is at work"),
    ):
        run_verb(configured)


def test_the_command_line_of_a_glidein(configured: Configured) -> None:
    configured.reconfig()
    options = ["north", "--config", str(configured.folder), "--param", "A=b c"]
    result = CliRunner().invoke(glidein_command.command, options, catch_exceptions=False)
    script, *words = result.output.split()
    assert script == str(configured.work / "glidein_startup.sh")
    assert words[words.index("-param_A") + 1] == "b.nbsp,c"
    assert words[words.index("-entry") + 1] == "north"


def test_the_factory_is_told_last(
    configured: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who finds factory.json changed finds the entries that it names, and no other."""
    configured.reconfig()
    (configured.folder / "entries" / "south.toml").rename(
        configured.folder / "entries" / "west.toml"
    )
    configured.change("factory.toml", "= 400", "= 500")
    replaced = []
    plainly = Path.replace

    def replace(path: Path, target: Path) -> Path:
        replaced.append(str(target.relative_to(configured.folder)))
        return plainly(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    configured.reconfig()
    told = replaced.index("work/factory/factory.json")
    entries = [
        replaced.index(f"work/entries/{name}.json")
        for name in ("north/entry", "west/entry", "south/retired")
    ]
    areas = [replaced.index(name) for name in replaced if name.startswith("stage/")]
    assert max(areas) < min(entries)
    assert max(entries) < told
