"""Files of credentials: where they go, when they are written, when they go away."""

import base64
import datetime
import gzip
import json
import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as some

from orchestrator.errors import ProtocolError
from orchestrator.protocol.credentials import (
    NAME_LIMIT,
    Brought,
    Content,
    Store,
    compress,
    expiry,
    file_name,
    is_token,
)
from tests.protocol.sample import EXPIRES, TOKEN, factory_key

WHO = ("alice", "vo", "vo.main", "here")


def token(**claims: object) -> bytes:
    """Return a token with these claims and no signature worth the name."""
    parts = [json.dumps({"alg": "none"}), json.dumps(claims)]
    encoded = [base64.urlsafe_b64encode(part.encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, b"c2ln"])


def brought(data: bytes = TOKEN.encode(), ident: str = "ID1") -> Brought:
    content = Content("credential_vo.main_here.idtoken", data)
    return Brought(ident, {"idtoken": content}, reusable={"idtoken": content.name})


def modes(folder: Path) -> set[tuple[bool, int]]:
    return {(path.is_dir(), path.stat().st_mode & 0o777) for path in folder.rglob("*")}


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    store = Store(tmp_path / "work" / "credentials")
    old = os.umask(0)
    try:
        kept = store.keep(*WHO, brought())
    finally:
        os.umask(old)
    assert modes(tmp_path / "work") == {(True, 0o700), (False, 0o600)}
    path = "alice/vo/vo.main/here~ID1/credential_vo.main_here.idtoken"
    assert kept.files == {"idtoken": path}
    assert (store.folder / path).read_text() == TOKEN
    assert (kept.identifier, kept.expires) == ("ID1", EXPIRES)


def test_unchanged_content_is_not_rewritten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = store.keep(*WHO, brought())
    path = tmp_path / first.files["idtoken"]
    before = path.stat()
    assert store.keep(*WHO, brought()) == first
    assert Store(tmp_path).keep(*WHO, brought()) == first  # after a restart as well
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )


def test_renewed_content_replaces_the_file_and_changes_the_digest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = store.keep(*WHO, brought())
    with (tmp_path / first.files["idtoken"]).open() as old:
        second = store.keep(*WHO, brought(token(exp=4_000_000_000)))
        assert old.read() == TOKEN  # who reads it has all of it
    assert second.files == first.files
    assert second.digest != first.digest
    assert second.expires == 4_000_000_000
    assert [path.name for path in (tmp_path / first.files["idtoken"]).parent.iterdir()] == [
        "credential_vo.main_here.idtoken"
    ]


def test_a_file_that_somebody_changed_or_removed_is_written_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = tmp_path / store.keep(*WHO, brought()).files["idtoken"]
    path.write_text("x")
    store.keep(*WHO, brought())
    assert path.read_text() == TOKEN
    path.unlink()
    store.keep(*WHO, brought())
    assert path.read_text() == TOKEN


def test_a_token_is_used_again_when_a_request_brings_none(tmp_path: Path) -> None:
    first = Store(tmp_path).keep(*WHO, brought())
    without = Brought("ID1", reusable={"idtoken": "credential_vo.main_here.idtoken"})
    assert Store(tmp_path).keep(*WHO, without) == first
    other = Brought("ID2", reusable=without.reusable, required=("idtoken",))
    with pytest.raises(ProtocolError, match="no idtoken, now or before"):
        Store(tmp_path).keep(*WHO, other)


def test_nothing_is_written_for_what_is_refused(tmp_path: Path) -> None:
    one = brought()
    lacks = Brought("ID1", one.contents, required=("idtoken", "scitoken"))
    with pytest.raises(ProtocolError, match="no scitoken"):
        Store(tmp_path).keep(*WHO, lacks)
    assert not list(tmp_path.iterdir())


def test_files_of_global_ads_are_kept_apart_by_user_and_packed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.keep_global("alice", "vo", "vo.main", "AB12", b"a proxy")
    path = tmp_path / "alice/vo/vo.main/credential_vo.main_AB12"
    assert path.read_bytes() == b"a proxy"
    packed = path.with_name(path.name + "_compressed").read_bytes()
    assert packed.startswith(b"glidein_credentials=")
    assert gzip.decompress(base64.b64decode(packed.partition(b"=")[2])) == b"a proxy"
    before = path.with_name(path.name + "_compressed").stat().st_mtime_ns
    store.keep_global("alice", "vo", "vo.main", "AB12", b"a proxy")
    assert path.with_name(path.name + "_compressed").stat().st_mtime_ns == before

    proxy = Brought("AB12", references={"proxy": "AB12"}, required=("proxy",))
    kept = store.keep(*WHO, proxy)
    assert kept.files == {"proxy": "alice/vo/vo.main/credential_vo.main_AB12"}
    for other in (("bob", "vo", "vo.main"), ("alice", "rival", "vo.main")):
        with pytest.raises(ProtocolError, match="no ad has brought the proxy 'AB12'"):
            store.keep(*other, "here", proxy)


