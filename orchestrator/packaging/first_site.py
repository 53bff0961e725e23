"""A commented configuration for a first site, and the commands that bring it to work."""

import json
import re
import shlex
import socket
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import htcondor2 as htcondor
import requests
from pydantic import ValidationError

from orchestrator import disk
from orchestrator.config.across import tarballs_meant
from orchestrator.config.model import Entry, Factory, Part
from orchestrator.config.values import NAME, NAME_RULE, is_entry_name
from orchestrator.daemon import command as daemon
from orchestrator.errors import ConfigError
from orchestrator.stage.area import STOP_LIST

HERE = ("local", "vanilla")  # grid types that need no site
_TEXTS = Path(__file__).parent / "first_site"
_BATCH_SYSTEM = "batch "  # how the grid types of batch systems without a CE begin
_LOOPBACK = "127.0.0.1"
_COMMENT_COLUMN = 38
_LOOK_S = 2  # for the web server to answer


@dataclass(frozen=True)
class FirstSite:
    """What is filled in; empty: what fits the rest and this host's HTCondor."""

    folder: Path
    factory: str = "MyFactory"
    schedd: str = ""
    collector: str = ""
    work: str = "work"
    stage: str = "stage"
    url: str = ""
    entry: str = ""
    site: str = "Here"
    grid_type: str = "local"
    gatekeeper: str = ""
    frontend: str = "vo"
    identity: str = ""

    @property
    def entry_name(self) -> str:
        return self.entry or re.sub(r"[^a-z0-9_-]", "_", self.site.lower())

    def texts(self) -> dict[str, str]:
        """Return the files, by name below the folder.

        Raises:
            ConfigError: a value cannot be what it is to be, or one is missing.
        """
        if not is_entry_name(self.entry_name):
            raise ConfigError(f"an entry cannot be called {self.entry_name!r}")
        if not NAME.fullmatch(self.frontend):
            raise ConfigError(f"frontends: {NAME_RULE}: {self.frontend!r}")
        if not self.gatekeeper and self.grid_type not in HERE:
            raise ConfigError(
                f'grid type {self.grid_type} needs --gatekeeper, as HTCondor writes it: "ce.'
                'example.org ce.example.org:9619", or for a batch system "user@its-host"'
            )
        values = self._values()
        found = {
            "factory.toml": _filled("factory.toml", values),
            f"entries/{self.entry_name}.toml": _filled("entry.toml", values),
        }
        models: tuple[type[Part], ...] = (Factory, Entry)
        for text, model in zip(found.values(), models, strict=True):
            try:
                model.model_validate(tomllib.loads(text))
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(map(str, first["loc"]))
                raise ConfigError(f"{place}: {first['msg']}: {first['input']!r}") from error
        return found

    def _values(self) -> dict[str, str]:
        """Return what stands for each word between at signs."""
        local = self.grid_type in HERE
        host = _LOOPBACK if local else socket.getfqdn()
        domain = _param("TRUST_DOMAIN") or _param("UID_DOMAIN") or socket.getfqdn()
        quoted = {
            "FACTORY": self.factory,
            "SCHEDD": self.schedd or _own_schedd(),
            "WORK": self.work,
            "STAGE": self.stage,
            "URL": self.url or f"http://{host}:8080",
            "SITE": self.site,
            "GRID_TYPE": self.grid_type,
            "GATEKEEPER": self.gatekeeper or "localhost",
            "IDENTITY": self.identity or f"{self.frontend}@{domain}",
            "FRONTEND_USER": f"{self.frontend}_user",
            "WORK_DIR": "." if local else "TMPDIR",
        }
        values = {
            name: json.dumps(text, ensure_ascii=False) for name, text in quoted.items()
        }
        collector = json.dumps([self.collector or "wms.example.org:9618"])
        values["COLLECTOR"] = f"{'' if self.collector else '# '}collector = {collector}"
        values |= {
            "DIR": shlex.quote(str(self.folder)),
            "ENTRY": self.entry_name,
            "FRONTEND": self.frontend,
            "FACTORY_NAME": self.factory,
            "WALLTIME_S": "86_400" if local else "172_800",
            "GLIDEINS": "2" if local else "10",
            "CYCLE_WHY": "A first try wants no patience; 60 is what real sites get."
            if local
            else "Frontends repeat their requests every few minutes.",
            "CYCLE": "[cycle]\ndelay_s = 5  # seconds"
            if local
            else "# [cycle]\n# delay_s = 60  # seconds",
            "SUBMIT": _submit_lines(self.grid_type),
        }
        return values


