"""The ads that a Factory makes, as plain dictionaries; :mod:`.collector` carries them.

Pure: everything an ad says is an argument. Names are ``ENTRY@GLIDEIN@FACTORY``, and for the
global ad ``GLIDEIN@FACTORY``: Frontends take the key of the ad whose name ends theirs.
"""

import enum
import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass

import classad2 as classad

from orchestrator.arguments import Pilot
from orchestrator.protocol.keys import PublicKey
from orchestrator.worktree.entry_limits import Limits

Value = str | int | float | bool
Ad = dict[str, Value]

SIGN_TYPES = "sha1,sha256"  # Frontends demand that sha1 is among them
# Not "glideinWMS 3.x": a 3.11 Frontend complains of old Factories by that.
VERSION = f"glidein-factory {importlib.metadata.version('glidein-factory')}"
# What Frontends look for even where the entry says nothing: without CONDOR_VERSION, a 3.10
# Frontend sends no token for the glidein.
PARAMETERS: Mapping[str, Value] = {
    "CONDOR_ARCH": "default",
    "CONDOR_OS": "default",
    "CONDOR_VERSION": "default",
    "GLIDEIN_Collector": "Fake",
    "GLIDEIN_Report_Failed": "NEVER",
}


class Kind(enum.Enum):
    """A type of ad: its MyType, and the commands that advertise and withdraw it."""

    FACTORY = ("glidefactory", "UPDATE_AD_GENERIC", "INVALIDATE_ADS_GENERIC")
    GLOBAL = ("glidefactoryglobal", "UPDATE_AD_GENERIC", "INVALIDATE_ADS_GENERIC")
    CLIENT = ("glidefactoryclient", "UPDATE_LICENSE_AD", "INVALIDATE_LICENSE_ADS")
    REQUEST = ("glideclient", "UPDATE_MASTER_AD", "INVALIDATE_MASTER_ADS")
    REQUEST_GLOBAL = ("glideclientglobal", "UPDATE_MASTER_AD", "INVALIDATE_MASTER_ADS")

    def __init__(self, my_type: str, update: str, invalidate: str) -> None:
        self.my_type = my_type
        self.update = update
        self.invalidate = invalidate


@dataclass(frozen=True)
class Withdrawal:
    """Which ads are to go: those of a kind for which ``requirements`` is true."""

    kind: Kind
    requirements: str


