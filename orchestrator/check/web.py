"""What the web server really serves: the published files, over HTTP, compared with the stage."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import requests

from orchestrator.check.finding import fail, ok, warn
from orchestrator.explain.records import Finding
from orchestrator.stage.area import signed_names
from orchestrator.worktree.factory_record import FactoryRecord

LIMIT_S = 20.0  # for one answer
_LARGE = 1 << 20  # bytes; of what is larger, the beginning is compared
_NO_CACHE = {"Cache-Control": "no-cache", "Pragma": "no-cache"}  # as glideins ask
_SHOWN = 5
_OBJECT = re.compile(r"\.([0-9a-f]{16})(?:\.|$)")  # what its SHA-256 begins with


class Answered(Exception):
    """The web server's answer was no file; says which."""


@dataclass(frozen=True)
class Answer:
    """What came: the file, or of a large one its beginning."""

    content: bytes
    headers: Mapping[str, str]


class Site:
    """The web area at ``url``, whose files are in ``stage``; asked through ``proxy`` if there is one."""

    def __init__(
        self,
        url: str,
        stage: Path,
        proxy: str = "",
        session: requests.Session | None = None,
    ) -> None:
        self.url, self.stage = url, stage
        self._session = session or requests.Session()
        self._session.trust_env = False  # glideins do not have this shell's proxies either
        if proxy:
            self._session.proxies = {"http": proxy, "https": proxy}

    def below(self, folder: str) -> "Site":
        """Return the area in a folder of this one."""
        return Site(f"{self.url}/{folder}", self.stage / folder, session=self._session)

    def get(self, name: str, *, fresh: bool = False) -> Answer:
        """Fetch a file, or of a large one its beginning.

        Raises:
            Answered: what came is no such file, or nothing came.
        """
        url = f"{self.url}/{name}"
        headers = {"Accept-Encoding": "identity", **(_NO_CACHE if fresh else {})}
        path = self.stage / name
        large = path.is_file() and path.stat().st_size > _LARGE
        if large:
            headers["Range"] = f"bytes=0-{_LARGE - 1}"
        try:
            with self._session.get(
                url, headers=headers, timeout=LIMIT_S, stream=True
            ) as answer:
                if answer.status_code not in (200, 206):
                    raise Answered(f"{url}: {answer.status_code} {answer.reason}")
                body = (
                    b"".join(islice(answer.iter_content(_LARGE), 1))
                    if large
                    else answer.content
                )
                return Answer(body, answer.headers)
        except (requests.RequestException, OSError) as error:
            raise Answered(f"{url}: {_cause(error)}") from error

    def differs(self, name: str) -> str:
        """Return how what is served differs from the file; "" when it does not."""
        path = self.stage / name
        try:
            with path.open("rb") as file:
                wanted = file.read(_LARGE)
        except OSError as error:
            return f"{path}: {error.strerror}"
        try:
            came = self.get(name).content
        except Answered as error:
            return str(error)
        if came == wanted:
            return _damaged(path, wanted)
        sums = [hashlib.sha256(text).hexdigest()[:12] for text in (came, wanted)]
        return (
            f"{self.url}/{name}: {len(came)} bytes with SHA-256 {sums[0]}…, published are"
            f" {len(wanted)} with {sums[1]}…"
        )


def web(record: FactoryRecord, descriptions: dict[str, str]) -> Iterator[Finding]:
    """Fetch what every glidein fetches first, of the factory and of each entry.

    ``descriptions`` are those that entries' glideins are told, by entry.
    """
    site = Site(record.web.url, Path(record.web.stage))
    if not (site.stage / record.web.description).is_file():
        yield fail(
            "web area", f"{site.stage}: not what was published", "glidein-factory reconfig"
        )
        return
    wrong = site.differs(record.web.description)
    if wrong:
        yield fail(
            "web server",
            wrong,
            f"see that {site.url} serves {site.stage}: glidein-factory web-config --help",
        )
        return
    names = _objects(site.stage, record.web.description)
    bad = [text for name in names if (text := site.differs(name))]
    yield _verdict("web server", site, bad, len(names) + 1)
    bad = []
    for entry, description in descriptions.items():
        folder = f"entry_{entry}"
        part = site.below(folder)
        if not (part.stage / description).is_file():
            bad.append(f"{part.stage / description}: not there")
            continue
        wanted = [description, *_signature(part.stage, description)]
        bad += [text for name in wanted if (text := part.differs(name))]
    if descriptions:
        yield _verdict("areas of entries", site, bad, 2 * len(descriptions))


