"""Logs of the daemons: one line per event, who it is about in each, to stderr or to files.

A file belongs to one process. At ``mb`` it becomes FILE.1, FILE.1 becomes FILE.2 and so on;
more than ``keep`` old ones are thrown away.
"""

import contextlib
import errno
import logging
import os
import time
from pathlib import Path

from orchestrator import disk
from orchestrator.errors import FactoryError, words
from orchestrator.worktree.daemon_settings import Logs


class Line(logging.Formatter):
    """``2026-11-22T12:00:00Z WARNING entry=NAME …``, and a traceback in the same line."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s {who} %(message)s", "%Y-%m-%dT%H:%M:%SZ"
        )
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", " | ")


def step_failed(
    log: logging.Logger, step: str, error: Exception, problems: dict[str, str]
) -> None:
    """Note in ``problems``, by step, in words why ``step`` failed, and log what is new of it."""
    said = words(error)
    if problems.get(step) != said:
        # What the machine lacks is no bug: where in the code it was felt helps nobody.
        known = isinstance(error, OSError | FactoryError)
        log.error("step=%s failed: %s", step, said, exc_info=not known)
    problems[step] = said


class Log(logging.Handler):
    """The log of this process: ``who`` it is, and the ``file`` it writes, None: stderr.

    Both may be set anew, which is all that a forked child has to do.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(Line())
        self.who = ""
        self.max_bytes = 1_000_000
        self.keep = 1
        self._path: str | None = None
        self._file = -1
        self._size = 0
        self._torn = False  # the last line has no end
        self._lost, self._why = 0, ""  # lines that could not be written

    def become(self, who: str, file: str | None) -> None:
        """Be the log of somebody else from now on; a file is opened with its first line."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self.who, self._path = who, file
        self._torn, self._lost = False, 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line in one piece. A full disk costs lines, not the daemon; the next line that
        finds room says how many."""
        line = self._line(record)
        if self._lost:
            words = f"{self._lost} lines are lost: {self._why}"
            about = logging.LogRecord("", logging.ERROR, "", 0, words, (), None)
            line = self._line(about) + line
        try:
            self._write(b"\n" * self._torn + line)
        except OSError as error:
            self._lost, self._why = self._lost + 1, f"{self._path}: {error.strerror}"
        else:
            self._lost = 0

    def _line(self, record: logging.LogRecord) -> bytes:
        said = self.format(record).replace("{who}", self.who, 1)
        return (said + "\n").encode(errors="backslashreplace")

    def _write(self, line: bytes) -> None:
        """Write a line.

        Raises:
            OSError: it could not be written, or not as a whole.
        """
        if self._path is None:
            os.write(2, line)
            return
        path = Path(self._path)
        if self._file < 0:
            self._open(path)
        if self._size and self._size + len(line) > self.max_bytes:
            self._rotate(path)
        written = os.write(self._file, line)
        self._size += written
        self._torn = 0 < written < len(line)
        if written < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _open(self, path: Path) -> None:
        disk.make_folder(path.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o644)
        self._size = os.fstat(self._file).st_size

    def _rotate(self, path: Path) -> None:
        os.close(self._file)
        self._file = -1
        old = [path.with_name(f"{path.name}.{n}") for n in range(1, self.keep + 1)]
        if not old:
            path.unlink()
        for newer, older in reversed(list(zip([path, *old], old, strict=False))):
            with contextlib.suppress(FileNotFoundError):
                newer.replace(older)
        self._open(path)


LOG = Log()


def set_up(settings: Logs) -> None:
    """Let this process, and those that it forks, log to :data:`LOG`."""
    LOG.max_bytes, LOG.keep = settings.mb * 1_000_000, settings.keep
    root = logging.getLogger()
    root.handlers[:] = [LOG]
    root.setLevel(settings.level.upper())