def _filled(name: str, values: Mapping[str, str]) -> str:
    """Return one of the texts with its words filled in, and its comments in one column."""
    text = (_TEXTS / name).read_text()
    text = re.sub(r"@([A-Z_]+)@", lambda word: values[word[1]], text)
    return re.sub(
        r"^([^#\n]*\S) +# ",
        lambda line: f"{line[1]:<{_COMMENT_COLUMN}}# ",
        text,
        flags=re.MULTILINE,
    )


def _submit_lines(grid_type: str) -> str:
    if grid_type == "condor":
        return '# "+maxWallTime" = 2_880             # minutes, for an HTCondor-CE\n# "+maxMemory" = 4_000'
    if grid_type.startswith(_BATCH_SYSTEM):
        return '# batch_queue = "long"\n# batch_runtime = 172_800'
    return "request_disk = 1_024                  # kB"


def _param(name: str) -> str:
    """Return what HTCondor's configuration on this host says."""
    return str(htcondor.param.get(name) or "")


def _own_schedd() -> str:
    """Return the full name of this host's schedd."""
    host = _param("FULL_HOSTNAME") or socket.getfqdn()
    name = _param("SCHEDD_NAME")
    return name if "@" in name else f"{name}@{host}" if name else host


@dataclass(frozen=True)
class Step:
    """A command of the first hour: what it is for, and whether that is done; None: who knows."""

    what: str
    command: str
    done: bool | None


def write(site: FirstSite) -> list[Path]:
    """Write the configuration.

    Raises:
        ConfigError: a value cannot be what it is to be, or a file is there already.
    """
    texts = {site.folder / name: text for name, text in site.texts().items()}
    there = [path for path in texts if path.exists() or path.is_symlink()]
    if there:
        raise ConfigError(f"{there[0]} is there already, and stays as it is")
    for path, text in texts.items():
        disk.make_folder(path.parent)
        with path.open("x") as file:
            file.write(text)
    return list(texts)


def steps(folder: Path) -> list[Step]:
    """Return the commands that bring the configuration in ``folder`` to work, in order.

    Raises:
        ConfigError: ``factory.toml`` is not one.
    """
    try:
        factory = Factory.model_validate(
            tomllib.loads((folder / "factory.toml").read_text())
        )
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{folder}/factory.toml: {error}") from error
    work, stage = (
        folder / Path(said).expanduser() for said in (factory.work, factory.web.stage)
    )
    word = shlex.quote(str(folder))
    web = urlsplit(factory.web.url)
    listen = f" --listen {_LOOPBACK}" if web.hostname in (_LOOPBACK, "localhost") else ""
    tarballs = tarballs_meant(folder, factory.condor_tarballs)
    entry = next(iter(sorted((folder / "entries").glob("*.toml"))), Path("ENTRY")).stem
    asked = f"glidein-factory request {shlex.quote(entry)} --config {word} --frontend"
    asked += f" {next(iter(factory.frontends), 'NAME')} --idle 1 --max 1 --wait 1"
    return [
        Step(
            "make the HTCondor that glideins unpack",
            f"glidein-factory condor-tarball --output {word}",
            any((folder / one).is_file() for one in tarballs),
        ),
        Step(
            "check, sign and publish",
            f"glidein-factory reconfig --config {word}",
            (work / "factory/factory.json").is_file(),
        ),
        Step(
            "serve the stage (or with a web server that is there; stays in the foreground)",
            f"glidein-factory web-config nginx --root {shlex.quote(str(stage))}{listen}"
            f" --port {web.port or 80} {shlex.quote(str(folder / 'web'))} --run",
            _serves(factory.web.url),
        ),
        Step(
            "start the daemons",
            f"glidein-factory start --config {word}",
            daemon.running(work) is not None,
        ),
        Step("see how it is", f"glidein-factory status --config {word}", None),
        Step(
            "ask for a glidein, as a Frontend does",
            f"{asked} {_credentials(factory)}",
            None,
        ),
    ]


def _credentials(factory: Factory) -> str:
    """Return options of ``request``: those of the trial pool if HTCondor here is one."""
    pool = (*factory.collector, _param("COLLECTOR_HOST"), "COLLECTOR")
    tokens = Path(_param("LOCAL_DIR")) / "tokens"
    files = {"token": "vo", "scitoken": "site", "idtoken": "glidein"}
    words = ["--pool", next(filter(None, pool))]
    for option, name in files.items():
        there = (tokens / name).is_file()
        words += [f"--{option}", str(tokens / name) if there else option.upper()]
    return shlex.join(words)


def _serves(url: str) -> bool:
    try:
        return requests.get(f"{url}/{STOP_LIST}", timeout=_LOOK_S).status_code == 200
    except requests.RequestException:
        return False
