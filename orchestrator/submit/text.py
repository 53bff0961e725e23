"""Write values into a submit description so that they stay values.

In HTCondor's submit language ``$(NAME)`` is a macro, a backslash at the end of a line continues
it, and blanks around a value are dropped. Here each value is written so that HTCondor reads back
the very text, or it is refused.
"""

import re
from collections.abc import Iterable, Mapping

from orchestrator.errors import SubmissionError

# What HTCondor replaces once more when it knows the node: $$(NAME), $$([expression]).
_AT_MATCH = re.compile(r"\$\$\(")
# Words that begin a statement of their own.
_STATEMENTS = ("queue", "include", "use", "if", "elif", "else", "endif", "error", "warning")
_COMMAND = re.compile(r"\+?[A-Za-z_][A-Za-z0-9_.]*")


def plain(what: str, text: str) -> str:
    """Return ``text`` as the whole value of a command; ``what`` is for the message.

    Raises:
        SubmissionError: it cannot be written so.
    """
    _check(what, text)
    if text != text.strip():
        raise SubmissionError(f"{what}: has blanks around it: {text!r}")
    if text.endswith("\\"):
        raise SubmissionError(f"{what}: ends with a backslash: {text!r}")
    return _dollars(text)


def string(what: str, text: str) -> str:
    """Return ``text`` as a string of a ClassAd expression.

    Raises:
        SubmissionError: it cannot be written so.
    """
    _check(what, text)
    # Not as classad.quote does it: here a backslash is one, save before a quote inside.
    escaped = text.replace('"', '\\"')
    return _dollars(f'"{escaped}"')


def quoted(words: Iterable[str]) -> str:
    """Return words as HTCondor's new syntax of arguments and environment writes them, without
    the double quotes that are around all of it.
    """
    return " ".join(map(_word, words))


def arguments(what: str, words: Iterable[str], raw: str = "") -> str:
    """Return the value of ``arguments``; ``raw`` is more, in the submit language.

    Raises:
        SubmissionError: a word cannot be written.
    """
    all_ = list(words)
    for word in all_:
        _check(what, word)
    return f'"{_dollars(quoted(all_))}{raw}"'


def environment(variables: Mapping[str, str]) -> str:
    """Return the value of ``environment``.

    Raises:
        SubmissionError: a value cannot be written.
    """
    for name, value in variables.items():
        _check(name, value)
    words = (f"{name}={value}" for name, value in variables.items())
    return f'"{_dollars(quoted(words))}"'


def files(what: str, paths: Iterable[str]) -> str:
    """Return the value of a list of files.

    Raises:
        SubmissionError: a path cannot be in such a list.
    """
    all_ = list(paths)
    for path in all_:
        if "," in path or '"' in path:
            raise SubmissionError(f"{what}: no comma or quote may be in {path!r}")
        plain(what, path)
    return _dollars(",".join(all_))


def word(what: str, text: str) -> str:
    """Return ``text`` as one word among others, as in ``grid_resource``.

    Raises:
        SubmissionError: it is not one word.
    """
    if not text or re.search(r"\s", text):
        raise SubmissionError(f"{what}: not one word: {text!r}")
    return plain(what, text)


def command(name: str, value: str) -> tuple[str, str]:
    """Return a command that somebody configured, as it stands: its value is submit language.

    Raises:
        SubmissionError: it is not one command.
    """
    if not _COMMAND.fullmatch(name) or name.lower() in _STATEMENTS:
        raise SubmissionError(f"submit attribute {name!r}: not the name of a command")
    _check(f"submit attribute {name}", value, at_match=True)
    if value.rstrip().endswith("\\"):
        raise SubmissionError(f"submit attribute {name}: ends with a backslash: {value!r}")
    return (f"MY.{name[1:]}" if name.startswith("+") else name), value


def _check(what: str, text: str, *, at_match: bool = False) -> None:
    if any(not character.isprintable() for character in text):
        raise SubmissionError(f"{what}: characters that cannot be printed: {text!r}")
    if not at_match and _AT_MATCH.search(text):
        raise SubmissionError(f"{what}: $$(, which HTCondor would replace: {text!r}")


def _dollars(text: str) -> str:
    return text.replace("$", "$(DOLLAR)")


def _word(text: str) -> str:
    if not text or re.search(r"[\s']", text):
        text = "'" + text.replace("'", "''") + "'"
    return text.replace('"', '""')
