"""What the configuration says to daemons of any kind: rhythm, patience, what they keep.

Plain dataclasses, for they are read from the work tree by hundreds of processes. The defaults
are those of ``factory.toml``.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cycle:
    """How often a daemon does what, and how long it waits for others."""

    delay_s: float = 60.0  # from the start of a cycle to the start of the next
    jitter: float = 0.1  # the delay differs by up to this share of it
    advertise_every: int = 5  # cycles; sooner when there was work
    full_query_s: int = 1800  # between two full looks at the queue
    collector_limit_s: int = 30  # for one exchange with a collector
    schedd_limit_s: int = 60  # for one exchange with a schedd
    parallel: int = 4  # how many processes the views may use at once


@dataclass(frozen=True)
class Kept:
    """How long files of one kind are kept: never beyond ``days`` or ``mb``, but for ``min_days``."""

    days: float
    min_days: float
    mb: int


@dataclass(frozen=True)
class Retention:
    """What an entry keeps of what its glideins leave behind."""

    outputs: Kept = Kept(7, 2, 100)  # job.*.out and job.*.err
    event_logs: Kept = Kept(14, 3, 100)
    summaries: Kept = Kept(31, 3, 100)  # of glideins that ended


@dataclass(frozen=True)
class Logs:
    """The logs of the daemons, each rotated at ``mb``; ``keep`` old ones stay."""

    mb: int = 10
    keep: int = 3
    level: str = "info"


@dataclass(frozen=True)
class Page:
    """The page and the metrics below ``monitor/`` of the stage.

    ``logs`` says of which of the last glideins the logs are published, without what may be a
    secret: "all", "failed" or "none".
    """

    enabled: bool = True
    logs: str = "failed"


@dataclass(frozen=True)
class Restarts:
    """When a daemon that died is started again.

    The first time after ``delay_s``, each further time after twice as long, at most after
    ``max_delay_s``. After ``attempts`` within ``interval_s`` it is left down.
    """

    delay_s: float = 1.0
    max_delay_s: float = 300.0
    attempts: int = 5
    interval_s: int = 1800
    heartbeat_s: int = 300  # a daemon that gave no sign of life for so long is killed
    memory_mb: int = 100  # a daemon that needs more (proportional set size) is restarted
