"""``glidein-factory logs``: what glideins and daemons wrote, for a person."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from orchestrator.errors import FactoryError
from orchestrator.explain.glidein import explain, is_glidein
from orchestrator.options import complete_entry, config_folder, entry_name, work_of
from orchestrator.outputs.glidein_output import read_output
from orchestrator.outputs.shown import printable, show
from orchestrator.terminal import say

_LOOK_S = 0.5  # between two looks at a log that is followed
_BLOCK = 64 * 1024  # bytes


@click.command(name="logs")
@click.argument(
    "what", nargs=-1, metavar="[ENTRY] [GLIDEIN] | FILE...", shell_complete=complete_entry
)
@click.option("--factory", "of_factory", is_flag=True, help="Of the Factory daemon.")
@click.option(
    "--views",
    "of_views",
    is_flag=True,
    help="Of the daemon that asks collector and schedd.",
)
@click.option(
    "--log", "only", metavar="NAME", help="Print this log alone, as it was (StartdLog)."
)
@click.option("--lines", default=50, show_default=True, help="Of a daemon's log; 0: all.")
@click.option(
    "--json", "as_json", is_flag=True, help="A glidein's report and logs, as JSON."
)
@click.option(
    "-f", "--follow", is_flag=True, help="Go on as a daemon writes, until Ctrl-C."
)
@click.option(
    "--config",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The folder of factory.toml; found as the other verbs find it.",
)
def command(
    what: tuple[str, ...],
    of_factory: bool,
    of_views: bool,
    only: str | None,
    lines: int,
    as_json: bool,
    follow: bool,
    folder: Path | None,
) -> None:
    """Show what a GLIDEIN (CLUSTER.PROCESS) left: its report, and HTCondor's logs, decoded; or
    the log of the daemon of an ENTRY, or of the factory; or what is in output FILES.

    Of a glidein's FILES give standard output, standard error, or both.

    \b
    Examples:
      glidein-factory logs 1234.0
      glidein-factory logs CERN_T2 1234.0 --log StartdLog
      glidein-factory logs CERN_T2 --follow
      glidein-factory logs --factory --lines 200
      glidein-factory logs job.12.0.out job.12.0.err

    Exit codes: 0 shown; 1 there is no such log, or it cannot be read.
    """
    files = [Path(one) for one in what if "/" in one or Path(one).is_file()]
    if files and len(files) == len(what):
        _show_outputs(files, only, as_json)
        return
    work = work_of(folder or config_folder())
    glideins = [one for one in what if is_glidein(one)]
    entries = [one for one in what if not is_glidein(one)]
    if glideins:
        for one in glideins:
            _show_glidein(work, one, only, as_json)
        return
    names = [f"entries/{entry_name(work, name)}.log" for name in entries]
    names += ["factory.log"] * of_factory + ["views.log"] * of_views
    if not names:
        raise click.UsageError("say which: ENTRY, GLIDEIN, FILE, --factory or --views")
    _show_logs([work / "log" / name for name in names], lines, follow)


def _show_glidein(work: Path, ident: str, only: str | None, as_json: bool) -> None:
    told = explain(work, ident)
    look = told["look"]
    if not as_json and not only:
        say(f"{ident} of {told['entry']}: {told['words']}")
    files = [Path(look["out"]), Path(look["err"])] if look is not None else []
    there = [path for path in files if path.exists()]
    if not any(path.stat().st_size for path in there):
        where = f" at {files[0].with_suffix('')}.*" if files else ""
        raise FactoryError(f"{ident}: no output{where}: it has not come yet, or is gone")
    _show_outputs(there, only, as_json)


def _show_outputs(files: list[Path], only: str | None, as_json: bool) -> None:
    text = "\n".join(file.read_text(errors="replace") for file in files)
    try:
        output = read_output(text)
    except FactoryError as error:
        raise FactoryError(f"{', '.join(map(str, files))}: {error}") from error
    if as_json:
        click.echo(json.dumps(asdict(output), indent=2))
        return
    if only:
        if only not in output.logs:
            raise FactoryError(
                f"no log {only}; there are: {', '.join(output.logs) or 'none'}"
            )
        log = output.logs[only]
        # color: without it, click takes away what it thinks are colours
        click.echo(printable(log) if sys.stdout.isatty() else log, nl=False, color=True)
        return
    show(output, Console())


def _show_logs(paths: list[Path], lines: int, follow: bool) -> None:
    for path in paths:
        if not path.exists():
            raise FactoryError(
                f"{path}: not there; in the foreground daemons log to their standard error:"
                " journalctl -u glidein-factory"
            )
        if len(paths) > 1:
            say(f"==> {path} <==")
        click.echo(printable(_tail(path, lines)), nl=False)
    if follow:
        for text in _new_lines(paths):
            click.echo(printable(text), nl=False)


def _tail(path: Path, lines: int) -> str:
    """Return the last lines of a file, or all of it for 0, without reading the rest."""
    with path.open("rb") as file:
        size = end = file.seek(0, 2)
        text = b""
        while end and (not lines or text.count(b"\n") <= lines):
            start = max(0, end - _BLOCK)
            file.seek(start)
            text = file.read(end - start) + text
            end = start
    kept = text.splitlines(keepends=True)[-lines if lines else -size or None :]
    return b"".join(kept).decode(errors="replace")


def _new_lines(paths: list[Path]) -> Iterator[str]:
    """Yield what is added to files; one that was put aside for a new one is read from its start."""
    at = {path: (path.stat().st_ino, path.stat().st_size) for path in paths}
    while True:
        for path in paths:
            try:
                about = path.stat()
            except FileNotFoundError:
                continue
            inode, offset = at[path]
            if about.st_ino != inode or about.st_size < offset:
                offset = 0
            if about.st_size > offset:
                with path.open("rb") as file:
                    file.seek(offset)
                    text = file.read()
                offset += len(text)
                yield text.decode(errors="replace")
            at[path] = (about.st_ino, offset)
        time.sleep(_LOOK_S)
