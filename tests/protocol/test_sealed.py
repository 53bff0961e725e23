"""Values sealed with a symmetric key: both directions, and everything that is none."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from orchestrator.errors import ProtocolError
from orchestrator.protocol.sealed import VALUE_LIMIT, SymmetricKey

KEY = SymmetricKey.make()


@given(some.binary(max_size=200))
def test_what_was_sealed_opens(value: bytes) -> None:
    assert KEY.open(KEY.seal(value)) == value
    assert SymmetricKey.from_code(KEY.code()).open(KEY.seal(value)) == value


@given(some.binary(max_size=200))
def test_another_key_gives_another_text_and_opens_nothing(value: bytes) -> None:
    other = SymmetricKey.make()
    sealed = other.seal(value)
    assert sealed != KEY.seal(value)
    with contextlib.suppress(ProtocolError):
        assert KEY.open(sealed) != value  # one in 256 looks padded


@given(some.text() | some.text("0123456789abcdef \n", max_size=100))
def test_opening_anything_is_an_answer_or_a_reason(sealed: str) -> None:
    with contextlib.suppress(ProtocolError):
        KEY.open(sealed)


@given(some.binary() | some.text("cyipher:aes_256bk,v0\n").map(str.encode))
def test_reading_any_key_code_is_an_answer_or_a_reason(code: bytes) -> None:
    with pytest.raises(ProtocolError):
        SymmetricKey.from_code(code)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("cypher:aes_256_cbc,key:{k64},iv:{i}", id="3.10"),
        pytest.param("cipher:aes_256_cbc,key:{k64},iv:{i}", id="3.11"),
        pytest.param("cypher:aes_128_cbc,key:{k32},iv:{i}", id="a shorter key"),
    ],
)
def test_key_codes_of_both_series(code: str) -> None:
    told = code.format(k64="0a" * 32, k32="0b" * 16, i="0c" * 16)
    key = SymmetricKey.from_code(told.encode())
    assert key.code(told[:6]) == told.encode()
    assert "0a0a" not in repr(key)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("cypher:aes_256_cbc,key:{k32},iv:{i}", "16 bytes is none of aes_256_cbc"),
        ("cypher:aes_128_cbc,key:{k64},iv:{i}", "32 bytes is none of aes_128_cbc"),
        ("cypher:des3,key:{k64},iv:{i}", "not a key code"),
        ("cypher:aes_256_cbc,key:{k64},iv:{i}\n", "not a key code"),
        ("cypher:aes_256_cbc,key:{k64},iv:{i},more:1", "not a key code"),
    ],
)
def test_other_key_codes_are_refused(code: str, reason: str) -> None:
    told = code.format(k64="0a" * 32, k32="0b" * 16, i="0c" * 16)
    with pytest.raises(ProtocolError, match=reason):
        SymmetricKey.from_code(told.encode())


def test_what_is_too_long_is_not_even_decoded() -> None:
    with pytest.raises(ProtocolError, match="more than may be"):
        KEY.open("00" * (VALUE_LIMIT + 17))


def test_blanks_between_digits_are_no_digits() -> None:
    sealed = KEY.seal(b"value")
    with pytest.raises(ProtocolError, match="not blocks"):
        KEY.open(sealed[:2] + "  " + sealed[2:])


def test_what_was_opened_can_be_forgotten() -> None:
    sealed = KEY.seal(b"secret")
    KEY.open(sealed)
    assert sealed in KEY._opened
    KEY.forget()
    assert not KEY._opened
    assert KEY.open(sealed) == b"secret"


@pytest.mark.parametrize("padded", [b"\x20" * 32, b"\x00" * 16, b"a" * 15 + b"\x02"])
def test_other_paddings_are_refused(padded: bytes) -> None:
    encryptor = KEY._cipher.encryptor()
    sealed = (encryptor.update(padded) + encryptor.finalize()).hex()
    with pytest.raises(ProtocolError, match="not sealed with this key"):
        KEY.open(sealed)
