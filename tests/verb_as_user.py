"""``python -m tests.verb_as_user USER VERB WORD...``: the command line as an ordinary user.

As :mod:`tests.as_user`, for a command that loads its verbs when it is asked for them: all that
they may need is loaded while the interpreter's files can still be read.
"""

import difflib
import encodings.idna
import encodings.utf_8_sig
import importlib
import pkgutil
import sys

import orchestrator
from orchestrator.__main__ import main
from tests.as_user import become

_NEEDED = (difflib, encodings.idna, encodings.utf_8_sig)

if __name__ == "__main__":
    for module in pkgutil.walk_packages(orchestrator.__path__, "orchestrator."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    user, *words = sys.argv[1:]
    become(user)
    sys.argv = ["glidein-factory", *words]
    main()