def test_wiping_spares_what_is_used_and_what_may_be(tmp_path: Path) -> None:
    store = Store(tmp_path)
    used = store.keep(*WHO, brought()).files["idtoken"]
    unused = store.keep(*WHO, brought(ident="ID2")).files["idtoken"]
    store.keep_global("alice", "vo", "vo.main", "AB12", b"a proxy")
    proxy = "alice/vo/vo.main/credential_vo.main_AB12"

    assert store.wipe({used, proxy}, now=1000, unused_s=100) == []
    assert store.wipe({used, proxy, unused}, now=1099, unused_s=100) == []  # used again
    assert store.wipe({used, proxy}, now=1100, unused_s=100) == []
    # A factory that is restarted now and then wipes them all the same.
    again = Store(tmp_path)
    assert again.wipe({used, proxy}, now=1200, unused_s=100) == [unused]
    assert not (tmp_path / unused).parent.exists()
    assert (tmp_path / used).exists()
    assert (tmp_path / f"{proxy}_compressed").exists()
    gone = [store.wipe((), now=now, unused_s=0) for now in (2000,)]
    assert sorted(gone[0]) == sorted([used, proxy, f"{proxy}_compressed"])
    assert [path.name for path in tmp_path.iterdir()] == [".unused.json"]
    store.keep(*WHO, brought())  # and the folders come back
    assert (tmp_path / used).exists()


def test_leftovers_of_a_killed_process_are_wiped(tmp_path: Path) -> None:
    (tmp_path / "alice").mkdir()
    (tmp_path / "alice" / ".part-1").write_text("half")
    assert Store(tmp_path).wipe((), now=0, unused_s=0) == ["alice/.part-1"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("vo.main", "vo.main"),
        ("..", "%2E."),
        (".hidden", "%2Ehidden"),
        ("-option", "%2Doption"),
        ("a/b", "a%2Fb"),
        ("a b\n", "a%20b%0A"),
        ("50%", "50%25"),
        ("~", "%7E"),
        ("é", "%C3%A9"),
        ("", "%"),
    ],
)
def test_names_of_files(text: str, name: str) -> None:
    assert file_name(text) == name


@given(some.text(), some.text())
def test_a_name_is_safe_and_stands_for_one_text(one: str, other: str) -> None:
    name = file_name(one)
    assert 0 < len(name) <= NAME_LIMIT
    assert "/" not in name
    assert name[0] not in ".-"
    assert name.isascii()
    assert name.isprintable()
    assert " " not in name
    assert (name == file_name(other)) == (one == other)


@given(some.text(min_size=NAME_LIMIT))
def test_long_names_differ_where_the_texts_do(text: str) -> None:
    assert file_name(text + "a") != file_name(text + "b")
    assert len(file_name(text)) <= NAME_LIMIT


@given(some.binary())
def test_packing_keeps_the_content_and_is_the_same_each_time(data: bytes) -> None:
    packed = compress(data)
    assert packed == compress(data)
    assert gzip.decompress(base64.b64decode(packed.partition(b"=")[2])) == data


def certificate(days: int) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a pilot")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    key = factory_key()._key
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def test_a_proxy_expires_when_the_first_of_its_chain_does() -> None:
    start = int(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).timestamp())
    proxy = certificate(30) + factory_key().pem() + certificate(10)
    assert expiry(proxy) == start + 10 * 86_400
    assert (
        expiry(b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
        is None
    )
    assert expiry(b"something else") is None


@pytest.mark.parametrize(
    ("claim", "expires"),
    [
        (1.5e9, 1_500_000_000),
        (True, None),
        ("soon", None),
        (None, None),
        (-5, None),
        (2**60, None),
    ],
)
def test_when_tokens_expire(claim: object, expires: int | None) -> None:
    assert expiry(token(exp=claim)) == expires


def test_tokens_that_say_nothing() -> None:
    nested = base64.urlsafe_b64encode(b"[" * 5000).rstrip(b"=")
    for odd in (token(), b"a.b.c", b"a." + nested + b".c", b"a.WzFd.c"):
        assert is_token(odd)
        assert expiry(odd) is None
    infinite = base64.urlsafe_b64encode(b'{"exp": Infinity}').rstrip(b"=")
    assert expiry(b"a." + infinite + b".c") is None


@pytest.mark.parametrize(
    "text", [b"", b"a.b", b"a.b.c.d", b"a.b.c\nd", b"a b.c.d", b"." * 99]
)
def test_what_is_no_token(text: bytes) -> None:
    assert not is_token(text)


@given(
    some.binary()
    | some.binary().map(lambda body: b"a." + base64.urlsafe_b64encode(body) + b".c")
)
def test_reading_the_expiry_of_anything_is_an_answer(data: bytes) -> None:
    found = expiry(data)
    assert found is None or found > 0
