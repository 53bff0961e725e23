"""``glidein-factory host-files``: systemd units, users and folders of a factory's host."""

from pathlib import Path

import click

from orchestrator.packaging import host_files

_NEXT = """\
next, as root (all can be repeated):
  systemd-sysusers
  systemd-tmpfiles --create
  systemctl daemon-reload
"""


@click.command()
@click.argument("name", required=False)
@click.option(
    "--write",
    "root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Write them below this root: / for this host, else what a package is made of.",
)
@click.option(
    "--program",
    type=click.Path(path_type=Path),
    help="The command that the units start; by default this one.",
)
def command(name: str | None, root: Path | None, program: Path | None) -> None:
    """List what puts a factory on a host, print one of these files, or write them all.

    Two units of systemd (the daemons, and an nginx that serves the stage), the two ordinary
    users that they run as, the folders with their modes, and logrotate for the nginx's access
    log; the daemons rotate their own logs. Nothing of it runs as root. Changes of your own go
    where the next --write leaves them alone: systemctl edit glidein-factory.

    \b
    Examples:
      glidein-factory host-files
      glidein-factory host-files glidein-factory.service
      glidein-factory host-files --write /

    Exit codes: 0 printed, or written; 1 it cannot be written.
    """
    files = host_files.host_files(program or host_files.program())
    if name is not None and root is not None:
        raise click.UsageError("either a NAME or --write")
    if root is not None:
        for path, became in host_files.write(files, root).items():
            click.echo(f"{became:10} {path}")
        click.echo(_NEXT, nl=False, err=True)
        return
    if name is None:
        for file in files:
            click.echo(f"{file.name:28} /{file.place}")
        return
    found = [file for file in files if file.name == name]
    if not found:
        there = ", ".join(file.name for file in files)
        raise click.BadParameter(f"there is no {name}; there are: {there}")
    click.echo(found[0].text, nl=False)
