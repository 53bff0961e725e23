"""The collector and the schedds: do they answer, and does the collector know us?"""

import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from orchestrator.check.clock import skew
from orchestrator.check.finding import fail, ok
from orchestrator.errors import CollectorError, ScheddError
from orchestrator.explain.records import Finding
from orchestrator.limited import NoAnswer, limited
from orchestrator.protocol.ads import Kind
from orchestrator.protocol.collector import Collector
from orchestrator.queue.schedd import Schedd
from orchestrator.worktree.factory_record import FactoryRecord

LIMIT_S = 15


def collectors(record: FactoryRecord, *, running: bool) -> Iterator[Finding]:
    """Ask each collector for our own ad, and for the time."""
    for address in record.collectors or ("",):
        what = f"collector {address or 'of the configuration of HTCondor'}"
        try:
            heard = limited(partial(_ask, address), 2 * LIMIT_S)
        except (CollectorError, NoAnswer) as error:
            yield fail(what, str(error), f"condor_ping -pool {address} -verbose READ")
            continue
        if running and record.ad_name not in heard:
            yield fail(
                what,
                f"answers, and has no glidefactoryglobal ad {record.ad_name}: no Frontend finds us",
                "glidein-factory logs --views",
            )
        else:
            yield ok(
                what, f"answers; factories there: {', '.join(sorted(heard)) or 'none'}"
            )
        if running and record.ad_name in heard:
            yield _clock(what, heard[record.ad_name], 2 * record.cycle.delay_s)


def schedds(
    record: FactoryRecord, places: Mapping[str, Iterable[str]]
) -> Iterator[Finding]:
    """Ask each schedd for its queue; ``places`` are the entries by their schedd."""
    for name, entries in places.items():
        what = f"schedd {name}"
        schedd = Schedd(name, record.collectors, LIMIT_S)
        count = len(list(entries))
        try:
            schedd.ads(record.factory, record.glidein, "", ["ClusterId"])
        except ScheddError as error:
            words = f"{count} entries submit there, and it does not answer: {error}"
            yield fail(what, words, f"condor_q -name {name}; is its condor_master running?")
        else:
            yield ok(what, f"answers; {count} entries submit there")


def _clock(what: str, heard: float, usual_s: float) -> Finding:
    """Compare with the collector's time of our ad, which it has heard within ``usual_s``."""
    now = time.time()
    theirs = min(max(heard, now), heard + usual_s)  # what it may be, nearest to ours
    return skew(f"clock of {what}", theirs)


def _ask(address: str) -> dict[str, float]:
    """Return when the collector heard of each factory, by its own clock (epoch)."""
    ads = Collector(address, query_s=LIMIT_S, patience_s=1).ads(Kind.GLOBAL)
    found: dict[str, float] = {}
    for ad in ads:
        when = ad.get("LastHeardFrom")
        if ad.get("Name"):
            found[str(ad["Name"])] = float(when) if isinstance(when, int) else 0.0
    return found
