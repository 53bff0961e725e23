"""The page's files: nothing from elsewhere, nothing inline, all of it published as it is."""

import re
from pathlib import Path

import pytest

from orchestrator.monitor.published import Published
from orchestrator.share import share

PAGE = share("web") / "page"
OWN = sorted(path for path in PAGE.glob("*.*") if path.suffix in (".js", ".css", ".html"))


def test_what_is_published_is_what_is_there(tmp_path: Path) -> None:
    Published(tmp_path).put_page()
    files = {path.relative_to(PAGE) for path in PAGE.rglob("*") if path.is_file()}
    found = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == files
    for path in files:
        assert (tmp_path / path).read_bytes() == (PAGE / path).read_bytes()


def test_libraries_come_with_their_licence_and_version() -> None:
    told = (PAGE / "vendor/README.md").read_text()
    for folder in (PAGE / "vendor").iterdir():
        if folder.is_dir():
            assert f"`{folder.name}/`" in told
            assert "Permission is hereby granted" in (folder / "LICENSE").read_text()


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    addresses = [
        one for one in re.findall(r"https?://[^\s\"')]+", text) if "w3.org" not in one
    ]
    assert addresses == []


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_no_value_can_become_code(path: Path) -> None:
    text = path.read_text()
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function"
    )
    assert not re.search(forbidden, text)
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=\"|\sstyle=\"|javascript:", text)


def test_the_policy_lets_in_own_files_alone() -> None:
    text = " ".join((PAGE / "index.html").read_text().split())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert set(rules.values()) == {"'none'", "'self'"}
