"""The page in a real browser: what it says, how it is used, and what it must never do."""

import re
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from features.browser_fixtures import PHONE, WIDE, Browser, ShownFactory
from features.factory_fixtures import wait_for
from orchestrator.deciding.backoff import Backoff, Backoffs
from orchestrator.deciding.request import Credentials, Refusal
from orchestrator.explain import entry as explain_entry
from orchestrator.worktree import downtimes_edit
from orchestrator.worktree.downtimes import Downtime
from tests.decided import failed, useful
from tests.deciding import NOW

scenarios("page.feature")

PHASES = {"fetch": 2_300, "check": 900, "setup": 4_100, "condor": 1_500, "run": 7_000_000}
HOSTILE = (
    "<img src=x onerror=alert(1)><script>window.hit = 1</script>&amp; \"' javascript:hit"
)
FIRST_PAINT_S = 1.0
LONGEST_KEY_MS = 100  # what a person does not notice


# --- given -----------------------------------------------------------------------------------


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


@given("an entry whose Frontend, hold reason, node, cause and log are HTML and scripts")
def hostile_entry(shown_factory: ShownFactory) -> None:
    factory = shown_factory
    factory.entries("hostile")
    refusals = [Refusal("r", "hostile", HOSTILE, HOSTILE, HOSTILE)]
    backoffs = Backoffs({f"cms:{HOSTILE}": Backoff(2, NOW - 60, NOW + 600, HOSTILE)})
    factory.decided.decide(
        "hostile",
        {"cms": "1 idle of 5"},
        {"cms": "3 held"},
        refusals=refusals,
        backoffs=backoffs,
        frontend=HOSTILE,
        client=HOSTILE,
    )
    queue = factory.decided.work / "entries/hostile/queue.json"
    quoted = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    queue.write_text(queue.read_text().replace("no route to site", quoted))
    ends = [failed(f"1.{n}", HOSTILE, node=HOSTILE, detail=HOSTILE) for n in range(3)]
    factory.decided.ended("hostile", ends)
    outputs = factory.decided.work / "entries/hostile/glideins/cms.main"
    outputs.mkdir()
    (outputs / "job.1.0.out").write_text(HOSTILE + "\n")
    factory.look()


@given("1,000 entries")
def thousand_entries(shown_factory: ShownFactory) -> None:
    names = [f"Site{n % 97}_ce{n}" for n in range(1_000 - 7)]
    shown_factory.entries(*names)
    for at, name in enumerate(names):
        if at % 3 == 0:
            shown_factory.decided.decide(
                name,
                {"cms": f"{at % 50} idle of 90"},
                {"cms": f"{1 + at % 20} running, {1 + at % 7} pending"},
            )
    shown_factory.look()


# --- when ------------------------------------------------------------------------------------


@when("somebody opens the page")
def open_page(browser: Browser, shown_factory: ShownFactory) -> None:
    browser.size(*WIDE)
    browser.prefer("light")
    browser.driver.get("about:blank")
    browser.complaints()
    browser.driver.get(shown_factory.url)
    browser.see("Entries", "h2")


@when(parsers.parse('types "/" and then "{text}"'))
def search(browser: Browser, text: str) -> None:
    keys(browser, "/")
    keys(browser, text)


@when('they press Escape, and Enter on the head of "Running"')
def sort(browser: Browser) -> None:
    keys(browser, Keys.ESCAPE)
    assert browser.run("return document.activeElement === document.body")
    tab_to(browser, "th button", "Running")
    keys(browser, Keys.ENTER)


@when("they go on with Tab from there to an entry and press Enter")
def tab_on(browser: Browser) -> None:
    tab_to(browser, "td.name a", "Wisconsin_main")
    keys(browser, Keys.ENTER)


@when(parsers.parse('follows the link to "{name}"'))
def follow(browser: Browser, name: str) -> None:
    click(browser, "a", name)
    browser.see(name, "h1")


@when(parsers.parse('follows the links to the Frontends and to "{name}"'))
def follow_frontend(browser: Browser, name: str) -> None:
    click(browser, "nav a", "Frontends")
    click(browser, "td a", name)
    browser.see(name, "h1")


@when(parsers.parse("the monitor has written nothing for {minutes:d} minutes"))
def time_passes(browser: Browser, shown_factory: ShownFactory, minutes: int) -> None:
    shown_factory.clock += 60 * minutes
    wake(browser)


@when("the monitor writes again")
def write_again(browser: Browser, shown_factory: ShownFactory) -> None:
    shown_factory.look()
    wake(browser)


