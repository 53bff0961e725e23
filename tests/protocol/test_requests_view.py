"""The requests view: sorted by entry, written when it changes, read back or called damaged."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from orchestrator.deciding.request import RequestsView
from orchestrator.protocol import requests_view
from orchestrator.protocol.frontend import Offer
from orchestrator.protocol.reader import Terms
from orchestrator.protocol.requests_view import Taken, View, Writer, read, sort_out
from tests.protocol.sample import TOKEN, ad, client, counted, global_ad, reader, refused

MINUTE = 1_800_000_000.0


def taken(tmp_path: Path, *ads: Any, at: float = MINUTE) -> Taken:
    return sort_out([], ads, reader(tmp_path), at)


def files(work: Path) -> dict[str, tuple[int, int]]:
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in (work / "views" / "requests").iterdir()
    }


def test_requests_and_refusals_are_by_entry(tmp_path: Path) -> None:
    other = client(client="vo.other")
    found = taken(
        tmp_path,
        ad(other),
        ad(),
        ad(entry="ENTRY_B", ReqIdleGlideins="x"),
        ad(ReqName="GONE@inst1@factoryX", ReqGlidein="GONE@inst1@factoryX"),
        {"Name": 7},
    )
    assert found.views.keys() == {"ENTRY_A", "ENTRY_B"}
    assert [one.client for one in found.views["ENTRY_A"].requests] == [
        "vo.other",
        "vo.main",
    ]
    (bad,) = found.views["ENTRY_B"].refusals
    assert "ReqIdleGlideins" in bad.reason
    assert [one.entry for one in found.refusals] == ["GONE", ""]
    assert found.heard == {"vo.main": 1795384631, "vo.other": 1795384631}


def test_global_ads_bring_the_files_that_requests_name(tmp_path: Path) -> None:
    made_by = client(Offer(idtoken=TOKEN, files={"SubmitProxy": b"a proxy"}))
    reads = reader(tmp_path, Terms("ENTRY_A", "grid_proxy"))
    found = sort_out([global_ad(made_by)], [ad(made_by)], reads, MINUTE)
    (request,) = found.views["ENTRY_A"].requests
    kept = tmp_path / "credentials" / request.credentials.files["proxy"]
    assert kept.read_bytes() == b"a proxy"


def test_what_is_wrong_with_a_global_ad_is_told(tmp_path: Path) -> None:
    stolen = global_ad(client(), AuthenticatedIdentity="thief@pool")
    bad_class = global_ad(client(security_class="admin"))
    found = sort_out([stolen, bad_class], [], reader(tmp_path), MINUTE)
    reasons = [one.reason for one in found.refusals]
    assert "made by 'vo@pool'" in reasons[0]
    assert "'admin' is no security class" in reasons[1]


def test_refusals_have_a_bound(tmp_path: Path) -> None:
    found = taken(tmp_path, *({"Name": number} for number in range(1000)))
    assert len(found.refusals) == requests_view.REFUSALS


def test_keys_and_secrets_are_forgotten(tmp_path: Path) -> None:
    reads = reader(tmp_path)
    sort_out([], [ad()], reads, MINUTE)
    assert not reads._keys
    assert not any(key._opened for key in reads.keyring._known.values())  # type: ignore[union-attr]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    found = taken(tmp_path, ad(), ad(entry="ENTRY_B", ReqIdleGlideins="x"))
    Writer(tmp_path).write(found)
    for entry in ("ENTRY_A", "ENTRY_B"):
        assert read(tmp_path, entry) == found.views[entry]
    assert read(tmp_path, "ENTRY_C") == RequestsView(MINUTE)
    assert requests_view.read_refusals(tmp_path) == []
    private = {path.stat().st_mode & 0o077 for path in (tmp_path / "views").rglob("*")}
    assert private == {0}
    assert TOKEN.encode() not in b"".join(
        path.read_bytes() for path in (tmp_path / "views").rglob("*.json")
    )


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    assert writer.write(taken(tmp_path, ad(), ad(entry="ENTRY_B"))) == 2
    before = files(tmp_path)
    again = taken(tmp_path, ad(), ad(entry="ENTRY_B"), at=MINUTE + 60)  # fresh keys
    assert writer.write(again) == 0
    assert Writer(tmp_path).write(again) == 0  # after a restart as well
    assert files(tmp_path) == before
    assert read(tmp_path, "ENTRY_A").taken == MINUTE + 60

    more = taken(tmp_path, ad(ReqIdleGlideins=4), ad(entry="ENTRY_B"))
    assert writer.write(more) == 1
    after = files(tmp_path)
    assert after["ENTRY_A.json"] != before["ENTRY_A.json"]
    assert after["ENTRY_B.json"] == before["ENTRY_B.json"]

    assert writer.write(taken(tmp_path, ad(entry="ENTRY_B"))) == 1
    assert files(tmp_path).keys() == {"ENTRY_B.json"}
    assert read(tmp_path, "ENTRY_A").requests == ()


def test_a_file_that_went_missing_is_written_again(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.write(taken(tmp_path, ad()))
    (tmp_path / "views/requests/ENTRY_A.json").unlink()
    assert writer.write(taken(tmp_path, ad())) == 1
    assert len(read(tmp_path, "ENTRY_A").requests) == 1


def test_a_collector_that_does_not_answer_changes_nothing_else(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.problem("collector x: no answer\n")
    assert read(tmp_path, "ENTRY_A") == RequestsView(0, problem="collector x: no answer?")
    found = taken(tmp_path, ad())
    writer.write(found)
    writer.problem("collector x: no answer")
    view = read(tmp_path, "ENTRY_A")
    assert (view.taken, view.problem) == (MINUTE, "collector x: no answer")
    assert view.requests == found.views["ENTRY_A"].requests
    writer.write(found)
    assert read(tmp_path, "ENTRY_A").problem == ""


def test_before_the_first_view_there_is_none(tmp_path: Path) -> None:
    assert read(tmp_path, "ENTRY_A") == RequestsView(0, problem="no view was taken yet")


def test_an_unchanged_file_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, view = Writer(tmp_path), View(tmp_path, "ENTRY_A")
    writer.write(taken(tmp_path, ad()))
    first = view.read()
    calls = counted(monkeypatch, requests_view, "_load_view")
    writer.write(taken(tmp_path, ad(), at=MINUTE + 60))
    again = view.read()
    assert again.requests is first.requests
    assert again.taken == MINUTE + 60
    writer.write(taken(tmp_path, ad(ReqIdleGlideins=9)))
    assert view.read().requests[0].idle == 9
    assert len(calls) == 1


@pytest.fixture
def written(tmp_path: Path) -> Path:
    Writer(tmp_path).write(taken(tmp_path, ad(), ad(ReqIdleGlideins="x")))
    return tmp_path


ENTRY, STAMP = "views/requests/ENTRY_A.json", "views/requests.json"


@pytest.mark.parametrize("name", [ENTRY, STAMP])
@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", "null", '{"format": 2}', '{"format": 1}', "\udcff", "[" * 99_999],
)
def test_a_damaged_file_is_a_problem(written: Path, name: str, text: str) -> None:
    (written / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    view = read(written, "ENTRY_A")
    assert view.taken == 0
    assert view.requests == ()
    assert f"{name}: damaged" in view.problem


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("idle", -1),
        ("idle", True),
        ("idle", 1.5),
        ("removal", "SOME"),
        ("name", 7),
        ("parameters", {"A": 1}),
        ("parameters", []),
        ("web", {}),
        ("credentials", {}),
        ("monitor", {"A": "x"}),
    ],
)
def test_a_request_of_another_form_is_damage(written: Path, place: str, value: Any) -> None:
    told = json.loads((written / ENTRY).read_text())
    told["requests"][0][place] = value
    (written / ENTRY).write_text(json.dumps(told))
    assert "damaged" in read(written, "ENTRY_A").problem
    del told["requests"][0][place]
    (written / ENTRY).write_text(json.dumps(told))
    assert "damaged" in read(written, "ENTRY_A").problem


json_like = some.recursive(
    some.none() | some.booleans() | some.floats() | some.integers() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=some.data())
def test_reading_any_file_is_an_answer(data: some.DataObject, written: Path) -> None:
    name = data.draw(some.sampled_from([ENTRY, STAMP]))
    path = written / name
    good = path.read_bytes()
    told = json.loads(good)
    target = told
    while isinstance(target, dict | list) and target and data.draw(some.booleans()):
        keys = sorted(target) if isinstance(target, dict) else range(len(target))
        key = data.draw(some.sampled_from(list(keys)))
        if data.draw(some.booleans()):
            target[key] = data.draw(json_like)
        target = target[key]
    path.write_bytes(json.dumps(told).encode())
    try:
        view = read(written, "ENTRY_A")
        assert isinstance(view, RequestsView)
        assert view.taken or view.problem
        requests_view.read_refusals(written)
    finally:
        path.write_bytes(good)
    assert refused(read(written, "ENTRY_A").refusals[0])
