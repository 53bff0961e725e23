"""The page in a real browser: what it says, and how it is used."""

from pytest_bdd import parsers, scenarios, then, when
from selenium.webdriver.common.keys import Keys

from features.browser_fixtures import Browser, ShownFactory
from features.factory_fixtures import wait_for
from features.page_steps import click, keys, row, tab_to
from orchestrator.explain import entry as explain_entry
from tests.deciding import NOW

scenarios("page.feature")


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


@when(parsers.parse('follows the links to the Frontends and to "{name}"'))
def follow_frontend(browser: Browser, name: str) -> None:
    click(browser, "nav a", "Frontends")
    click(browser, "td a", name)
    browser.see(name, "h1")


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
    assert "fetch 2 s, check 900 ms, setup 4 s, condor 2 s, run 1 h 56 min" in labels
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


def drawn(browser: Browser) -> str:
    """Return the first plot as it is drawn; "" while there is none."""
    picture: str = browser.run(
        "return document.querySelector('.uplot canvas')?.toDataURL() ?? ''"
    )
    return picture
