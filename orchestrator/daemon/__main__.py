"""``python -m orchestrator.daemon WORK``: the Factory daemon, in the foreground.

A program of its own, so that its children share nothing of the command line. ``--log-files``:
log to files of the work tree; ``--ready-fd N``: say there, in one line, when all is up.
"""

# what follows must come before the other modules are loaded
import os

# threading, logging and random have Python code run in each child that is forked: it remakes
# locks that nobody holds, for there are no threads here, and costs each child 0.4 MB of memory
# that it would else share.
os.register_at_fork = lambda **hooks: None

import argparse
import sys
from pathlib import Path

from orchestrator.daemon.factory_daemon import FactoryDaemon
from orchestrator.daemon.mains import RealMains
from orchestrator.errors import FactoryError


def main() -> int:
    """Run the daemon; a FactoryError becomes one line on stderr and exit code 1."""
    parser = argparse.ArgumentParser(prog="orchestrator.daemon", allow_abbrev=False)
    parser.add_argument("work", type=Path)
    parser.add_argument("--log-files", action="store_true")
    parser.add_argument("--ready-fd", type=int)
    given = parser.parse_args()

    def ready(said: str) -> None:
        if given.ready_fd is not None:
            os.write(given.ready_fd, f"{said}\n".encode())
            os.close(given.ready_fd)

    work = given.work.resolve()
    try:
        daemon = FactoryDaemon(work, RealMains(work), log_files=given.log_files)
        return daemon.run(ready)
    except FactoryError as error:
        print(f"glidein-factory: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
