"""What is sure about collectors without one: literals only, limits, and more than one address."""

import os
import signal
import time
from collections.abc import Sequence
from typing import Any

import classad2 as classad
import htcondor2 as htcondor
import pytest

from orchestrator.errors import CollectorError
from orchestrator.protocol.ads import Kind, Withdrawal
from orchestrator.protocol.collector import Collector, literals


class Stub:
    """A collector that keeps what it is told, or, without ads, answers nobody."""

    def __init__(self, ads: Sequence[dict[str, Any]] | None) -> None:
        self.has = ads
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.integrity = ""

    def query(self, table: object, constraint: str) -> list[classad.ClassAd]:
        self.integrity = str(htcondor.param["SEC_CLIENT_INTEGRITY"])
        if self.has is None:
            raise htcondor.HTCondorException("no answer")
        return [classad.ClassAd(ad) for ad in self.has]

    def advertise(self, ads: list[classad.ClassAd], command: str) -> None:
        if self.has is None:
            raise htcondor.HTCondorException("no answer")
        self.told += [(command, dict(ad)) for ad in ads]


def collector(*stubs: Stub) -> Collector:
    names = [f"127.0.0.1:{number}" for number in range(1, len(stubs) + 1)]
    made = Collector(names, patience_s=0)
    made._collectors = dict(zip(names, stubs, strict=True))
    return made


def test_expressions_of_others_are_not_computed() -> None:
    doubling = "".join(f"A{n} = strcat(A{n - 1}, A{n - 1}); " for n in range(1, 41))
    ad = classad.ClassAd(
        f'[A0 = "xxxxxxxx"; {doubling} I = 3; R = 1.5; B = true; L = {{1}};]'
    )
    assert literals(ad) == {"A0": "xxxxxxxx", "I": 3, "R": 1.5, "B": True}


def test_texts_with_anything_in_them_arrive() -> None:
    text = 'quotes " \\ and \n \t é \x01'
    assert literals(classad.ClassAd({"A": text})) == {"A": text}
    odd = classad.ClassAd({"R": float("inf"), "N": float("nan"), "A": "x"})
    assert literals(odd)["A"] == "x"


@pytest.mark.parametrize("apart", [False, True])
def test_the_first_collector_that_answers_is_enough(apart: bool) -> None:
    asks = collector(Stub(None), Stub([{"Name": "a"}, {"Name": "b"}]))
    found = asks.ads_apart(Kind.REQUEST) if apart else asks.ads(Kind.REQUEST)
    assert sorted(str(ad["Name"]) for ad in found) == ["a", "b"]


@pytest.mark.parametrize("apart", [False, True])
def test_without_an_answer_all_addresses_are_named(apart: bool) -> None:
    asks = collector(Stub(None), Stub(None))
    with pytest.raises(
        CollectorError, match=r"127.0.0.1:1: no answer; 127.0.0.1:2: no answer"
    ):
        list(asks.ads_apart(Kind.REQUEST) if apart else asks.ads(Kind.REQUEST))


def test_ads_go_to_all_collectors_and_one_is_enough() -> None:
    first, dead, last = Stub([]), Stub(None), Stub([])
    told = collector(first, dead, last)
    told.advertise([{"Name": "a"}, {"Name": "b"}], Kind.FACTORY)
    for stub in (first, last):
        assert [(command, ad["Name"]) for command, ad in stub.told] == [
            ("UPDATE_AD_GENERIC", "a"),
            ("UPDATE_AD_GENERIC", "b"),
        ]
        assert stub.told[0][1]["MyAddress"] == "<127.0.0.1:0>"
    with pytest.raises(CollectorError, match=r"took our ads: .*UPDATE_AD_GENERIC"):
        collector(dead).advertise([{"Name": "a"}], Kind.FACTORY)


def test_a_withdrawal_that_fails_does_not_stop_the_others() -> None:
    stub = Stub([])
    everywhere = collector(stub)
    everywhere.withdraw(Withdrawal(kind, 'Name =?= "x"') for kind in Kind)
    assert {(command, ad["TargetType"]) for command, ad in stub.told} == {
        ("INVALIDATE_ADS_GENERIC", "glidefactory"),
        ("INVALIDATE_ADS_GENERIC", "glidefactoryglobal"),
        ("INVALIDATE_LICENSE_ADS", "glidefactoryclient"),
        ("INVALIDATE_MASTER_ADS", "glideclient"),
        ("INVALIDATE_MASTER_ADS", "glideclientglobal"),
    }
    calls: list[str] = []

    class Failing(Stub):
        def advertise(self, ads: list[classad.ClassAd], command: str) -> None:
            calls.append(command)
            raise htcondor.HTCondorException("no answer")

    with pytest.raises(CollectorError):
        collector(Failing([])).withdraw(Withdrawal(kind, "true") for kind in Kind)
    assert len(calls) == len(Kind)


def test_the_configuration_of_htcondor_is_as_it_was_afterwards() -> None:
    before = {
        name: htcondor.param.get(name) for name in ("QUERY_TIMEOUT", "SEC_CLIENT_INTEGRITY")
    }
    stub = Stub([])
    collector(stub).ads(Kind.REQUEST)
    assert stub.integrity == "REQUIRED"
    assert before == {name: htcondor.param.get(name) for name in before}


class Hanging(Stub):
    def query(self, table: object, constraint: str) -> list[classad.ClassAd]:
        time.sleep(600)
        raise AssertionError("nobody waits so long")


class Dying(Stub):
    def query(self, table: object, constraint: str) -> list[classad.ClassAd]:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("not reached")


@pytest.mark.parametrize(
    ("stub", "reason"),
    [(Hanging([]), "no answer in time"), (Dying([]), "its answer was cut off")],
)
def test_a_process_that_asks_is_given_up_and_gone(stub: Stub, reason: str) -> None:
    asks = collector(stub)
    with pytest.raises(CollectorError, match=reason):
        list(asks.ads_apart(Kind.REQUEST, limit_s=1 if isinstance(stub, Hanging) else 60))
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_who_stops_reading_leaves_no_process() -> None:
    asks = collector(Stub([{"Name": "x" * 100_000}] * 10))
    answers = asks.ads_apart(Kind.REQUEST)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
