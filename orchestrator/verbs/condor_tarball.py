"""``glidein-factory condor-tarball``: make the HTCondor tarball that glideins unpack."""

import sys
from pathlib import Path

import click
from rich.console import Console

from orchestrator.tarball import condor_tarball
from orchestrator.tarball.condor_files import PROFILES


@click.command()
@click.option(
    "--from-debian",
    "suite",
    metavar="SUITE",
    help="Take HTCondor and its libraries from a suite of Debian (default: trixie).",
)
@click.option(
    "--from-tarball",
    "tarball",
    type=click.Path(path_type=Path),
    help="Repack upstream's condor-…-stripped.tar.gz; it keeps using the node's C library.",
)
@click.option(
    "--from-dir",
    "folder",
    type=click.Path(path_type=Path),
    help="Take an installed HTCondor: a prefix such as /usr, or the root of a system.",
)
@click.option(
    "--arch",
    metavar="ARCH",
    help=f"Processor, for --from-debian: {', '.join(condor_tarball.ARCHITECTURES)}"
    " (default: amd64).",
)
@click.option(
    "--mirror", metavar="URL", default="", help="Debian mirror (default: this machine's)."
)
@click.option(
    "--profile",
    type=click.Choice(sorted(PROFILES)),
    default="glidein",
    show_default=True,
    help="What goes in: what a worker node needs, or all of a pool.",
)
@click.option(
    "--output",
    "dest",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder to write to (default: here).",
)
def command(
    suite: str | None,
    tarball: Path | None,
    folder: Path | None,
    arch: str | None,
    mirror: str,
    profile: str,
    dest: Path,
) -> None:
    """Make the HTCondor tarball that glideins unpack, and print its path.

    The file is named after HTCondor's version and the processor, as `uname -m` calls it. The
    same input gives the same bytes. MANIFEST inside says what it is made of.

    \b
    Examples:
      glidein-factory condor-tarball
      glidein-factory condor-tarball --from-debian sid --arch arm64

    Exit codes: 0 made; 1 not made (the message says why).
    """
    if sum(source is not None for source in (suite, tarball, folder)) > 1:
        raise click.UsageError("give one of --from-debian, --from-tarball and --from-dir")
    if (tarball or folder) and (arch or mirror):
        raise click.UsageError("--arch and --mirror go with --from-debian only")
    console = Console(stderr=True)
    with console.status("") as status:

        def say(text: str) -> None:
            if console.is_terminal:
                status.update(text)
            else:
                click.echo(text, err=True)

        if tarball:
            path = condor_tarball.from_tarball(tarball, dest, profile, say)
        elif folder:
            path = condor_tarball.from_dir(folder, dest, profile, say)
        else:
            path = condor_tarball.from_debian(
                suite or "trixie", arch or "amd64", dest, profile, mirror, say
            )
    size_mb = path.stat().st_size / 1e6
    click.echo(f"{path.name}: {size_mb:.1f} MB", err=True)
    click.echo(path)
    sys.stdout.flush()
