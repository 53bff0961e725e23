"""From the records of the work tree to what this package works with."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from orchestrator.protocol import ads
from orchestrator.protocol.ads import Ad, Value
from orchestrator.protocol.credentials import Store
from orchestrator.protocol.keys import Keyring, PublicKey
from orchestrator.protocol.reader import PASSTHROUGH, Reader, Terms
from orchestrator.worktree.entry_record import EntryRecord
from orchestrator.worktree.factory_record import FactoryRecord


def credential_folder(work: Path) -> Path:
    """Return the folder below which the files of :class:`Credentials` are."""
    return work / "credentials"


def terms(record: EntryRecord) -> Terms:
    """Return what an entry demands of requests."""
    told = {**record.attributes, **record.parameters}
    return Terms(
        record.name,
        record.auth_method,
        record.allow_frontends,
        str(told.get(PASSTHROUGH, "")),
    )


def reader(
    work: Path, factory: FactoryRecord, entries: Iterable[EntryRecord], keyring: Keyring
) -> Reader:
    """Return what reads the requests of these entries, all or one."""
    return Reader(
        factory.ad_name,
        keyring,
        factory.frontends,
        {record.name: terms(record) for record in entries},
        Store(credential_folder(work)),
    )


def entry_ad(
    record: EntryRecord,
    key: PublicKey,
    *,
    monitor: Mapping[str, Value],
    downtime: str | None,
    started: int,
    sequence: int,
) -> Ad:
    """Return the ad of an entry; see :func:`orchestrator.protocol.ads.entry_ad`."""
    return ads.entry_ad(
        record.pilot,
        key=key,
        limits=record.limits,
        auth_method=record.auth_method,
        trust_domain=record.trust_domain,
        gatekeeper=record.gatekeeper,
        grid_type=record.grid_type,
        attributes=record.attributes,
        parameters=_parameters(record),
        submit_attributes=record.submit_attributes,
        monitor=monitor,
        downtime=downtime,
        require_voms=record.require_voms,
        rsl=record.rsl,
        bosco_dir=record.bosco_dir,
        started=started,
        sequence=sequence,
    )


def client_ad(
    record: EntryRecord,
    client: str,
    *,
    monitor: Mapping[str, Value],
    downtime: bool,
    sequence: int,
) -> Ad:
    """Return what an entry says of a client; see :func:`orchestrator.protocol.ads.client_ad`."""
    return ads.client_ad(
        record.pilot,
        client,
        attributes=record.attributes,
        parameters=_parameters(record),
        monitor=monitor,
        downtime=downtime,
        sequence=sequence,
    )


def _parameters(record: EntryRecord) -> dict[str, str | int]:
    told: dict[str, str | int] = {"CONDOR_VERSION": record.condor_version}
    if record.monitoring_collectors:
        told["GLIDEIN_Factory_Collector"] = ",".join(record.monitoring_collectors)
    return told | record.parameters
