"""What was seen before: good while stat() says the same, never longer, and never needed."""

import hashlib
import os
import shutil
import time
from pathlib import Path

import pytest

from orchestrator.errors import PublishError
from orchestrator.stage import area
from orchestrator.worktree import plan, reconfig, seen
from orchestrator.worktree.seen import Seen
from tests.bench import many_entries
from tests.bench.reconfig import files, touched
from tests.configured import Configured, contents


def test_a_file_is_read_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    known = Seen()
    first = known.digest(path)
    assert (first.size, first.of("sha1")) == (3, "fe05bcdcdc4928012781a5f1a2a77cbb5398e106")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", None)  # it would raise
        assert known.digest(path) == first
    stat = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert known.digest(path).sha256 != first.sha256, "its time was set back, and believed"


def test_a_file_that_changed_just_now_is_given_time_to_change_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a tick of the clock two changes look like one to stat()."""
    path = tmp_path / "file"
    path.write_bytes(b"one")
    changed = path.stat().st_ctime

    def wait(seconds: float) -> None:
        path.write_bytes(b"two")

    monkeypatch.setattr(time, "sleep", wait)
    monkeypatch.setattr(time, "time", lambda: changed + 0.01)
    assert Seen().digest(path).sha256 == hashlib.sha256(b"two").hexdigest()
    path.write_bytes(b"one")
    monkeypatch.setattr(time, "time", lambda: changed + 100)
    assert Seen().digest(path).sha256 == hashlib.sha256(b"one").hexdigest()


def test_what_is_not_used_is_forgotten(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"x")
    known = Seen()
    known.digest(tmp_path / "a")
    known.digest(tmp_path / "b")
    (tmp_path / "seen").write_bytes(known.dump())
    again = seen.load(tmp_path / "seen")
    again.digest(tmp_path / "a")
    (tmp_path / "seen").write_bytes(again.dump())
    assert b'/b"' not in (tmp_path / "seen").read_bytes()
    assert b'/a"' in (tmp_path / "seen").read_bytes()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 0}', '{"format": 1}'])
def test_a_damaged_memory_is_none(configured: Configured, text: str) -> None:
    configured.reconfig()
    before = contents(configured.work, configured.stage)
    (configured.work / "factory" / "seen.json").write_text(text)
    configured.reconfig()
    assert contents(configured.work, configured.stage) == before
    assert len(seen.load(configured.work / "factory" / "seen.json").entries) == 2


def looked_at(configured: Configured) -> set[str]:
    """Return the areas that a run looks at, and does not know from before."""
    return set(configured.plan().publications)


def test_what_is_unchanged_is_not_looked_at(configured: Configured) -> None:
    assert looked_at(configured) == {"", "entry_north", "entry_south"}
    configured.reconfig()
    assert looked_at(configured) == {""}
    configured.change("entries/north.toml", '"Example"', '"Other"')
    assert looked_at(configured) == {"", "entry_north"}


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.change("factory.toml", "= 400", "= 500"),
        lambda c: c.change("factory.toml", "schedd@", "other@"),
        lambda c: c.write("files/check.sh", "#!/bin/bash\nexit 1\n"),
        lambda c: (c.glidein / "lib" / area.LIBRARY[0]).write_text("# new\n"),
        lambda c: (c.folder / "condor-25.14.1-x86_64.tar.gz").write_bytes(
            b"\x1f\x8b" * 150_000
        ),
    ],
    ids=["attribute", "schedd", "custom file", "library", "tarball"],
)
def test_what_all_entries_are_made_from(configured: Configured, change: object) -> None:
    configured.reconfig()
    assert callable(change)
    change(configured)
    assert looked_at(configured) == {"", "entry_north", "entry_south"}


def test_a_file_of_an_entry_alone(configured: Configured) -> None:
    configured.write("files/mine", "1")
    configured.change(
        "entries/north.toml", "site", 'files = [{source = "files/mine"}]\nsite'
    )
    configured.reconfig()
    configured.write("files/mine", "2")
    assert looked_at(configured) == {"", "entry_north"}


def test_the_package_itself(
    configured: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured.reconfig()
    monkeypatch.setattr(seen, "code", lambda: "another version")
    assert looked_at(configured) == {"", "entry_north", "entry_south"}


@pytest.mark.parametrize("what", ["removed", "changed", "mode", "replaced"])
@pytest.mark.parametrize("where", ["stage", "work"])
def test_what_somebody_did_to_the_outcome_is_seen(
    configured: Configured, what: str, where: str
) -> None:
    configured.reconfig()
    (path,) = (
        (configured.stage / "entry_south").glob("signature.*")
        if where == "stage"
        else [configured.work / "entries" / "south" / "entry.json"]
    )
    match what:
        case "removed":
            path.unlink()
        case "changed":
            path.write_bytes(path.read_bytes()[::-1])
        case "mode":
            path.chmod(0o600)
        case "replaced":
            shutil.copy2(path, f"{path}.copy")
            Path(f"{path}.copy").replace(path)
    if (what, where) == ("changed", "stage"):
        with pytest.raises(PublishError, match="its content is not what its name says"):
            looked_at(configured)
    else:
        assert looked_at(configured) == {"", "entry_south"}


def test_verify_reads_what_only_the_disk_has_changed(configured: Configured) -> None:
    configured.reconfig()
    (path,) = (configured.stage / "entry_south").glob("signature.*")
    memory = configured.work / "factory" / "seen.json"
    was = str(seen.stamp(path))
    path.write_bytes(path.read_bytes()[::-1])
    memory.write_text(memory.read_text().replace(was, str(seen.stamp(path))))
    assert looked_at(configured) == {""}
    with pytest.raises(PublishError, match="its content is not what its name says"):
        reconfig.make_plan(configured.load(), configured.glidein, verify=True)


def test_leftovers_in_an_area_are_taken_away(configured: Configured) -> None:
    configured.reconfig()
    left = configured.stage / "entry_north" / ".part-description.0123456789abcdef.cfg"
    left.write_text("")
    configured.reconfig()
    assert not left.exists()
    before = files(configured.stage, configured.work)
    configured.reconfig()
    assert touched(before, files(configured.stage, configured.work)) == set()


def test_files_touched_are_counted_for_many_entries(configured: Configured) -> None:
    """From nothing all, then none, then those of one entry, then those that inherit a change."""
    shutil.rmtree(configured.folder / "entries")
    entries = 60
    many_entries.lay_out(configured.folder, entries)
    found = files(configured.stage, configured.work)

    def run() -> list[str]:
        nonlocal found
        before, _ = found, configured.reconfig()
        found = files(configured.stage, configured.work)
        return sorted(touched(before, found))

    # An area has constants, variables, list, bundle, signature, description; and a record each.
    # The factory: the same with its library, what scripts call, and a script; stop list,
    # what is submitted, records, lock.
    main = 6 + len(area.LIBRARY) + len(area.WORKER_API) + 1
    assert len(run()) == entries * 7 + main + 1 + 5
    assert run() == []
    name = many_entries.name_of(7)
    configured.write(f"entries/{name}.toml", many_entries.entry(7, "Elsewhere"))
    changed = run()
    theirs = [path for path in changed if f"/entry_{name}/" in path or f"/{name}/" in path]
    factory = configured.work / "factory"
    assert len(theirs) == 6  # the list of variables is the same
    assert {*changed} - {*theirs} == {f"{factory}/published.json", f"{factory}/seen.json"}
    configured.change("templates/osg.toml", '"OSG"', '"None"')  # of every third
    changed = run()
    records = {path for path in changed if path.endswith("entry.json")}
    heirs = {many_entries.name_of(number) for number in range(0, entries, 3)}
    assert records == {f"{configured.work}/entries/{name}/entry.json" for name in heirs}
    assert {*changed} - records == {f"{factory}/seen.json"}


def test_the_script_is_bundled_when_its_parts_change(
    configured: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured.reconfig()
    with monkeypatch.context() as patched:
        patched.setattr(plan, "bundled", None)  # it would raise
        configured.reconfig()
    (configured.glidein / "bundle.sh").write_text("printf 'new\\n'\n")
    configured.reconfig()
    script = configured.work / plan.STARTUP
    assert script.read_text() == "new\n"
    script.write_text("changed by hand\n")
    configured.reconfig()
    assert script.read_text() == "new\n"
