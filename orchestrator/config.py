"""The configuration: ``factory.toml`` and ``entries/*.toml``, one file per entry.

:func:`load` reads all of it and returns a :class:`Configuration`, or reports every mistake of
every file at once. Nothing here writes, and nothing else reads these files.
"""

import difflib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from orchestrator import toml_file
from orchestrator.area import LIBRARY
from orchestrator.errors import ConfigError
from orchestrator.toml_file import Lines, Place

FACTORY_FILE = "factory.toml"
ENTRIES = "entries"

# What a glidein gets from its arguments or finds out by itself: no attribute may say it.
TAKEN = frozenset(
    (
        "GLIDEIN_UUID",
        "GLIDEIN_Factory",
        "GLIDEIN_Name",
        "GLIDEIN_Entry_Name",
        "GLIDEIN_Client",
        "GLIDEIN_CredentialIdentifier",
        "GLIDEIN_Signature",
        "GLIDEIN_Entry_Signature",
        "GLIDEIN_WORK_DIR",
        "GLIDEIN_ENTRY_WORK_DIR",
        "GLIDECLIENT_Name",
        "GLIDECLIENT_Group",
        "CONDORG_CLUSTER",
        "CONDORG_SUBCLUSTER",
        "CONDORG_SCHEDD",
        "SLOTS_LAYOUT",
        "PROXY_URL",
        "CONSTS_FILE",
        "CONDOR_VARS_FILE",
        "UNTAR_CFG_FILE",
    )
)
# What the publisher itself puts into an area.
OWN_FILES = frozenset({"constants.cfg", "condor_vars.lst", "untar.cfg", "condor", *LIBRARY})

_NAME_RULE = "letters, digits and . _ - only, not starting with . or -"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_SCHEDD = re.compile(r"[A-Za-z0-9._@:-]+")
_OUT_FILE = re.compile(r"[A-Za-z0-9_+@%=:,~][A-Za-z0-9._+@%=:,~-]*")
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WEB = re.compile(r"https?://[^\s/?#'\"\\]+(/[A-Za-z0-9._~/+-]*)?")
_CACHE = re.compile(r"(http://)?[A-Za-z0-9.-]+:[0-9]+")
_TARBALL = re.compile(
    r"condor-(?P<version>[0-9]+(\.[0-9]+)+)-(?P<arch>x86_64|aarch64|ppc64le)\.tar\.gz"
)
_WORK_DIRS = (".", "Condor", "OSG", "TMPDIR", "AUTO")


def _check_name(text: str) -> str:
    """A name becomes part of file names, arguments and ClassAd names."""
    if not _NAME.fullmatch(text) or len(text) > 128:
        raise ValueError(_NAME_RULE)
    return text


def _check_line(text: str) -> str:
    """A value travels as the rest of one line, whose end is trimmed."""
    if text != text.strip() or not all(c.isprintable() for c in text):
        raise ValueError("one line of printable text, no blanks at its ends")
    return text


def _check_word(text: str) -> str:
    """A value travels as one argument of a batch job."""
    if not text or re.search(r"[\s'\"\\]", text) or not text.isprintable():
        raise ValueError("one word: no blanks, quotes or backslashes")
    return text


def _check_schedd(text: str) -> str:
    if not _SCHEDD.fullmatch(text):
        raise ValueError("a schedd's name: letters, digits and . _ @ : - only")
    return text


def _check_url(text: str) -> str:
    if not _WEB.fullmatch(text):
        raise ValueError("a URL http://host[:port]/path, or https://…")
    return text.rstrip("/")


def _check_caches(given: Any) -> list[str]:
    """Read ``proxy``: "None", "OSG", one web cache, or a list of them."""
    if given in ("None", "OSG"):
        return [] if given == "None" else ["OSG"]
    caches = [given] if isinstance(given, str) else given
    if not isinstance(caches, list) or not all(
        isinstance(cache, str) and _CACHE.fullmatch(cache) for cache in caches
    ):
        raise ValueError('"None", "OSG", or a list of web caches "http://host:port"')
    return caches


def _check_cpus(given: Any) -> int | str:
    if given in ("auto", "slot", "node"):
        return str(given)
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise ValueError('a number of at least 1, or "auto", "slot" or "node"')
    return given


