"""What ``factory.toml``, its overrides, templates and ``entries/*.toml`` can say, key by key."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from orchestrator.config.values import (
    ATTRIBUTE,
    OWN_FILES,
    AttributeName,
    Bound,
    Caches,
    Classes,
    Collectors,
    Command,
    CommandValue,
    Count,
    Cpus,
    FrontendName,
    Line,
    Name,
    Pause,
    Schedd,
    Schedds,
    Seconds,
    Share,
    Url,
    Word,
    WorkDir,
)
from orchestrator.deciding.backoff import Policy
from orchestrator.worktree import daemon_settings
from orchestrator.worktree.entry_limits import Limits

_OUT_FILE = re.compile(r"[A-Za-z0-9_+@%=:,~][A-Za-z0-9._+@%=:,~-]*")
_LIMITS = Limits()
_CYCLE = daemon_settings.Cycle()
_RETENTION = daemon_settings.Retention()
_LOGS = daemon_settings.Logs()
_PAGE = daemon_settings.Page()
_RESTARTS = daemon_settings.Restarts()
_POLICY = Policy()


class Part(BaseModel):
    """What all tables have in common: no key is guessed, no value is bent into shape."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


AnyPart = TypeVar("AnyPart", bound=Part)


def _same(part: type[AnyPart]) -> Callable[[], AnyPart]:
    """Return what gives the default of a key, the same each time; else pydantic would copy it."""
    default = part()
    return lambda: default


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


class AttributeFlags(Part):
    """How an attribute is wherever somebody gives it a value, unless it is said there."""

    type: Literal["string", "int", "expr"] | None = None
    publish: bool | None = None
    parameter: bool | None = None
    const: bool | None = None
    glidein_publish: bool | None = None
    job_publish: bool | None = None


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
            if not ATTRIBUTE.fullmatch(text):
                raise ValueError(f'{what} "{text}" is not the name of an attribute')
        if self.period_s and not self.kind.startswith("exec"):
            raise ValueError("period_s is for what is run: kind exec")
        if self.untar_dir and self.kind != "untar":
            raise ValueError("untar_dir is for kind untar")
        # `../NAME` is a folder beside the area's, still in the glidein's work directory.
        folder = self.untar_dir.removeprefix("../")
        if self.untar_dir and not re.fullmatch(r"[A-Za-z0-9_+-][A-Za-z0-9._+/-]*", folder):
            raise ValueError(
                f'untar_dir "{self.untar_dir}" is not a folder below the area\'s, or beside it'
            )
        if ".." in folder.split("/"):
            raise ValueError(f'untar_dir "{self.untar_dir}" leaves the work directory')
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
    max_queued_s: Bound = 0  # in the queue; 0: as long as the request wants


class Web(Part):
    """Where the web area is written, and under which URL glideins see it."""

    url: Url
    stage: str = "stage"
    signature_type: Literal["sha256", "sha1"] = "sha256"
    keep_days: Annotated[Count, Field(le=36_500)] = 30


class Frontend(Part):
    """A Frontend that may ask: what the collector must say of its ads, and its classes' users."""

    identity: Word
    classes: dict[FrontendName, Name] = Field(default_factory=dict)


class CycleTable(Part):
    """How often daemons do what, and how long they wait for others."""

    delay_s: float = Field(default=_CYCLE.delay_s, ge=0.1)
    jitter: float = Field(default=_CYCLE.jitter, ge=0, le=0.9)
    advertise_every: Count = _CYCLE.advertise_every
    full_query_s: Seconds = _CYCLE.full_query_s
    collector_limit_s: Seconds = _CYCLE.collector_limit_s
    schedd_limit_s: Seconds = _CYCLE.schedd_limit_s
    parallel: Count = _CYCLE.parallel


class Kept(Part):
    """How long files of one kind are kept."""

    days: float = Field(ge=0)
    min_days: float = Field(default=0, ge=0)
    mb: Count

    @model_validator(mode="after")
    def _in_order(self) -> "Kept":
        if self.min_days > self.days:
            raise ValueError(f"min_days {self.min_days:g} is more than days {self.days:g}")
        return self


