"""The real web servers: fill in their configurations (``web/*.conf``), start and stop them.

Operators take the configuration and run the server as they run their others; the demo and the
tests run one for a while, in a folder of its own, as an ordinary user.
"""

import getpass
import grp
import ipaddress
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Literal
from urllib.parse import urlsplit

from orchestrator.errors import FactoryError
from orchestrator.share import share

Kind = Literal["nginx", "apache", "squid", "live-log"]

_PROGRAMS: Mapping[Kind, str] = {
    "nginx": "nginx",
    "apache": "apache2",
    "squid": "squid",
    "live-log": "nginx",
}
_BELOW: Mapping[Kind, Sequence[str]] = {  # folders of the server's own
    "nginx": ["tmp"],
    "squid": ["cache"],
    "live-log": ["tmp", "logs"],
}
_SBIN = ":/usr/local/sbin:/usr/sbin:/sbin"  # where an ordinary user's PATH does not look
_MODULES = (Path("/usr/lib/apache2/modules"), Path("/usr/lib64/httpd/modules"))
_START_S = 20.0  # a server that does not listen by then has failed
_STOP_S = 15.0
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+")
_SQUID_LOOPBACK = ("127.0.0.0/8", "::1")


class WebError(FactoryError):
    """A web server could not be configured or started."""


def ordinary_user() -> str:
    """Return the user that a server runs as: this one, but never root."""
    return "nobody" if os.geteuid() == 0 else getpass.getuser()


@dataclass(frozen=True)
class Settings:
    """What is filled into a configuration."""

    folder: Path  # of the server's own files
    port: int
    listen: str = "127.0.0.1"
    user: str = field(default_factory=ordinary_user)
    root: Path | None = None  # nginx and Apache: what is served
    clients: Sequence[str] = _SQUID_LOOPBACK  # Squid: networks that may ask
    origins: Sequence[str] = ()  # Squid: web servers that may be asked
    cache_mb: int = 10_000
    memory_mb: int = 256


@dataclass(frozen=True)
class Running:
    """A server that runs."""

    kind: Kind
    url: str
    pid: int
    folder: Path

    @property
    def access_log(self) -> Path:
        """One line per request."""
        return self.folder / "access.log"


def write_config(kind: Kind, settings: Settings) -> Path:
    """Write a ready configuration into the folder and return its path.

    Raises:
        WebError: a setting is missing, or cannot be written in this server's language.
    """
    folder = settings.folder.resolve()
    values = {
        "FOLDER": str(folder),
        "LISTEN": settings.listen,
        "PORT": str(settings.port),
        "USER": settings.user,
        "GROUP": _group_of(settings.user),
    }
    if kind == "squid":
        if not settings.origins:
            raise WebError("squid: name the web servers it may ask, or it would ask any")
        values |= {
            "CLIENTS": " ".join(_network(one) for one in settings.clients),
            "ORIGINS": " ".join(_host(one) for one in settings.origins),
            "CACHE_MB": str(settings.cache_mb),
            "MEMORY_MB": str(settings.memory_mb),
        }
    elif kind != "live-log" and settings.root is None:
        raise WebError(f"{kind}: which folder shall it serve?")
    elif settings.root is not None:
        # Resolved: the servers are told not to follow symbolic links.
        values["ROOT"] = str(settings.root.resolve())
    if kind == "apache":
        found = [path for path in _MODULES if path.is_dir()]
        values["MODULES"] = str((found or list(_MODULES))[0])
    text = render((share("web") / f"{kind}.conf").read_text(), values)
    for below in _BELOW.get(kind, ()):
        (folder / below).mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "live-log" and not (folder / "tokens").exists():
        (folder / "tokens").touch(mode=0o600)
    path = folder / f"{kind}.conf"
    path.write_text(text)
    return path


