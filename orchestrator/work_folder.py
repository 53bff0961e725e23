"""Where the work tree of a configuration is, found out without reading all of the configuration."""

from pathlib import Path
from typing import Any

from orchestrator import toml_file
from orchestrator.errors import ConfigError

FACTORY_FILE = "factory.toml"
OVERRIDES = "overrides"


def work_folder(folder: Path) -> Path:
    """Return the work tree of the configuration in ``folder``, whatever else may be wrong there.

    Raises:
        ConfigError: ``factory.toml`` or an override cannot be read, or ``work`` is no text.
    """
    work: Any = "work"
    for path in (folder / FACTORY_FILE, *sorted((folder / OVERRIDES).glob("*.toml"))):
        try:
            work = toml_file.load(path)[0].get("work", work)
        except toml_file.TomlError as error:
            raise ConfigError(f"{path}: {error}") from error
        if not isinstance(work, str):
            raise ConfigError(f"{path}: work: expected a text in quotes, got {work!r}")
    return folder / Path(work).expanduser()