def _check_attribute_name(text: str) -> str:
    if not _ATTRIBUTE.fullmatch(text):
        raise ValueError("letters, digits and _ only, not starting with a digit")
    if text in TAKEN:
        raise ValueError("another name: the glidein itself sets this one")
    return text


def _check_work_dir(text: str) -> str:
    if text not in _WORK_DIRS and not re.fullmatch(r"/[A-Za-z0-9._+/@=-]*", text):
        raise ValueError(f"one of {', '.join(_WORK_DIRS)}, or an absolute path")
    return text


Name = Annotated[str, AfterValidator(_check_name)]
Line = Annotated[str, AfterValidator(_check_line)]
Word = Annotated[str, AfterValidator(_check_word)]
Schedd = Annotated[str, AfterValidator(_check_schedd)]
Url = Annotated[str, AfterValidator(_check_url)]
Caches = Annotated[list[str], PlainValidator(_check_caches)]
Cpus = Annotated[int | str, PlainValidator(_check_cpus)]
AttributeName = Annotated[str, AfterValidator(_check_attribute_name)]
WorkDir = Annotated[str, AfterValidator(_check_work_dir)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[int, Field(ge=1)]


class Part(BaseModel):
    """What all tables have in common: no key is guessed, no value is bent into shape."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


AnyPart = TypeVar("AnyPart", bound=Part)


class Attribute(Part):
    """An attribute of the factory's or an entry's glideins; ``NAME = value`` is enough.

    The flags mean what they mean in the reference system: ``publish`` shows it to Frontends,
    ``parameter`` gives it to glideins, and one that is not ``const`` a Frontend may override;
    ``glidein_publish`` puts it into the machine ad, ``job_publish`` into jobs' environment.
    """

    value: Line
    type: Literal["string", "int", "expr"] = "string"
    publish: bool = True
    parameter: bool = True
    const: bool = True
    glidein_publish: bool = False
    job_publish: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        """Read a bare value, and take the type from the way it is written."""
        table = dict(given) if isinstance(given, dict) else {"value": given}
        value = table.get("value")
        if isinstance(value, bool | int | float):
            table["value"] = str(value)
            is_int = isinstance(value, int) and not isinstance(value, bool)
            table.setdefault("type", "int" if is_int else "expr")
        return table

    @model_validator(mode="after")
    def _goes_somewhere(self) -> "Attribute":
        if self.type == "int" and not re.fullmatch(r"[+-]?[0-9]+", self.value):
            raise ValueError(f'type "int" needs a whole number, not "{self.value}"')
        if not self.publish and not self.parameter:
            raise ValueError("neither publish nor parameter: nobody would ever see it")
        if not self.publish and not self.const:
            raise ValueError(
                "a Frontend can only override (const = false) what it sees (publish)"
            )
        if (self.glidein_publish or self.job_publish) and not self.parameter:
            raise ValueError("glidein_publish and job_publish need parameter = true")
        return self


class File(Part):
    """A file of the operator that glideins bring and, by its kind, run or unpack."""

    source: str = Field(min_length=1)
    name: str = ""
    kind: Literal["regular", "exec", "exec:s", "untar", "wrapper", "config:c"] = "regular"
    period_s: int = Field(default=0, ge=0)
    prefix: Name = "GLIDEIN_PS_"
    condition: str = "TRUE"
    config_out: str = "FALSE"
    untar_dir: str = ""

    @model_validator(mode="before")
    @classmethod
    def _no_mutable_files(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("kind") == "nocache":
            raise ValueError('kind "nocache": a file that nobody signs is never published')
        return given

    @model_validator(mode="after")
    def _hangs_together(self) -> "File":
        out = self.out_name
        if not _OUT_FILE.fullmatch(out) or len(out) > 200:
            raise ValueError(f'"{out}" cannot be a file\'s name on a worker node')
        if out in OWN_FILES:
            raise ValueError(f'"{out}" is what the factory itself calls a file')
        for what, text in (("condition", self.condition), ("config_out", self.config_out)):
            if not _ATTRIBUTE.fullmatch(text):
                raise ValueError(f'{what} "{text}" is not the name of an attribute')
        if self.period_s and not self.kind.startswith("exec"):
            raise ValueError("period_s is for what is run: kind exec")
        if self.untar_dir and self.kind != "untar":
            raise ValueError("untar_dir is for kind untar")
        if self.untar_dir and not re.fullmatch(
            r"[A-Za-z0-9_+-][A-Za-z0-9._+/-]*", self.untar_dir
        ):
            raise ValueError(
                f'untar_dir "{self.untar_dir}" is not a folder below the area\'s'
            )
        if ".." in self.untar_dir.split("/"):
            raise ValueError(f'untar_dir "{self.untar_dir}" leaves the area\'s folder')
        return self

    @property
    def out_name(self) -> str:
        """The file's name on the worker node."""
        return self.name or Path(self.source).name


class Slot(Part):
    """What of a batch slot a glidein offers; what is not said here is detected there."""

    layout: Literal["partitionable", "fixed"] = "partitionable"
    cpus: Cpus | None = None
    memory_mb: Count | None = None
    disk: Word | None = None


class Lifetime(Part):
    """When a glidein ends; seconds."""

    max_walltime_s: Seconds | None = None
    max_idle_s: Seconds | None = None
    max_tail_s: Seconds | None = None
    retire_s: Seconds | None = None
    job_max_s: Seconds | None = None
    graceful_s: Seconds | None = None


class Web(Part):
    """Where the web area is written, and under which URL glideins see it."""

    url: Url
    stage: str = "stage"
    signature_type: Literal["sha256", "sha1"] = "sha256"
    keep_days: Count = 30


class Factory(Part):
    """factory.toml."""

    factory: Name
    glidein: Name
    schedd: Schedd
    work: str = "work"
    web: Web
    condor_tarballs: list[str] = []
    attributes: dict[AttributeName, Attribute] = {}
    files: list[File] = []


class Entry(Part):
    """One file below entries/; its name is the entry's."""

    enabled: bool = True
    comment: str = ""
    gatekeeper: Line = Field(min_length=1)
    grid_type: Literal[
        "condor",
        "arc",
        "ec2",
        "gce",
        "batch slurm",
        "batch pbs",
        "batch lsf",
        "batch sge",
        "batch condor",
        "local",
        "vanilla",
    ]
    work_dir: WorkDir = "."
    proxy: Caches = []
    verbosity: Literal["std", "nodebug", "fast", "check"] = "std"
    site: Line | None = None
    condor_version: Word = "default"
    trust_domain: Word = "grid"
    auth_method: Word = "grid_proxy"
    slot: Slot = Slot()
    lifetime: Lifetime = Lifetime()
    attributes: dict[AttributeName, Attribute] = {}
    files: list[File] = []

    @property
    def proxy_argument(self) -> str:
        """The value of the glidein's option ``-proxy``."""
        return ",".join(self.proxy) or "None"


# Which keys of an entry become which attributes of its glideins, and who is told:
# (table, key, attribute, in the machine ad, in jobs' environment)
_KEYS_AS_ATTRIBUTES = (
    ("", "site", "GLIDEIN_Site", True, True),
    ("slot", "cpus", "GLIDEIN_CPUS", False, True),
    ("slot", "memory_mb", "GLIDEIN_MaxMemMBs", True, True),
    ("slot", "disk", "GLIDEIN_DISK", False, False),
    ("lifetime", "max_walltime_s", "GLIDEIN_Max_Walltime", True, False),
    ("lifetime", "max_idle_s", "GLIDEIN_Max_Idle", True, False),
    ("lifetime", "max_tail_s", "GLIDEIN_Max_Tail", True, False),
    ("lifetime", "retire_s", "GLIDEIN_Retire_Time", False, False),
    ("lifetime", "job_max_s", "GLIDEIN_Job_Max_Time", True, False),
    ("lifetime", "graceful_s", "GLIDEIN_Graceful_Shutdown", True, False),
)


def key_attributes(entry: Entry) -> dict[str, Attribute]:
    """Return the attributes that an entry says through keys of their own."""
    found = {}
    for table, key, name, in_ad, in_job in _KEYS_AS_ATTRIBUTES:
        value = getattr(getattr(entry, table) if table else entry, key)
        if value is not None:
            kind: Literal["int", "string"] = "int" if isinstance(value, int) else "string"
            found[name] = Attribute(
                value=str(value), type=kind, glidein_publish=in_ad, job_publish=in_job
            )
    if entry.condor_version != "default":
        found["CONDOR_VERSION"] = Attribute(value=entry.condor_version)
    return found


@dataclass(frozen=True)
class Tarball:
    """An HTCondor tarball, by its name's own account."""

    path: Path
    version: str
    arch: str


@dataclass(frozen=True)
class Configuration:
    """Everything that the files say; relative paths are relative to ``folder``."""

    folder: Path
    factory: Factory
    entries: dict[str, Entry]  # the enabled ones, by name, sorted

    def path(self, said: str) -> Path:
        """Return the path that a file of this configuration means by ``said``."""
        return self.folder / Path(said).expanduser()

    @property
    def work(self) -> Path:
        return self.path(self.factory.work)

    @property
    def stage(self) -> Path:
        return self.path(self.factory.web.stage)

    @property
    def tarballs(self) -> list[Tarball]:
        """The HTCondor tarballs, in order of preference."""
        found = []
        for said in self.factory.condor_tarballs:
            match = _TARBALL.fullmatch(Path(said).name)
            assert match, said  # load() saw to it
            found.append(Tarball(self.path(said), match["version"], match["arch"]))
        return found


@dataclass(frozen=True)
class Problem:
    """One mistake: where, what stands there, what was expected."""

    file: str
    line: int | None
    key: str
    said: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (where, self.key, self.said) if part)


