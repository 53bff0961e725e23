"""Bring packages of any Debian suite and processor to this machine without installing them.

apt does the work, with lists, cache and sources of our own below the cache folder: the
machine's own state is neither changed nor asked, save for where it finds Debian. apt verifies
everything against the keys of the Debian archive.
"""

import fcntl
import hashlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sh
import tenacity

from orchestrator.errors import TarballError
from orchestrator.share import cache_dir

log = logging.getLogger(__name__)

MIRROR_VARIABLE = "GLIDEIN_FACTORY_DEBIAN_MIRROR"

_KEYRINGS = [
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
]
_ROLLING = {"sid", "unstable", "testing", "experimental", "rc-buggy"}  # no security suite
_NO_SUITE = "does not have a Release file"  # as apt says it
_QUERY_S, _UPDATE_S, _DOWNLOAD_S = 60, 300, 900  # seconds before apt is given up

Say = Callable[[str], None]


@dataclass(frozen=True)
class Package:
    """One binary package, verified, as a file on this machine."""

    name: str
    version: str
    source: str
    source_version: str
    file: Path


@dataclass(frozen=True)
class Mirror:
    """Where Debian is found; ``security`` is empty when only the main archive is known."""

    main: str
    security: str = ""


def find_mirror(named: str = "") -> Mirror:
    """Return ``named``, else $GLIDEIN_FACTORY_DEBIAN_MIRROR, else what this machine's apt uses.

    Raises:
        TarballError: nothing is named and this machine's apt does not know Debian.
    """
    named = named or os.environ.get(MIRROR_VARIABLE, "")
    if named:
        if not re.fullmatch(r"[a-z+]+:[^\s\[\]]+", named):
            raise TarballError(f"mirror: expected a URL, got {named!r}")
        return Mirror(named)
    layout = "$(LABEL)\t$(REPO_URI)"
    lines = _run(
        "apt-get", "indextargets", "--format", layout, timeout_s=_QUERY_S
    ).splitlines()
    known = [line.partition("\t") for line in lines]
    main = [uri for label, _, uri in known if label == "Debian"]
    # Labels come from the lists; before the first `apt-get update` only addresses are known.
    main += [
        uri for label, _, uri in known if not label and uri.rstrip("/").endswith("/debian")
    ]
    security = [uri for label, _, uri in known if label == "Debian-Security"]
    if not main:
        raise TarballError(
            "this machine's apt knows no Debian archive; name one with --mirror URL"
            f" or {MIRROR_VARIABLE}"
        )
    return Mirror(main[0], security[0] if security else "")


class Suite:
    """One suite for one processor, with apt state of its own below the cache folder."""

    def __init__(self, name: str, arch: str, mirror: Mirror, say: Say = log.info) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            raise TarballError(f"suite: expected a name like trixie, got {name!r}")
        self.name, self.arch = name, arch
        self._mirror, self._say = mirror, say
        self._secure = bool(mirror.security) and name not in _ROLLING
        self.lacking = ""  # what a reader of the packages' list should know
        where = hashlib.sha256(repr(mirror).encode()).hexdigest()[:8]
        self._folder = cache_dir() / "debian" / f"{name}-{arch}-{where}"
        self._pool = cache_dir() / "debian" / "pool"

    def fetch(self, roots: list[str], wanted: Callable[[str], bool]) -> list[Package]:
        """Download ``roots`` and, of all that they depend on, what is ``wanted`` by its name.

        Of alternatives the first is taken; a dependency that is not wanted is not followed.

        Raises:
            TarballError: the suite or the package does not exist, or cannot be downloaded.
        """
        with self._locked():
            self._say(f"reading the package lists of Debian {self.name} for {self.arch}")
            self._update()
            records = self._closure(roots, wanted)
            self._download(records)
        return [self._package(record) for _, record in sorted(records.items())]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes of ours out of the folder meanwhile."""
        for folder in (self._folder / "lists/partial", self._folder / "archives/partial"):
            folder.mkdir(parents=True, exist_ok=True)
        self._pool.mkdir(exist_ok=True)
        with (self._pool / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _configure(self) -> None:
        keyring = next((path for path in _KEYRINGS if path.exists()), None)
        signed = f" signed-by={keyring}" if keyring else ""
        lines = [f"deb [arch={self.arch}{signed}] {self._mirror.main} {self.name} main"]
        if self._secure:
            uri = self._mirror.security
            lines.append(f"deb [arch={self.arch}{signed}] {uri} {self.name}-security main")
        (self._folder / "sources.list").write_text("\n".join(lines) + "\n")
        (self._folder / "status").write_text("")
        # Read after the machine's own settings, so its proxy counts and its hooks do not.
        (self._folder / "apt.conf").write_text(
            f"""\
