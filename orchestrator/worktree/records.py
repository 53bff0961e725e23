"""From the configuration to the records of the work tree."""

import hashlib
import json
from collections.abc import Mapping

from orchestrator.arguments import Pilot
from orchestrator.config import Attribute, Configuration, Entry, Factory, key_attributes
from orchestrator.config.model import LimitTable
from orchestrator.deciding.backoff import Policy
from orchestrator.stage.area import STOP_LIST, Area
from orchestrator.stage.factory_areas import early_parameters
from orchestrator.worktree.daemon_settings import (
    Cycle,
    Kept,
    Logs,
    Page,
    Restarts,
    Retention,
)
from orchestrator.worktree.entry_limits import HoldRule, Limit, Limits
from orchestrator.worktree.entry_record import FORMAT, EntryRecord
from orchestrator.worktree.factory_record import FactoryRecord, Frontend, WebRecord


def factory_record(configuration: Configuration, main: Area) -> FactoryRecord:
    """Return what the Factory daemon is told."""
    factory = configuration.factory
    return FactoryRecord(
        factory=factory.factory,
        glidein=factory.glidein,
        web=WebRecord(
            url=factory.web.url,
            stage=str(configuration.stage.absolute()),
            stop_list=STOP_LIST,
            signature_type=factory.web.signature_type,
            description=main.description.name,
            signature=main.signature.hash,
        ),
        entries=tuple(configuration.entries),
        collectors=tuple(factory.collector),
        schedds=tuple(factory.schedd),
        frontends={
            name: Frontend(one.identity, one.classes)
            for name, one in factory.frontends.items()
        },
        monitoring_collectors=tuple(factory.monitoring_collectors),
        max_glideins=factory.bounds.glideins,
        max_unseen=factory.bounds.unseen,
        key_bits=factory.keys.bits,
        key_grace_s=factory.keys.grace_s,
        credential_days=factory.retention.credential_days,
        cycle=Cycle(**vars(factory.cycle)),
        logs=Logs(**vars(factory.logs)),
        restarts=Restarts(**vars(factory.restarts)),
        page=Page(**vars(factory.page)),
    )


def entry_record(
    configuration: Configuration, name: str, main: Area, made: Area, schedd: str
) -> EntryRecord:
    """Return what the daemon of entry ``name`` is told.

    ``main`` and ``made`` are the areas of the factory and of the entry.
    """
    factory, entry = configuration.factory, configuration.entries[name]
    attributes = factory.attributes | key_attributes(entry) | entry.attributes
    shown = {key: one for key, one in attributes.items() if one.publish}
    pilot = Pilot(
        verbosity=entry.verbosity,
        glidein=factory.glidein,
        entry=name,
        schedd=schedd,
        proxy=entry.proxy_argument,
        factory=factory.factory,
        web=factory.web.url,
        sign=main.signature.hash,
        sign_entry=made.signature.hash,
        sign_type=factory.web.signature_type,
        descript=main.description.name,
        descript_entry=made.description.name,
        work_dir=entry.work_dir,
        slots_layout=entry.slot.layout,
    )
    walltime = attributes.get("GLIDEIN_Max_Walltime")
    return EntryRecord(
        pilot=pilot,
        # What Frontends see, and what they may override (with what holds if they do not).
        parameters={k: _typed(one) for k, one in shown.items() if not _is_fixed(one)},
        early=early_parameters(configuration, entry, main),
        collectors=tuple(factory.collector),
        gatekeeper=entry.gatekeeper,
        grid_type=entry.grid_type,
        rsl=entry.rsl,
        bosco_dir=entry.bosco_dir,
        submit_attributes=entry.submit.attributes,
        limits=_limits(factory, entry),
        backoff=Policy(**vars(entry.backoff)),
        allow_frontends={one: tuple(all_) for one, all_ in entry.allow_frontends.items()},
        auth_method=entry.auth_method,
        trust_domain=entry.trust_domain,
        require_voms=entry.require_voms,
        condor_version=entry.condor_version,
        attributes={k: _typed(one) for k, one in shown.items() if _is_fixed(one)},
        groups=tuple(entry.groups),
        max_walltime_s=_number(walltime),
        idle_lifetime_s=entry.lifetime.max_queued_s,
        pilot_accounting=factory.pilot_accounting,
        monitoring_collectors=tuple(factory.monitoring_collectors),
        factory_glideins=factory.bounds.glideins,
        factory_unseen=factory.bounds.unseen,
        cycle=Cycle(**vars(factory.cycle)),
        retention=Retention(
            Kept(**vars(factory.retention.outputs)),
            Kept(**vars(factory.retention.event_logs)),
            Kept(**vars(factory.retention.summaries)),
        ),
        logs=Logs(**vars(factory.logs)),
    )