def work_folder(folder: Path) -> Path:
    """Return the work tree of the configuration in ``folder``, whatever else may be wrong there.

    Raises:
        ConfigError: ``factory.toml`` cannot be read, or its key ``work`` is no text.
    """
    try:
        work = toml_file.load(folder / FACTORY_FILE)[0].get("work", "work")
    except toml_file.TomlError as error:
        raise ConfigError(f"{folder / FACTORY_FILE}: {error}") from error
    if not isinstance(work, str):
        raise ConfigError(f"{folder / FACTORY_FILE}: work: expected a text, got {work!r}")
    return folder / Path(work).expanduser()


def load(folder: Path) -> Configuration:
    """Read the configuration in ``folder``.

    Raises:
        ConfigError: with one line for each mistake in any of the files.
    """
    problems: list[Problem] = []
    factory = _read(folder, FACTORY_FILE, Factory, problems)
    read: dict[str, tuple[Entry, Lines]] = {}
    for path in sorted((folder / ENTRIES).glob("*.toml")):
        file = f"{ENTRIES}/{path.name}"
        if not _NAME.fullmatch(path.stem):
            said = f"the file's name cannot be an entry's: {_NAME_RULE}"
            problems.append(Problem(file, None, "", said))
        elif (entry := _read(folder, file, Entry, problems)) is not None:
            read[path.stem] = entry
    problems.extend(_across(folder, factory, read))
    if problems or factory is None:
        count = f"{len(problems)} mistake{'s' if len(problems) != 1 else ''}"
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise ConfigError(f"{count} in the configuration {folder}{listed}")
    enabled = {name: entry for name, (entry, _) in read.items() if entry.enabled}
    return Configuration(folder, factory[0], enabled)


