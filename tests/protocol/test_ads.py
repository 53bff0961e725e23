"""The Factory's own ads, held against what a real Frontend was content with."""

import pytest

from orchestrator.arguments import Pilot
from orchestrator.protocol import ads, frontend
from orchestrator.protocol.ads import Ad, Kind, Sequences
from orchestrator.worktree.entry_limits import Limit, Limits
from tests.protocol.sample import SERIES, factory_key, vector

PILOT = Pilot(
    verbosity="std",
    glidein="inst1",
    entry="ENTRY_A",
    schedd="schedd@host",
    proxy="None",
    factory="factoryX",
    web="http://127.0.0.1/factory/stage/glidein_x",
    sign="2" * 40,
    sign_entry="3" * 40,
    sign_type="sha1",
    descript="description.x.cfg",
    descript_entry="description.y.cfg",
    work_dir="AUTO",
    slots_layout="partitionable",
)
LIMITS = Limits(
    entry=Limit(100, 10, 5),
    share_default=Limit(50, 10, 2),
    shares={"vo:frontend": Limit(30, 3, 1), "vo:b": Limit(20, 2, 0)},
)
BY_COLLECTOR = {
    "AuthenticatedIdentity",
    "AuthenticationMethod",
    "LastHeardFrom",
    "MyAddress",
}


def entry_ad(**more: object) -> Ad:
    told = {
        "key": factory_key().public,
        "limits": LIMITS,
        "auth_method": "scitoken",
        "trust_domain": "grid",
        "gatekeeper": "ce.test ce.test:9619",
        "grid_type": "condor",
        "attributes": {
            "GLIDEIN_Site": "TestSite",
            "GLIDEIN_CPUS": "8",
            "Quoted": 'a "b" c',
        },
        "parameters": {"GLIDEIN_Max_Idle": 1200, "CONDOR_VERSION": "24.0"},
        "submit_attributes": {"RequestMemory": "2000", "+maxWallTime": "2880"},
        "monitor": {"GlideinMonitorTotalStatusIdle": 3},
        "started": 1795384630,
        "sequence": 4,
        **more,
    }
    return ads.entry_ad(PILOT, **told)  # type: ignore[arg-type]


def by_factory(ad: Ad) -> Ad:
    return {
        name: value
        for name, value in ad.items()
        if name not in BY_COLLECTOR and not name.startswith("Updates")
    }


@pytest.mark.parametrize("series", SERIES)
def test_an_entry_says_all_that_a_real_one_said(series: str) -> None:
    real = by_factory(vector(series)["glidefactory"][0])
    ours = entry_ad()
    assert real.keys() - ours.keys() == {"GlideinMonitorTotalStatusRunning"}
    other = {
        name: (real[name], ours[name])
        for name in real.keys() & ours.keys()
        if real[name] != ours[name]
    }
    mine = ours["PubKeyID"], ours["PubKeyValue"]
    told = {
        "GlideinParamCONDOR_VERSION",
        "GlideinWMSVersion",
        "GlideinMonitorTotalStatusIdle",
        "UpdateSequenceNumber",
        "GlideinConfigPerFrontendMaxIdle",
        "GlideinSubmit_PLUS_maxWallTime",
    }
    assert other.keys() - {"PubKeyID", "PubKeyValue", "DaemonStartTime"} == told
    assert (mine == (real["PubKeyID"], real["PubKeyValue"])) == (series == "3.10")


@pytest.mark.parametrize("series", SERIES)
def test_the_global_ad_says_all_that_a_real_one_said(series: str) -> None:
    real = by_factory(vector(series)["glidefactoryglobal"][0])
    ours = ads.global_ad(
        "inst1", "factoryX", key=factory_key().public, started=1795384630, sequence=0
    )
    assert ours.keys() == real.keys()
    if series == "3.10":
        real["GlideinWMSVersion"] = ads.VERSION
        assert ours == real


def test_a_frontend_finds_the_key_by_the_end_of_the_name() -> None:
    made = ads.global_ad(
        "inst1", "factoryX", key=factory_key().public, started=1, sequence=0
    )
    assert str(entry_ad()["Name"]).endswith(f"@{made['Name']}")
    assert frontend.public_key(made) == factory_key().public


