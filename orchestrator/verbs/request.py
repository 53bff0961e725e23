"""``glidein-factory request``: ask an entry for glideins, as a Frontend does."""

import time
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestrator.arguments import ClientWeb
from orchestrator.deciding.request import Removal
from orchestrator.errors import FactoryError
from orchestrator.options import config_option, work_of
from orchestrator.protocol.ads import Ad
from orchestrator.protocol.collector import Collector
from orchestrator.protocol.frontend import (
    Offer,
    RequestClient,
    Series,
    publish_empty_areas,
    wait_for_answer,
)
from orchestrator.worktree.factory_record import FactoryRecord, read_factory

REPEAT_S = 60  # as Frontends do

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


def _pairs(
    context: click.Context, parameter: click.Parameter, words: tuple[str, ...]
) -> dict[str, str]:
    """Read NAME=VALUE words."""
    for word in words:
        if "=" not in word:
            raise click.BadParameter(f"expected NAME=VALUE, got {word!r}")
    return dict(word.split("=", 1) for word in words)


@click.command()
@click.argument("entry")
@click.option(
    "--idle", type=click.IntRange(0), help="So many glideins are to wait for jobs."
)
@click.option("--max", "most", type=click.IntRange(0), help="So many may be there at all.")
@click.option("--pool", default="", help="The collector of the pool that glideins join.")
@click.option(
    "--frontend", "security_name", required=True, help="Its name in factory.toml."
)
@click.option("--class", "security_class", default="frontend", show_default=True)
@click.option("--client", default="", help="FRONTEND.GROUP; by default NAME.main.")
@click.option("--scitoken", type=_file, help="The token for the site.")
@click.option("--idtoken", type=_file, help="The token for the pool.")
@click.option(
    "--file",
    "files",
    multiple=True,
    callback=_pairs,
    metavar="KEY=FILE",
    help="Another credential: SubmitProxy=proxy.pem, AuthFile=…, GlideinProxy=…",
)
@click.option(
    "--value",
    "values",
    multiple=True,
    callback=_pairs,
    metavar="KEY=VALUE",
    help="VMId, VMType, ProjectId or RemoteUsername.",
)
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    callback=_pairs,
    metavar="NAME=VALUE",
    help="A parameter of the glideins.",
)
@click.option(
    "--remove",
    type=click.Choice([str(one) for one in Removal]),
    default="NO",
    show_default=True,
    help="Which glideins may go if they are too many.",
)
@click.option(
    "--series",
    type=click.Choice(["3.10", "3.11"]),
    default="3.10",
    show_default=True,
    help="The Frontend to be like.",
)
@click.option(
    "--wait",
    "glideins",
    type=click.IntRange(1),
    metavar="N",
    help="Wait until the factory says that N glideins are in its queue.",
)
@click.option(
    "--timeout",
    "limit_s",
    type=click.IntRange(1),
    default=300,
    show_default=True,
    help="Seconds to wait.",
)
@click.option(
    "--keep", is_flag=True, help="Repeat every minute until Ctrl-C, then withdraw."
)
@click.option("--show", is_flag=True, help="Only show what the factory answered.")
@click.option("--withdraw", is_flag=True, help="Only withdraw what this client asked for.")
@config_option
@click.option("--wms", "address", default="", help="Another collector than the factory's.")
@click.option("--token", type=_file, help="The token that shows the collector who we are.")
@click.option("--web", "web_url", default="", help="Where this client's areas are served.")
@click.option(
    "--web-folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder that --web serves; empty areas are put there.",
)
def command(
    entry: str,
    idle: int | None,
    most: int | None,
    pool: str,
    security_name: str,
    security_class: str,
    client: str,
    scitoken: Path | None,
    idtoken: Path | None,
    files: dict[str, str],
    values: dict[str, str],
    parameters: dict[str, str],
    remove: str,
    series: Series,
    glideins: int | None,
    limit_s: int,
    keep: bool,
    show: bool,
    withdraw: bool,
    folder: Path,
    address: str,
    token: Path | None,
    web_url: str,
    web_folder: Path | None,
) -> None:
    """Ask ENTRY for glideins in the name of a Frontend that factory.toml knows.

    The collector forgets a request after a quarter of an hour; --keep repeats it. What the
    Frontend may do, this may do: it shows the collector the same identity (--token).

    \b
    Examples:
      glidein-factory request here --frontend vo --token vo.token --idle 2 --max 5 \\
          --pool vo.example.org --scitoken site.token --idtoken pool.token --wait 2
      glidein-factory request here --frontend vo --token vo.token --show
      glidein-factory request here --frontend vo --token vo.token --withdraw

    Exit codes: 0 asked, or shown; 1 not (no such Frontend, no answer in time).
    """
    factory = read_factory(work_of(folder))
    known = factory.frontends.get(security_name)
    if known is None:
        there = ", ".join(sorted(factory.frontends)) or "none"
        raise FactoryError(f"no Frontend {security_name}; factory.toml has: {there}")
    client = client or f"{security_name}.main"
    asks = RequestClient(
        Collector(
            [address] if address else factory.collectors,
            token=token.read_text() if token else "",
        ),
        security_name,
        known.identity,
        client,
        _areas(factory, client, web_url, web_folder, publish=not (show or withdraw)),
        Offer(
            scitoken.read_text().strip() if scitoken else "",
            idtoken.read_text().strip() if idtoken else "",
            {key: Path(path).read_bytes() for key, path in files.items()},
            values,
        ),
        security_class=security_class,
        factory=factory.ad_name,
        series=series,
    )
    console = Console()
    if withdraw:
        asks.withdraw()
        console.print(f"withdrawn: all that {client} asked for")
        return
    if not show:
        if idle is None or most is None or not pool:
            raise click.UsageError("--idle, --max and --pool say what to ask for")

        def ask() -> None:
            asks.ask(
                entry,
                idle=idle,
                most=most,
                parameters={"GLIDEIN_Collector": pool, **parameters},
                removal=Removal(remove),
            )

        ask()
        console.print(f"{client} asks {entry} for {idle} idle glideins, {most} at most")
        if glideins:
            try:
                wait_for_answer(asks, entry, glideins, limit_s)
            except TimeoutError as error:
                raise FactoryError(str(error)) from error
        if keep:
            try:
                while True:
                    _show(asks, entry, console)
                    time.sleep(REPEAT_S)
                    ask()
            except KeyboardInterrupt:
                asks.withdraw()
                console.print("withdrawn")
                return
    if show or glideins:
        _show(asks, entry, console)


