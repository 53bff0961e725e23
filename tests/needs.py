"""Say what a test needs of the machine; where that is missing the test is skipped by name.

In CI, and wherever $GLIDEIN_NO_SKIP is set, nothing may be skipped: the test fails instead.

In a fixture or step, call :func:`need`; on a test or as ``pytestmark``, use the mark::

    need("nginx", "squid", root=True)

    @pytest.mark.needs("strace", namespaces=True)
    def test_something() -> None: ...

A scenario says it with tags: ``@needs_nginx``, ``@needs_root``, ``@needs_namespaces``.
"""

import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

# Servers live in sbin, which an ordinary user's PATH leaves out.
SEARCH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"

PACKAGES = {  # the Debian package of a program that has another name
    "apache2": "apache2-bin",
    "busybox": "busybox-static",
    "chromedriver": "chromium-driver",
    "ip": "iproute2",
    "mksquashfs": "squashfs-tools",
    "ps": "procps",
    "munged": "munge",
    "sbatch": "slurm-client",
    "systemd-analyze": "systemd",
    "systemd-sysusers": "systemd",
    "systemd-tmpfiles": "systemd",
}


def program(name: str) -> Path | None:
    """Return where a program is, also below sbin when PATH leaves that out."""
    found = shutil.which(name, path=SEARCH)
    return Path(found) if found else None


@functools.cache
def have_namespaces() -> bool:
    """Return whether this process may make network namespaces."""
    if os.geteuid() != 0 or program("ip") is None:
        return False
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def missing(*programs: str, root: bool = False, namespaces: bool = False) -> list[str]:
    """Return what this machine lacks, in words."""
    lacks = [
        f"the program {name} (Debian package {PACKAGES.get(name, name)})"
        for name in programs
        if program(name) is None
    ]
    if root and os.geteuid() != 0:
        lacks.append("root")
    if namespaces and not have_namespaces():
        lacks.append("network namespaces (root, iproute2, and a kernel that permits them)")
    return lacks


def need(*programs: str, root: bool = False, namespaces: bool = False) -> None:
    """Skip the test that is being set up, or fail it in CI, when something is missing."""
    lacks = missing(*programs, root=root, namespaces=namespaces)
    if not lacks:
        return
    reason = "needs " + ", ".join(lacks)
    if strict():
        pytest.fail(f"nothing may be skipped here: {reason}", pytrace=False)
    raise pytest.skip.Exception(reason, _use_item_location=True)


def strict() -> bool:
    """Return whether a missing program is a failure."""
    return bool(os.environ.get("CI") or os.environ.get("GLIDEIN_NO_SKIP"))


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    mark = "needs(*programs, root, namespaces): see tests/needs.py"
    config.addinivalue_line("markers", mark)


def pytest_bdd_apply_tag(tag: str, function: object) -> bool | None:
    """Turn the tag ``@needs_NAME`` of a scenario into the mark."""
    if not tag.startswith("needs_"):
        return None
    name = tag.removeprefix("needs_")
    if name in ("root", "namespaces"):
        pytest.mark.needs(**{name: True})(function)
    else:
        pytest.mark.needs(name)(function)
    return True


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Obey the marks of a test before its fixtures are made."""
    for mark in item.iter_markers("needs"):
        need(*mark.args, **mark.kwargs)
