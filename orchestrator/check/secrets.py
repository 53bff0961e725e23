"""Keys, tokens and certificates: who can read them, and how long they live."""

import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import htcondor2 as htcondor

from orchestrator.check.finding import fail, ok, warn
from orchestrator.explain.credentials import SOON_S
from orchestrator.explain.findings import life
from orchestrator.explain.records import CredentialRecord, Finding
from orchestrator.protocol.credentials import expiry
from orchestrator.protocol.keys import BACKUP, FILE
from orchestrator.span import span

_WEEK_S = 7 * 86_400
_SHOWN = 5
# Where HTCondor says it keeps what it is known by.
_FOLDERS = ("SEC_TOKEN_DIRECTORY", "SEC_TOKEN_SYSTEM_DIRECTORY")
_CERTIFICATES = ("AUTH_SSL_CLIENT_CERTFILE", "AUTH_SSL_SERVER_CERTFILE")


def permissions(work: Path, *, running: bool) -> Iterator[Finding]:
    """See that nobody else can read the factory's key, nor what Frontends brought."""
    key = work / "factory" / FILE
    if not key.exists():
        words = f"{key}: not there; the first start makes it"
        yield (
            fail("RSA key", words, "glidein-factory start")
            if running
            else ok("RSA key", words)
        )
    for path in (key, key.with_name(BACKUP)):
        if path.exists():
            yield _private("RSA key", path, 0o600)
    folder = work / "credentials"
    if not folder.exists():
        return
    finding = _private("credentials", folder, 0o700)
    if finding["state"] != "ok":
        yield finding
        return
    try:
        open_ones = [path for path in folder.rglob("*") if path.lstat().st_mode & 0o077]
    except OSError as error:
        yield fail("credentials", f"{error.filename}: {error.strerror}", "")
        return
    if open_ones:
        named = ", ".join(str(path) for path in open_ones[:_SHOWN])
        words = f"{len(open_ones)} may be read by others, if the folder above lets them: {named}"
        yield fail("credentials", words, f"chmod -R go= {folder}")
    else:
        yield ok("credentials", f"{folder} is the factory's alone")


def lives(credentials: Iterable[CredentialRecord]) -> Iterator[Finding]:
    """Tell which credentials of Frontends expire soon, or have."""
    found = list(credentials)
    bad = [one for one in map(life, found) if one is not None]
    yield from bad
    if not bad:
        known = [one["remaining_s"] for one in found if one["remaining_s"] is not None]
        shortest = f"; the first expires in {span(min(known))}" if known else ""
        silent = len(found) - len(known)
        says = f"; {silent} do not say when" if silent else ""
        yield ok("Frontends' credentials", f"{len(found)}{shortest}{says}")


def own(files: Iterable[Path] | None = None) -> Iterator[Finding]:
    """Look at tokens and certificates by which HTCondor knows this host."""
    now = time.time()
    for path in _own_files() if files is None else files:
        what = f"{'certificate' if path.suffix in ('.pem', '.crt') else 'token'} {path}"
        try:
            ends = expiry(path.read_bytes())
        except PermissionError:
            yield warn(
                what, "may not be read here", f"sudo glidein-factory check, or ls -l {path}"
            )
            continue
        except OSError as error:
            yield fail(what, str(error.strerror), "")
            continue
        if ends is None:
            yield ok(what, "does not say when it expires")
        elif ends <= now:
            yield fail(what, f"expired {span(now - ends)} ago", _renew(path))
        elif ends - now < _WEEK_S:
            state = fail if ends - now < SOON_S else warn
            yield state(what, f"expires in {span(ends - now)}", _renew(path))
        else:
            yield ok(what, f"expires in {span(ends - now)}")


def _own_files() -> list[Path]:
    found: list[Path] = []
    for name in _FOLDERS:
        folder = Path(str(htcondor.param.get(name, "")))
        try:
            if folder.is_absolute():
                found += [one for one in sorted(folder.iterdir()) if one.is_file()]
        except OSError:
            continue
    for name in _CERTIFICATES:
        for said in str(htcondor.param.get(name, "") or "").split(","):
            path = Path(said.strip())
            if path.is_absolute() and path.exists():
                found.append(path)
    return list(dict.fromkeys(found))


def _renew(path: Path) -> str:
    return (
        f"condor_token_create or condor_token_request, into {path}"
        if path.suffix not in (".pem", ".crt")
        else f"renew the certificate {path}"
    )


def _private(what: str, path: Path, mode: int) -> Finding:
    about = path.stat()
    found = stat.S_IMODE(about.st_mode)
    if found & ~mode & 0o077:
        words = f"{path} has mode {found:o}: others can read it"
        return fail(what, words, f"chmod {mode:o} {path}")
    return ok(what, f"{path} has mode {found:o}")
