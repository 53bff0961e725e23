"""``glidein-factory run``: the daemons, in the foreground."""

import os
from pathlib import Path

import click

from orchestrator.daemon import command as daemon
from orchestrator.options import config_option, work_of


@click.command()
@config_option
@click.option(
    "--log-files", is_flag=True, help="Log to files below log/ of the work tree, not here."
)
def command(folder: Path, log_files: bool) -> None:
    """Run the factory until SIGTERM or Ctrl-C.

    It does what the last reconfig said, and takes the next one over while it runs; SIGHUP makes
    it look at once, and try again what it had left down. When told to stop, it lets its daemons
    finish their step and withdraws all ads; told twice, it does not wait.

    \b
    Examples:
      glidein-factory run
      glidein-factory run --config /etc/glidein-factory --log-files

    As a service of systemd: Type=notify-reload, KillMode=mixed, WatchdogSec= as you like.

    Exit codes: 0 stopped as told, 1 not started (another factory has this work tree, or
    there was no reconfig).
    """
    words = daemon.program(work_of(folder), *(["--log-files"] if log_files else []))
    os.execv(words[0], words)
