#!/bin/sh
""":"
for python in gwms-python python3 python python2; do
  command -v "$python" >/dev/null 2>&1 && exec "$python" "$0" "$@"
done
echo "gconfig.py: no Python in PATH=$PATH" >&2
exit 1

gconfig.py - how Python scripts of a glidein read and change glidein_config and condor_vars.lst.

What add_config_line.source is for the shell, for Python 2.7 to today's. The file is the argument
`fname`, else what the environment variable glidein_config names, else ./glidein_config.

Also a program:  gconfig.py get KEY [FILE [DEFAULT]]
                 gconfig.py add|add_safe|add_config_line KEY VALUE [FILE]
                 gconfig.py add_multi|add_multi_safe FILE_OF_LINES [FILE]
                 gconfig.py add_condor_config_var NAME VALUE [KIND [PUBLISH [CONDOR_NAME]]]
":"""

import errno
import os
import sys
import time

LOCK_S = 10.0  # after which a lock that did not change hands is taken away


class GlideinConfigException(Exception):
    """glidein_config, or a file that it names, cannot be read or written."""


def _text(data):
    """Return bytes of a file as the native str, losing none of them."""
    if str is bytes:
        return data
    return data.decode("utf-8", "surrogateescape")


def _data(text):
    """Return what _text was given."""
    if isinstance(text, bytes):
        return text
    if str is bytes:
        return text.encode("utf-8")
    return text.encode("utf-8", "surrogateescape")


def _line(text):
    """Return a value or line without what would end it."""
    if str is bytes and not isinstance(text, str) and hasattr(text, "encode"):
        text = text.encode("utf-8")
    return str(text).replace("\r", " ").replace("\n", " ")


def _read(path):
    """Return the lines of a file, without their ends."""
    try:
        with open(path, "rb") as stream:
            return _text(stream.read()).split("\n")
    except (IOError, OSError) as error:
        raise GlideinConfigException("cannot read %s: %s" % (path, error))


class GlideinConfig(object):
    """One glidein_config.

    With ``cached`` it is read once, and again by load(). With ``exit_on_exception`` what goes wrong
    ends the process with status 1, else it raises GlideinConfigException.
    """

    def __init__(self, file_name=None, cached=True, exit_on_exception=True, verbose=True):
        self.file_name = file_name or os.environ.get("glidein_config") or "./glidein_config"
        self.cached = cached
        self.exit_on_exception = exit_on_exception
        self.verbose = verbose
        self.dict = {}
        if not os.path.exists(self.file_name):
            self._failed("no such file: %s" % self.file_name)
        if cached:
            self.load()

    def _failed(self, message):
        if self.verbose:
            sys.stderr.write(message + "\n")
        if self.exit_on_exception:
            sys.exit(1)
        raise GlideinConfigException(message)

    def load(self):
        """Read the file; return and keep its values by key. Of a key's lines the last one counts."""
        found = {}
        try:
            for line in _read(self.file_name):
                key, blank, value = line.partition(" ")
                if blank and key and not key.startswith("#"):
                    found[key] = value
        except GlideinConfigException as error:
            self._failed(str(error))
        self.dict = found
        return found

    def get(self, key, default=None):
        """Return the value of a key, else the default."""
        if not self.cached:
            self.load()
        return self.dict.get(key, default)

    def add(self, key, value):
        """Set one key."""
        if key is None or value is None:
            return
        self.add_multi(["%s %s" % (key, _line(value))])

    add_safe = add

    def add_multi(self, lines):
        """Set the keys of several lines `KEY value`; comments are added."""
        lines = [_line(line).rstrip("\r\n") for line in lines or []]
        lines = [line for line in lines if line.strip()]
        if not lines:
            return
        try:
            _put(self.file_name, lines)
        except (IOError, OSError, GlideinConfigException) as error:
            self._failed("cannot write %s: %s" % (self.file_name, error))
        for line in lines:
            key, _, value = line.partition(" ")
            if not key.startswith("#"):
                self.dict[key] = value

    add_multi_safe = add_multi

    _kept = None

    @staticmethod
    def get_config(file_name=None, cached=True):
        """Return the one GlideinConfig that the functions below share."""
        kept = GlideinConfig._kept
        if kept is None or kept.cached != cached or file_name not in (None, kept.file_name):
            kept = GlideinConfig._kept = GlideinConfig(file_name, cached)
        return kept


def _put(path, lines):
    """Let each line be the only one of its first word; the rest of the file stays.

    The new file is the lock as well, as in add_config_line.source: whoever made it may rename it.
    """
    fresh = path + ".rewrite"
    waited = 0.0
    holder = None
    while True:
        try:
            descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            break
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise
        try:
            now = os.stat(fresh).st_ino
        except OSError:
            continue
        if now != holder:
            holder, waited = now, 0.0
        time.sleep(0.05)
        waited += 0.05
        if waited > LOCK_S:
            try:
                os.unlink(fresh)
            except OSError:
                pass
    try:
        with open(path, "rb") as old, os.fdopen(descriptor, "wb") as new:
            kept = _text(old.read()).split("\n")
            if kept and not kept[-1]:
                kept.pop()
            new.write(_data("\n".join(_merged(kept, lines)) + "\n"))
            new.flush()
            os.fchmod(new.fileno(), os.fstat(old.fileno()).st_mode & 0o777)
            os.rename(fresh, path)
            late = old.read()  # what others appended to the old file meanwhile
        if late:
            with open(path, "ab") as stream:
                stream.write(late)
    except BaseException:
        try:
            os.unlink(fresh)
        except OSError:
            pass
        raise


