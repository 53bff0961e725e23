"""Where the parts that are not Python lie: the worker scripts, the web files, the cache."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).parent


def share(name: str) -> Path:
    """Return the folder ``glidein`` or ``web``, of the checkout or of the installed wheel.

    Raises:
        FileNotFoundError: this installation lacks the folder.
    """
    for folder in (_PACKAGE.parent / name, _PACKAGE / "_share" / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"{name}/: neither in a checkout nor in the installed package")


def cache_dir() -> Path:
    """Return the folder for downloads and built tarballs, made when it is not there.

    $GLIDEIN_FACTORY_CACHE, else ``glidein-factory`` below $XDG_CACHE_HOME or ~/.cache.
    """
    own = os.environ.get("GLIDEIN_FACTORY_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(own) if own else Path(base) / "glidein-factory"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
