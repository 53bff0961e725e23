"""``glidein-factory completion``: what makes a shell complete verbs and options."""

import click
from click.shell_completion import get_completion_class

PROGRAM = "glidein-factory"
_VARIABLE = "_GLIDEIN_FACTORY_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion of verbs and options for bash or zsh.

    \b
    Examples:
      glidein-factory completion bash >~/.local/share/bash-completion/completions/glidein-factory
      eval "$(glidein-factory completion zsh)"

    Exit code: 0.
    """
    made = get_completion_class(shell)
    assert made is not None, shell
    root = context.find_root().command
    click.echo(made(root, {}, PROGRAM, _VARIABLE).source(), nl=False)