def _merged(kept, lines):
    """Return kept lines without those that the new ones replace, then the new ones."""
    fresh = []
    seen = set()
    for line in reversed(lines):
        word = line.split(None, 1)[0]
        if word.startswith("#"):
            if line not in kept:
                fresh.append(line)
        elif word not in seen:
            seen.add(word)
            fresh.append(line)
    result = []
    for line in reversed(kept):
        word = line.split(None, 1)[0] if line.strip() else ""
        if word and not word.startswith("#"):
            if word in seen:
                continue
            seen.add(word)
        result.append(line)
    return result[::-1] + fresh[::-1]


def gconfig_reload(fname=None):
    """Read the file again and return its values by key."""
    return GlideinConfig.get_config(fname).load()


def gconfig_get(key, fname=None, default=None):
    """Return the value of a key as the file was when first asked (see gconfig_reload)."""
    return GlideinConfig.get_config(fname).get(key, default)


def gconfig_add(key, value, fname=None):
    """Set a key."""
    GlideinConfig.get_config(fname).add(key, value)


add_config_line = gconfig_add
gconfig_add_safe = gconfig_add


def gconfig_add_multi(lines, fname=None):
    """Set the keys of a list of lines, of the lines of a file, or of one line."""
    if not isinstance(lines, (list, tuple)):
        lines = _read(lines) if os.path.isfile(lines) else [lines]
    GlideinConfig.get_config(fname).add_multi(lines)


gconfig_add_multi_safe = gconfig_add_multi


def add_condor_config_var(
    name, value, kind="C", publish=True, condor_name=None, verbose=True, conf_fname=None
):
    """Tell HTCondor a variable: a line of the list that CONDOR_VARS_FILE names.

    kind is C (expression), S (string) or I (integer). Returns False where it cannot be done.
    """

    def refused(why):
        if verbose:
            sys.stderr.write("%s=%s: %s\n" % (name, value, why))
        return False

    if name is None or value is None:
        return refused("a name and a value are needed")
    words = [str(name), str(kind), str(value), str(condor_name or "+")]
    if any(not word or len(word.split()) != 1 for word in words):
        return refused("a word of the line is empty or has white space in it")
    path = gconfig_get("CONDOR_VARS_FILE", conf_fname)
    if path is None:
        return refused("glidein_config has no CONDOR_VARS_FILE")
    try:
        _put(path, [" ".join(words + ["N", "Y" if publish else "N", "-"])])
    except (IOError, OSError) as error:
        return refused("cannot write %s: %s" % (path, error))
    return True


def _xml(text):
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def status_report(
    name,
    success,
    error_msg=None,
    error_detail=None,
    parameters=None,
    fname="otrb_output.xml",
):
    """Say how a script went, as error_gen.sh does; parameters is a dict, or a list of pairs."""
    seconds = -(time.altzone if time.localtime().tm_isdst else time.timezone)
    zone = "%s%02d:%02d" % (
        "-" if seconds < 0 else "+",
        abs(seconds) // 3600,
        abs(seconds) // 60 % 60,
    )
    now = time.strftime("%Y-%m-%dT%H:%M:%S") + zone

    def metric(key, value):
        key = _xml(key).replace('"', "&quot;")
        return '    <metric name="%s" ts="%s" uri="local">%s</metric>' % (
            key,
            now,
            _xml(value),
        )

    lines = [
        '<?xml version="1.0"?>',
        '<OSGTestResult id="%s" version="4.3.1">' % _xml(name).replace('"', "&quot;"),
        "  <result>",
        "    <status>%s</status>" % ("OK" if success else "ERROR"),
    ]
    if not success:
        lines.append(metric("failure", error_msg))
    pairs = parameters.items() if hasattr(parameters, "items") else parameters or []
    lines += [metric(key, value) for key, value in pairs]
    lines.append("  </result>")
    if error_detail:
        lines += ["  <detail>", "    " + _xml(error_detail), "  </detail>"]
    lines.append("</OSGTestResult>")
    with open(fname, "wb") as stream:
        stream.write(_data("\n".join(lines) + "\n"))


def _usage():
    sys.stderr.write(__doc__.partition("exit 1\n")[2].rpartition('":')[0].strip() + "\n")
    sys.exit(1)


def main(words):
    """Run one of the functions from the command line."""
    # More words than a function takes, or fewer, are a usage error.
    commands = {
        "get": (1, 3),
        "add": (2, 3),
        "add_safe": (2, 3),
        "add_config_line": (2, 3),
        "add_multi": (1, 2),
        "add_multi_safe": (1, 2),
        "add_condor_config_var": (2, 5),
    }
    command, words = (words[0], words[1:]) if words else ("", [])
    if command not in commands and os.path.isfile(command):
        return  # called as a script of a list
    least, most = commands.get(command, (1, 0))
    if not least <= len(words) <= most:
        _usage()
    if command == "get":
        print(gconfig_get(*words))
    elif command.startswith("add_multi"):
        gconfig_add_multi(*words)
    elif command == "add_condor_config_var":
        if len(words) > 3:
            words[3] = words[3].upper() in ("TRUE", "T", "Y", "YES", "1")
        if not add_condor_config_var(*words):
            sys.exit(1)
    else:
        gconfig_add(*words)


if __name__ == "__main__":
    main(sys.argv[1:])
