"""From ads to requests: what real Frontends sent, and each reason to refuse."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from orchestrator.arguments import ClientWeb
from orchestrator.deciding.request import Refusal, Removal, Request
from orchestrator.errors import ProtocolError
from orchestrator.protocol import pickles
from orchestrator.protocol.frontend import Envelope, Offer, Series
from orchestrator.protocol.keys import PrivateKey
from orchestrator.protocol.pickles import Instance, Member
from orchestrator.protocol.reader import GlobalAd, Terms
from tests.protocol.sample import (
    EXPIRES,
    FACTORY,
    IDENTITY,
    SERIES,
    TOKEN,
    Frontend,
    accepted,
    ad,
    client,
    counted,
    factory_key,
    global_ad,
    key_of,
    reader,
    received,
    refused,
    sealing,
    vector,
)

Ad = dict[str, Any]


@pytest.mark.parametrize("series", SERIES)
def test_what_a_real_frontend_sent_comes_out(series: str, tmp_path: Path) -> None:
    told = vector(series)
    expected = told["expected"]
    frontend = Frontend(expected["AuthenticatedIdentity"], {expected["SecurityClass"]: "u"})
    reads = reader(
        tmp_path,
        key=PrivateKey.from_pem(told["factory_key_pem"].encode()),
        frontends={expected["SecurityName"]: frontend},
    )
    (sent,) = told["glideclient"]
    request = accepted(reads.read(sent))
    ident = sent["Name"].partition("_")[0]
    assert request.name == sent["Name"]
    assert (request.entry, request.client) == ("ENTRY_A", "vofrontend_service.main")
    assert request.frontend == expected["SecurityName"]
    assert request.security_class == expected["SecurityClass"]
    assert request.identity == expected["AuthenticatedIdentity"]
    assert request.idle == expected["ReqIdleGlideins"]
    assert request.max_glideins == expected["ReqMaxGlideins"]
    assert request.removal == Removal(expected["ReqRemoveExcess"])
    assert request.margin == expected["ReqRemoveExcessMargin"]
    assert request.idle_lifetime_s == 0
    assert request.parameters["GLIDEIN_X"] == expected["ClearParam"]["GLIDEIN_X"]
    assert request.parameters["GLIDECLIENT_ReqNode"] == "127.0.0.1:57643"
    assert len(request.parameters) == 5
    assert request.web == ClientWeb(
        url="http://127.0.0.1/vofrontend/stage/frontend_x",
        sign="0" * 40,
        sign_type="sha1",
        descript="description.aaaaaa.cfg",
        group="main",
        group_url="http://127.0.0.1/vofrontend/stage/frontend_x/group_main",
        group_sign="1" * 40,
        group_descript="description.bbbbbb.cfg",
    )
    assert request.monitor["Idle"] == 3
    assert request.credentials.identifier == ident
    assert request.credentials.expires == EXPIRES
    assert request.barred == ""
    files = request.credentials.files
    assert files.keys() == {"scitoken", "idtoken"}
    for purpose in files:
        path = tmp_path / "credentials" / files[purpose]
        assert path.read_text() == expected[purpose]
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.name.startswith("credential_")
        assert path.name.endswith(f".{purpose}")
    (brings,) = told["glideclientglobal"]
    found = reads.read_global(brings)
    assert isinstance(found, GlobalAd)
    assert found.problems == ()
    # A global ad of 3.11 names no class, so its files cannot be used; nobody needs them.
    user = ("u", expected["scitoken"].encode())
    assert found.files == ({ident: user} if series == "3.10" else {})


@pytest.mark.parametrize("series", SERIES)
def test_our_own_client_speaks_both_series(series: Series, tmp_path: Path) -> None:
    request = accepted(reader(tmp_path).read(ad(client(series=series))))
    assert (request.idle, request.max_glideins) == (3, 20)
    assert request.share == "vo:frontend"
    for purpose in ("scitoken", "idtoken"):
        path = tmp_path / "credentials" / request.credentials.files[purpose]
        assert path.read_text() == TOKEN
        assert str(path.relative_to(tmp_path / "credentials")).startswith(
            "alice/vo/vo.main/"
        )


def identity_of(made: Ad, text: str) -> Ad:
    return made | {"ReqEncIdentity": key_of(made).seal(text.encode())}


def of_another_key(made: Ad) -> str:
    """Return what does not open with the ad's key; of 256 values, one would by chance."""
    key = key_of(made)
    for number in range(16):
        sealed = f"{number:032x}"
        try:
            key.open(sealed)
        except ProtocolError:
            return sealed
    raise AssertionError("all of them open")