#clear APT::Update;
#clear APT::Architectures;
#clear DPkg;
APT::Architecture "{self.arch}";
APT::Architectures {{ "{self.arch}"; }};
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
APT::Get::List-Cleanup "true";
Dir::Etc::sourcelist "{self._folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{self._folder}";
Dir::State::lists "{self._folder}/lists";
Dir::State::status "{self._folder}/status";
Dir::Cache "{self._folder}";
Dir::Cache::archives "{self._folder}/archives";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::Retries "0";
"""
        )

    def _apt(
        self,
        program: str,
        *words: str,
        timeout_s: int,
        each_line: Callable[[str], None] | None = None,
    ) -> str:
        words = ("-c", str(self._folder / "apt.conf"), *words)
        return _run(
            program, *words, timeout_s=timeout_s, cwd=self._pool, each_line=each_line
        )

    def _update(self) -> None:
        self._configure()
        try:
            self._retried(lambda: self._apt("apt-get", "update", timeout_s=_UPDATE_S))
        except TarballError as error:
            only_security = f" {self.name} Release" not in str(error)
            if self._secure and only_security and f"{self.name}-security" in str(error):
                self._secure = False
                self.lacking = " (without its security updates)"
                self._say(f"going on without the security suite: {error}")
                self._update()
                return
            if _NO_SUITE in str(error):
                raise TarballError(
                    f"Debian has no suite {self.name!r} for {self.arch} at {self._mirror.main}"
                ) from error
            raise

    def _retried(self, call: Callable[[], object]) -> None:
        """Call it until it works, three times at most; a suite that is not there is final."""

        def announce(state: tenacity.RetryCallState) -> None:
            assert state.outcome
            assert state.next_action
            pause_s = state.next_action.sleep
            self._say(f"trying again in {pause_s:.0f} s: {state.outcome.exception()}")

        tenacity.retry(
            retry=tenacity.retry_if_exception(
                lambda error: (
                    isinstance(error, TarballError) and _NO_SUITE not in str(error)
                )
            ),
            wait=tenacity.wait_exponential_jitter(initial=1, max=10),  # seconds
            stop=tenacity.stop_after_attempt(3),
            before_sleep=announce,
            reraise=True,
        )(call)()

    def _closure(
        self, roots: list[str], wanted: Callable[[str], bool]
    ) -> dict[str, dict[str, str]]:
        """Return the candidate's record of each package, by name."""
        found: dict[str, dict[str, str]] = {}
        asked = set(roots)
        while asked:
            found |= self._show(asked)
            if missing := sorted(set(roots) - found.keys()):
                names = ", ".join(missing)
                raise TarballError(f"Debian {self.name} has no {names} for {self.arch}")
            new = [found[name] for name in asked & found.keys()]
            depends = {name for record in new for name in _depends(record)}
            asked = {name for name in depends - found.keys() if wanted(name)}
        return found

    def _show(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        words = ["show", "--no-all-versions", *sorted(names)]
        try:
            text = self._apt("apt-cache", *words, timeout_s=_QUERY_S)
        except TarballError:  # it knows none of them
            return {}
        records = (
            dict(re.findall(r"(?m)^([A-Za-z0-9-]+): (.*)$", paragraph))
            for paragraph in text.split("\n\n")
        )
        return {record["Package"]: record for record in records if record}

    def _file(self, record: dict[str, str]) -> Path:
        version = record["Version"].replace(":", "%3a")
        return self._pool / f"{record['Package']}_{version}_{record['Architecture']}.deb"

    def _download(self, records: dict[str, dict[str, str]]) -> None:
        missing = [r for r in records.values() if not _matches(self._file(r), r["SHA256"])]
        if not missing:
            return
        for record in missing:
            self._file(record).unlink(missing_ok=True)
        size_mb = sum(int(record["Size"]) for record in missing) / 1e6
        self._say(f"downloading {len(missing)} packages, {size_mb:.1f} MB")
        names = [f"{record['Package']}={record['Version']}" for record in missing]

        def attempt() -> None:
            begun = 0

            def count(line: str) -> None:
                nonlocal begun
                if line.startswith("Get:"):
                    begun += 1
                    if begun % 10 == 0:
                        self._say(f"downloading package {begun} of {len(missing)}")

            words = ("download", *names)
            self._apt("apt-get", *words, timeout_s=_DOWNLOAD_S, each_line=count)

        self._retried(attempt)
        for record in missing:
            if not _matches(self._file(record), record["SHA256"]):
                raise TarballError(f"{self._file(record).name}: not what the archive lists")

    def _package(self, record: dict[str, str]) -> Package:
        source, _, version = record.get("Source", record["Package"]).partition(" ")
        return Package(
            name=record["Package"],
            version=record["Version"],
            source=source,
            source_version=version.strip("()") or record["Version"],
            file=self._file(record),
        )


def unpack(package: Package, folder: Path) -> None:
    """Lay the package's files below ``folder``; nothing of it is run."""
    _run("dpkg-deb", "--extract", str(package.file), str(folder), timeout_s=_QUERY_S)


def _depends(record: dict[str, str]) -> list[str]:
    """Return the names a record depends on, the first of each set of alternatives."""
    fields = [record.get(field, "") for field in ("Pre-Depends", "Depends")]
    words = [word.strip() for field in fields for word in field.split(",")]
    return [re.split(r"[ :(|]", word)[0] for word in words if word]


def _matches(file: Path, sha256: str) -> bool:
    return file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256


def _run(
    program: str,
    *words: str,
    timeout_s: int,
    cwd: Path | None = None,
    each_line: Callable[[str], None] | None = None,
) -> str:
    """Run one program of Debian's and return what it printed.

    Raises:
        TarballError: it is not here, failed, or took too long.
    """
    if not shutil.which(program):
        raise TarballError(f"{program} is not on this machine; it comes with Debian")
    said: list[str] = []

    def collect(line: str) -> None:
        said.append(line)
        if each_line:
            each_line(line)

    try:
        sh.Command(program)(
            *words,
            _out=collect,
            _env=os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            _cwd=str(cwd) if cwd else None,
            _timeout=timeout_s,
            _tty_out=False,
        )
    except sh.TimeoutException as error:
        raise TarballError(f"{program} {words[0]}: no end after {timeout_s} s") from error
    except sh.ErrorReturnCode as error:
        lines = error.stderr.decode(errors="replace").splitlines()
        about = [line[3:] for line in lines if line.startswith("E:")] or lines[-3:]
        verb = next((word for word in words if word in ("update", "download", "show")), "")
        raise TarballError(f"{program} {verb}".strip() + f": {'; '.join(about)}") from error
    return "".join(said)