def _is_fixed(one: Attribute) -> bool:
    return one.const or not one.parameter


def _typed(one: Attribute) -> str | int:
    return int(one.value) if one.type == "int" else one.value


def _number(one: Attribute | None) -> int:
    return int(one.value) if one is not None and one.value.isdecimal() else 0


def _limits(factory: Factory, entry: Entry) -> Limits:
    limits = entry.limits
    share = limits.num_factories or factory.num_factories
    default = Limits()
    per_frontend = _limit(limits.default_per_frontend, default.share_default)
    return Limits(
        entry=_shared(_limit(limits.entry, default.entry), share),
        share_default=_shared(per_frontend, share),
        shares={
            name: _shared(_limit(one, per_frontend), share)
            for name, one in limits.per_frontend.items()
        },
        submit_cluster=entry.submit.cluster_size,
        submit_cycle=entry.submit.max_per_cycle,
        submit_pause_s=entry.submit.sleep_s,
        remove_cycle=entry.remove.max_per_cycle,
        remove_pause_s=entry.remove.sleep_s,
        release_cycle=entry.release.max_per_cycle,
        release_pause_s=entry.release.sleep_s,
        stale_idle_s=entry.remove.stale_idle_s,
        stale_running_s=entry.remove.stale_running_s,
        recoverable=tuple(
            HoldRule(one.code, tuple(one.subcodes)) for one in entry.release.recoverable
        ),
        max_holds=entry.release.max_holds,
        forget_holds=entry.release.forget_holds,
        release_after_s=entry.release.after_s,
        unseen=limits.unseen,
        view_max_age_s=entry.view_max_age_s,
        requests_max_age_s=entry.requests_max_age_s,
    )


def _limit(said: LimitTable, default: Limit) -> Limit:
    return Limit(
        default.glideins if said.glideins is None else said.glideins,
        default.idle if said.idle is None else said.idle,
        default.held if said.held is None else said.held,
    )


def _shared(limit: Limit, factories: int) -> Limit:
    """Divide a limit among several factories; what is allowed at all stays at least 1."""
    if factories == 1:
        return limit
    part = (n and max(1, n // factories) for n in (limit.glideins, limit.idle, limit.held))
    return Limit(*part)


def spread(configuration: Configuration, now: Mapping[str, str]) -> dict[str, str]:
    """Choose the schedd of each entry.

    The one that the entry names; else the one it has ``now``, for there its glideins are; else
    one that the entry's name makes out, so that others stay when a schedd comes or goes.
    """
    schedds = configuration.factory.schedd
    return {
        name: entry.schedd
        or (now.get(name) if now.get(name) in schedds else None)
        or _weighed(name, schedds)
        for name, entry in configuration.entries.items()
    }


def _weighed(name: str, schedds: list[str]) -> str:
    """Return the schedd whose hash with the name is largest (rendezvous hashing)."""
    return max(schedds, key=lambda one: hashlib.sha256(f"{name} {one}".encode()).digest())


def record_json(record: FactoryRecord | EntryRecord) -> bytes:
    """Write a record as its readers expect it, with a line for each key."""
    told = {"format": FORMAT, **vars(record)}
    if isinstance(record, EntryRecord):
        told["arguments"] = told.pop("pilot")
    # With indent=, json would not use its fast half.
    lines = (f'  "{key}": {json.dumps(value, default=vars)}' for key, value in told.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()