# Case: the change to a good request, and what its refusal must say. In the order of the checks.
REFUSED: dict[str, tuple[Callable[[Ad], Ad], str]] = {
    "no name": (lambda made: {**made, "Name": ""}, "Name: not a name that is safe"),
    "a name with a slash": (lambda made: {**made, "Name": "../x"}, "Name: not a name"),
    "a client that is a folder": (
        lambda made: {**made, "ClientName": ".."},
        "ClientName: not a name that is safe: '..'",
    ),
    "a client that is an option": (lambda made: {**made, "ClientName": "-x"}, "ClientName"),
    "a client with a newline": (lambda made: {**made, "ClientName": "a\n"}, "ClientName"),
    "a client of no end": (lambda made: {**made, "ClientName": "a" * 129}, "ClientName"),
    "too many attributes": (
        lambda made: made | {f"A{n}": n for n in range(1000)},
        "attributes, more than 1000",
    ),
    "another factory": (
        lambda made: {**made, "ReqName": "ENTRY_A@inst1@other"},
        "'ENTRY_A@inst1@other', which is not of this factory",
    ),
    "two targets": (
        lambda made: {**made, "ReqGlidein": "ENTRY_B@inst1@factoryX"},
        "not of this factory",
    ),
    "an entry that is gone": (
        lambda made: {
            **made,
            **dict.fromkeys(("ReqName", "ReqGlidein"), "X@inst1@factoryX"),
        },
        "'X', which is no entry here",
    ),
    "nobody sent it": (
        lambda made: {**made, "AuthenticatedIdentity": ""},
        "the collector does not say who sent it",
    ),
    "not encrypted": (
        lambda made: {k: v for k, v in made.items() if k != "ReqPubKeyID"},
        "is not encrypted",
    ),
    "a key that is not ours": (
        lambda made: {**made, "ReqPubKeyID": "0" * 32},
        "encrypted for a key that is not ours",
    ),
    "a key code for another key": (
        lambda made: {**made, "ReqEncKeyCode": "ab" * 256},
        "a key code that was not wrapped for this key",
    ),
    "an identity sealed with another key": (
        lambda made: {**made, "ReqEncIdentity": of_another_key(made)},
        "ReqEncIdentity: not sealed with this key",
    ),
    "replayed by somebody else": (
        lambda made: {**made, "AuthenticatedIdentity": "thief@pool"},
        "sent by 'thief@pool', but made by 'vo@pool'",
    ),
    "made in the name of somebody else": (
        lambda made: identity_of(made, "victim@pool"),
        "sent by 'vo@pool', but made by 'victim@pool'",
    ),
    "a parameter sealed with another key": (
        lambda made: {**made, "GlideinEncParamX": of_another_key(made)},
        "GlideinEncParamX': not sealed with this key",
    ),
    "a sealed parameter that is a number": (
        lambda made: {**made, "GlideinEncParamX": 7},
        "GlideinEncParamX': not a string",
    ),
    "sealed bytes": (
        lambda made: sealing(made, X=b"\xff\x00"),
        "GlideinEncParamX': neither text nor a pickle",
    ),
    "a sealed pickle that calls": (
        lambda made: sealing(made, X=b"\x80\x04cos\nsystem\n."),
        "GlideinEncParamX': a pickle that asks for 'os' 'system'",
    ),
    "no security name": (lambda made: sealing(made, SecurityName=None), "no SecurityName"),
    "an unknown Frontend": (
        lambda made: sealing(made, SecurityName="stranger"),
        "'stranger' is no Frontend that is known here",
    ),
    "a Frontend under another's name": (
        lambda made: sealing(made, SecurityName="rival"),
        "sent by 'vo@pool', but rival is 'rival@pool'",
    ),
    "no security class": (
        lambda made: sealing(made, SecurityClass=None),
        "no SecurityClass",
    ),
    "an unknown security class": (
        lambda made: sealing(made, SecurityClass="admin"),
        "'admin' is no security class of vo",
    ),
    "no tracking id": (lambda made: sealing(made, ScitokenId=None), "no ScitokenId"),
    "a tracking id that is a path": (
        lambda made: sealing(made, ScitokenId="../../x"),
        "tracking id: not an id",
    ),
    "no token": (
        lambda made: sealing(made, frontend_scitoken=None),
        "no scitoken, now or before",
    ),
    "a token that is none": (
        lambda made: sealing(made, frontend_scitoken="x\ny"),
        "frontend_scitoken: not a token",
    ),
    "an idtoken that is none": (
        lambda made: sealing(made, **{"ENTRY_A.idtoken": "rm -rf"}),
        "ENTRY_A.idtoken: not a token",
    ),
    "the old protocol": (
        lambda made: sealing(made, x509_proxy_0="abc"),
        "the old protocol",
    ),
    "a negative number": (
        lambda made: {**made, "ReqIdleGlideins": -1},
        "ReqIdleGlideins: not a number of 0 to",
    ),
    "no number": (
        lambda made: {k: v for k, v in made.items() if k != "ReqMaxGlideins"},
        "ReqMaxRunningGlideins: not a number: None",
    ),
    "true is no number": (
        lambda made: {**made, "ReqMaxGlideins": True},
        "ReqMaxGlideins: not a number: True",
    ),
    "an endless number": (
        lambda made: {**made, "ReqIdleGlideins": float("inf")},
        "ReqIdleGlideins: not a number",
    ),
    "a number in words": (
        lambda made: {**made, "ReqIdleLifetime": "soon"},
        "ReqIdleLifetime: not a number: 'soon'",
    ),
    "a parameter whose name is none": (
        lambda made: {**made, "GlideinParamA B": "x"},
        "not the name of a parameter: 'A B'",
    ),
    "a parameter of two lines": (
        lambda made: {**made, "GlideinParamA": "x\ny"},
        "GlideinParamA: not one line",
    ),
    "no group": (lambda made: {**made, "GroupName": ""}, "no GroupName"),
    "no area": (
        lambda made: {k: v for k, v in made.items() if k != "WebGroupURL"},
        "no WebGroupURL",
    ),
    "an area that is a file": (
        lambda made: {**made, "WebURL": "file:///etc"},
        "WebURL: cannot be used",
    ),
    "an area with an argument in it": (
        lambda made: {**made, "WebURL": "http://x/ -dir /"},
        "WebURL: cannot be used",
    ),
    "a description elsewhere": (
        lambda made: {**made, "WebDescriptFile": "../x"},
        "WebDescriptFile: cannot be used",
    ),
    "a hash of another kind": (
        lambda made: {**made, "WebSignType": "sha256"},
        "WebDescriptSign: cannot be used",
    ),
    "a kind of hash that is none": (
        lambda made: {**made, "WebSignType": "md5"},
        "WebSignType: neither sha1 nor sha256",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused_with_a_reason(case: str, tmp_path: Path) -> None:
    change, reason = REFUSED[case]
    reads = reader(
        tmp_path,
        frontends={
            "vo": Frontend(IDENTITY, {"frontend": "alice"}),
            "rival": Frontend("rival@pool", {"frontend": "eve"}),
        },
    )
    outcome = reads.read(change(ad()))
    assert reason in refused(outcome)
    assert not (tmp_path / "credentials").exists()  # nothing was kept


def test_a_captured_ad_is_refused_also_after_the_real_one(tmp_path: Path) -> None:
    reads = reader(tmp_path)
    real = ad()
    accepted(reads.read(real))
    stolen = {**real, "AuthenticatedIdentity": "thief@pool"}
    assert "made by 'vo@pool'" in refused(reads.read(stolen))
    accepted(reads.read(real))


def test_one_rsa_operation_for_ads_that_wrap_the_same_key_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = counted(monkeypatch, PrivateKey, "unwrap")
    made_by = client()
    envelope = Envelope(factory_key().public, IDENTITY)
    reads = reader(tmp_path)
    codes = set()
    for number in range(50):
        made = made_by.request_ad(f"ENTRY_A@{FACTORY}", envelope, idle=number, most=99)
        codes.add(made["ReqEncKeyCode"])
        accepted(reads.read(received(dict(made), IDENTITY, {})))
    assert len(codes) == 50
    assert len(operations) == 1


def test_what_is_not_known_permits_no_removal(tmp_path: Path) -> None:
    reads = reader(tmp_path)
    for word in ("UNREG", "all", "", None, 3):
        assert accepted(reads.read(ad(ReqRemoveExcess=word))).removal is Removal.NO
    assert accepted(reads.read(ad(ReqRemoveExcess="ALL"))).removal is Removal.ALL


def test_numbers_in_other_forms(tmp_path: Path) -> None:
    reads = reader(tmp_path)
    told = ad(ReqIdleGlideins="4", ReqMaxGlideins=5.0, ReqIdleLifetime="600")
    request = accepted(reads.read(told))
    assert (request.idle, request.max_glideins, request.idle_lifetime_s) == (4, 5, 600)
    old = ad(ReqMaxGlideins=None, ReqMaxRunningGlideins=9)
    assert accepted(reads.read(old)).max_glideins == 9


def test_a_frontend_that_the_entry_does_not_serve_is_barred(tmp_path: Path) -> None:
    terms = Terms("ENTRY_A", "scitoken", {"rival": ("All",)})
    request = accepted(reader(tmp_path, terms).read(ad()))
    assert request.barred == "the entry does not serve the Frontend vo"


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        (("frontend",), ""),
        (("All",), ""),
        (("other",), "does not serve the class 'frontend'"),
    ],
)
def test_classes_that_the_entry_serves(
    classes: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    outcome = reader(tmp_path, Terms("ENTRY_A", "scitoken", {"vo": classes})).read(ad())
    if reason:
        assert reason in refused(outcome)
    else:
        assert accepted(outcome).barred == ""


PROXY = {"SubmitProxy": b"a proxy"}
PAIR = {"PublicCert": b"cert", "PrivateCert": b"key", "GlideinProxy": b"a proxy"}
CLOUD = {"AuthFile": b"auth", "GlideinProxy": b"a proxy"}
SSH = {"PublicKey": b"public", "PrivateKey": b"private", "GlideinProxy": b"a proxy"}
PASSWORD = {"Username": b"u", "Password": b"p", "GlideinProxy": b"a proxy"}


@pytest.mark.parametrize(
    ("method", "files", "values", "outcome"),
    [
        ("grid_proxy", PROXY, {}, {"proxy"}),
        ("grid_proxy", {}, {}, "no SubmitProxy"),
        ("grid_proxy", {**PROXY, "AuthFile": b"x"}, {}, "AuthFile: not wanted"),
        ("grid_proxy+project_id", PROXY, {"ProjectId": "P1"}, {"proxy"}),
        ("grid_proxy+project_id", PROXY, {}, "no ProjectId"),
        ("grid_proxy+voms_attr", PROXY, {}, {"proxy"}),
        ("cert_pair", PAIR, {}, {"public_cert", "private_cert", "glidein_proxy"}),
        ("cert_pair", {"PublicCert": b"x"}, {}, "no PrivateCert and no GlideinProxy"),
        ("cert_pair", {**PAIR, "SubmitProxy": b"x"}, {}, "SubmitProxy: not wanted"),
        ("key_pair+vm_id+vm_type", SSH, {"VMId": "1", "VMType": "m"}, {"public_key"}),
        ("key_pair+vm_id+vm_type", SSH, {"VMId": "1"}, "no VMType"),
        ("auth_file", CLOUD, {}, {"auth_file", "glidein_proxy"}),
        ("auth_file", {"AuthFile": b"x"}, {}, "no GlideinProxy"),
        ("username_password", PASSWORD, {}, {"username", "password"}),
        ("key_pair+username", SSH, {"RemoteUsername": "me"}, {"private_key"}),
        ("something", PROXY, {}, "auth_method 'something' is not known"),
    ],
)
def test_the_methods_of_3_10(
    method: str,
    files: dict[str, bytes],
    values: dict[str, str],
    outcome: set[str] | str,
    tmp_path: Path,
) -> None:
    reads = reader(tmp_path, Terms("ENTRY_A", method))
    made_by = client(Offer(idtoken=TOKEN, files=files, values=values))
    brings = reads.read_global(global_ad(made_by))
    assert isinstance(brings, GlobalAd)
    for ident, (user, data) in brings.files.items():
        reads.store.keep_global(user, brings.frontend, brings.client, ident, data)
    found = reads.read(ad(made_by))
    if isinstance(outcome, str):
        assert outcome in refused(found)
        return
    credentials = accepted(found).credentials
    assert outcome <= credentials.files.keys()
    assert "idtoken" in credentials.files
    assert credentials.values == values
    first = next(iter(outcome - {"idtoken"}))
    kept = (tmp_path / "credentials" / credentials.files[first]).read_bytes()
    assert kept in files.values()


def test_a_request_whose_files_did_not_come_is_refused(tmp_path: Path) -> None:
    reads = reader(tmp_path, Terms("ENTRY_A", "grid_proxy"))
    assert "no ad has brought the proxy" in refused(
        reads.read(ad(client(Offer(files=PROXY))))
    )


def test_an_entry_that_wants_a_token_only(tmp_path: Path) -> None:
    reads = reader(tmp_path, Terms("ENTRY_A", "idtoken"))
    request = accepted(reads.read(ad(client(Offer(idtoken=TOKEN)))))
    assert request.credentials.files.keys() == {"idtoken"}
    assert request.credentials.identifier == request.name.partition("_")[0]
    assert "no idtoken" in refused(reads.read(ad(client(Offer()), "ENTRY_B")))


@pytest.mark.parametrize("series", SERIES)
def test_a_scitoken_passes_where_the_entry_says_so(series: Series, tmp_path: Path) -> None:
    made = ad(client(series=series))
    outcome = reader(tmp_path, Terms("ENTRY_A", "grid_proxy")).read(made)
    assert "grid_proxy" in refused(outcome)
    terms = Terms("ENTRY_A", "grid_proxy", passthrough="True")
    assert "scitoken" in accepted(reader(tmp_path, terms).read(made)).credentials.files
    theirs = {**made, "GlideinParamCONTINUE_IF_NO_PROXY": "True"}
    accepted(reader(tmp_path, Terms("ENTRY_A", "grid_proxy")).read(theirs))
    theirs = {**made, "GlideinParamCONTINUE_IF_NO_PROXY": "False"}
    refused(reader(tmp_path, terms).read(theirs))


def credential(kind: str, data: bytes, path: str = "/x/cred", **more: Any) -> Instance:
    purpose = (
        Member("CredentialPurpose", more.pop("purpose", "request")),
        more.pop("alias", None),
    )
    return Instance(kind, {"_string": data, "path": path, "_purpose": purpose, **more})


def object_ad(requested: Any, payload: Any = (), parameters: Any = ()) -> Ad:
    """A request of series 3.11 with these objects."""
    return sealing(
        ad(client(series="3.11")),
        RequestCredentials=pickles.write(requested),
        PayloadCredentials=pickles.write(list(payload)),
        SecurityParameters=pickles.write(list(parameters)),
    )


KEY_PAIR = credential(
    "RSAKeyPair", b"pub", private_credential=credential("RSAPrivateKey", b"priv")
)


@pytest.mark.parametrize(
    ("method", "requested", "outcome"),
    [
        ("grid_proxy", [credential("X509Cert", b"pem")], {"proxy": "cred.pem"}),
        ("scitoken,grid_proxy", [credential("X509Cert", b"pem")], {"proxy": "cred.pem"}),
        (
            "scitoken;grid_proxy",
            [credential("X509Cert", b"pem")],
            "no credential for scitoken",
        ),
        ("any", [], {}),
        ("auth_file", [credential("TextCredential", b"t")], {"auth_file": "cred.txt"}),
        ("idtoken", [credential("IdToken", TOKEN.encode())], {}),
        (
            "key_pair",
            [KEY_PAIR],
            {"public_key": "cred.rsa", "private_key": "private_cred.rsa"},
        ),
        ("key_pair", [credential("RSAKeyPair", b"pub")], "without its private half"),
        ("scitoken", [credential("SciToken", b"none")], "SciToken: not a token"),
        ("scitoken", [credential("SciToken", b"")], "SciToken: not 1 to"),
        ("scitoken", [], "no credential for scitoken, which auth_method scitoken"),
        ("scitoken", {}, "RequestCredentials: not a list"),
        ("scitoken", ["text"], "holds something that is no credential"),
        ("scitoken", [Instance("StringParameter", {})], "holds something that is no cred"),
        ("scitoken", [Instance("SciToken", {"_string": TOKEN.encode()})], "for no purpose"),
        (
            "auth_file",
            [credential("TextCredential", b"t", "/../../etc/pass wd", alias="../up")],
            {"auth_file": "credential_..%2Fup_pass%20wd.txt"},
        ),
        ("project_id", [], "no credential for project_id"),
    ],
)
def test_the_methods_of_3_11(
    method: str, requested: Any, outcome: dict[str, str] | str, tmp_path: Path
) -> None:
    found = reader(tmp_path, Terms("ENTRY_A", method)).read(object_ad(requested))
    if isinstance(outcome, str):
        assert outcome in refused(found)
        return
    files = accepted(found).credentials.files
    assert files.keys() == outcome.keys()
    for purpose, name in outcome.items():
        path = tmp_path / "credentials" / files[purpose]
        assert path.is_file()
        assert path.name in (name, f"credential_request_{name}")


def test_payload_and_parameters_of_3_11(tmp_path: Path) -> None:
    token = TOKEN.encode()
    made = object_ad(
        [credential("SciToken", token)],
        [
            credential("IdToken", token, "/a/pilot", purpose="callback"),
            credential("SciToken", token, "/a/data", purpose="payload", alias="storage"),
        ],
        [
            Instance(
                "StringParameter",
                {"_name": Member("ParameterName", "ProjectId"), "_value": "P"},
            ),
            Instance(
                "IntegerParameter", {"_name": Member("ParameterName", "VMId"), "_value": 7}
            ),
        ],
    )
    reads = reader(tmp_path, Terms("ENTRY_A", "scitoken+project_id"))
    credentials = accepted(reads.read(made)).credentials
    names = {purpose: Path(path).name for purpose, path in credentials.files.items()}
    assert names == {
        "scitoken": "credential_request_cred.scitoken",
        "idtoken": "credential_callback_pilot.idtoken",
        "payload_1": "credential_storage_data.scitoken",
    }
    assert credentials.values == {"ProjectId": "P", "VMId": "7"}


@pytest.mark.parametrize("name", ["AuthSet", "RequestCredentials", "SecurityParameters"])
def test_a_hostile_pickle_in_a_request_is_named(name: str, tmp_path: Path) -> None:
    made = sealing(ad(client(series="3.11")), **{name: b"\x80\x04cos\nsystem\n."})
    assert f"{name}: a pickle that asks for 'os'" in refused(reader(tmp_path).read(made))


def test_global_ads_that_are_wrong(tmp_path: Path) -> None:
    reads = reader(tmp_path)
    made_by = client(Offer(files=PROXY))
    good = global_ad(made_by)

    def reason(made: Ad) -> str:
        found = reads.read_global(made)
        assert isinstance(found, Refusal)
        return found.reason

    assert "not for this factory" in reason({**good, "Name": "other@f@vo.main"})
    assert "made by" in reason({**good, "AuthenticatedIdentity": "thief@pool"})
    assert "is no Frontend" in reason(sealing(good, SecurityName="stranger"))
    found = reads.read_global(
        sealing(
            good,
            ABC=b"\x80\xff bytes",
            SecurityClassABC="frontend",
            SecurityClassX="frontend",
            D="d",
            SecurityClassD="admin",
            E=b"",
            SecurityClassE="frontend",
            **{"F/": "f", "SecurityClassF/": "frontend"},
        )
    )
    assert isinstance(found, GlobalAd)
    assert found.files["ABC"] == ("alice", b"\x80\xff bytes")
    assert len(found.files) == 2
    assert sorted(found.problems) == [
        "'F/': not an id",
        "D: 'admin' is no security class of vo",
        "E: 0 bytes, not 1 to 131072",
        "X: has a class and no content",
    ]


def test_a_refusal_can_be_logged_and_shown(tmp_path: Path) -> None:
    evil = "evil\n\x1b[31m\udcff" * 1000
    found = reader(tmp_path).read(
        {"Name": evil, "ReqName": evil, "ClientName": evil, "AuthenticatedIdentity": evil}
    )
    assert isinstance(found, Refusal)
    for text in vars(found).values():
        assert text.isprintable()
        assert text.isascii()
        assert len(text) <= 300


values = (
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats()
    | some.text(max_size=50)
    | some.binary(max_size=10)
    | some.lists(some.text())
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=some.data())
def test_reading_any_ad_is_an_answer(data: some.DataObject, tmp_path: Path) -> None:
    real = ad(client(series=data.draw(some.sampled_from(SERIES))))
    sealed = {name[15:]: None for name in real if name.startswith("GlideinEncParam")}
    names = some.sampled_from(sorted(real)) | some.text(max_size=20)
    made = real | data.draw(some.dictionaries(names, values, max_size=4))
    if data.draw(some.booleans()) and isinstance(made.get("ReqEncKeyCode"), str):
        known = some.sampled_from(sorted(sealed))
        texts = some.none() | some.text() | some.binary() | some.sampled_from([TOKEN, "vo"])
        drawn = data.draw(some.dictionaries(known, texts, max_size=2))
        if made["ReqEncKeyCode"] == real["ReqEncKeyCode"]:
            made = sealing(made, **drawn)
    for taken in data.draw(some.lists(some.sampled_from(sorted(made)), max_size=2)):
        made.pop(taken, None)
    reads = reader(tmp_path)
    outcome = reads.read(made)
    assert isinstance(outcome, Request | Refusal)
    assert "cannot be read" not in getattr(outcome, "reason", "")  # the last resort
    assert isinstance(reads.read_global(made), GlobalAd | Refusal)


def test_the_last_resort_costs_no_other_ad(tmp_path: Path) -> None:
    class Broken(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("broken")

    found = reader(tmp_path).read(Broken(ad()))
    assert "cannot be read: RuntimeError" in refused(found)


def test_ads_survive_the_way_through_json(tmp_path: Path) -> None:
    """What the collector brings came as JSON."""
    accepted(reader(tmp_path).read(json.loads(json.dumps(ad()))))
