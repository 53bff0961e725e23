"""Steps of setting_up.feature."""

import shutil
import time

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.setting_up_fixtures import ELSEWHERE, GUIDE, READ, Newcomer, blocks, commands
from tests.needs import need
from tests.test_project import ROOT

scenarios("setting_up.feature")

pytestmark = pytest.mark.timeout(600)  # it installs, builds and runs everything there is

XML = ROOT / "tests/fixtures/glideinwms/10-cms-manstartup-cern.xml"
GONE_S = 30  # until the last process of a factory that stopped is gone


@given("a machine on which nothing is set up")
def nothing_set_up(newcomer: Newcomer) -> None:
    need("nginx")
    assert not (newcomer.home / "my-factory").exists()


@when("somebody types every command of the guide")
def types_all(newcomer: Newcomer) -> None:
    shutil.copy(XML, newcomer.home / "glideinWMS.xml")
    newcomer.types(commands())
    assert newcomer.code == 0, newcomer.said[-3000:]


@then(parsers.parse('a job of theirs ran in a glidein at "{site}"'))
def job_ran(newcomer: Newcomer, site: str) -> None:
    log = (newcomer.home / "job.log").read_text()
    assert "Normal termination (return value 0)" in log
    assert (newcomer.home / "job.out").read_text() == f"{site}\n"


@then("nothing of it runs any more")
def nothing_runs(newcomer: Newcomer) -> None:
    deadline = time.monotonic() + GONE_S
    while left := newcomer.processes():
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def test_no_command_of_the_documentation_is_left_out() -> None:
    pages = {path.stem for path in GUIDE.glob("*.md")}
    assert pages == {*READ, *ELSEWHERE}
    for page in READ:
        assert blocks(page, "sh root") == []
    for page in ELSEWHERE:
        assert blocks(page, "sh root")
        assert blocks(page) == []
