"""``python -m tests.as_user USER MODULE WORD...``: run a module's ``main`` as an ordinary user.

Where the interpreter is root's own, nobody else may start it. So root starts this, loads the
module, and becomes the user before anything of it runs. A module's main() reads sys.argv.
"""

import heapq
import importlib
import os
import pwd
import sys

_NEEDED = (heapq,)  # what the standard library loads when it is first used


def become(user: str) -> None:
    """Turn this process into one of ``user``, for good; nothing happens unless it is root's."""
    if os.geteuid() == 0:
        who = pwd.getpwnam(user)
        os.setgroups([])
        os.setresgid(who.pw_gid, who.pw_gid, who.pw_gid)
        os.setresuid(who.pw_uid, who.pw_uid, who.pw_uid)
    os.umask(0o022)


if __name__ == "__main__":
    user, module, *words = sys.argv[1:]
    main = importlib.import_module(module).main
    become(user)
    sys.argv = [module, *words]
    sys.exit(main())
