"""``glidein-factory web-config``: a ready configuration of a web server or cache."""

import os
import shlex
from pathlib import Path
from typing import cast

import click

from orchestrator.stage.web_server import (
    Kind,
    Settings,
    ordinary_user,
    start_command,
    write_config,
)

_USERS = {
    "nginx": "www-data",
    "apache": "www-data",
    "squid": "proxy",
    "live-log": "www-data",
}
_PORTS = {"squid": 3128, "live-log": 8081}


@click.command()
@click.argument("kind", type=click.Choice(list(_USERS)))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="By default 8080, Squid 3128, live log 8081.",
)
@click.option(
    "--listen", default="0.0.0.0", show_default=True, help="The address to listen on."
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="What is served: the stage folder (nginx, apache).",
)
@click.option("--user", help="Whom it runs as when root starts it.")
@click.option("--client", "clients", multiple=True, help="A network that may ask (squid).")
@click.option("--origin", "origins", multiple=True, help="A web server it may ask (squid).")
@click.option(
    "--cache-mb", default=10_000, show_default=True, help="Disk for Squid's cache."
)
@click.option(
    "--memory-mb", default=256, show_default=True, help="Memory for Squid's cache."
)
@click.option("--run", is_flag=True, help="Then become that server, in the foreground.")
def command(
    kind: str,
    folder: Path,
    port: int | None,
    listen: str,
    root: Path | None,
    user: str | None,
    clients: tuple[str, ...],
    origins: tuple[str, ...],
    cache_mb: int,
    memory_mb: int,
    run: bool,
) -> None:
    """Write the configuration of an nginx, Apache or Squid into FOLDER.

    ``live-log`` is an nginx that keeps what glideins send while they run.

    FOLDER also gets the server's logs and temporary files. Prints how to start it, or (--run)
    starts it.

    \b
    Examples:
      glidein-factory web-config nginx --root stage web --run
      glidein-factory web-config apache --root /srv/glidein-factory --port 80 web
      glidein-factory web-config squid --origin http://factory.example.org:8080 cache
      glidein-factory web-config live-log log

    Exit codes: 0 written (--run: stopped as told); 1 it cannot be, or does not start; 2 bad usage.
    """
    if kind in ("nginx", "apache") and root is None:
        raise click.UsageError(f"{kind} needs --root: the stage folder that it serves")
    if kind == "squid" and not origins:
        raise click.UsageError("squid needs --origin: each web server that it may ask")
    settings = Settings(
        folder=folder,
        port=port or _PORTS.get(kind, 8080),
        listen=listen,
        user=user or (_USERS[kind] if os.geteuid() == 0 else ordinary_user()),
        root=root,
        clients=clients or ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        origins=origins,
        cache_mb=cache_mb,
        memory_mb=memory_mb,
    )
    which = cast(Kind, kind)
    path = write_config(which, settings)
    words = start_command(which, path)
    if run:
        click.echo(f"wrote {path}; starting it: {shlex.join(words)}", err=True)
        os.execv(words[0], words)
    click.echo(f"wrote {path}; start it with:", err=True)
    click.echo(shlex.join(words))