class RetentionTable(Part):
    """What is kept of what glideins leave behind; what a table leaves out is as by default."""

    outputs: Kept
    event_logs: Kept
    summaries: Kept
    credential_days: float = Field(default=30, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        kinds = {
            kind: {**vars(getattr(_RETENTION, kind)), **given.get(kind, {})}
            for kind in ("outputs", "event_logs", "summaries")
            if isinstance(given.get(kind, {}), dict)
        }
        return {**given, **kinds}


def _default_retention() -> RetentionTable:
    return RetentionTable.model_validate({})


class LogsTable(Part):
    """The logs of the daemons."""

    mb: Count = _LOGS.mb
    keep: Bound = _LOGS.keep
    level: Literal["debug", "info", "warning", "error"] = "info"


class PageTable(Part):
    """The page and the metrics, which everybody who reaches the web server may read."""

    enabled: bool = _PAGE.enabled
    logs: Literal["all", "failed", "none"] = "failed"


class RestartsTable(Part):
    """When a daemon that died, hangs or grew too large is started again."""

    delay_s: Pause = _RESTARTS.delay_s
    max_delay_s: Pause = _RESTARTS.max_delay_s
    attempts: Count = _RESTARTS.attempts
    interval_s: Seconds = _RESTARTS.interval_s
    heartbeat_s: Seconds = _RESTARTS.heartbeat_s
    memory_mb: Count = _RESTARTS.memory_mb


class Keys(Part):
    """The key to which Frontends encrypt."""

    bits: Literal[2048, 3072, 4096] = 2048
    grace_s: Bound = 900


class Bounds(Part):
    """What no request can lift, for all entries together."""

    glideins: Bound = 100_000
    unseen: Count = 5_000


class Factory(Part):
    """factory.toml, as the files in overrides/ leave it."""

    factory: Name
    glidein: Name
    schedd: Schedds
    collector: Collectors = Field(default_factory=list)
    monitoring_collectors: Collectors = Field(default_factory=list)
    work: str = "work"
    web: Web
    condor_tarballs: list[str] = Field(default_factory=list)
    attributes: dict[AttributeName, Attribute] = Field(default_factory=dict)
    attribute_flags: dict[AttributeName, AttributeFlags] = Field(default_factory=dict)
    files: list[File] = Field(default_factory=list)
    frontends: dict[FrontendName, Frontend] = Field(default_factory=dict)
    bounds: Bounds = Field(default_factory=_same(Bounds))
    num_factories: Count = 1
    pilot_accounting: bool = False
    cycle: CycleTable = Field(default_factory=_same(CycleTable))
    keys: Keys = Field(default_factory=_same(Keys))
    retention: RetentionTable = Field(default_factory=_default_retention)
    logs: LogsTable = Field(default_factory=_same(LogsTable))
    page: PageTable = Field(default_factory=_same(PageTable))
    restarts: RestartsTable = Field(default_factory=_same(RestartsTable))


class LimitTable(Part):
    """How many glideins there may be; what is left out is as the wider limit says."""

    glideins: Bound | None = None
    idle: Bound | None = None
    held: Bound | None = None


class LimitsTable(Part):
    """How many glideins of an entry there may be: in all, by default for each Frontend's class,
    and for one FRONTEND:CLASS."""

    entry: LimitTable = Field(default_factory=_same(LimitTable))
    default_per_frontend: LimitTable = Field(default_factory=_same(LimitTable))
    per_frontend: dict[Share, LimitTable] = Field(default_factory=dict)
    num_factories: Count | None = None
    unseen: Count = _LIMITS.unseen


class Submit(Part):
    """How glideins are submitted; ``attributes`` go into the submit file as they stand."""

    cluster_size: Count = _LIMITS.submit_cluster
    max_per_cycle: Count = _LIMITS.submit_cycle
    sleep_s: Pause = _LIMITS.submit_pause_s
    attributes: dict[Command, CommandValue] = Field(default_factory=dict)


class Remove(Part):
    """How fast glideins are removed, and which ones are stale."""

    max_per_cycle: Count = _LIMITS.remove_cycle
    sleep_s: Pause = _LIMITS.remove_pause_s
    stale_idle_s: Seconds = _LIMITS.stale_idle_s
    stale_running_s: Seconds = _LIMITS.stale_running_s


class Hold(Part):
    """A hold that a release may cure: HoldReasonCode, and its subcodes (none: any)."""

    code: Bound
    subcodes: list[int] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        is_code = isinstance(given, int) and not isinstance(given, bool)
        return {"code": given} if is_code else given


class Release(Part):
    """Which held glideins are released, when and how fast."""

    max_per_cycle: Count = _LIMITS.release_cycle
    sleep_s: Pause = _LIMITS.release_pause_s
    recoverable: list[Hold] = Field(default_factory=list)
    max_holds: Bound = _LIMITS.max_holds
    forget_holds: Bound = _LIMITS.forget_holds
    after_s: Bound = _LIMITS.release_after_s


class BackoffTable(Part):
    """When an entry whose glideins are held or fail early gets no more of them, for a while."""

    bad_signs: Count = _POLICY.bad_signs
    bad_percent: int = Field(default=_POLICY.bad_percent, ge=1, le=100)
    remembered: Count = _POLICY.remembered
    memory_s: Seconds = _POLICY.memory_s
    first_s: Seconds = _POLICY.first_s
    longest_s: Seconds = _POLICY.longest_s
    trial: Count = _POLICY.trial
    early_s: Bound = _POLICY.early_s
    calm_s: Seconds = _POLICY.calm_s

    @model_validator(mode="after")
    def _in_order(self) -> "BackoffTable":
        if self.bad_signs > self.remembered:
            raise ValueError(
                f"bad_signs {self.bad_signs} is more than are remembered, {self.remembered}"
            )
        if self.first_s > self.longest_s:
            raise ValueError(
                f"first_s {self.first_s} is more than longest_s {self.longest_s}"
            )
        return self


class Entry(Part):
    """One file below entries/, with all it inherits; its name is the entry's."""

    enabled: bool = True
    comment: str = ""
    groups: list[Name] = Field(default_factory=list)
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
    rsl: Line = ""
    bosco_dir: Line = ""
    schedd: Schedd | None = None
    work_dir: WorkDir = "."
    proxy: Caches = Field(default_factory=list)
    verbosity: Literal["std", "nodebug", "fast", "check"] = "std"
    site: Line | None = None
    condor_version: Word = "default"
    trust_domain: Word = "grid"
    auth_method: Word = "grid_proxy"
    require_voms: bool = False
    allow_frontends: dict[FrontendName, Classes] = Field(default_factory=dict)
    slot: Slot = Field(default_factory=_same(Slot))
    lifetime: Lifetime = Field(default_factory=_same(Lifetime))
    limits: LimitsTable = Field(default_factory=_same(LimitsTable))
    submit: Submit = Field(default_factory=_same(Submit))
    remove: Remove = Field(default_factory=_same(Remove))
    release: Release = Field(default_factory=_same(Release))
    backoff: BackoffTable = Field(default_factory=_same(BackoffTable))
    view_max_age_s: Seconds = _LIMITS.view_max_age_s
    requests_max_age_s: Seconds = _LIMITS.requests_max_age_s
    attributes: dict[AttributeName, Attribute] = Field(default_factory=dict)
    files: list[File] = Field(default_factory=list)

    @property
    def proxy_argument(self) -> str:
        """The value of the glidein's option ``-proxy``."""
        return ",".join(self.proxy) or "None"


# Which keys of an entry become which attributes of its glideins, and who is told:
# (table, key, attribute, in the machine ad, in jobs' environment)
KEYS_AS_ATTRIBUTES = (
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
    for table, key, name, in_ad, in_job in KEYS_AS_ATTRIBUTES:
        value = getattr(getattr(entry, table) if table else entry, key)
        if value is not None:
            kind: Literal["int", "string"] = "int" if isinstance(value, int) else "string"
            found[name] = Attribute(
                value=str(value), type=kind, glidein_publish=in_ad, job_publish=in_job
            )
    if entry.condor_version != "default":
        found["CONDOR_VERSION"] = Attribute(value=entry.condor_version)
    return found
