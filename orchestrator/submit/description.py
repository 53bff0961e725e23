"""Put a submit description together: what all glideins have, and what their grid type adds."""

import re
import time
from collections.abc import Mapping

from orchestrator.arguments import Client
from orchestrator.deciding.request import Request
from orchestrator.errors import FactoryError, SubmissionError
from orchestrator.queue import event_log
from orchestrator.submit import clouds, here, sites, text
from orchestrator.submit.common import Commands, Glidein, Places
from orchestrator.worktree.entry_record import EntryRecord

_FAMILIES = {
    "condor": sites.condor,
    "arc": sites.arc,
    "ec2": clouds.ec2,
    "gce": clouds.gce,
    "local": here.local,
    "vanilla": here.vanilla,
    **{f"batch {kind}": sites.batch for kind in ("slurm", "pbs", "lsf", "sge", "condor")},
}
GRID_TYPES = tuple(_FAMILIES)

# What makes a job this glidein, and lets it be found again: no configuration may say otherwise.
RESERVED = frozenset(
    (
        *("universe", "grid_resource", "executable", "arguments", "environment"),
        *("log", "output", "error", "initialdir", "transfer_input_files"),
        *("encrypt_input_files", "submit_event_user_notes", "my.jobuniverse", "my.owner"),
        *("my.glideinfactory", "my.glideinname", "my.glideinentryname", "my.glideinclient"),
        *("my.glideinfrontendname", "my.glideincredentialidentifier"),
        *("my.glideinentrysubmitfile", "my.fename"),
        *("my.glideinsubmission", "my.userlog", "my.cmd", "my.args", "my.arguments"),
    )
)
_FOLDER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@-]*")
_AFTER_WALLTIME_S = 12 * 3600  # so long a glidein may run on; then nobody would see it end
_KEPT_S = 12 * 3600  # ended glideins in the queue, for who accounts for them


def describe(
    record: EntryRecord, request: Request, places: Places, ident: str, now: float
) -> Commands:
    """Return the commands of a submit description for glideins of ``request``.

    ``ident`` is the submission's; ``now`` is in epoch seconds.

    Raises:
        SubmissionError: a value cannot be said to HTCondor, or something is missing.
    """
    family = _FAMILIES.get(record.grid_type)
    if family is None:
        raise SubmissionError(
            f"grid type {record.grid_type!r}: expected one of {', '.join(GRID_TYPES)}"
        )
    if not _FOLDER.fullmatch(request.client):
        raise SubmissionError(f"client {request.client!r}: cannot be a folder's name")
    client = Client(request.client, request.credentials.identifier, request.web)
    try:
        words = record.arguments(client, request.parameters)
    except FactoryError as error:
        raise SubmissionError(str(error)) from error
    words = words[: words.index("-cluster")]
    glidein = Glidein(record, request, places, tuple(words))
    commands = _common(glidein, ident, now)
    commands |= family(glidein)
    commands |= {f"MY.{name}": value for name, value in _attributes(glidein, ident, now)}
    for name, value in record.submit_attributes.items():
        name, value = text.command(name, value)
        if name.lower() in RESERVED:
            raise SubmissionError(
                f"submit attribute {name}: the factory's own, not to be set"
            )
        given = {key.lower(): key for key in commands}
        commands.pop(given.get(name.lower(), ""), None)
        commands[name] = value
    return commands


def render(commands: Mapping[str, str], count: int) -> str:
    """Return a description as the text of a submit file."""
    lines = [f"{name} = {value}" for name, value in commands.items()]
    return "\n".join([*lines, f"queue {count}", ""])


def output_folder(places: Places, client: str) -> str:
    """Return the folder of a client's outputs."""
    return f"{places.glideins}/{client}"


def _common(glidein: Glidein, ident: str, now: float) -> Commands:
    places, request = glidein.places, glidein.request
    folder = text.plain("work tree", output_folder(places, request.client))
    job = "job.$(Cluster).$(Process)"
    log = text.plain("work tree", f"{places.glideins}/{event_log.log_name(now)}")
    raw = " -cluster $(Cluster) -subcluster $(Process)"
    commands = {
        "executable": text.plain("work tree", str(places.startup)),
        "transfer_executable": "True",
        "arguments": text.arguments("arguments", glidein.words, raw),
        "initialdir": text.plain("work tree", str(places.glideins)),
        "log": log,
        "output": f"{folder}/{job}.out",
        "error": f"{folder}/{job}.err",
        "when_to_transfer_output": "ON_EXIT",
        "MY.TransferOutput": '""',  # outputs and nothing else
        "notification": "Never",
        "submit_event_user_notes": event_log.NOTE + ident,
    }
    if remove := _periodic_remove(glidein):
        commands["periodic_remove"] = remove
    if glidein.record.pilot_accounting:
        ended = f"(time() - EnteredCurrentStatus < {_KEPT_S})"
        commands["leave_in_queue"] = f"JobStatus =?= 4 && {ended}"
    return commands


def _periodic_remove(glidein: Glidein) -> str:
    """Return when the schedd removes a glidein by itself; "" for never."""
    terms = []
    idle = (glidein.request.idle_lifetime_s, glidein.record.idle_lifetime_s)
    idle_s = min((one for one in idle if one > 0), default=0)
    if idle_s:
        waits = f"JobStatus =?= 1 && (time() - QDate > {idle_s})"
        terms.append(f"({waits} && GlideinSkipIdleRemoval =!= True)")
    if glidein.record.max_walltime_s > 0:
        most_s = glidein.record.max_walltime_s + _AFTER_WALLTIME_S
        terms.append(f"(JobStatus =?= 2 && (time() - EnteredCurrentStatus > {most_s}))")
    return " || ".join(terms)


def _attributes(glidein: Glidein, ident: str, now: float) -> list[tuple[str, str]]:
    """Return the attributes by which glideins are found and accounted for."""
    record, request = glidein.record, glidein.request
    told = {**record.attributes, **record.parameters, **request.parameters}
    overload = told.get("GLIDEIN_OVERLOAD_ENABLED", "False")
    said = {
        "GlideinFactory": record.factory,
        "GlideinName": record.glidein,
        "GlideinEntryName": record.name,
        "GlideinEntrySubmitFile": "job.condor",  # an entry of the reference may have several
        "GlideinClient": request.client,
        "GlideinFrontendName": request.share,
        "GlideinCredentialIdentifier": request.credentials.identifier,
        "GlideinSecurityClass": request.security_class,
        "GlideinWebBase": record.pilot.web,
        "GlideinLogNr": time.strftime("%Y%m%d", time.gmtime(now)),
        "GlideinWorkDir": record.pilot.work_dir,
        "GlideinSlotsLayout": record.pilot.slots_layout,
        "GlideinProxyURL": record.pilot.proxy,
        "GlideinOverloadEnabled": str(overload),
        "fename": request.user,
        "GlideinSubmission": ident,
    }
    rows = [(name, text.string(name, value)) for name, value in said.items()]
    if record.max_walltime_s > 0:
        rows.append(("GlideinMaxWalltime", str(record.max_walltime_s)))
    return rows
