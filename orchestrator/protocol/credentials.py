"""The files that requests bring: tokens, proxies, keys; kept for the glideins that need them.

Below the credential folder of the work tree, nobody but the Factory's user can read a thing:

``USER/FRONTEND/CLIENT/credential_CLIENT_ID``    from a glideclientglobal ad (3.10), by its ID
``USER/FRONTEND/CLIENT/ENTRY~ID/…``              from a request with the tracking id ID

The last part of a name is what the glidein sees, so it is the reference's. A file is replaced
as a whole, and only when its content is another: later glideins then take the new one.
"""

import base64
import binascii
import gzip
import hashlib
import json
import logging
import math
import os
import re
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from orchestrator.deciding.request import Credentials
from orchestrator.errors import ProtocolError

log = logging.getLogger(__name__)

CONTENT_LIMIT = 128 * 1024  # bytes of one file
TOKEN_LIMIT = 16 * 1024  # bytes
NAME_LIMIT = 240  # bytes of a file's name
COMPRESSED = "_compressed"  # ends the name, and the purpose, of a packed copy

_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-")
_PLAIN = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9._@-]*")
_PART = ".part-"
_UNUSED = ".unused.json"


@dataclass(frozen=True)
class Content:
    """A file to be: its name, as the glidein will see it, and what is in it."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Brought:
    """The credentials of one request, still in memory.

    By purpose: ``contents`` came with the request, ``references`` are IDs of files that a
    global ad brought, ``reusable`` names files that an earlier request may have brought.
    Without all of ``required`` the request cannot be served.
    """

    identifier: str
    contents: dict[str, Content] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    reusable: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Known:
    """A file that we wrote or looked at: what it was then, and what is in it."""

    size: int
    mtime_ns: int
    inode: int
    digest: bytes
    expires: int | None


class Store:
    """The credential folder; only one process at a time may write there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, _Known] = {}
        if folder.exists():
            folder.chmod(0o700)

    def keep(
        self, user: str, frontend: str, client: str, entry: str, brought: Brought
    ) -> Credentials:
        """Write what a request brought, unless it is there, and say what the request has.

        Raises:
            ProtocolError: something that is required neither came nor is there.
            OSError: a file cannot be written.
        """
        home = "/".join(map(file_name, (user, frontend, client)))
        folder = f"{home}/{file_name(entry)}~{file_name(brought.identifier)}"
        files: dict[str, str] = {}
        for purpose, content in brought.contents.items():
            files[purpose] = f"{folder}/{file_name(content.name)}"
        for purpose, name in brought.reusable.items():
            path = f"{folder}/{file_name(name)}"
            if purpose not in files and self._look(path) is not None:
                files[purpose] = path
        for purpose, ident in brought.references.items():
            path = f"{home}/{global_name(client, ident)}"
            if self._look(path) is not None:
                files[purpose] = path
            elif purpose in brought.required:
                raise ProtocolError(f"no ad has brought the {purpose} {ident!r}")
        missing = [purpose for purpose in brought.required if purpose not in files]
        if missing:
            raise ProtocolError(f"no {' and no '.join(missing)}, now or before")
        for purpose, content in brought.contents.items():
            self._put(files[purpose], content.data)
        return self._credentials(brought, files)

    def keep_global(
        self, user: str, frontend: str, client: str, ident: str, data: bytes
    ) -> None:
        """Write a file that a global ad brought, and its packed copy.

        Raises:
            OSError: it cannot be written.
        """
        home = "/".join(map(file_name, (user, frontend, client)))
        path = f"{home}/{global_name(client, ident)}"
        if self._put(path, data) or self._look(path + COMPRESSED) is None:
            self._put(path + COMPRESSED, compress(data))

    def wipe(self, used: Collection[str], now: float, unused_s: float) -> list[str]:
        """Remove files that for ``unused_s`` were never among ``used``; return their names.

        ``used`` are files of the current requests, and of all glideins in the queue. Time
        counts from the first call that finds a file unused; that is kept in the folder.
        """
        used = set(used)
        used.update(path + COMPRESSED for path in tuple(used))
        gone, unused = [], {}
        before = self._read_unused()
        for path in self._all():
            if path in used:
                continue
            unused[path] = since = min(now, before.get(path, now))
            if now - since >= unused_s:
                (self.folder / path).unlink(missing_ok=True)
                self._known.pop(path, None)
                del unused[path]
                gone.append(path)
        if unused != before:
            self._put(_UNUSED, json.dumps(unused).encode())
        if gone:
            self._prune_folders()
            log.info("credentials removed=%d", len(gone))
        return gone

    def _credentials(self, brought: Brought, files: dict[str, str]) -> Credentials:
        digest = hashlib.sha256()
        expires: int | None = None
        for purpose in sorted(files):
            known = self._known[files[purpose]]
            digest.update(f"{purpose}\0{files[purpose]}\0".encode() + known.digest)
            if known.expires is not None:
                expires = known.expires if expires is None else min(expires, known.expires)
        if brought.values:
            digest.update(json.dumps(brought.values, sort_keys=True).encode())
        return Credentials(
            brought.identifier, files, dict(brought.values), digest.hexdigest(), expires
        )

    def _put(self, path: str, data: bytes) -> bool:
        """Make sure that the file holds ``data``; return whether it had to be written."""
        digest = hashlib.sha256(data).digest()
        known = self._look(path)
        if known is not None and known.digest == digest:
            return False
        target = self.folder / path
        self._make_folder(str(target.parent))
        part = target.with_name(_PART + hashlib.sha256(path.encode()).hexdigest()[:32])
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        handle = os.open(part, flags, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            part.replace(target)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        self._known[path] = _known(target.stat(), data, digest)
        return True

    def _look(self, path: str) -> _Known | None:
        """Return what is known of a file; it is read only if it is not the one we know."""
        try:
            found = os.lstat(f"{self.folder}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            self._known.pop(path, None)
            return None
        known = self._known.get(path)
        if known is not None and (known.size, known.mtime_ns, known.inode) == (
            found.st_size,
            found.st_mtime_ns,
            found.st_ino,
        ):
            return known
        if not stat.S_ISREG(found.st_mode) or found.st_size > 2 * CONTENT_LIMIT:
            return None
        target = self.folder / path
        if found.st_mode & 0o077:
            target.chmod(0o600)
        data = target.read_bytes()
        known = _known(found, data, hashlib.sha256(data).digest())
        self._known[path] = known
        return known

    def _make_folder(self, folder: str) -> None:
        try:
            os.mkdir(folder, 0o700)  # noqa: PTH102 - ten thousand of them: Path takes twice as long
        except FileExistsError:
            return
        except FileNotFoundError:
            self._make_folder(folder.rpartition("/")[0])
            os.mkdir(folder, 0o700)  # noqa: PTH102

    def _read_unused(self) -> dict[str, float]:
        """Return since when files are in nobody's use; a file that is damaged counts as new."""
        try:
            told = json.loads((self.folder / _UNUSED).read_bytes())
            return {str(path): float(since) for path, since in told.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.warning("%s: time begins anew: %r", _UNUSED, error)
            return {}

    def _all(self) -> list[str]:
        found = []
        for folder, _, names in os.walk(self.folder):
            inside = Path(folder).relative_to(self.folder)
            found += [str(inside / name) for name in names]
        return [path for path in found if path != _UNUSED]

    def _prune_folders(self) -> None:
        for folder, _, _ in os.walk(self.folder, topdown=False):
            if Path(folder) != self.folder and not any(Path(folder).iterdir()):
                Path(folder).rmdir()


def _known(found: os.stat_result, data: bytes, digest: bytes) -> _Known:
    size, mtime_ns, inode = found.st_size, found.st_mtime_ns, found.st_ino
    return _Known(size, mtime_ns, inode, digest, expiry(data))


def file_name(text: str) -> str:
    """Return the one name of a file that stands for ``text``, whatever is in that.

    Letters, digits and ``._@-`` stay; others, and a dot or dash in front, become %XX. A name
    that would be too long ends in a hash instead.
    """
    if _PLAIN.fullmatch(text) and len(text) <= NAME_LIMIT:
        return text
    out = []
    for at, character in enumerate(text):
        if character in _SAFE and not (at == 0 and character in ".-"):
            out.append(character)
        else:
            out += [f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass")]
    name = "".join(out) or "%"
    if len(name) > NAME_LIMIT:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        name = f"{name[: NAME_LIMIT - 34]}%%{digest}"
    return name


def global_name(client: str, ident: str) -> str:
    """Return the name of a file that a client's global ad brought."""
    return file_name(f"credential_{client}_{ident}")


def compress(data: bytes) -> bytes:
    """Pack a file as glideins in clouds expect it in their user data."""
    packed = base64.b64encode(gzip.compress(data, mtime=0))
    return b"glidein_credentials=" + packed


def is_token(data: bytes) -> bool:
    """Return whether ``data`` looks like a token in compact form: one line of three parts."""
    text = data.strip()
    return (
        0 < len(text) <= TOKEN_LIMIT
        and text.count(b".") == 2
        and text.replace(b".", b"").replace(b"-", b"").replace(b"_", b"").isalnum()
    )


def expiry(data: bytes) -> int | None:
    """Return when a token, or the first to expire of a file's certificates, expires.

    Epoch seconds; None if it does not say, or is something else.
    """
    if is_token(data):
        return _token_expiry(data.strip())
    if b"-----BEGIN CERTIFICATE-----" not in data:
        return None
    try:
        chain = x509.load_pem_x509_certificates(data)
        return min(int(one.not_valid_after_utc.timestamp()) for one in chain)
    except (ValueError, TypeError, OverflowError):
        return None


def _token_expiry(token: bytes) -> int | None:
    body = token.split(b".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    expires = claims.get("exp") if isinstance(claims, Mapping) else None
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        return None
    if isinstance(expires, float) and not math.isfinite(expires):
        return None
    return int(expires) if 0 < expires < 2**53 else None