@when("reads the log of its last glidein")
def read_log(browser: Browser) -> None:
    click(browser, "button", "log")
    browser.see(HOSTILE, "pre")


@when(parsers.parse("somebody opens the page on {where}"))
def open_page_on(browser: Browser, shown_factory: ShownFactory, where: str) -> None:
    open_page(browser, shown_factory)
    browser.size(*(PHONE if "telephone" in where else WIDE))
    browser.prefer("dark" if "dark" in where else "light")


# --- then ------------------------------------------------------------------------------------


@then(parsers.parse('it says first that the daemon of "{name}" was left down'))
def first_problem(browser: Browser, name: str) -> None:
    browser.see(name, ".problems li")
    first = browser.texts(".problems li")[0]
    assert first == f"{name}: daemon left down: ended by SIGKILL"
    top, table = (
        browser.run(f"return document.querySelector('{one}').getBoundingClientRect().top")
        for one in (".problems", "table")
    )
    assert top < table


@then(parsers.parse('the first rows are "{one}" and "{two}"'))
def first_rows(browser: Browser, one: str, two: str) -> None:
    rows = browser.texts("td.name")
    assert rows[0] == one
    assert two in rows[1:3], rows


@then(
    parsers.parse(
        '"{name}" shows {running:d} running, {idle:d} idle and {asked:d} asked for'
    )
)
def row_shows(browser: Browser, name: str, running: int, idle: int, asked: int) -> None:
    cells = row(browser, name)
    heads = [re.sub(r" [↑↓]$", "", text) for text in browser.texts("th")]
    found = dict(zip(heads, cells, strict=True))
    assert (found["Running"], found["Idle"], found["Asked"]) == (
        str(running),
        str(idle),
        str(asked),
    )


@then(parsers.parse('only the entries "{name}" are shown'))
def only_shown(browser: Browser, name: str) -> None:
    wait_for("filtered rows", lambda: browser.texts("td.name") == [name])


@then(parsers.parse('the first row is "{name}", and the head says "{how}"'))
def first_row(browser: Browser, name: str, how: str) -> None:
    wait_for("sorted rows", lambda: browser.texts("td.name")[0] == name)
    assert browser.run("return document.querySelector('th[aria-sort]').ariaSort") == how


@then("the page of that entry opens")
def entry_opens(browser: Browser) -> None:
    browser.see("Wisconsin_main", "h1")
    assert browser.driver.title.startswith("Wisconsin_main")


@then("they read the words of its last decision, as why has them")
def words_of_why(browser: Browser, shown_factory: ShownFactory) -> None:
    why = explain_entry.explain(shown_factory.decided.work, "Wisconsin_main", now=NOW)
    browser.see(why["words"], ".why")


@then('which limit binds the request of "cms.main"')
def binds(browser: Browser) -> None:
    browser.see("the entry may have 5 idle: 5 before", "td.words")


@then(parsers.parse('that most failures came from "{node}"'))
def by_node(browser: Browser, node: str) -> None:
    (table,) = browser.run(
        "return [...document.querySelectorAll('section')]"
        ".filter(s => s.querySelector('h2')?.innerText === 'Failures by node')"
        ".map(s => s.querySelector('tbody tr').innerText)"
    )
    assert table.split()[:2] == ["6", node]


@then("the history of 8 hours is drawn, and that of 9 days when they ask for it")
def history(browser: Browser) -> None:
    wait_for("three plots", lambda: len(browser.all(".uplot canvas")) == 3)
    before = drawn(browser)
    assert len(before) > 5_000
    click(browser, "button", "9 days")
    wait_for("another plot", lambda: drawn(browser) not in (before, ""))


@then("the phases of the last glideins are bars")
def bars(browser: Browser) -> None:
    labels = browser.run(
        "return [...document.querySelectorAll('.bar')].map(one => one.ariaLabel)"
    )
    assert "fetch 2 s, check 1 s, setup 4 s, condor 2 s, run 1 h 56 min" in labels
    widths = browser.run(
        "return [...document.querySelector('.bar:has(.run)').children]"
        ".map(one => one.getBoundingClientRect().width)"
    )
    assert len(widths) == 5
    assert min(widths) >= 3
    assert max(widths) == widths[-1]


@then("the log of a glidein that failed can be read")
def failed_log(browser: Browser) -> None:
    click(browser, "button[aria-label='Log of 6.0']", "log")
    browser.see("ERROR disk: found 200 MB, needed 2 GB", "pre")