def test_no_version_that_frontends_complain_of() -> None:
    assert not ads.VERSION.startswith(
        ("glideinWMS 3.8", "glideinWMS 3.9", "glideinWMS 3.10")
    )


def test_what_frontends_cannot_do_without_is_there_even_if_the_entry_says_nothing() -> None:
    made = entry_ad(parameters={})
    assert made["GlideinParamCONDOR_VERSION"] == "default"
    assert made["GlideinParamGLIDEIN_Collector"] == "Fake"
    assert "sha1" in str(made["SupportedSignTypes"]).split(",")


def test_attributes_cannot_take_the_place_of_what_must_be() -> None:
    made = entry_ad(attributes={"Name": "other", "MyType": "Machine", "PubKeyID": "x"})
    assert made["Name"] == "ENTRY_A@inst1@factoryX"
    assert made["MyType"] == made["GlideinMyType"] == "glidefactory"
    assert made["PubKeyID"] == factory_key().public.id


@pytest.mark.parametrize(
    ("method", "allow", "glidein"),
    [
        ("grid_proxy", "True", "False"),
        ("grid_proxy+project_id", "True", "False"),
        ("scitoken", "False", "True"),
        ("scitoken,grid_proxy", "True", "False"),
    ],
)
def test_the_old_words_for_proxies(method: str, allow: str, glidein: str) -> None:
    made = entry_ad(auth_method=method)
    assert made["GlideinAllowx509_Proxy"] == made["GlideinRequirex509_Proxy"] == allow
    assert made["GlideinRequireGlideinProxy"] == glidein


def test_limits_for_frontends() -> None:
    made = entry_ad()
    assert made["GlideinConfigPerEntryMaxGlideins"] == 100
    assert made["GlideinConfigDefaultPerFrontendMaxHeld"] == 2
    assert made["GlideinConfigPerFrontendMaxIdle"] == "vo:b=2,vo:frontend=3"


def test_downtime_and_its_comment() -> None:
    up, down = entry_ad(), entry_ad(downtime="cooling is broken")
    assert up["GLIDEIN_In_Downtime"] is False
    assert "GLIDEIN_Downtime_Comment" not in up
    assert down["GLIDEIN_In_Downtime"] is True
    assert down["GLIDEIN_Downtime_Comment"] == "cooling is broken"
    assert entry_ad(downtime="")["GLIDEIN_In_Downtime"] is True


def test_what_the_entry_does_for_a_client() -> None:
    made = ads.client_ad(
        PILOT,
        "vo.main",
        attributes={"GLIDEIN_Site": "TestSite"},
        parameters={"GLIDEIN_Max_Idle": 1200},
        monitor={
            "GlideinMonitorStatusIdle": 2,
            "GlideinMonitorStatus_X": "count=1, limit=1",
        },
        downtime=True,
        sequence=0,
    )
    assert made["MyType"] == made["GlideinMyType"] == "glidefactoryclient"
    assert made["Name"] == "ENTRY_A@inst1@factoryX@vo.main"
    assert made["ReqGlidein"] == made["ReqClientReqName"] == "ENTRY_A@inst1@factoryX"
    assert made["ReqFactoryName"] == "factoryX"
    assert made["ReqGlideinName"] == "inst1"
    assert made["ReqEntryName"] == "ENTRY_A"
    assert made["ReqClientName"] == "vo.main"
    assert made["GLIDEIN_In_Downtime"] is True
    assert made["GlideinParamGLIDEIN_Max_Idle"] == 1200
    assert made["GlideinMonitorStatusIdle"] == 2


def test_updates_are_counted_by_name() -> None:
    count = Sequences()
    assert [count.next(name) for name in ("a", "b", "a", "a")] == [0, 0, 1, 2]


def test_a_factory_withdraws_all_kinds_of_its_ads() -> None:
    made = ads.withdrawal_of_factory('in"st', "factoryX")
    assert {one.kind for one in made} == {Kind.FACTORY, Kind.CLIENT, Kind.GLOBAL}
    assert all('"in\\"st"' in one.requirements for one in made)
