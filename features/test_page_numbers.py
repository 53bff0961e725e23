"""The page's numbers are those of a real queue."""

import json
import re
from collections import Counter
from typing import Any

from pytest_bdd import given, parsers, scenarios, then, when

from features.browser_fixtures import WIDE, Browser
from features.factory_fixtures import WorkingFactory, wait_for
from features.page_steps import row, wake
from orchestrator.daemon import state_file
from orchestrator.explain import entry as explain_entry
from orchestrator.protocol.frontend import RequestClient

scenarios("page_numbers.feature")

IDLE, RUNNING, HELD = 1, 2, 5  # JobStatus

KINDS = ("idle", "running", "held")


@given(
    parsers.parse(
        'a real factory whose entry "{entry}" was asked for {count:d} glideins,'
        " one of which is held"
    )
)
def real_factory(
    factory_at_work: WorkingFactory, asker: RequestClient, entry: str, count: int
) -> None:
    factory = factory_at_work
    factory.configure(entry)
    factory.start()
    wait_for(f"ad of {entry}", lambda: factory.entry_ad(entry))
    asker.ask(entry, idle=count, most=count, parameters={"GLIDEIN_Max_Idle": "60"})
    wait_for("glideins", lambda: len(factory.glideins(entry)) == count)
    asker.ask(entry, idle=0, most=count, parameters={"GLIDEIN_Max_Idle": "60"})
    job = factory.glideins(entry)[0]
    factory.pool.tool("condor_hold", f"{job['ClusterId']}.{job['ProcId']}")


@when("somebody opens the real factory's page")
def open_real_page(browser: Browser, factory_at_work: WorkingFactory) -> None:
    wait_for("page", lambda: real_row(factory_at_work))
    browser.size(*WIDE)
    browser.driver.get("about:blank")
    browser.complaints()
    browser.driver.get(f"{factory_at_work.url}/monitor/index.html")
    browser.see("Entries", "h2")


@when("the daemon that writes the page is killed")
def kill_monitor(factory_at_work: WorkingFactory) -> None:
    factory_at_work.kill("monitor")


@then("its row, its metrics and why say what condor_q says")
def as_condor_q(browser: Browser, factory_at_work: WorkingFactory) -> None:
    factory = factory_at_work

    def same() -> bool:
        """Whether all say the same; the queue may change while we look."""
        states = Counter(job["JobStatus"] for job in factory.glideins("north"))
        counted = (states[IDLE], states[RUNNING], states[HELD])
        row = real_row(factory)
        why = explain_entry.explain(factory.work, "north")["glideins"]
        text = (factory.folder / "stage/monitor/metrics.prom").read_text()
        metrics = {
            kind: float(value)
            for kind, value in re.findall(
                r'entry_glideins_by_kind\{entry="north",kind="(\w+)"\} (\d+)', text
            )
        }
        said = [tuple(one[k] for k in KINDS) for one in (row, why or row, metrics) if one]
        return states[HELD] == 1 and said == [counted] * 3

    wait_for("the same numbers", same)
    browser.see("north", "td.name")
    shown = row(browser, "north")
    assert len(shown) == 11

    def held() -> bool:
        wake(browser)
        return row(browser, "north")[6] == "1"

    wait_for("held on the page", held)


@then("the page is written on, and the entry has noticed nothing")
def written_on(factory_at_work: WorkingFactory) -> None:
    page = factory_at_work.folder / "stage/monitor/overview.json"
    before = json.loads(page.read_text())["written"]
    wait_for("page", lambda: json.loads(page.read_text())["written"] > before + 2)
    assert factory_at_work.daemon("north")["accidents"] == 0


def real_row(factory: WorkingFactory) -> dict[str, Any]:
    """Return the row of the entry north, once it is there and has numbers."""
    told = state_file.read(factory.folder / "stage/monitor/overview.json")
    rows = [one for one in told.get("entries", ()) if one["name"] == "north"]
    return rows[0] if rows and rows[0]["idle"] is not None else {}
