"""Our own client: what it finds, what it refuses to believe, and its command line."""

from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner

from orchestrator.errors import ProtocolError
from orchestrator.protocol import ads, frontend
from orchestrator.protocol.ads import Ad, Kind
from orchestrator.protocol.collector import Collector
from orchestrator.verbs.request import command
from tests.protocol.sample import client, factory_key


class Board:
    """Stands in for a collector: it has ads and takes ads."""

    def __init__(self, *ads: Ad) -> None:
        self.all = list(ads)

    def __str__(self) -> str:
        return "board"

    def ads(self, *kinds: Kind, constraint: str = "true") -> list[Ad]:
        return [ad for ad in self.all if ad["MyType"] in [kind.my_type for kind in kinds]]

    def advertise(self, ads: list[Ad], kind: Kind) -> None:
        self.all += ads


def global_ad(name: str = "inst1@factoryX", **more: Any) -> Ad:
    glidein, factory = name.split("@")
    key = factory_key().public
    return ads.global_ad(glidein, factory, key=key, started=1, sequence=0) | more


def entry(name: str) -> Ad:
    return {"MyType": "glidefactory", "Name": name, "EntryName": name.partition("@")[0]}


def asking(*ads: Ad, factory: str = "") -> tuple[frontend.RequestClient, Board]:
    board = Board(*ads)
    made = client(factory=factory)
    made.collector = cast(Collector, board)
    return made, board


def test_finds_the_entries_whose_names_end_like_the_global_ad() -> None:
    made, _ = asking(global_ad(), entry("a@inst1@factoryX"), entry("b@inst2@factoryX"))
    assert made.discover().entries.keys() == {"a"}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"PubKeyType": "DSA"}, "of type 'DSA'"),
        ({"PubKeyID": "0" * 32}, "not what its id says"),
        ({"PubKeyValue": "nonsense"}, "not what its id says"),
    ],
)
def test_a_key_that_is_not_what_it_says_is_not_used(more: Any, reason: str) -> None:
    made, _ = asking(global_ad(**more))
    with pytest.raises(ProtocolError, match=reason):
        made.discover()


def test_says_which_factories_and_entries_there_are() -> None:
    with pytest.raises(ProtocolError, match="factories there: none"):
        asking()[0].discover()
    two = (global_ad(), global_ad("inst2@factoryX"))
    with pytest.raises(ProtocolError, match="2: inst1@factoryX, inst2@factoryX"):
        asking(*two)[0].discover()
    made, board = asking(*two, entry("a@inst2@factoryX"), factory="inst2@factoryX")
    with pytest.raises(ProtocolError, match=r"inst2@factoryX: no entry b; there are: a"):
        made.ask("b", idle=1, most=1)
    made.ask("a", idle=1, most=1)
    assert [ad["MyType"] for ad in board.all[-2:]] == ["glideclientglobal", "glideclient"]


def test_updates_of_one_request_are_counted() -> None:
    made, board = asking(global_ad(), entry("a@inst1@factoryX"))
    for _ in range(3):
        made.ask("a", idle=1, most=1)
    sequence = [
        ad["UpdateSequenceNumber"] for ad in board.all if ad["MyType"] == "glideclient"
    ]
    assert sequence == [0, 1, 2]


def test_waiting_has_a_limit_and_says_what_the_factory_said_last() -> None:
    made, board = asking()
    board.all.append({"MyType": "glidefactoryclient", "GlideinMonitorStatusIdle": 1})
    said = frontend.wait_for_answer(made, "a", 1, limit_s=0)
    assert said["GlideinMonitorStatusIdle"] == 1
    with pytest.raises(TimeoutError, match="1 of 2 glideins after 0 s"):
        frontend.wait_for_answer(made, "a", 2, limit_s=0)


def test_empty_areas_are_published_once(tmp_path: Path) -> None:
    first = frontend.publish_empty_areas(tmp_path / "x", "http://x/y")
    files = sorted(path.name for path in tmp_path.rglob("*"))
    assert frontend.publish_empty_areas(tmp_path / "x", "http://x/y") == first
    assert sorted(path.name for path in tmp_path.rglob("*")) == files
    assert (tmp_path / "x" / "group_main" / first.group_descript).is_file()
    assert first.group_url == "http://x/y/group_main"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["here"], "Missing option '--frontend'"),
        (["here", "--frontend", "vo", "--value", "x"], "expected NAME=VALUE, got 'x'"),
        (["here", "--frontend", "vo", "--idle", "-1"], "not in the range"),
    ],
)
def test_the_command_line_says_what_is_wrong(words: list[str], said: str) -> None:
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 2
    assert said in result.output
