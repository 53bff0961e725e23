"""Call what may hang, or what leaves much memory behind, in a child process with a time limit.

HTCondor's library waits for a schedd that hangs as long as that does, and cannot be interrupted;
what it allocates it keeps. A child can be killed, and takes its memory along.
"""

import contextlib
import ctypes
import os
import pickle
import select
import signal
import time
from collections.abc import Callable
from typing import TypeVar

from orchestrator import disk

Result = TypeVar("Result")

_CHUNK = 1 << 20  # bytes
_PR_SET_PDEATHSIG = 1


class NoAnswer(Exception):
    """The child was killed at its time limit, or died; what it did meanwhile is not known."""


def limited(call: Callable[[], Result], limit_s: float) -> Result:
    """Return what ``call()`` returns in a child process; it must be something to pickle.

    The child dies with this process. When this function returns or raises, it is gone.

    Raises:
        NoAnswer: there was no result after ``limit_s``, or the child died.
        Exception: what ``call`` raised, if that can be pickled.
    """
    parent = os.getpid()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(call, parent, ours, theirs)  # never returns
    os.close(theirs)
    try:
        answer = _collect(ours, time.monotonic() + limit_s)
    except TimeoutError:
        raise NoAnswer(f"no answer after {limit_s:g} s") from None
    finally:
        os.close(ours)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    if not answer:
        code = os.waitstatus_to_exitcode(status)
        raise NoAnswer(f"the process that asked ended with {code}")
    try:
        good, result = pickle.loads(answer)  # from ourselves
    except (pickle.UnpicklingError, EOFError) as error:
        raise NoAnswer(f"the process that asked died while it answered: {error}") from error
    if good:
        answered: Result = result
        return answered
    raise result


def _answer(call: Callable[[], object], parent: int, ours: int, theirs: int) -> None:
    """Be the child: call, tell the result, and end without any of the parent's clean-up."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.close(ours)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)
        try:
            answer = pickle.dumps((True, call()))
        except Exception as error:  # noqa: BLE001  # it is raised where it belongs
            answer = _failure(error)
        disk.write_all(theirs, answer)
        os._exit(0)
    finally:
        os._exit(1)


def _failure(error: Exception) -> bytes:
    try:
        failure = pickle.dumps((False, error))
        pickle.loads(failure)  # not every exception can be made again from its arguments
    except Exception:  # noqa: BLE001  # whatever it is, its words arrive
        failure = pickle.dumps((False, RuntimeError(str(error) or repr(error))))
    return failure


def _collect(source: int, deadline: float) -> bytes:
    """Read to the end.

    Raises:
        TimeoutError: the end had not come at the deadline.
    """
    waiting = select.poll()
    waiting.register(source, select.POLLIN)
    chunks: list[bytes] = []
    while True:
        left_s = deadline - time.monotonic()
        if left_s <= 0 or not waiting.poll(left_s * 1000):
            raise TimeoutError
        chunk = os.read(source, _CHUNK)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
