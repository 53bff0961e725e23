"""``glidein-factory manual``: its pages, on the screen or as files."""

import shutil
import subprocess
from pathlib import Path

import click

from orchestrator import disk, manual
from orchestrator.errors import FactoryError


@click.command()
@click.argument("name", required=False)
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write all pages below this folder: man1, man5, man7.",
)
def command(name: str | None, folder: Path | None) -> None:
    """List the pages of the manual, show one, or write them all as files.

    They are made from what this version itself says: the same text as --help, every key of the
    configuration with its type and default, and a guide for operators.

    \b
    Examples:
      glidein-factory manual
      glidein-factory manual first-hour
      glidein-factory manual glidein-factory.toml
      glidein-factory manual --write /usr/local/share/man

    Exit codes: 0 shown, or written; 1 there is no such page, or it cannot be written.
    """
    pages = manual.pages()
    if name is not None and folder is not None:
        raise click.UsageError("either a NAME or --write")
    if folder is not None:
        for page in pages:
            path = folder / page.file
            disk.make_folder(path.parent)
            disk.put_if_changed(path, page.text.encode())
        click.echo(f"{len(pages)} pages below {folder}")
    elif name is None:
        for page in pages:
            click.echo(f"{page.name}({page.section}){'':2}{page.short}")
    else:
        meant = {name, f"glidein-factory-{name}"}
        found = [page for page in pages if page.name in meant]
        if not found:
            raise click.BadParameter(f"no page {name}; glidein-factory manual lists them")
        _show(found[0].text)


def _show(text: str) -> None:
    if shutil.which("man") is None:
        raise FactoryError("man is not installed; --write FOLDER writes the pages as files")
    subprocess.run(["man", "-l", "-"], input=text, text=True, check=False)
