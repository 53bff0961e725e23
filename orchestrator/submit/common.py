"""What the families of grid types share: a glidein to be submitted, and its credential files."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.deciding.request import Request
from orchestrator.errors import SubmissionError
from orchestrator.worktree.entry_record import EntryRecord

Commands = dict[str, str]  # of a submit description, in their order


@dataclass(frozen=True)
class Places:
    """Files of the work tree: the script, the entry's folder of glideins, the credentials."""

    startup: Path
    glideins: Path
    credentials: Path

    @classmethod
    def of(cls, work: Path, entry: str) -> "Places":
        """Return the places of an entry in the work tree ``work``."""
        work = work.absolute()
        glideins = work / "entries" / entry / "glideins"
        return cls(work / "glidein_startup.sh", glideins, work / "credentials")


@dataclass(frozen=True)
class Glidein:
    """What is to be submitted: for which entry and request, from where."""

    record: EntryRecord
    request: Request
    places: Places
    words: tuple[str, ...]  # its arguments, but for the job's own number

    def file(self, purpose: str) -> str | None:
        """Return the path of a credential file, None when the request has none such."""
        name = self.request.credentials.files.get(purpose)
        return None if name is None else str(self.places.credentials / name)

    def need_file(self, purpose: str) -> str:
        """Return the path of a credential file.

        Raises:
            SubmissionError: the request has none such.
        """
        path = self.file(purpose)
        if path is None:
            raise SubmissionError(f"{self._about}: no credential {purpose}")
        return path

    def need_value(self, name: str) -> str:
        """Return a value that came with the credentials.

        Raises:
            SubmissionError: it did not.
        """
        value = self.request.credentials.values.get(name, "")
        if not value:
            raise SubmissionError(f"{self._about}: no {name}")
        return value

    @property
    def _about(self) -> str:
        return f"grid type {self.record.grid_type} for {self.request.client}"


@dataclass
class Sandbox:
    """The files that go with a glidein and the variables that name them to it."""

    files: list[str]
    variables: dict[str, str]


def sandbox(
    glidein: Glidein, *, with_proxy: bool = False, absolute: bool = False
) -> Sandbox:
    """Return what goes with a glidein besides its script: tokens, and proxies if it must.

    ``with_proxy``: also the proxy that the site was asked with. ``absolute``: nothing is copied,
    the glidein reads the files where they are.
    """
    made = Sandbox([], {})
    idtoken = glidein.file("idtoken")
    if idtoken is not None:
        made.files.append(idtoken)
        made.variables["IDTOKENS_FILE"] = idtoken if absolute else Path(idtoken).name
    else:
        made.variables["IDTOKENS_FILE"] = "/dev/null"
    proxy = glidein.file("glidein_proxy") or (glidein.file("proxy") if with_proxy else None)
    if proxy is not None:
        made.files.append(proxy)
        made.variables["X509_USER_PROXY"] = proxy if absolute else Path(proxy).name
    payload = list(_payload(glidein))
    made.files += payload
    if payload:
        names = payload if absolute else [Path(path).name for path in payload]
        made.variables["IDENTITY_CREDENTIALS"] = ",".join(names)
    return made


def _payload(glidein: Glidein) -> Iterable[str]:
    for purpose in sorted(glidein.request.credentials.files):
        if purpose.startswith("payload_"):
            yield glidein.need_file(purpose)
