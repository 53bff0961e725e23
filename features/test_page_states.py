"""The page of a factory that stopped, is new, lost an entry, or of which little is known."""

from pytest_bdd import given, parsers, scenarios, then, when

from features.browser_fixtures import Browser, ShownFactory
from features.page_steps import row, wake

scenarios("page_states.feature")


@given(parsers.parse('entries "{one}" and "{two}", whose daemons only just began'))
def only_just_began(shown_factory: ShownFactory, one: str, two: str) -> None:
    shown_factory.entries(one, two)
    shown_factory.look()


@when(parsers.parse('the operator takes "{name}" away'))
def take_away(browser: Browser, shown_factory: ShownFactory, name: str) -> None:
    (shown_factory.configured.folder / f"entries/{name}.toml").unlink()
    shown_factory.configured.reconfig()
    shown_factory.look()
    wake(browser)


@when(parsers.parse('the operator brings "{name}" back'))
def bring_back(browser: Browser, shown_factory: ShownFactory, name: str) -> None:
    shown_factory.entries(name)
    shown_factory.look()
    wake(browser)


@when(parsers.parse("nobody has seen a request for {minutes:d} minutes"))
def no_requests(browser: Browser, shown_factory: ShownFactory, minutes: int) -> None:
    shown_factory.clock += 60 * minutes
    shown_factory.look()
    wake(browser)


@when("somebody opens the page while the web server has no numbers")
def open_without(browser: Browser, shown_factory: ShownFactory) -> None:
    (shown_factory.configured.stage / "monitor/overview.json").unlink()
    browser.driver.get("about:blank")
    browser.driver.get(shown_factory.url)


@then("they read that nothing could be read")
def nothing_read(browser: Browser) -> None:
    browser.see("Nothing could be read: overview.json: 404", "main")


@then("they read that nothing was decided yet, and that there is no history")
def nothing_yet(browser: Browser) -> None:
    browser.see("nothing was decided yet", ".why")
    browser.see("What Frontends ask for is not known", "section")
    browser.see("Nothing is known of this time", "figure")
    browser.save("new")


@then("they read that there is no such entry")
def no_entry(browser: Browser) -> None:
    browser.see("There is no such entry", "main")


@then("they read the words of its decision again")
def words_again(browser: Browser) -> None:
    browser.see("requests: 0; 0 idle", ".why")


@then(parsers.parse('what "{name}" asks for is not known, but what it has is'))
def asks_unknown(browser: Browser, name: str) -> None:
    browser.run("location.hash = '#/frontends'")
    browser.see(name, "td.name")
    asked, most, running = row(browser, name)[4:7]
    assert (asked, most) == ("\N{EN DASH}", "\N{EN DASH}")
    assert running == "32"
    browser.save("unknown")


@then(parsers.parse("the page says that its numbers are {age} old"))
def stale(browser: Browser, age: str) -> None:
    browser.see(f"These numbers are {age} old", "#stale")
    browser.save("stale")
