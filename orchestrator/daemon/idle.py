"""An entry that nobody asks anything of: its daemon only repeats its ads, and watches for more.

A daemon that has worked has written to much of the memory that all share. So one that found
nothing to do notes that on the board (:class:`orchestrator.daemon.board.Rest`) and is started
afresh: hundreds of idle entries cost little more than one. As soon as a file has changed, it
works again. The ads are in ``idle_ads.json``; a process of its own repeats them.
"""

import json
import logging
import os
from pathlib import Path
from typing import Any

from orchestrator.daemon import state_file
from orchestrator.errors import CollectorError
from orchestrator.protocol.ads import Kind
from orchestrator.protocol.collector import Collector

log = logging.getLogger(__name__)

ADS = "idle_ads.json"
RETRY = "retry"  # a file by which an operator has an entry try again
_TICK_NS = 20_000_000  # what the kernel writes as a time may be that late


def write_ads(folder: Path, collectors: list[str], ads: list[tuple[Kind, Any]]) -> None:
    """Leave what is to be repeated in the folder of an entry."""
    told = [(kind.name, ad) for kind, ad in ads]
    state_file.write(folder / ADS, {"collectors": collectors, "ads": told})


def repeat_ads(folder: str, repeats: int) -> int:
    """Advertise what was left; return an exit code."""
    try:
        told = json.loads(Path(folder, ADS).read_bytes())
        collector = Collector(told["collectors"])
        for kind, ad in told["ads"]:
            ad["UpdateSequenceNumber"] += repeats
            collector.advertise([ad], Kind[kind])
    except (OSError, ValueError, KeyError, TypeError, CollectorError) as error:
        log.warning("not advertised: %s", error)
        return 1
    return 0


def changed(work: str, name: str, since: float) -> str:
    """Return the first file that changed after ``since`` (epoch) and may be of work, or ""."""
    folder = f"{work}/entries/{name}"
    if not os.path.exists(f"{folder}/entry.json"):  # noqa: PTH110
        return "the record is gone"
    before_ns = int(since * 1e9) - _TICK_NS
    for path in (
        f"{folder}/entry.json",
        f"{folder}/{RETRY}",
        f"{work}/downtimes.lst",
        f"{work}/views/requests/{name}.json",
        f"{work}/views/queue/{name}.json",
    ):
        try:
            # A file that is put into place by a rename changes then, whenever it was written.
            if os.stat(path).st_ctime_ns >= before_ns:  # noqa: PTH116
                return path
        except OSError:
            continue
    return ""
