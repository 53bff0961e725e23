"""Find a glidein here by the name it has in the pool where it runs jobs.

What glideins left comes first: their outcomes, then the beginnings of their logs. Only for one
that is nowhere there, mostly because it still runs, is a collector asked: the pools that
Frontends name in their requests, and the factory's own.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import htcondor2 as htcondor

from orchestrator.errors import FactoryError
from orchestrator.explain import files
from orchestrator.explain.frontends import views
from orchestrator.limited import NoAnswer, limited
from orchestrator.outputs import outcomes
from orchestrator.worktree.factory_record import FactoryRecord, read_factory

# glidein_PROCESS_NUMBER, alone or with slot and host: slot1_2@glidein_4711_1795@node.site
_NAME = re.compile(r"(?:slot[0-9_]+@)?(glidein_[0-9]+_[0-9]+)(?:@.*)?")
_HEAD = 256 * 1024  # bytes of a log: a glidein says its name before it is of any use
_OUTPUT = re.compile(r"job\.([0-9]+\.[0-9]+)\.(?:out|err)")
_LIMIT_S = 10.0  # for one collector
_MOST = 5  # collectors that are asked
_ABOUT = ("GLIDEIN_ClusterId", "GLIDEIN_ProcId", "GLIDEIN_Factory", "GLIDEIN_Name")


def name_in(text: str) -> str:
    """Return the part of a name in a pool that all slots of a glidein have; "" if it is none."""
    match = _NAME.fullmatch(text)
    return match[1] if match else ""


def ident(work: Path, text: str) -> str:
    """Return CLUSTER.PROCESS of the glidein that a pool knows as ``text``.

    Raises:
        FactoryError: it was not found; the message says where was looked, and what did not answer.
    """
    name = name_in(text)
    record = read_factory(work)
    for folder in files.entry_folders(work, record.entries):
        found = _ended(folder, name) or _wrote(folder / "glideins", name)
        if found:
            return found
    said = []
    for address in _collectors(work, record):
        try:
            found = limited(partial(_ask, address, name, record), _LIMIT_S)
        except NoAnswer as error:
            said.append(f"{address}: {error}")
            continue
        except htcondor.HTCondorException as error:
            said.append(f"{address}: {' '.join(str(error).split())}")
            continue
        if found:
            return found
        said.append(f"{address}: does not know it")
    asked = "; ".join(said) or "no Frontend asks, so no pool is known"
    raise FactoryError(
        f"{name}: no glidein that ended here had this name, nor does a pool have it: {asked}."
        f" Where its ad is: condor_status {text} -af {' '.join(_ABOUT[:2])}"
    )


def _ended(folder: Path, name: str) -> str:
    """Return the glidein with that name among the outcomes in an entry's folder."""
    mark = name.encode()
    for path in sorted(folder.glob(f"{outcomes.LINES}*"), reverse=True):
        for line in path.read_bytes().split(b"\n"):
            if mark not in line:
                continue
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if name in str(told.get("name", "")).split():
                return str(told["glidein"])
    return ""


def _wrote(folder: Path, name: str) -> str:
    """Return the glidein that says that name in what it wrote."""
    mark = re.compile(rb"\b" + name.encode() + rb"\b")
    for path in folder.glob("*/job.*"):
        match = _OUTPUT.fullmatch(path.name)
        if match and mark.search(_beginning(path)):
            return match[1]
    return ""


def _beginning(path: Path) -> bytes:
    """Return how a file that a glidein left begins; nothing where there is no file."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.pread(file, _HEAD, 0)
    except OSError:
        return b""
    finally:
        os.close(file)


def _collectors(work: Path, record: FactoryRecord) -> list[str]:
    """Return the collectors to ask, those of the pools that glideins join first."""
    requests = [
        one for view in views(work, record.entries).values() for one in view.requests
    ]
    named = [one.parameters.get("GLIDEIN_Collector", "") for one in requests]
    return list(dict.fromkeys([*_addresses(named), *record.collectors]))[:_MOST]


def _addresses(named: Iterable[str]) -> Iterator[str]:
    """Yield the collectors in values of GLIDEIN_Collector: several are behind one of their host."""
    for text in named:
        for one in re.split(r"[,;\s]+", text):
            host, _, port = one.partition("?")[0].partition(":")
            if not host:
                continue
            first, _, last = port.partition("-")
            # Of a range of ports, all send what they know to the one at the usual port.
            yield host if last or not first else f"{host}:{first}"


def _ask(address: str, name: str, record: FactoryRecord) -> str:
    """Return the glidein of ours that a collector knows by that name; "" for none."""
    constraint = f'regexp("^{name}@", GLIDEIN_MASTER_NAME)'
    for kind in (htcondor.AdType.Startd, htcondor.AdType.Master):
        for ad in htcondor.Collector(address).query(kind, constraint, list(_ABOUT)):
            cluster, process, factory, glidein = (ad.get(key) for key in _ABOUT)
            if (factory, glidein) == (record.factory, record.glidein):
                return f"{cluster}.{process}"
    return ""
