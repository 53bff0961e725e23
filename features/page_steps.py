"""Steps that features about the page share: a factory at night, somebody who opens its page and
goes through it, and a browser that must not complain.
"""

import re
from typing import Any

import pytest
from pytest_bdd import given, parsers, then, when
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from features.browser_fixtures import WIDE, Browser, ShownFactory
from features.factory_fixtures import wait_for
from orchestrator.deciding.backoff import Backoff, Backoffs
from orchestrator.deciding.request import Credentials, Refusal
from orchestrator.worktree import downtimes_edit
from orchestrator.worktree.downtimes import Downtime
from tests.decided import failed, useful
from tests.deciding import NOW

PHASES = {"fetch": 2_300, "check": 900, "setup": 4_100, "condor": 1_500, "run": 7_000_000}
PAGES = {
    "#/": "entries",
    "#/entry/Wisconsin_main": "entry",
    "#/frontends": "frontends",
    "#/frontend/cms": "frontend",
    "#/health": "health",
}


@given("a factory at night, with entries that work, wait, fail and rest")
def factory_at_night(shown_factory: ShownFactory) -> None:
    factory, decided = shown_factory, shown_factory.decided
    factory.entries(
        "Wisconsin_main", "CERN_held", "Nowhere_broken", "Fermi_down", "UCSD_idle"
    )
    token = Credentials("cms-1", {"scitoken": "x"}, expires=int(NOW) + 5 * 3_600 - 60)
    decided.decide(
        "Wisconsin_main",
        {"cms": "60 idle of 90"},
        {"cms": "3 pending, 2 waiting, 30 running"},
        limits={"entry_idle": 5},
        credentials=token,
    )
    ends = [useful(f"5.{n}", phases_ms=PHASES, at=NOW - 400 * n) for n in range(12)]
    ends += [
        failed(
            f"6.{n}",
            "check: this node failed a check",
            node=f"node-{13 if n % 4 else n}",
            at=NOW - 300 * n,
            phases_ms={"fetch": 2_000, "check": 800},
            detail="disk: found 200 MB, needed 2 GB",
        )
        for n in range(9)
    ]
    decided.ended("Wisconsin_main", ends)
    outputs = decided.work / "entries/Wisconsin_main/glideins/cms.main"
    outputs.mkdir(parents=True)
    (outputs / "job.6.0.out").write_text(
        "2026-11-25T02:00:00Z INFO  check this node: start\n"
        "2026-11-25T02:00:01Z ERROR disk: found 200 MB, needed 2 GB\n"
    )
    decided.decide(
        "CERN_held", {"atlas": "5 idle of 20"}, {"atlas": "7 held for 2 h code 12.2"}
    )
    downtimes_edit.begin(
        decided.work, Downtime(int(NOW) - 60, None, "Fermi_down", comment="new disks")
    )
    decided.decide("Fermi_down", {"cms": "10 idle of 20"})
    refusals = [Refusal("r1", "south", "new.main", "new@vo.test", "not known here")]
    decided.decide("south", {"cms": "2 idle of 5"}, {"cms": "2 running"}, refusals=refusals)
    backoffs = Backoffs({"cms:frontend": Backoff(2, NOW - 60, NOW + 600, "5 x check")})
    decided.decide("north", {"cms": "4 idle of 9"}, {"cms": "1 held"}, backoffs=backoffs)
    decided.decide("UCSD_idle", {})
    factory.states["Nowhere_broken"] = {"state": "left down", "problem": "ended by SIGKILL"}
    factory.remember("entry/Wisconsin_main", 30)
    factory.remember("factory", 30)
    factory.remember("frontend/cms", 30)
    factory.look()


@when("somebody opens the page")
def open_page(browser: Browser, shown_factory: ShownFactory) -> None:
    browser.size(*WIDE)
    browser.prefer("light")
    browser.driver.get("about:blank")
    browser.complaints()
    browser.driver.get(shown_factory.url)
    browser.see("Entries", "h2")


@when(parsers.parse('follows the link to "{name}"'))
@when(parsers.parse('somebody follows the link to "{name}"'))
def follow(browser: Browser, name: str) -> None:
    click(browser, "a", name)
    browser.see(name, "h1")


@when(parsers.parse("the monitor has written nothing for {minutes:d} minutes"))
def time_passes(browser: Browser, shown_factory: ShownFactory, minutes: int) -> None:
    shown_factory.clock += 60 * minutes
    wake(browser)


@when("the monitor writes again")
def write_again(browser: Browser, shown_factory: ShownFactory) -> None:
    shown_factory.look()
    wake(browser)


@then(parsers.parse('nothing is said of how many run at "{name}"'))
def not_known(browser: Browser, name: str) -> None:
    assert set(row(browser, name)[3:7]) <= {"", "\N{EN DASH}"}


@then(
    parsers.parse(
        '"{name}" shows {running:d} running, {idle:d} idle and {asked:d} asked for'
    )
)
def row_shows(browser: Browser, name: str, running: int, idle: int, asked: int) -> None:
    browser.see(name, "td.name")
    cells = row(browser, name)
    heads = [re.sub(r" [↑↓]$", "", text) for text in browser.texts("th")]
    found = dict(zip(heads, cells, strict=True))
    assert (found["Running"], found["Idle"], found["Asked"]) == (
        str(running),
        str(idle),
        str(asked),
    )


@then("nothing says that the numbers are old")
def not_stale(browser: Browser) -> None:
    wait_for("no mark", lambda: browser.texts("#stale") == [])
    assert not browser.run("return document.body.classList.contains('stale')")


@then("the browser has nothing to complain about")
def no_complaints(browser: Browser) -> None:
    assert browser.complaints() == []


def keys(browser: Browser, text: str) -> None:
    ActionChains(browser.driver).send_keys(text).perform()


def tab_to(browser: Browser, selector: str, text: str) -> None:
    """Press Tab until the element that says this has the focus."""
    for _ in range(200):
        keys(browser, Keys.TAB)
        there = browser.run(
            "const one = document.activeElement;"
            "return one.matches(arguments[0]) && one.innerText.startsWith(arguments[1])",
            selector,
            text,
        )
        if there:
            return
    pytest.fail(f"Tab does not reach {text!r}")


def click(browser: Browser, selector: str, text: str) -> None:
    """Click the first element that says exactly this."""

    def found() -> Any:
        script = (
            "return [...document.querySelectorAll(arguments[0])]"
            ".find(one => one.innerText.trim() === arguments[1]) ?? null"
        )
        return browser.run(script, selector, text)

    browser.run("arguments[0].click()", wait_for(f"{selector} with {text!r}", found))


def row(browser: Browser, name: str) -> list[str]:
    """Return the cells of a row."""
    cells: list[str] = browser.run(
        "return [...[...document.querySelectorAll('tbody tr')]"
        ".find(one => one.querySelector('td.name')?.innerText === arguments[0]).cells]"
        ".map(one => one.innerText.trim())",
        name,
    )
    return cells


def go(browser: Browser, page: str) -> None:
    """Open one of the pages, and wait until it is all there."""
    browser.run("location.hash = arguments[0]", page)
    wait_for(page, lambda: browser.run("return location.hash") == page)
    if "entry/" in page or "frontend/" in page or "health" in page:
        wait_for("plots", lambda: browser.all(".uplot canvas"))
        browser.see("", "h1")
    wait_for("rows", lambda: browser.texts("tbody tr"))


def wake(browser: Browser) -> None:
    """Have the page read again now instead of in a minute."""
    browser.run("window.dispatchEvent(new Event('online'))")
