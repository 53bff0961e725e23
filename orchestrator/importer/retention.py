"""``<log_retention>``: how long the factory keeps what glideins and daemons write."""

from orchestrator.importer import reference
from orchestrator.importer.reading import Reading
from orchestrator.importer.values import Fields
from orchestrator.importer.xml_file import Element

_OURS = (
    ("job_logs", "outputs"),
    ("condor_logs", "event_logs"),
    ("summary_logs", "summaries"),
)


def read(reading: Reading) -> None:
    """Read all of it."""
    element = reading.root.child("log_retention")
    if element is None:
        return
    for tag, ours in _OURS:
        if (kept := element.child(tag)) is not None:
            _kept(reading, kept, ours)
    logs = element.child("process_logs")
    for log in logs.children if logs is not None else ():
        reading.left(log, "daemons here have one log each, see [logs] (mb, keep, level)")


def _kept(reading: Reading, element: Element, ours: str) -> None:
    said = Fields(
        element, reference.LOGS[element.tag], reading.report, reading.made.remarks
    )
    days, least = said.decimal("max_days"), said.decimal("min_days")
    if least > days:
        what = f"<{element.tag}>: min_days above max_days: as many"
        reading.report.add("mended", element.where, what, f"{least} above {days}")
    table = {"days": days, "min_days": min(days, least)}
    table["mb"] = max(1, int(said.decimal("max_mbytes")))
    for key, value in table.items():
        reading.made.said["retention", ours, key] = value