def render(template: str, values: Mapping[str, str]) -> str:
    """Fill in the words between at signs.

    Raises:
        WebError: a word has no value, or a value would break out of its place.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in values:
            raise WebError(f"the configuration needs a value for {name}")
        lists = name in ("CLIENTS", "ORIGINS")
        if not re.fullmatch(
            r"[A-Za-z0-9._:/+@=~,-]+" if not lists else r"[A-Za-z0-9._:/ -]+", values[name]
        ):
            raise WebError(
                f"cannot be written into a configuration: {name}={values[name]!r}"
            )
        return values[name]

    return re.sub(r"@([A-Z_]+)@", value, template)


def _network(client: str) -> str:
    """Return a network as Squid writes it: a word there (``all``) would open the cache."""
    try:
        return str(ipaddress.ip_network(client, strict=False))
    except ValueError as error:
        raise WebError(f"expected a network such as 10.0.0.0/8, got {client!r}") from error


def _host(origin: str) -> str:
    """Return the host of a web server, named as such or by its URL."""
    try:
        host = urlsplit(origin).hostname if "://" in origin else origin
    except ValueError:
        host = None
    if not _HOST.fullmatch(host or ""):
        raise WebError(f"expected a web server's name or URL, got {origin!r}")
    return str(host)


def _group_of(user: str) -> str:
    try:
        return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    except KeyError as error:
        raise WebError(f"no such user here, or without a group: {user}") from error


def start_command(kind: Kind, config: Path) -> list[str]:
    """Return the command that runs the server in the foreground.

    Raises:
        WebError: the program is not installed.
    """
    program = shutil.which(_PROGRAMS[kind], path=os.environ.get("PATH", "") + _SBIN)
    if program is None:
        raise WebError(f"{_PROGRAMS[kind]}: not installed")
    if kind in ("nginx", "live-log"):
        return [program, "-e", str(config.parent / "error.log"), "-c", str(config)]
    if kind == "apache":
        return [program, "-f", str(config), "-DFOREGROUND"]
    return [program, "-N", "-f", str(config)]


def free_port(listen: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((listen, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(kind: Kind, settings: Settings) -> Iterator[Running]:
    """Run a server until the end of the ``with`` block.

    Started by root, it runs as ``settings.user``, who must be able to read what it serves.

    Raises:
        WebError: it does not start; the message has the end of its log.
    """
    settings.folder.mkdir(parents=True, exist_ok=True)
    config = write_config(kind, settings)
    command = start_command(kind, config)
    _hand_over(settings)
    for folder in filter(None, (settings.folder, settings.root)):
        _check_reach(folder.resolve(), settings.user)
    if kind == "squid":
        _run([*command, "-z"], settings)
    process = _start(command, settings)
    try:
        _await_port(kind, settings, process)
        url = f"http://{settings.listen}:{settings.port}"
        yield Running(kind, url, process.pid, settings.folder)
    finally:
        _stop(kind, process)


def _hand_over(settings: Settings) -> None:
    """Give the server's folder to the user it runs as."""
    if os.geteuid() != 0:
        return
    user = pwd.getpwnam(settings.user)
    for path in (settings.folder, *settings.folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def _check_reach(folder: Path, user: str) -> None:
    """Complain of a folder that ``user`` cannot come to; only root has to ask."""
    if os.geteuid() != 0:
        return
    uid = pwd.getpwnam(user).pw_uid
    for path in (folder, *folder.parents):
        found = path.stat()
        if not found.st_mode & (0o100 if found.st_uid == uid else 0o001):
            raise WebError(f"{folder}: the web server's user {user} may not enter {path}")


def _start(command: list[str], settings: Settings) -> "subprocess.Popen[bytes]":
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam(settings.user)
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    with (settings.folder / "output.log").open("ab") as out:
        return subprocess.Popen(
            command,
            cwd=settings.folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            **who,
        )


def _run(command: list[str], settings: Settings) -> None:
    process = _start(command, settings)
    try:
        status = process.wait(_START_S)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    if status != 0:
        raise WebError(
            f"{' '.join(command)}: status {status}: {_complaint(settings.folder)}"
        )


def _await_port(kind: Kind, settings: Settings, process: "subprocess.Popen[bytes]") -> None:
    until = monotonic() + _START_S
    while process.poll() is None and monotonic() < until:
        try:
            socket.create_connection((settings.listen, settings.port), timeout=1).close()
        except OSError:
            sleep(0.05)
        else:
            return
    said = _complaint(settings.folder)
    if process.poll() is not None:
        raise WebError(f"{kind} ended at once, status {process.returncode}: {said}")
    raise WebError(
        f"{kind} does not listen on port {settings.port} after {_START_S} s: {said}"
    )


def _complaint(folder: Path) -> str:
    """Return the last lines of what a server said."""
    logs = [folder / name for name in ("output.log", "error.log", "cache.log")]
    lines = [line for log in logs if log.is_file() for line in log.read_text().splitlines()]
    return " | ".join(lines[-5:]) or "it said nothing"


def _stop(kind: Kind, process: "subprocess.Popen[bytes]") -> None:
    """End the server and its children; Squid is asked not to wait for its clients."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT if kind == "squid" else signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