def _areas(
    factory: FactoryRecord, client: str, url: str, folder: Path | None, *, publish: bool
) -> ClientWeb:
    """Publish the client's two areas, which are empty, and say where; by default on our stage."""
    if bool(url) != bool(folder):
        raise click.UsageError("--web and --web-folder go together")
    group = client.partition(".")[2] or "main"
    if not publish:
        return ClientWeb("", "", "", "", group, "", "", "")
    name = f"client_{client}"
    url = url or f"{factory.web.url}/{name}"
    return publish_empty_areas(folder or Path(factory.web.stage) / name, url, group)


def _show(asks: RequestClient, entry: str, console: Console) -> None:
    """Print what was asked, and what the factory answered."""
    requests = [
        ad for ad in asks.asked() if str(ad.get("ReqName")).partition("@")[0] == entry
    ]
    answer = asks.answer(entry)
    table = Table("asked and answered", "", title=f"{asks.client} at {entry}")
    if not requests:
        table.add_row("request", "none in the collector")
    for ad in requests:
        table.add_row(
            "idle, at most", f"{ad.get('ReqIdleGlideins')}, {ad.get('ReqMaxGlideins')}"
        )
        table.add_row("heard", _age(ad))
    if answer is None:
        table.add_row("answer", "none yet")
    else:
        table.add_row("answered", _age(answer))
        for name in sorted(answer):
            short = name.removeprefix("GlideinMonitor")
            if short != name and (short.startswith(("Status", "Requested"))):
                table.add_row(escape(short), escape(str(answer[name])))
        table.add_row("in downtime", str(answer.get("GLIDEIN_In_Downtime", False)))
    console.print(table)


def _age(ad: Ad) -> str:
    heard = ad.get("LastHeardFrom")
    return f"{time.time() - heard:.0f} s ago" if isinstance(heard, int) else "?"
