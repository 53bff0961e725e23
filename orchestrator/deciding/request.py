"""What a Frontend asks of an entry: the outcome of reading one ``glideclient`` ad.

Secrets are not in here: what a request brought was stored in files, and a request names them.
So a request may be written to the work tree, shown, and logged.
"""

import enum
from dataclasses import dataclass, field

from orchestrator.arguments import ClientWeb


class Removal(enum.StrEnum):
    """Which glideins beyond what is asked for may go (``ReqRemoveExcess``)."""

    NO = "NO"
    WAIT = "WAIT"  # those not yet submitted to the site
    IDLE = "IDLE"  # and those that wait there
    ALL = "ALL"  # and those that run


@dataclass(frozen=True)
class Credentials:
    """The files of one request, below the credential folder of the work tree.

    ``identifier`` is the credential's tracking id, advertised by every slot of its glideins.
    ``files`` by purpose, "scitoken", "idtoken", "proxy", …: :mod:`orchestrator.protocol.methods`
    has them all; ``digest`` changes with any content.
    ``expires`` is the earliest expiry of what is in them (epoch), None where none says.
    """

    identifier: str
    files: dict[str, str] = field(default_factory=dict)
    # VMId, VMType, ProjectId, RemoteUsername
    values: dict[str, str] = field(default_factory=dict)
    digest: str = ""
    expires: int | None = None


@dataclass(frozen=True)
class Request:
    """One request: what a client of a Frontend asks of one entry with one credential."""

    name: str  # of the ad
    entry: str
    client: str  # FRONTEND.GROUP, or FRONTEND.XPVO_GROUP
    frontend: str  # its security name, as the factory's configuration knows it
    security_class: str
    identity: str  # who advertised it, says the collector
    idle: int
    max_glideins: int
    removal: Removal
    margin: int
    idle_lifetime_s: int  # a glidein that waits longer than this may go; 0: no limit
    parameters: dict[str, str]
    web: ClientWeb
    credentials: Credentials
    monitor: dict[str, int] = field(default_factory=dict)
    barred: str = ""  # why the entry treats this client as in downtime; mostly empty
    user: str = ""  # of the security class, says the factory's configuration

    @property
    def share(self) -> str:
        """FRONTEND:CLASS, what limits are counted by."""
        return f"{self.frontend}:{self.security_class}"


@dataclass(frozen=True)
class Refusal:
    """A request that is not served, and why; ``name`` is the ad's, as far as it could be read."""

    name: str
    entry: str
    client: str
    identity: str
    reason: str


@dataclass(frozen=True)
class RequestsView:
    """What Frontends asked of one entry, seen at ``taken`` (epoch seconds).

    ``problem`` says why the collector could not be asked; then the rest is from the last time
    that it could, and ``taken`` is that time (0: never). ``heard`` is when the collector last
    heard of each client (epoch seconds).
    """

    taken: float
    requests: tuple[Request, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    problem: str = ""
    heard: dict[str, int] = field(default_factory=dict)
