"""Values sealed with the symmetric key of one Frontend iteration: AES-CBC, PKCS7, hexadecimal.

The same key and the same IV serve every value of an ad, so equal values look equal when sealed.
That is the protocol's; we use it: what was opened once is not opened again.
"""

import re
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from orchestrator.errors import ProtocolError

KEY_BYTES = {"aes_256_cbc": 32, "aes_128_cbc": 16}
BLOCK = 16  # bytes
VALUE_LIMIT = 256 * 1024  # bytes of one value, opened
REMEMBERED_LIMIT = 256 * 1024  # hexadecimal digits of the values a key remembers opening

_CODE = re.compile(
    r"c[yi]pher:(aes_(?:256|128)_cbc),key:([0-9a-fA-F]{32,64}),iv:([0-9a-fA-F]{32})"
)


@dataclass
class SymmetricKey:
    """A key with its IV, as a key code tells them; ``algorithm`` is one of KEY_BYTES."""

    algorithm: str
    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)

    def __post_init__(self) -> None:
        self._cipher = Cipher(algorithms.AES(self.key), modes.CBC(self.iv))
        self._opened: dict[str, bytes] = {}
        self._remembered = 0  # hexadecimal digits

    @classmethod
    def make(cls) -> "SymmetricKey":
        """Return a new key of the kind that Frontends make."""
        return cls("aes_256_cbc", secrets.token_bytes(32), secrets.token_bytes(BLOCK))

    @classmethod
    def from_code(cls, code: bytes) -> "SymmetricKey":
        """Read a key code: ``cypher:aes_256_cbc,key:HEX,iv:HEX``; 3.11 writes ``cipher:``.

        Raises:
            ProtocolError: it is none; the message does not show it.
        """
        found = _CODE.fullmatch(code.decode("ascii", "replace"))
        if found is None:
            raise ProtocolError(f"not a key code of AES-CBC: {len(code)} bytes")
        algorithm, key = found[1], bytes.fromhex(found[2])
        if len(key) != KEY_BYTES[algorithm]:
            raise ProtocolError(f"a key of {len(key)} bytes is none of {algorithm}")
        return cls(algorithm, key, bytes.fromhex(found[3]))

    def code(self, word: str = "cypher") -> bytes:
        """Write the key code; ``word`` is how the series spells cipher."""
        return f"{word}:{self.algorithm},key:{self.key.hex()},iv:{self.iv.hex()}".encode()

    def seal(self, value: bytes) -> str:
        """Encrypt a value."""
        missing = BLOCK - len(value) % BLOCK
        encryptor = self._cipher.encryptor()
        padded = value + bytes((missing,)) * missing
        return (encryptor.update(padded) + encryptor.finalize()).hex()

    def open(self, sealed: str) -> bytes:
        """Decrypt a value.

        Raises:
            ProtocolError: it is too long, not hexadecimal, or not of this key.
        """
        known = self._opened.get(sealed)
        if known is not None:
            return known
        if len(sealed) > 2 * (VALUE_LIMIT + BLOCK):
            raise ProtocolError(f"{len(sealed)} hexadecimal digits, more than may be")
        try:
            # fromhex would pass over blanks, and there are no half bytes.
            raw = bytes.fromhex(sealed) if sealed.isalnum() else b""
        except ValueError:
            raw = b""
        if not raw or len(raw) % BLOCK:
            raise ProtocolError("not blocks of hexadecimal digits")
        decryptor = self._cipher.decryptor()
        padded = decryptor.update(raw) + decryptor.finalize()
        size = padded[-1]
        if not 1 <= size <= BLOCK or padded[-size:] != bytes((size,)) * size:
            raise ProtocolError("not sealed with this key")
        value = padded[:-size]
        if self._remembered + len(sealed) <= REMEMBERED_LIMIT:
            self._remembered += len(sealed)
            self._opened[sealed] = value
        return value

    def forget(self) -> None:
        """Drop what was opened: secrets do not stay in memory longer than they are read."""
        self._opened.clear()
        self._remembered = 0
