"""``glidein-factory init``: a commented configuration for a first site, and what comes next."""

from pathlib import Path
from typing import get_args

import click

from orchestrator.config.model import Entry
from orchestrator.packaging import first_site
from orchestrator.packaging.first_site import FirstSite

_GRID_TYPES = get_args(Entry.model_fields["grid_type"].annotation)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--factory", default=FirstSite.factory, show_default=True, help="Its name.")
@click.option("--schedd", default="", help="Whose queue glideins wait in (this host's).")
@click.option(
    "--collector", default="", help="HOST:PORT, where Frontends and factory meet."
)
@click.option("--work", default=FirstSite.work, show_default=True, help="The work tree.")
@click.option("--stage", default=FirstSite.stage, show_default=True, help="What is served.")
@click.option("--url", default="", help="Under which worker nodes see the stage.")
@click.option("--entry", default="", help="The entry's name (the site's).")
@click.option("--site", default=FirstSite.site, show_default=True, help="The site's name.")
@click.option(
    "--grid-type",
    type=click.Choice(_GRID_TYPES),
    default=FirstSite.grid_type,
    show_default=True,
    help="How glideins get there.",
)
@click.option("--gatekeeper", default="", help="Where to, as HTCondor writes it.")
@click.option(
    "--frontend", default=FirstSite.frontend, show_default=True, help="Who may ask."
)
@click.option("--identity", default="", help="What the collector says of its ads.")
def command(folder: Path, **values: str) -> None:
    """Write the configuration of a first site into FOLDER, and say what to do next.

    Asks nothing: what no option says is taken from this host's HTCondor, and every line can be
    changed later. Without options the entry is this machine (grid type local), for a first try.

    Nothing is ever overwritten. Where there is a factory.toml already, only the next steps are
    told, and which of them are done: say it again whenever you wonder where you are.

    \b
    Examples:
      glidein-factory init my-factory
      glidein-factory init my-factory --collector wms.example.org --site CERN \\
          --grid-type condor --gatekeeper "ce.example.org ce.example.org:9619"
      glidein-factory init /etc/glidein-factory --stage /srv/glidein-factory \\
          --work /var/lib/glidein-factory/work

    Exit codes: 0 written, or the next steps told; 1 it cannot be written.
    """
    if not (folder / "factory.toml").exists():
        for path in first_site.write(FirstSite(folder, **values)):
            click.echo(f"wrote {path}")
    steps = first_site.steps(folder)
    following = next((step for step in steps if step.done is False), None)
    for number, step in enumerate(steps, 1):
        mark = "done" if step.done else "next" if step is following else "    "
        click.echo(f"\n{mark} {number}. {step.what}\n     {step.command}")
