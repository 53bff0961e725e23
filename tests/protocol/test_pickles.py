"""Pickles of 3.11 Frontends are read; every other pickle is refused and nothing is run."""

import contextlib
import copyreg
import enum
import functools
import os
import pickle
import pickletools
import struct
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from orchestrator.errors import ProtocolError
from orchestrator.protocol import pickles
from orchestrator.protocol.keys import PrivateKey
from orchestrator.protocol.pickles import INSTRUCTIONS_LIMIT, SIZE_LIMIT, Instance, Member
from tests.protocol.sample import vector

P = "glideinwms.lib.credentials"


@functools.cache
def opened() -> dict[str, bytes]:
    """Return what the real request had pickled."""
    told = vector("3.11")
    key = PrivateKey.from_pem(told["factory_key_pem"].encode())
    ad = told["glideclient"][0]
    sealed = key.unwrap(ad["ReqEncKeyCode"])
    names = ("AuthSet", "RequestCredentials", "PayloadCredentials", "SecurityParameters")
    return {name: sealed.open(ad[f"GlideinEncParam{name}"]) for name in names}


def test_what_a_real_frontend_sent() -> None:
    real = opened()
    expected = vector("3.11")["expected"]
    assert pickles.read(real["AuthSet"]) == Instance(
        "AuthenticationSet", {"_required_types": {Member("CredentialType", "scitoken")}}
    )
    (requested,) = pickles.read(real["RequestCredentials"])
    assert requested.kind == "SciToken"
    assert requested.state["_string"].decode() == expected["scitoken"]
    assert requested.state["_purpose"] == (Member("CredentialPurpose", "request"), None)
    assert expected["scitoken"] not in repr(requested)
    (payload,) = pickles.read(real["PayloadCredentials"])
    assert payload.kind == "IdToken"
    assert payload.state["_string"].decode() == expected["idtoken"]
    assert pickles.read(real["SecurityParameters"]) == []


@pytest.fixture
def theirs() -> Iterator[types.SimpleNamespace]:
    """Classes with the names of the reference's, so that Python's own pickle writes them."""
    names = (
        f"{P}.tokens",
        f"{P}.credentials",
        f"{P}.parameters",
        f"{P}.x509",
        f"{P}.utils",
    )
    modules = {name: types.ModuleType(name) for name in names}

    def define(module: str, made: type) -> type:
        made.__module__ = module
        made.__qualname__ = made.__name__
        setattr(modules[module], made.__name__, made)
        return made

    class CredentialPurpose(enum.Enum):
        REQUEST = "request"
        PAYLOAD = "payload"

    class ParameterName(enum.Enum):
        VM_ID = "VMId"

    found = types.SimpleNamespace(
        SciToken=define(f"{P}.tokens", type("SciToken", (), {})),
        X509Pair=define(f"{P}.x509", type("X509Pair", (), {})),
        StringParameter=define(f"{P}.parameters", type("StringParameter", (), {})),
        CredentialPurpose=define(f"{P}.credentials", CredentialPurpose),
        ParameterName=define(f"{P}.parameters", ParameterName),
    )
    for parent in ("glideinwms", "glideinwms.lib", P):
        modules[parent] = types.ModuleType(parent)
    sys.modules.update(modules)
    yield found
    for name in modules:
        del sys.modules[name]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_what_python_writes_in_any_protocol(
    theirs: types.SimpleNamespace, protocol: int
) -> None:
    token, pair, parameter = theirs.SciToken(), theirs.X509Pair(), theirs.StringParameter()
    token._string = (
        "a token that is long enough to be shared" if protocol < 3 else b"\xff token"
    )
    token._purpose = (theirs.CredentialPurpose.PAYLOAD, "alias")
    token.minimum_lifetime = 2**40
    token.trust = 1.5
    pair.private_credential = token
    parameter._name, parameter._value = theirs.ParameterName.VM_ID, 70_000
    written = pickle.dumps([token, pair, parameter, token], protocol)

    first, second, third, fourth = pickles.read(written)
    assert first is fourth
    assert first.state["_string"] == token._string
    assert first.state["_purpose"] == (Member("CredentialPurpose", "payload"), "alias")
    assert (first.state["minimum_lifetime"], first.state["trust"]) == (2**40, 1.5)
    assert second == Instance("X509Pair", {"private_credential": first})
    named = {"_name": Member("ParameterName", "VMId"), "_value": 70_000}
    assert third == Instance("StringParameter", named)


