"""A real browser without a window, and a factory whose page it looks at.

The factory has no daemons: what they would write is written by the same code
(:mod:`tests.decided`), and the real monitor makes the page of it. The web server tells the time of
those tests, which the page must believe rather than the browser's clock.
"""

import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from features.factory_fixtures import wait_for
from orchestrator.daemon.lock import Lock
from orchestrator.monitor.series import Series
from orchestrator.stage import static_server
from tests.configured import ENTRY, Configured, configure
from tests.decided import Decided
from tests.deciding import NOW
from tests.needs import need, program
from tests.watched import FRONTENDS, Watched

SCREENSHOTS = Path(__file__).parent.parent / "build" / "report" / "screenshots"
LIMIT_S = 60.0
WIDE, PHONE = (1400, 950), (390, 844)
_OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--mute-audio"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--disable-extensions", "--hide-scrollbars", "--lang=en"),
)


class Browser:
    """Chromium, driven; ``folder`` holds all it writes."""

    def __init__(self, folder: Path) -> None:
        options = ChromeOptions()
        options.binary_location = str(program("chromium"))
        for option in (*_OPTIONS, f"--user-data-dir={folder}/profile"):
            options.add_argument(option)
        options.set_capability(
            "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
        )
        service = ChromeService(
            str(program("chromedriver")), env={**os.environ, "HOME": str(folder)}
        )
        self.driver = Chrome(options, service)
        domain = {"timeDomain": "threadTicks"}
        self.driver.execute_cdp_cmd("Performance.enable", domain)
        self.driver.set_page_load_timeout(LIMIT_S)
        self.driver.set_script_timeout(LIMIT_S)

    def close(self) -> None:
        self.driver.quit()

    def size(self, width: int, height: int) -> None:
        """Give the page a width and height, whatever the window's frame takes."""
        metrics = {
            "width": width,
            "height": height,
            "deviceScaleFactor": 1,
            "mobile": False,
        }
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, scheme: str) -> None:
        """Have the person prefer a dark or a light scheme."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def all(self, selector: str) -> list[WebElement]:
        """Return the elements that a CSS selector finds."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def run(self, script: str, *given: Any) -> Any:
        """Return what a script in the page returns."""
        return self.driver.execute_script(script, *given)

    def work_ms(self, script: str, *given: Any) -> float:
        """Return how long a script kept the page's thread at work; not how long it waited for a
        processor that others use.
        """
        before = self._worked_s()
        self.run(script, *given)
        return 1_000 * (self._worked_s() - before)

    def _worked_s(self) -> float:
        told = self.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        found: dict[str, float] = {one["name"]: one["value"] for one in told}
        return found["TaskDuration"]

    def texts(self, selector: str) -> list[str]:
        """Return the visible texts of the elements that a selector finds."""
        script = (
            "return [...document.querySelectorAll(arguments[0])]"
            ".filter(one => one.checkVisibility()).map(one => one.innerText.trim())"
        )
        found: list[str] = self.run(script, selector)
        return found

    def see(self, text: str, selector: str = "body") -> None:
        """Wait until an element shows the text."""
        wait_for(
            f"{text!r} in {selector}: {self.texts(selector)!r:.2000}",
            lambda: any(text in one for one in self.texts(selector)),
            LIMIT_S,
        )

    def complaints(self) -> list[str]:
        """Return errors and warnings of the console, and requests that failed, since the last time."""
        found = [
            f"{one['level']}: {one['message']}"
            for one in self._log("browser")
            if one["level"] in ("SEVERE", "WARNING")
        ]
        for one in self._log("performance"):
            message = json.loads(one["message"])["message"]
            told = message["params"]
            if message["method"] == "Network.loadingFailed":
                found.append(f"failed: {told}")
            if message["method"] == "Network.responseReceived":
                response = told["response"]
                if response["status"] >= 400:
                    found.append(f"{response['status']}: {response['url']}")
        return found

    def _log(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call]
        return found

    def save(self, name: str, *, whole: bool = False) -> None:
        """Keep a picture of the window, or of the whole page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        if whole:
            height = int(self.run("return document.documentElement.scrollHeight"))
            width = int(self.run("return innerWidth"))
            self.size(width, min(height, 6_000))
        self.driver.save_screenshot(str(SCREENSHOTS / f"{name}.png"))


@dataclass
class ShownFactory:
    """A factory whose page is served."""

    configured: Configured
    watched: Watched
    url: str = ""
    clock: float = NOW
    states: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def decided(self) -> Decided:
        return self.watched.decided

    def entries(self, *names: str) -> None:
        """Have these entries more."""
        for name in names:
            text = ENTRY.replace('"Example"', f'"{name.split("_")[0]}"')
            self.configured.write(f"entries/{name}.toml", text)
        self.configured.reconfig()
        for name in names:
            (self.watched.work / f"entries/{name}/glideins").mkdir(exist_ok=True)

    def look(self) -> None:
        """Have the monitor do a cycle at the time it is."""
        self.watched.look(self.clock, **self.states)

    def remember(self, name: str, hours: int) -> None:
        """Give a history to a thing: ``entry/NAME``, ``frontend/NAME`` or ``factory``."""
        series = Series(self.watched.work / f"monitor/{name}.series")
        for minute in range(-60 * hours, 0):
            wave = 40 + 30 * math.sin(minute / 90) + 4 * math.sin(minute / 7)
            known = not -200 < minute < -170
            told = {
                "asked_idle": 20,
                "asked_max": 90,
                "running": round(wave),
                "idle": round(max(0, 20 - wave / 4)),
                "held": 3 if minute > -100 else 0,
                "unseen": 0,
                "ended": 1_000 + (minute + 60 * hours) // 3,
                "failed": 50 + (minute + 60 * hours) // 20,
                "total_s": (minute + 60 * hours) * 2_400,
                "job_s": (minute + 60 * hours) * 1_900,
                "idle_s": (minute + 60 * hours) * 300,
                "validation_s": (minute + 60 * hours) * 60,
                "waste_s": (minute + 60 * hours) * 500,
            }
            series.add(self.clock + 60 * minute, told if known else {})


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser; one for all tests, for it starts slowly."""
    need("chromium", "chromedriver")
    folder = Path(tempfile.mkdtemp(prefix="browser-test."))
    made = Browser(folder)
    yield made
    made.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def shown_factory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ShownFactory]:
    """A factory with the entries north and south, its page served; time stands still in it."""
    configured = configure(tmp_path)
    toml = configured.folder / "factory.toml"
    configured.write(
        "factory.toml", toml.read_text() + FRONTENDS + '[page]\nlogs = "all"\n'
    )
    configured.reconfig()
    for name in ("north", "south"):
        (configured.work / "entries" / name / "glideins").mkdir(exist_ok=True)
    lock = Lock(f"{configured.work}/factory/lock")
    lock.take()
    made = ShownFactory(configured, Watched(Decided(configured.work), configured.stage))

    def date(handler: object, timestamp: float | None = None) -> str:
        return formatdate(made.clock, usegmt=True)

    monkeypatch.setattr(static_server._Handler, "date_time_string", date)
    with static_server.serving(configured.stage) as server:
        made.url = f"{server.url}/monitor/index.html"
        yield made
    lock.abandon()


def timed(work: Any) -> float:
    """Return how many seconds a function took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
