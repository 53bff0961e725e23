"""The Factory's key pair: its file, its rotation, and what it unwraps."""

import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as some

from orchestrator.errors import FactoryError, ProtocolError
from orchestrator.protocol.keys import BACKUP, FILE, WRAPPINGS, Keyring, PrivateKey
from orchestrator.protocol.sealed import SymmetricKey
from tests.protocol.sample import SERIES, counted, factory_key, vector


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def wrap(code: bytes, series: str) -> str:
    public = serialization.load_pem_public_key(factory_key().public.pem.encode())
    assert isinstance(public, rsa.RSAPublicKey)
    return public.encrypt(code, WRAPPINGS[series]).hex()


@pytest.mark.parametrize("series", SERIES)
def test_a_key_of_the_reference_has_the_id_and_opens_the_codes(series: str) -> None:
    told = vector(series)
    key = PrivateKey.from_pem(told["factory_key_pem"].encode())
    assert key.public.id == told["key_id"]
    assert (
        key.public.pem.replace("\n", "\\n") == told["glidefactoryglobal"][0]["PubKeyValue"]
    )
    for ad in told["glideclient"] + told["glideclientglobal"]:
        sealed = key.unwrap(ad["ReqEncKeyCode"])
        identity = told["expected"]["AuthenticatedIdentity"]
        assert sealed.open(ad["ReqEncIdentity"]).decode() == identity
        assert sealed.seal(identity.encode()) == ad["ReqEncIdentity"]


def test_a_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        first = Keyring.start(tmp_path / "factory")
    finally:
        os.umask(old)
    path = tmp_path / "factory" / FILE
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert text.startswith("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n")
    assert "DEK-Info: AES-256-CBC," in text
    assert Keyring.start(tmp_path / "factory").public == first.public
    assert [one.name for one in (tmp_path / "factory").iterdir()] == [FILE]


def test_openssl_reads_the_key_with_the_pass_phrase_of_the_reference(
    tmp_path: Path,
) -> None:
    key = Keyring.start(tmp_path)
    said = subprocess.run(
        ["openssl", "rsa", "-in", tmp_path / FILE, "-passin", "pass:default", "-pubout"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == key.public.pem


def test_an_old_key_is_replaced_and_served_for_the_grace_time(tmp_path: Path) -> None:
    first = Keyring.start(tmp_path)
    made = (tmp_path / FILE).stat().st_mtime
    assert Keyring.start(tmp_path, clock=Clock(made + 900)).public == first.public

    clock = Clock(made + 901)
    second = Keyring.start(tmp_path, clock=clock)
    assert (tmp_path / FILE).stat().st_mtime == pytest.approx(clock.now)
    assert second.public != first.public
    assert second.ids == (second.public.id, first.public.id)
    assert (tmp_path / BACKUP).stat().st_mode & 0o777 == 0o600

    public = serialization.load_pem_public_key(first.public.pem.encode())
    assert isinstance(public, rsa.RSAPublicKey)
    code = public.encrypt(SymmetricKey.make().code(), WRAPPINGS["3.10"]).hex()
    replaced = (tmp_path / FILE).stat().st_mtime
    clock.now = replaced + 899
    assert second.open(first.public.id, code)
    clock.now = replaced + 900
    assert list(second.ids) == [second.public.id]
    with pytest.raises(ProtocolError, match="not ours"):
        second.open(first.public.id, code)

    assert Keyring.load(tmp_path, clock=clock).ids == (second.public.id,)
    assert not (tmp_path / BACKUP).exists()


def test_a_second_start_within_the_grace_time_serves_both(tmp_path: Path) -> None:
    first = Keyring.start(tmp_path)
    made = (tmp_path / FILE).stat().st_mtime
    second = Keyring.start(tmp_path, clock=Clock(made + 901))
    again = Keyring.start(tmp_path, clock=Clock(made + 905))
    assert again.ids == (second.public.id, first.public.id)


def test_a_key_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    Keyring.start(tmp_path)
    (tmp_path / FILE).chmod(0o644)
    Keyring.load(tmp_path)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "nonsense", "-----BEGIN RSA PRIVATE KEY-----\n"])
def test_a_damaged_key_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(FactoryError, match=f"{FILE}: not a key.*remove it"):
        Keyring.start(tmp_path)


def test_without_a_key_nothing_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match="No such file"):
        Keyring.load(tmp_path)


@pytest.mark.parametrize("series", SERIES)
def test_one_rsa_operation_for_a_key_code(
    series: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = counted(monkeypatch, PrivateKey, "unwrap")
    ring = Keyring(factory_key())
    code = wrap(SymmetricKey.make().code(), series)
    keys = [ring.open(ring.public.id, code) for _ in range(500)]
    assert len(operations) == 1
    assert all(key is keys[0] for key in keys)


def test_a_bad_key_code_is_remembered_as_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    operations = counted(monkeypatch, PrivateKey, "unwrap")
    ring = Keyring(factory_key())
    for _ in range(10):
        with pytest.raises(ProtocolError, match="not wrapped for this key"):
            ring.open(ring.public.id, "ab" * 256)
    assert len(operations) == 1


def test_what_is_remembered_has_a_bound() -> None:
    ring = Keyring(factory_key())
    for number in range(400):
        with pytest.raises(ProtocolError):
            ring.open(ring.public.id, f"{number}")
    assert len(ring._known) <= 256


@given(some.text() | some.text("0123456789abcdefABCDEF \n", min_size=510, max_size=514))
def test_unwrapping_anything_is_an_answer_or_a_reason(code: str) -> None:
    with pytest.raises(ProtocolError):
        factory_key().unwrap(code)


@given(some.binary(max_size=100))
def test_a_wrapped_thing_that_is_no_key_code_is_refused(code: bytes) -> None:
    with pytest.raises(ProtocolError, match="not a key code"):
        factory_key().unwrap(wrap(code, "3.10"))
