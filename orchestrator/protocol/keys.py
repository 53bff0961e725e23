"""The Factory's key pair: published for Frontends, who wrap their symmetric keys with it.

At each start of the Factory a key that is old is replaced; requests under the one before it are
served for a grace time. The files are those of the reference, both ways: ``rsa.key`` and
``rsa.key.bak``, traditional PEM, whose pass phrase everybody knows; the mode protects them.
"""

import hashlib
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from orchestrator import disk
from orchestrator.errors import FactoryError, ProtocolError
from orchestrator.protocol.sealed import SymmetricKey

log = logging.getLogger(__name__)

FILE, BACKUP = "rsa.key", "rsa.key.bak"
PASSPHRASE = b"default"
GRACE_S = (
    900  # so old a key may be when the Factory starts, and so long the last one is served
)
BITS = 2048
REMEMBERED = 256  # key codes, good and bad


def _oaep(algorithm: hashes.HashAlgorithm) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(algorithm), algorithm, None)


# How Frontends wrap, by series; OAEP tells a wrong guess from a wrong key in no way.
WRAPPINGS = {"3.10": _oaep(hashes.SHA1()), "3.11": _oaep(hashes.SHA256())}


@dataclass(frozen=True)
class PublicKey:
    """What is published; ``pem`` has real newlines, the last one too."""

    id: str
    pem: str
    type: str = "RSA"


def key_id(pem: bytes, kind: str = "RSA") -> str:
    """Return the PubKeyID of a public key in PEM form."""
    return hashlib.md5(kind.encode() + b" " + pem, usedforsecurity=False).hexdigest()


class PrivateKey:
    """One key pair."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, form)
        self.public = PublicKey(key_id(pem), pem.decode())
        self._code_digits = key.key_size // 4
        self._likely = list(WRAPPINGS.values())

    @classmethod
    def make(cls, bits: int = BITS) -> "PrivateKey":
        """Make a new key pair."""
        return cls(rsa.generate_private_key(65537, bits))

    @classmethod
    def from_pem(cls, pem: bytes) -> "PrivateKey":
        """Read what :meth:`pem` wrote, or the reference.

        Raises:
            ProtocolError: it is no such key.
        """
        try:
            key = serialization.load_pem_private_key(pem, PASSPHRASE)
        except (ValueError, TypeError) as error:
            raise ProtocolError(f"not a key with the usual pass phrase: {error}") from error
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ProtocolError("not an RSA key")
        return cls(key)

    def pem(self) -> bytes:
        """Return the key pair as its file holds it."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.BestAvailableEncryption(PASSPHRASE),
        )

    def unwrap(self, code: str) -> SymmetricKey:
        """Return the symmetric key of a ReqEncKeyCode, of either series.

        Raises:
            ProtocolError: it was not wrapped for this key, or holds no key code.
        """
        if len(code) != self._code_digits or not code.isalnum():
            raise ProtocolError(
                f"a key code of {len(code)} digits, not {self._code_digits}"
            )
        try:
            wrapped = bytes.fromhex(code)
        except ValueError as error:
            raise ProtocolError("a key code that is not hexadecimal") from error
        for wrapping in self._likely:
            try:
                plain = self._key.decrypt(wrapped, wrapping)
            except ValueError:
                continue
            # Each failed attempt costs as much as a good one: first what did last time.
            self._likely.sort(key=lambda one: one is not wrapping)
            return SymmetricKey.from_code(plain)
        raise ProtocolError("a key code that was not wrapped for this key")


class Keyring:
    """The key that is published, and the one before while that is still served.

    Outcomes are remembered by key code: one RSA operation serves all ads that carry it.
    """

    def __init__(
        self,
        current: PrivateKey,
        previous: PrivateKey | None = None,
        previous_until: float = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._current = current
        self._previous = previous
        self._until = previous_until
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], SymmetricKey | str] = OrderedDict()

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        bits: int = BITS,
        grace_s: float = GRACE_S,
        clock: Callable[[], float] = time.time,
    ) -> "Keyring":
        """Make a key, or replace one that is older than ``grace_s``; for the Factory's start.

        Raises:
            FactoryError: a file there is no key, or cannot be read or written.
        """
        path = folder / FILE
        try:
            if not path.exists():
                _write(path, PrivateKey.make(bits).pem(), clock())
                log.info("key made file=%s", path)
            elif clock() - path.stat().st_mtime > grace_s:
                _read(path)  # what cannot be read is not kept as a backup either
                _write(folder / BACKUP, path.read_bytes(), clock())
                _write(path, PrivateKey.make(bits).pem(), clock())
                log.info("key replaced file=%s", path)
        except OSError as error:
            raise FactoryError(f"{path}: {error.strerror}") from error
        return cls.load(folder, grace_s=grace_s, clock=clock)

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        grace_s: float = GRACE_S,
        clock: Callable[[], float] = time.time,
    ) -> "Keyring":
        """Read the keys that are there; a backup whose time is over is removed.

        Raises:
            FactoryError: there is no key, or it cannot be read.
        """
        path, backup = folder / FILE, folder / BACKUP
        try:
            current = _read(path)
            until = path.stat().st_mtime + grace_s
            if not backup.exists():
                return cls(current, clock=clock)
            if clock() >= until:
                backup.unlink(missing_ok=True)
                return cls(current, clock=clock)
            return cls(current, _read(backup), until, clock)
        except OSError as error:
            raise FactoryError(f"{error.filename}: {error.strerror}") from error

    @property
    def public(self) -> PublicKey:
        """The key to publish."""
        return self._current.public

    @property
    def ids(self) -> tuple[str, ...]:
        """The PubKeyIDs under which requests are served now."""
        keys = [self._current]
        if self._previous is not None and self._clock() < self._until:
            keys.append(self._previous)
        return tuple(key.public.id for key in keys)

    def open(self, pub_key_id: str, code: str) -> SymmetricKey:
        """Return the symmetric key that a ReqEncKeyCode wraps.

        Raises:
            ProtocolError: for an unknown key, or not a key code; remembered as well.
        """
        if pub_key_id not in self.ids:
            raise ProtocolError(
                f"encrypted for a key that is not ours: {pub_key_id[:64]!r}"
            )
        known = self._known.get((pub_key_id, code))
        if known is None:
            current = pub_key_id == self._current.public.id
            key = self._current if current else self._previous
            assert key is not None
            try:
                known = key.unwrap(code)
            except ProtocolError as error:
                known = str(error)
            if len(code) <= 2 * BITS:  # longer ones are refused unread, and not kept
                self._known[pub_key_id, code] = known
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        else:
            self._known.move_to_end((pub_key_id, code))
        if isinstance(known, str):
            raise ProtocolError(known)
        return known

    def forget(self) -> None:
        """Drop the values that were opened with the keys that are remembered."""
        for known in self._known.values():
            if isinstance(known, SymmetricKey):
                known.forget()


def _read(path: Path) -> PrivateKey:
    if path.stat().st_mode & 0o077:
        log.warning("key was readable for others file=%s", path)
        path.chmod(0o600)
    try:
        return PrivateKey.from_pem(path.read_bytes())
    except ProtocolError as error:
        raise FactoryError(
            f"{path}: {error}; remove it, and a new one is made at the next start"
        ) from error


def _write(path: Path, pem: bytes, now: float) -> None:
    # disk.Batch would make the file with the umask's mode first.
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(disk.PART + path.name)
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    os.utime(part, (now, now))  # the age of a key counts
    part.replace(path)