def test_what_we_write_python_reads(theirs: types.SimpleNamespace) -> None:
    purpose = Member("CredentialPurpose", "request")
    state = {"_string": b"x", "_purpose": (purpose, None), "n": -300, "m": {"a": True}}
    (read,) = pickle.loads(pickles.write([Instance("SciToken", state)]))
    assert type(read) is theirs.SciToken
    assert read._purpose == (theirs.CredentialPurpose.REQUEST, None)
    assert (read._string, read.n, read.m) == (b"x", -300, {"a": True})


plain = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(2**64), 2**64)
    | some.text()
    | some.binary(),
    lambda inner: (
        some.lists(inner)
        | some.tuples(inner, inner)
        | some.dictionaries(some.text(), inner)
        | some.dictionaries(some.text(), inner).map(
            lambda state: Instance("IdToken", state)
        )
    ),
    max_leaves=20,
)


@given(plain)
def test_what_was_written_is_read(value: Any) -> None:
    assert pickles.read(pickles.write(value)) == value
    assert list(pickletools.genops(pickles.write(value)))


@given(plain.filter(lambda value: "Instance(" not in repr(value)), some.integers(2, 5))
def test_plain_data_of_any_protocol_is_read_or_refused(value: Any, protocol: int) -> None:
    with contextlib.suppress(ProtocolError):  # bytes in protocol 2 are a call of a codec
        assert pickles.read(pickle.dumps(value, protocol)) == value


