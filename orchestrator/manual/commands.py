"""A page for the command and one for each verb, from the same text as ``--help``."""

import inspect
import re

import click

from orchestrator.__main__ import group
from orchestrator.manual.roff import Page

COMMAND = "glidein-factory"
_AS_IT_STANDS = "\b"  # begins a paragraph that click does not fill
_EXIT_CODES = """\
0 done; 1 something that you can mend: the message, one line, names it; 2 wrong usage. What else
a verb says with its exit code stands on its page."""


def pages() -> list[Page]:
    """Return all of them."""
    context = click.Context(group, info_name=COMMAND)
    verbs = {
        name: group.get_command(context, name) for name in group.list_commands(context)
    }
    found = {name: command for name, command in verbs.items() if command is not None}
    return [
        _overview(context, found),
        *(_verb(context, name, command) for name, command in found.items()),
    ]


def _overview(context: click.Context, verbs: dict[str, click.Command]) -> Page:
    page = Page(COMMAND, 1, _short(group))
    page.heading("SYNOPSIS")
    page.paragraph(f"{COMMAND} VERB [ARGUMENT]...")
    page.heading("VERBS")
    for name, command in verbs.items():
        page.tagged(f"{COMMAND}-{name}(1)", _short(command))
    page.heading("OPTIONS")
    _options(page, group, context)
    page.heading("EXIT STATUS")
    page.paragraph(_EXIT_CODES)
    page.heading("SEE ALSO")
    page.paragraph(
        "glidein-factory-first-hour(7), glidein-factory.toml(5), glidein_startup(1)"
    )
    return page


def _verb(parent: click.Context, name: str, command: click.Command) -> Page:
    page = Page(f"{COMMAND}-{name}", 1, _short(command))
    context = click.Context(command, info_name=name, parent=parent)
    page.heading("SYNOPSIS")
    page.paragraph(" ".join([COMMAND, name, *command.collect_usage_pieces(context)]))
    page.heading("DESCRIPTION")
    _help(page, command)
    page.heading("OPTIONS")
    _options(page, command, context)
    if isinstance(command, click.Group):
        for word, part in command.commands.items():
            below = click.Context(part, info_name=word, parent=context)
            page.heading(" ".join([name, word, *part.collect_usage_pieces(below)]))
            _help(page, part)
            _options(page, part, below)
    page.heading("SEE ALSO")
    page.paragraph(f"{COMMAND}(1)")
    return page


def _help(page: Page, command: click.Command) -> None:
    for paragraph in re.split(r"\n\n+", inspect.cleandoc(command.help or "")):
        lines = paragraph.strip("\n")
        if lines.startswith(_AS_IT_STANDS):
            page.code(lines.removeprefix(_AS_IT_STANDS).strip("\n"))
        else:
            page.paragraph(lines)


def _options(page: Page, command: click.Command, context: click.Context) -> None:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            page.tagged(*record)


def _short(command: click.Command) -> str:
    """Return the first sentence of its help, as the list of verbs has it, but not cut."""
    first = " ".join((command.help or "").strip().split("\n\n")[0].split())
    return first.partition(". ")[0].rstrip(".")