class Sequences:
    """Counts the updates of each ad, by name, from 0: what UpdateSequenceNumber says."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def next(self, name: str) -> int:
        """Return the number of this update."""
        number = self._next.get(name, 0)
        self._next[name] = number + 1
        return number


def _head(kind: Kind, name: str, sequence: int) -> Ad:
    return {
        "MyType": kind.my_type,
        "GlideinMyType": kind.my_type,
        "GlideinWMSVersion": VERSION,
        "Name": name,
        "UpdateSequenceNumber": sequence,
    }


def _key(key: PublicKey) -> Ad:
    pem = key.pem.replace("\n", "\\n")  # Frontends make newlines of it again
    return {"PubKeyID": key.id, "PubKeyType": key.type, "PubKeyValue": pem}


def entry_ad(
    pilot: Pilot,
    *,
    key: PublicKey,
    limits: Limits,
    auth_method: str,
    trust_domain: str,
    gatekeeper: str,
    grid_type: str,
    attributes: Mapping[str, str | int],
    parameters: Mapping[str, str | int],
    submit_attributes: Mapping[str, str] | None = None,
    monitor: Mapping[str, Value] | None = None,
    downtime: str | None = None,
    require_voms: bool = False,
    rsl: str = "",
    bosco_dir: str = "",
    started: int,
    sequence: int,
) -> Ad:
    """Return the ``glidefactory`` ad of an entry.

    ``attributes`` are published as they are, ``parameters`` are what Frontends may override,
    ``monitor`` are ``GlideinMonitor…`` attributes. ``downtime`` is the comment of the
    downtime that the entry is in, None if it is in none. ``started`` (epoch) is when the daemon
    did. What must be as it is stands over what ``attributes`` say.
    """
    proxy = "grid_proxy" in auth_method.replace(",", "+").replace(";", "+").split("+")
    name = f"{pilot.entry}@{pilot.glidein}@{pilot.factory}"
    ad: Ad = {
        **attributes,
        **_head(Kind.FACTORY, name, sequence),
        **_key(key),
        "FactoryName": pilot.factory,
        "GlideinName": pilot.glidein,
        "EntryName": pilot.entry,
        "SupportedSignTypes": SIGN_TYPES,
        "DaemonStartTime": started,
        "GlideinAllowx509_Proxy": str(proxy),
        "GlideinRequirex509_Proxy": str(proxy),
        "GlideinRequireGlideinProxy": str(not proxy),
        "GLIDEIN_SupportedAuthenticationMethod": auth_method,
        "GLIDEIN_TrustDomain": trust_domain,
        "GLIDEIN_In_Downtime": downtime is not None,
        "GLIDEIN_Gatekeeper": gatekeeper,
        "GLIDEIN_GridType": grid_type,
        "GLIDEIN_REQUIRE_VOMS": str(require_voms),
        "GLIDEIN_SlotsLayout": pilot.slots_layout,
        "GLIDEIN_WorkDir": pilot.work_dir,
        "GLIDEIN_Verbosity": pilot.verbosity,
        "WebURL": pilot.web,
        "WebSignType": pilot.sign_type,
        "WebDescriptFile": pilot.descript,
        "WebDescriptSign": pilot.sign,
        "WebEntryDescriptFile": pilot.descript_entry,
        "WebEntryDescriptSign": pilot.sign_entry,
        **_limits(limits),
        **_prefixed("GlideinParam", {**PARAMETERS, **parameters}),
        **(monitor or {}),
    }
    optional = {
        "GLIDEIN_ProxyURL": pilot.proxy if pilot.proxy != "None" else "",
        "GLIDEIN_GlobusRSL": rsl,
        "GLIDEIN_BoscoDir": bosco_dir,
        "GLIDEIN_Downtime_Comment": downtime or "",
    }
    ad.update({name: text for name, text in optional.items() if text})
    for name, value in (submit_attributes or {}).items():
        plus = name.startswith("+")
        ad[f"GlideinSubmit{'_PLUS_' if plus else ''}{name.removeprefix('+')}"] = value
    return ad


def global_ad(
    glidein: str, factory: str, *, key: PublicKey, started: int, sequence: int
) -> Ad:
    """Return the ``glidefactoryglobal`` ad: the key that Frontends use for all entries."""
    return {
        **_head(Kind.GLOBAL, f"{glidein}@{factory}", sequence),
        **_key(key),
        "FactoryName": factory,
        "GlideinName": glidein,
        "SupportedSignTypes": SIGN_TYPES,
        "DaemonStartTime": started,
    }


def client_ad(
    pilot: Pilot,
    client: str,
    *,
    attributes: Mapping[str, str | int],
    parameters: Mapping[str, str | int],
    monitor: Mapping[str, Value],
    downtime: bool = False,
    sequence: int,
) -> Ad:
    """Return the ``glidefactoryclient`` ad: what the entry does for one client.

    ``monitor`` are ``GlideinMonitor…`` attributes: the entry's totals (``Total…``), the
    client's own numbers, and the limits that were hit (``Status_GlideFactoryLimit…``).
    """
    request = f"{pilot.entry}@{pilot.glidein}@{pilot.factory}"
    return {
        **attributes,
        **_head(Kind.CLIENT, f"{request}@{client}", sequence),
        "ReqGlidein": request,
        "ReqFactoryName": pilot.factory,
        "ReqGlideinName": pilot.glidein,
        "ReqEntryName": pilot.entry,
        "ReqClientName": client,
        "ReqClientReqName": request,
        "GLIDEIN_In_Downtime": downtime,
        **_prefixed("GlideinParam", {**PARAMETERS, **parameters}),
        **monitor,
    }


def withdrawal_of_factory(glidein: str, factory: str) -> tuple[Withdrawal, ...]:
    """Return what a Factory that stops withdraws: all of its ads.

    The global ad is one of its own: a collector keeps generic ads in a table per MyType.
    """
    g, f = classad.quote(glidein), classad.quote(factory)
    mine = f"(FactoryName =?= {f}) && (GlideinName =?= {g})"
    return (
        Withdrawal(Kind.FACTORY, mine),
        Withdrawal(Kind.CLIENT, f"(ReqFactoryName =?= {f}) && (ReqGlideinName =?= {g})"),
        Withdrawal(Kind.GLOBAL, mine),
    )


def withdrawal_of_entry(entry: str, glidein: str, factory: str) -> tuple[Withdrawal, ...]:
    """Return what an entry that ends withdraws: its ad, and those of its clients."""
    name = classad.quote(f"{entry}@{glidein}@{factory}")
    return (
        Withdrawal(Kind.FACTORY, f"Name =?= {name}"),
        Withdrawal(Kind.CLIENT, f"ReqGlidein =?= {name}"),
    )


def withdrawal_of_client(entry_ad_name: str, client: str) -> Withdrawal:
    """Return the withdrawal of what one entry said of one client."""
    return Withdrawal(Kind.CLIENT, f"Name =?= {classad.quote(f'{entry_ad_name}@{client}')}")


def _prefixed(prefix: str, values: Mapping[str, Value]) -> Ad:
    return {f"{prefix}{name}": value for name, value in values.items()}


def _limits(limits: Limits) -> Ad:
    ad: Ad = {}
    for word in ("glideins", "idle", "held"):
        suffix = f"Max{word.capitalize()}"
        ad[f"GlideinConfigPerEntry{suffix}"] = getattr(limits.entry, word)
        ad[f"GlideinConfigDefaultPerFrontend{suffix}"] = getattr(limits.share_default, word)
        shares = sorted(limits.shares.items())
        told = ",".join(f"{name}={getattr(limit, word)}" for name, limit in shares)
        ad[f"GlideinConfigPerFrontend{suffix}"] = told
    return ad
