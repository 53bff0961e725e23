"""The monitor daemon: what goes wrong there is logged once, and changes nothing for others."""

import logging
import shutil
from pathlib import Path

import pytest

from orchestrator.daemon.board import Board
from orchestrator.daemon.monitor_daemon import MonitorDaemon
from tests.configured import Configured


@pytest.fixture
def monitor(configured: Configured) -> MonitorDaemon:
    configured.reconfig()
    return MonitorDaemon(configured.work, Board(4).take())


def test_it_writes_the_page_below_the_stage(
    monitor: MonitorDaemon, configured: Configured
) -> None:
    assert monitor.cycle() is None
    page = configured.stage / "monitor"
    for file in ("index.html", "main.js", "overview.json", "metrics.prom"):
        assert (page / file).is_file(), file
    assert "glidein_factory_up 0" in (page / "metrics.prom").read_text()


def test_a_stage_that_cannot_be_written_is_told_once(
    monitor: MonitorDaemon, configured: Configured, caplog: pytest.LogCaptureFixture
) -> None:
    (configured.stage / "monitor").write_text("in the way")
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert monitor.cycle() is None
    assert len(caplog.records) == 1
    assert "the page is not up to date" in caplog.text
    (configured.stage / "monitor").unlink()
    monitor.cycle()
    assert (configured.stage / "monitor/overview.json").is_file()


def test_a_damaged_record_leaves_the_page_as_it_was(
    monitor: MonitorDaemon, configured: Configured, caplog: pytest.LogCaptureFixture
) -> None:
    monitor.cycle()
    (configured.work / "factory/factory.json").write_text("{")
    monitor.cycle()
    assert "damaged" in caplog.text
    assert (configured.stage / "monitor/overview.json").is_file()


def test_without_a_page_nothing_is_written(
    monitor: MonitorDaemon, configured: Configured
) -> None:
    toml = configured.folder / "factory.toml"
    configured.write("factory.toml", toml.read_text() + "\n[page]\nenabled = false\n")
    configured.reconfig()
    monitor.cycle()
    assert not (configured.stage / "monitor").exists()


def test_a_monitor_that_starts_anew_goes_on(
    monitor: MonitorDaemon, configured: Configured
) -> None:
    monitor.cycle()
    part = Path(configured.stage / "monitor/entry/.part-north.json")
    part.write_text("killed while it wrote")
    again = MonitorDaemon(configured.work, Board(4).take())
    again.cycle()
    assert not part.exists()
    shutil.rmtree(configured.stage / "monitor")  # somebody tidied up
    MonitorDaemon(configured.work, Board(4).take()).cycle()
    assert (configured.stage / "monitor/entry/north.json").is_file()
