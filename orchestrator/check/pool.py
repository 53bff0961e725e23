"""The collector and the schedds: do they answer, and does the collector know us?"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import htcondor2 as htcondor

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
            names, clock = limited(partial(_ask, address), 2 * LIMIT_S)
        except (CollectorError, NoAnswer) as error:
            yield fail(what, str(error), f"condor_ping -pool {address} -verbose READ")
            continue
        if running and record.ad_name not in names:
            yield fail(
                what,
                f"answers, and has no glidefactoryglobal ad {record.ad_name}: no Frontend finds us",
                "glidein-factory logs --views",
            )
        else:
            yield ok(
                what, f"answers; factories there: {', '.join(sorted(names)) or 'none'}"
            )
        if clock is not None:
            yield skew(f"clock of {what}", clock)


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


def _ask(address: str) -> tuple[set[str], float | None]:
    """Return the names of the factories in the collector, and what time it says it is."""
    ads = Collector(address, query_s=LIMIT_S, patience_s=1).ads(Kind.GLOBAL)
    names = {str(ad["Name"]) for ad in ads if ad.get("Name")}
    pool = htcondor.Collector(address) if address else htcondor.Collector()
    try:
        found = pool.query(htcondor.AdType.Collector, "true", ["MyCurrentTime"])
    except htcondor.HTCondorException:
        found = []
    times = [
        ad["MyCurrentTime"] for ad in found if isinstance(ad.get("MyCurrentTime"), int)
    ]
    return names, times[0] if times else None