def _read(
    folder: Path, file: str, model: type[AnyPart], problems: list[Problem]
) -> tuple[AnyPart, Lines] | None:
    """Return what one file says; its mistakes go to ``problems``."""
    try:
        data, lines = toml_file.load(folder / file)
    except toml_file.TomlError as error:
        problems.append(Problem(file, error.line, "", str(error)))
        return None
    try:
        return model.model_validate(data), lines
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            place = tuple(part for part in detail["loc"] if part != "[key]")
            said = _explained(model, place, detail)
            problems.append(Problem(file, lines.of(place), _dotted(place), said))
        return None


def _dotted(place: Place) -> str:
    """Write a place as a person would: files[0].kind."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


_EXPECTED = {
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "a text in quotes",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "string_too_short": "something",
}


def _explained(model: type[Part], place: Place, detail: ErrorDetails) -> str:
    """Say what was expected at ``place`` and what stands there."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(model, place)
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        expected = f"one of {context['expected']}"
    elif kind == "greater_than_equal":
        expected = f"a number of at least {context['ge']}"
    elif kind == "value_error":
        expected = str(context["error"])
    else:
        expected = _EXPECTED.get(kind, detail["msg"])
    given = detail["input"]
    if isinstance(given, dict) and kind == "value_error":
        return expected  # of the table as a whole, and it names what it means
    return f"expected {expected}, got {_as_written(given)}"


