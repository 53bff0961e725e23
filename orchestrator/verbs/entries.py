"""``glidein-factory entries``: a line for each entry."""

import fnmatch
import json
from pathlib import Path

import click

from orchestrator.explain import factory
from orchestrator.explain.records import EntrySummary
from orchestrator.options import config_option, json_option, work_of
from orchestrator.terminal import BAD, FAINT, WARN, Cell, Styled, say, table

HEAD = ("entry", "state", "req", "idle", "run", "held", "submit", "what binds, or is wrong")


@click.command()
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option(
    "--wrong", is_flag=True, help="Only those with a problem, down, or in back-off."
)
@json_option
@config_option
def command(patterns: tuple[str, ...], wrong: bool, as_json: bool, folder: Path) -> None:
    """List the entries, or those whose name fits a PATTERN (* and ? stand for others).

    What an entry has not told yet is "?". REQ is how many requests it has, SUBMIT what the last
    decision submitted.

    \b
    Examples:
      glidein-factory entries
      glidein-factory entries 'CERN*' --wrong
      glidein-factory entries --json | jq '.[] | select(.held > 100) | .entry'

    Exit codes: 0 shown; 1 there is no work tree, or it may not be read.
    """
    told = factory.explain(work_of(folder))
    chosen = [one for name, one in told["entries"].items() if _fits(name, patterns)]
    if wrong:
        chosen = [one for one in chosen if is_wrong(one)]
    if as_json:
        click.echo(json.dumps(chosen, indent=2))
        return
    show(chosen)
    say(f"{len(chosen)} of {len(told['entries'])} entries", FAINT)


def show(chosen: list[EntrySummary]) -> None:
    """Print a line for each of ``chosen``."""
    table(HEAD, [_row(one) for one in chosen])


def is_wrong(one: EntrySummary) -> bool:
    """Return whether a person should look at an entry."""
    blind = one["queue"] in ("stale", "failed")
    return bool(blind or one["problems"] or one["down"] or one["backoffs"])


def _row(one: EntrySummary) -> tuple[Cell, ...]:
    state: Cell = one["state"] if one["daemon"] in ("running", "none") else one["daemon"]
    if one["problems"]:
        state = Styled(str(state), BAD)
    held: Cell = Styled(str(one["held"]), WARN) if one["held"] else one["held"]
    return (
        *(one["entry"], state, one["requests"], one["idle"], one["running"], held),
        *(one["submit"], _words(one)),
    )


def _words(one: EntrySummary) -> Cell:
    if one["problems"]:
        return Styled(one["problems"][0], BAD)
    if one["queue"] in ("stale", "failed"):
        return Styled(one["words"], BAD)
    if one["down"]:
        return Styled(one["down"], WARN)
    if one["backoffs"]:
        return Styled(f"back-off: {', '.join(one['backoffs'])}", WARN)
    said = [f"{rule}" + (f" x {n}" if n > 1 else "") for rule, n in one["binds"].items()]
    if one["refused"]:
        said.append(f"{one['refused']} refused")
    return ", ".join(said) or ("nobody asks" if one["requests"] == 0 else "")


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(name, one) for one in patterns)
