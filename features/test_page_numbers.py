"""The page's numbers are those of a real queue."""

import json
from collections import Counter
from functools import partial
from typing import Any

from pytest_bdd import given, scenarios, then, when

from features.browser_fixtures import WIDE, Browser
from features.factory_fixtures import WorkingFactory, wait_for
from features.page_steps import row, wake
from orchestrator.daemon import state_file
from orchestrator.explain import entry as explain_entry
from orchestrator.explain import factory as explain_factory
from orchestrator.protocol.frontend import RequestClient
from tests.test_metrics import parsed, values

scenarios("page_numbers.feature")

KIND = {"1": "idle", "2": "running", "5": "held"}  # by JobStatus
KINDS = tuple(KIND.values())
ASKED = {"north": 4, "south": 2}
FRONTEND, ALL = "vo", "factory"


@given(
    "a real factory that was asked for 4 glideins at north, one of them held, 2 at south"
)
def real_factory(factory_at_work: WorkingFactory, asker: RequestClient) -> None:
    factory = factory_at_work
    factory.configure(*ASKED)
    factory.start()
    for entry, count in ASKED.items():
        wait_for(f"ad of {entry}", partial(factory.entry_ad, entry))
        ask(asker, entry, count)
    for entry, count in ASKED.items():
        wait_for("glideins", partial(has, factory, entry, count))
        ask(asker, entry, 0)
    job = factory.glideins("north")[0]
    factory.pool.tool("condor_hold", f"{job['ClusterId']}.{job['ProcId']}")


def has(factory: WorkingFactory, entry: str, count: int) -> bool:
    return len(factory.glideins(entry)) == count


def ask(asker: RequestClient, entry: str, idle: int) -> None:
    parameters = {"GLIDEIN_Max_Idle": "60"}
    asker.ask(entry, idle=idle, most=ASKED[entry], parameters=parameters)


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


@then("page, metrics and why say of entries, Frontend and factory what condor_q says")
def as_condor_q(browser: Browser, factory_at_work: WorkingFactory) -> None:
    factory = factory_at_work

    def same() -> bool:
        """Whether all say the same; the queue may change while we look."""
        counted = condor_q(factory)
        found = said(factory)
        print(counted, found)  # the last ones are shown when it never comes true
        return counted["north"]["held"] == 1 and all(
            one == counted[whose] for (whose, _), one in found.items()
        )

    wait_for("the same numbers", same)
    browser.see("north", "td.name")
    shown = row(browser, "north")
    assert len(shown) == 11

    def held() -> bool:
        wake(browser)
        return row(browser, "north")[6] == "1"

    wait_for("held on the page", held)


def condor_q(factory: WorkingFactory) -> dict[str, Counter[str]]:
    """Return what HTCondor's own command counts, by entry, by Frontend and in all."""
    names = ("GlideinEntryName", "GlideinFrontendName", "JobStatus")
    text = factory.pool.tool("condor_q", "-allusers", "-autoformat", *names)
    found = {whose: Counter(dict.fromkeys(KINDS, 0)) for whose in (*ASKED, FRONTEND, ALL)}
    for line in text.splitlines():
        entry, frontend, status = line.split()
        for whose in (entry, frontend.partition(":")[0], ALL):
            found[whose][KIND[status]] += 1
    return found


def said(factory: WorkingFactory) -> dict[tuple[str, str], dict[str, float | None]]:
    """Return what is told of entries, Frontend and factory, and by what."""
    monitor = factory.folder / "stage/monitor"
    overview = state_file.read(monitor / "overview.json")
    metrics = parsed((monitor / "metrics.prom").read_text())
    record = explain_factory.explain(factory.work)
    frontends = {one["frontend"]: one["glideins"] for one in overview["frontends"]}
    of_record = {one["frontend"]: one["glideins"] for one in record["frontends"]}

    def metric(name: str, **labels: str) -> dict[str, float | None]:
        family = metrics.get(f"glidein_factory_{name}")
        told = values(family, **labels) if family else {}
        return {kind: told.get((kind,)) for kind in KINDS}

    found: dict[tuple[str, str], Any] = {
        (ALL, "page"): overview["glideins"],
        (ALL, "status"): record["glideins"],
        (ALL, "metrics"): metric("glideins"),
        (FRONTEND, "page"): frontends[FRONTEND],
        (FRONTEND, "its page"): state_file.read(monitor / f"frontend/{FRONTEND}.json")[
            "glideins"
        ],
        (FRONTEND, "status"): of_record[FRONTEND],
        (FRONTEND, "metrics"): metric("frontend_glideins", frontend=FRONTEND),
    }
    for entry in ASKED:
        (line,) = [one for one in overview["entries"] if one["name"] == entry]
        found |= {
            (entry, "page"): line,
            (entry, "its page"): state_file.read(monitor / f"entry/{entry}.json")[
                "glideins"
            ],
            (entry, "why"): explain_entry.explain(factory.work, entry)["glideins"],
            (entry, "status"): record["entries"][entry],
            (entry, "metrics"): metric("entry_glideins_by_kind", entry=entry),
        }
    return {
        what: {kind: (one or {}).get(kind) for kind in KINDS} for what, one in found.items()
    }


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