def _as_written(value: Any) -> str:
    """Write a value as TOML would, shortened."""
    if isinstance(value, dict):
        return "a table"
    text = json.dumps(value, ensure_ascii=False, default=str)  # TOML's form, or near it
    return text if len(text) <= 80 else f"{text[:77]}…"


def _unknown(model: type[Part], place: Place) -> str:
    """Say that a key is not known, and which known ones look like it."""
    for part in place[:-1]:
        model = _model_below(model, part) or model
    key = str(place[-1])
    known = dict(_keys(model))
    close = difflib.get_close_matches(key, known, n=2)
    hint = " or ".join(f'"{known[name]}"' for name in close)
    return f"unknown key{f', did you mean {hint}?' if hint else ''}"


def _model_below(model: type[Part], part: str | int) -> type[Part] | None:
    """Return the model of the tables under key ``part``, None for a list's index and the like."""
    if part not in model.model_fields:
        return None
    kind = model.model_fields[str(part)].annotation
    found = [one for one in (kind, *get_args(kind)) if isinstance(one, type)]
    return next((one for one in found if issubclass(one, Part)), None)


def _keys(model: type[Part], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each key of ``model`` and of its tables, with its full name."""
    for name in model.model_fields:
        below = _model_below(model, name)
        if below is not None and not prefix:
            yield from _keys(below, f"{name}.")
        yield name, prefix + name


def _across(
    folder: Path,
    factory: tuple[Factory, Lines] | None,
    entries: dict[str, tuple[Entry, Lines]],
) -> Iterator[Problem]:
    """Yield the mistakes that no single key shows."""
    versions: set[str] | None = None
    if factory is not None:
        versions = set()
        for index, said in enumerate(factory[0].condor_tarballs):
            place: Place = ("condor_tarballs", index)
            line, key = factory[1].of(place), _dotted(place)
            match = _TARBALL.fullmatch(Path(said).name)
            if match is None:
                expected = "expected condor-<version>-<processor>.tar.gz, got "
                yield Problem(FACTORY_FILE, line, key, expected + _as_written(said))
                continue
            versions.add(match["version"])
            yield from _unreadable(folder, said, FACTORY_FILE, line, key)
        yield from _file_problems(folder, FACTORY_FILE, *factory)
    for name, (entry, lines) in entries.items():
        file = f"{ENTRIES}/{name}.toml"
        yield from _file_problems(folder, file, entry, lines)
        for table, key, attribute, _, _ in _KEYS_AS_ATTRIBUTES:
            owner = getattr(entry, table) if table else entry
            if attribute in entry.attributes and getattr(owner, key) is not None:
                place = ("attributes", attribute)
                said = f'already said by the key "{table}{table and "."}{key}"'
                yield Problem(file, lines.of(place), _dotted(place), said)
        wanted = entry.condor_version
        if versions is not None and wanted != "default" and wanted not in versions:
            has = ", ".join(sorted(versions)) or "none"
            said = f'expected "default" or a version in condor_tarballs ({has}), got "{wanted}"'
            yield Problem(file, lines.of(("condor_version",)), "condor_version", said)


def _file_problems(
    folder: Path, file: str, part: Factory | Entry, lines: Lines
) -> Iterator[Problem]:
    """Yield what is wrong with the custom files of one configuration file."""
    seen: set[str] = set()
    for index, custom in enumerate(part.files):
        place: Place = ("files", index, "source")
        yield from _unreadable(folder, custom.source, file, lines.of(place), _dotted(place))
        if custom.out_name in seen:
            said = f'"{custom.out_name}" is there twice'
            yield Problem(file, lines.of(("files", index)), f"files[{index}].name", said)
        seen.add(custom.out_name)


def _unreadable(
    folder: Path, said: str, file: str, line: int | None, key: str
) -> Iterator[Problem]:
    path = folder / Path(said).expanduser()
    if not path.is_file():
        yield Problem(file, line, key, f'expected a file, and "{path}" is none')
    elif not os.access(path, os.R_OK):
        yield Problem(file, line, key, f'"{path}" cannot be read')
