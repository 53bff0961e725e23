"""A glidein by the name it has in the pool."""

import dataclasses
import json

import pytest

from orchestrator.errors import FactoryError
from orchestrator.explain import glidein, pool_name
from orchestrator.worktree.factory_record import FactoryRecord
from tests.decided import Decided, useful
from tests.deciding import NOW

NAME = "glidein_4711_17955574381234"


@pytest.mark.parametrize(
    "text", [NAME, f"{NAME}@node7.site", f"slot1@{NAME}@node7.site", f"slot1_12@{NAME}@n"]
)
def test_one_that_ended_is_found_by_the_name_it_told(decided: Decided, text: str) -> None:
    told = dataclasses.replace(useful("7.1"), name=NAME)
    decided.ended("north", [useful("7.0"), told])
    found = glidein.explain(decided.work, text, now=NOW)
    assert (found["glidein"], found["entry"]) == ("7.1", "north")


def test_one_of_several_in_a_slot_is_found(decided: Decided) -> None:
    told = dataclasses.replace(useful("7.1"), name=f"glidein_1_1 {NAME}")
    decided.ended("north", [told])
    assert pool_name.ident(decided.work, NAME) == "7.1"


def test_one_that_said_its_name_in_its_log_is_found(decided: Decided) -> None:
    folder = decided.work / "entries/north/glideins/cms.main"
    folder.mkdir()
    (folder / "job.8.0.err").write_text(f"… INFO wrote condor_config name={NAME}1 …\n")
    (folder / "job.8.1.err").write_text(f"… INFO wrote condor_config name={NAME} …\n")
    (folder / "job.8.2.err").symlink_to("/dev/zero")
    assert pool_name.ident(decided.work, NAME) == "8.1"


def test_a_pool_is_asked_for_one_that_left_nothing(
    decided: Decided, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided.decide(
        "north",
        {"cms": "1 idle of 9"},
        {"cms": "1 running"},
        parameters={"GLIDEIN_Collector": "vo.test:9620-9640,other.test:9618?sock=c"},
    )
    asked = []

    def ask(address: str, name: str, record: FactoryRecord) -> str:
        asked.append(address)
        return {"vo.test": "", "other.test:9618": "1.0"}[address]

    monkeypatch.setattr(pool_name, "_ask", ask)
    monkeypatch.setattr(pool_name, "limited", lambda call, limit_s: call())
    assert glidein.explain(decided.work, NAME, now=NOW)["glidein"] == "1.0"
    assert asked == ["vo.test", "other.test:9618"]


def test_what_nobody_knows_is_told_with_where_was_looked(decided: Decided) -> None:
    with pytest.raises(FactoryError) as error:
        glidein.explain(decided.work, f"slot1@{NAME}@node7", now=NOW)
    assert "no glidein that ended here had this name" in str(error.value)
    assert f"condor_status slot1@{NAME}@node7 -af GLIDEIN_ClusterId" in str(error.value)


def test_an_outcome_keeps_the_name(decided: Decided) -> None:
    decided.ended("north", [dataclasses.replace(useful("7.1"), name=NAME)])
    (path,) = (decided.work / "entries/north").glob("outcomes.*")
    assert json.loads(path.read_text())["name"] == NAME
