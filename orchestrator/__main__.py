"""The command ``glidein-factory``: one verb a file in :mod:`orchestrator.verbs`."""

import importlib
import pkgutil
import sys

import click

from orchestrator import verbs
from orchestrator.errors import FactoryError


class Verbs(click.Group):
    """Finds ``some-verb`` as the function ``command`` of ``orchestrator/verbs/some_verb.py``.

    A verb that is a word of Python has its module named with an underscore more: ``import_.py``.
    A verb's module, and all that it needs, is loaded only when that verb is asked for.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._modules())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        module = self._modules().get(name)
        if module is None:
            return None
        command = importlib.import_module(f"{verbs.__name__}.{module}").command
        assert isinstance(command, click.Command)
        return command

    @staticmethod
    def _modules() -> dict[str, str]:
        """Return the name of each verb's module, by verb."""
        names = [module.name for module in pkgutil.iter_modules(verbs.__path__)]
        return {name.rstrip("_").replace("_", "-"): name for name in names}


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="glidein-factory")
def group() -> None:
    """Run a Glidein Factory: publish areas, build HTCondor tarballs, try glideins."""


def main() -> None:
    """Run the command line.

    What somebody can mend becomes one line on stderr and exit code 1: a FactoryError, and a file
    that cannot be read or written (missing, forbidden, no room).
    """
    try:
        group()
    except FactoryError as error:
        click.echo(f"glidein-factory: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            raise  # says nothing that would help without the place in the code
        click.echo(f"glidein-factory: {error.filename}: {error.strerror}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