@then("they see what it asks of each entry, and that a credential ends in 4 h 59 min")
def frontend_page(browser: Browser) -> None:
    browser.see("Wisconsin_main", "td.name")
    assert "60" in row(browser, "Wisconsin_main")
    browser.see("4 h 59 min", "td.warn")


@then("nothing says that the numbers are old")
def not_stale(browser: Browser) -> None:
    wait_for("no mark", lambda: browser.texts("#stale") == [])
    assert not browser.run("return document.body.classList.contains('stale')")


@then(parsers.parse("the page says that its numbers are {age} old"))
def stale(browser: Browser, age: str) -> None:
    browser.see(f"These numbers are {age} old", "#stale")
    browser.save("stale")


@then("all of it stands there as it was written")
def hostile_text(browser: Browser) -> None:
    for selector in ("td", "li", "pre", "td.words", "small.detail"):
        browser.see(HOSTILE, selector)


@then("no element or script came of it")
def no_hit(browser: Browser) -> None:
    assert browser.run("return window.hit") is None
    assert browser.all("main img, main script, main iframe") == []
    assert browser.all("a[href^='javascript']") == []


@then("nothing is wider than the screen")
def fits(browser: Browser) -> None:
    for page in PAGES:
        go(browser, page)
        wide = browser.run("return document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{page}: {wide} pixels too wide"


@then("text stands out from what is behind it")
def contrast(browser: Browser) -> None:
    for page in PAGES:
        go(browser, page)
        for name, ratio in browser.run(CONTRAST).items():
            assert ratio >= 4.5, f"{page}: {name}: {ratio:.1f}"


@then(parsers.parse('pictures of all pages are kept as "{name}"'))
def pictures(browser: Browser, name: str) -> None:
    for page, called in PAGES.items():
        go(browser, page)
        browser.save(f"{called}-{name}", whole=True)
        browser.size(*(PHONE if name == "phone" else WIDE))


@then("the first rows are painted within a second")
def first_paint(browser: Browser) -> None:
    browser.run(TIMES)
    wait_for("all rows", lambda: len(browser.all("td.name")) == 1_000)
    told = browser.run("return window.rowsAt")
    print(f"first rows after {told:.0f} ms, with 1,000 entries")
    assert told < 1_000 * FIRST_PAINT_S
    browser.save("thousand")


@then("no key of a search keeps the browser busy for long")
def search_is_smooth(browser: Browser) -> None:
    spent = browser.driver.execute_async_script(TYPE, "site7_ce1")
    print("each key took", ", ".join(f"{ms:.0f} ms" for ms in spent))
    assert sorted(spent)[len(spent) // 2] < LONGEST_KEY_MS
    wait_for("few rows", lambda: 0 < len(browser.texts("td.name")) < 20)


@then("the browser has nothing to complain about")
def no_complaints(browser: Browser) -> None:
    assert browser.complaints() == []


# --- what steps use --------------------------------------------------------------------------

PAGES = {
    "#/": "entries",
    "#/entry/Wisconsin_main": "entry",
    "#/frontends": "frontends",
    "#/frontend/cms": "frontend",
    "#/health": "health",
}
# The least contrast of each kind of text with what is behind it.
CONTRAST = """
const light = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (one) => {
  for (; one; one = one.parentElement) {
    const colour = getComputedStyle(one).backgroundColor;
    if (!/, 0\\)$|transparent|color\\(/.test(colour)) return colour;
  }
};
const found = {};
for (const one of document.querySelectorAll("body *")) {
  const said = [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  if (!said || !one.checkVisibility() || one.closest(".word, .skip, meter, option")) continue;
  const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
  const name = `${one.tagName} ${one.className}`;
  found[name] = Math.min(found[name] ?? 99, (a + 0.05) / (b + 0.05));
}
return found;
"""
TIMES = """
const rows = performance.getEntriesByName("first-rows")[0];
window.rowsAt = rows ? rows.startTime : 1e9;
"""
# Type a text, a key in each frame; how long each one kept the browser from painting.
TYPE = """
const [text, done] = arguments;
const input = document.querySelector("input[type=search]");
const spent = [];
const next = (at) => {
  if (at > text.length) return done(spent);
  const began = performance.now();
  input.value = text.slice(0, at);
  input.dispatchEvent(new Event("input"));
  document.body.offsetHeight; // the layout, too
  requestAnimationFrame(() => { spent.push(performance.now() - began); next(at + 1); });
};
next(1);
"""


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


def drawn(browser: Browser) -> str:
    """Return the first plot as it is drawn; "" while there is none."""
    picture: str = browser.run(
        "return document.querySelector('.uplot canvas')?.toDataURL() ?? ''"
    )
    return picture


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