def stop_list(
    record: FactoryRecord, proxy: str = "", what: str = "stop list"
) -> Iterator[Finding]:
    """See that the stop list comes as it is, and that no cache may keep it."""
    site = Site(record.web.url, Path(record.web.stage), proxy)
    name = record.web.stop_list
    path = site.stage / name
    try:
        wanted = path.read_bytes()
    except OSError as error:
        yield fail(what, f"{path}: {error.strerror}", "glidein-factory reconfig")
        return
    try:
        answer = site.get(name, fresh=True)
    except Answered as error:
        yield fail(what, str(error), f"serve {path} as it is")
        return
    if answer.content != wanted:
        age = answer.headers.get("Age", "")
        kept = f", kept by a cache for {age} s" if age else ""
        yield fail(
            what, f"{site.url}/{name} is not {path}{kept}", "let caches ask for it anew"
        )
        return
    control = answer.headers.get("Cache-Control", "").lower()
    if not any(word in control for word in ("no-cache", "no-store", "max-age=0")):
        yield warn(
            what,
            f"served as it is, but with Cache-Control {control!r}: a cache may keep it",
            "serve it with Cache-Control: no-cache, as web-config's configurations do",
        )
        return
    yield ok(what, f"served as it is, and no cache may keep it ({control})")


def _objects(stage: Path, description: str) -> list[str]:
    """Return the files of an area to look at: its signature file and bundle, the largest and the
    smallest file, and whatever is signed and not on the stage."""
    signature = _signature(stage, description)
    signed = [
        name
        for one in signature
        for name in sorted(signed_names((stage / one).read_text()))
        if name != description
    ]
    missing = [name for name in signed if not (stage / name).is_file()]
    there = [name for name in signed if name not in missing]
    there.sort(key=lambda name: (stage / name).stat().st_size)
    some = [name for name in there if name.startswith("bundle.")]
    return [*signature, *missing, *dict.fromkeys([*some, *there[:1], *there[-1:]])]


def _damaged(path: Path, content: bytes) -> str:
    """Return how a published file is not what its name says; "" when it is, or does not say."""
    match = _OBJECT.search(path.name)
    if (
        match is None
        or len(content) >= _LARGE
        or path.name.startswith(("description.", "signature."))
    ):
        return ""
    found = hashlib.sha256(content).hexdigest()[:16]
    return "" if found == match[1] else f"{path}: damaged, its SHA-256 begins with {found}"


def _signature(stage: Path, description: str) -> list[str]:
    """Return the name of the signature file, as the description says it."""
    for line in (stage / description).read_text(errors="replace").splitlines():
        key, _, value = line.partition("\t")
        if key.strip() == "signature":
            return [value.strip()]
    return []


def _verdict(what: str, site: Site, bad: list[str], count: int) -> Finding:
    if not bad:
        return ok(what, f"{count} files at {site.url} are what was published")
    more = f"; and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
    return fail(
        what,
        "; ".join(bad[:_SHOWN]) + more,
        f"serve {site.stage} as it is; if a file there is damaged: glidein-factory reconfig --verify",
    )


def _cause(error: Exception) -> str:
    """Return what is at the bottom of an error of the network, without the library's own words."""
    while error.__cause__ or error.__context__:
        below = error.__cause__ or error.__context__
        if not isinstance(below, Exception):
            break
        error = below
    return str(error) or type(error).__name__