@given(some.binary() | some.binary().map(lambda data: b"\x80\x04" + data))
@example(b"\x80\x04\x94.")
@example(b"\x80\x04)\x87.")
def test_reading_any_bytes_is_an_answer_or_a_reason(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        pickles.read(data)


@given(some.data())
def test_reading_a_changed_pickle_is_an_answer_or_a_reason(data: some.DataObject) -> None:
    real = bytearray(opened()["RequestCredentials"])
    for _ in range(data.draw(some.integers(1, 4))):
        real[data.draw(some.integers(0, len(real) - 1))] = data.draw(some.integers(0, 255))
    with contextlib.suppress(ProtocolError):
        pickles.read(bytes(real))


class Hostile:
    """Pickles itself as a call."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


class Plain:
    pass


def name(module: str, attribute: str) -> bytes:
    def text(word: str) -> bytes:
        return b"\x8c" + bytes((len(word),)) + word.encode()

    return text(module) + text(attribute) + b"\x93"


TOKEN = name(f"{P}.tokens", "IdToken")
TYPE = name(f"{P}.credentials", "CredentialType")

HOSTILE = {
    "os.system": (pickle.dumps(Hostile(os.system, ("touch hacked",))), "asks for"),
    "builtins": (pickle.dumps(Hostile(eval, ("1",))), "asks for 'builtins' 'eval'"),
    "getattr": (
        pickle.dumps(Hostile(getattr, ("", "join"))),
        "asks for 'builtins' 'getattr'",
    ),
    "reconstructor": (
        pickle.dumps(Hostile(copyreg._reconstructor, (Plain, object, None))),  # type: ignore[attr-defined]
        "asks for 'copyreg'",
    ),
    "an object of another class": (pickle.dumps(Plain()), "asks for"),
    "the first protocols": (b"cos\nsystem\n(S'id'\ntR.", "not a pickle of protocol"),
    "the old way to name": (b"\x80\x02cos\nsystem\n.", "asks for 'os' 'system'"),
    "a part of the path": (
        b"\x80\x04" + name(f"{P}.tokens", "jwt.decode") + b".",
        "asks for",
    ),
    "another module of theirs": (
        b"\x80\x04" + name("glideinwms.lib.subprocessSupport", "iexe_cmd") + b".",
        "asks for",
    ),
    "an extension": (b"\x80\x04\x82\x01.", "instruction"),
    "a persistent id": (b"\x80\x04NQ.", "instruction"),
    "INST": (b"\x80\x04(ios\nsystem\n.", "instruction"),
    "OBJ": (b"\x80\x04(" + TOKEN + b"o.", "instruction"),
    "keyword arguments": (b"\x80\x04" + TOKEN + b")}\x92.", "instruction"),
    "a call of a class": (b"\x80\x04" + TOKEN + b")R.", "calls something"),
    "a call of a value": (b"\x80\x04]N\x85R.", "calls something"),
    "arguments for a class": (b"\x80\x04" + TOKEN + b"N\x85\x81.", "another way"),
    "a new value of an enumeration": (b"\x80\x04" + TYPE + b")\x81.", "another way"),
    "an enumeration's member of no text": (b"\x80\x04" + TYPE + b"]\x85R.", "of no value"),
    "the state of a class": (b"\x80\x04" + TOKEN + b"}b.", "state of something"),
    "slots of a class": (b"\x80\x04" + TOKEN + b"N}\x86b.", "state of something"),
    "the state of a list": (b"\x80\x04]}b.", "state of something"),
    "a class alone": (b"\x80\x04" + TOKEN + b".", "holds a class"),
    "a class in a list": (b"\x80\x04]" + TOKEN + b"a.", "holds a class"),
    "a list in a set": (b"\x80\x04\x8f(]\x90.", "in a set"),
    "a number in a set": (b"\x80\x04\x8f(K\x01\x90.", "in a set"),
    "a number as a key": (b"\x80\x04}K\x01Ns.", "as a key"),
    "a huge text announced": (b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b".", "cut off"),
    "huge bytes announced": (b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b".", "cut off"),
    "a huge frame announced": (
        b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b".",
        "cut off",
    ),
    "a huge memo": (b"\x80\x04Nr\xff\xff\xff\xff.", "memo is not in order"),
    "a memo from nowhere": (b"\x80\x04h\x07.", "cut off"),
    "a bytearray": (b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b".", "instruction"),
    "too long": (b"\x80\x04" + b"N" * SIZE_LIMIT, "bytes, more than"),
    "too many instructions": (b"\x80\x04" + b"N0" * INSTRUCTIONS_LIMIT, "instruction"),
    "no end of instructions": (b"\x80\x04" + b"N" * (INSTRUCTIONS_LIMIT + 1), "over"),
    "two pickles": (b"\x80\x04N.\x80\x04N.", "left over"),
    "two values": (b"\x80\x04NN.", "left over"),
    "nothing": (b"", "cut off"),
    "no text": (b"\x80\x04\x8c\x01\xff.", "not UTF-8"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_pickle_is_refused_with_a_reason(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data, reason = HOSTILE[case]
    with pytest.raises(ProtocolError, match=reason):
        pickles.read(data)
    assert not list(tmp_path.iterdir())


def test_one_large_state_for_thousands_of_objects_is_held_once() -> None:
    keys = b"".join(b"\x8c\x04%04dN" % number for number in range(4000))
    build = TOKEN.replace(b"\x93", b"\x93)\x81") + b"h\x00b"
    data = b"\x80\x04](}\x94(" + keys + b"u" + b"e("  # the state is memo 0
    data += build * 1000 + b"e."
    found = pickles.read(data)
    assert len(found) == 1001
    assert all(one.state is found[0] for one in found[1:])


def test_depth_needs_no_recursion() -> None:
    deep = b"\x80\x04" + b"]" * 5000 + b"a" * 4999 + b"."
    value = pickles.read(deep)
    depth = 0
    while value:
        (value,) = value
        depth += 1
    assert depth == 4999
