"""An XML file as elements that know their line, with the comments around them.

What could make a small file large, or read others, is refused: document types, and with them
entities of any kind.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from orchestrator.errors import ConfigError

LIMIT = 256 * 1024 * 1024  # bytes; 80,000 entries
DEPTH = 64


@dataclass
class Comment:
    """A comment, and the line in which it begins."""

    text: str
    file: str
    line: int

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass
class Element:
    """An element; ``comments`` are those between its tags, but in none of its children's."""

    tag: str
    file: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element"] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    text: str = ""  # between the tags, without blanks at its ends
    looked_at: set[str] = field(
        default_factory=set
    )  # attributes that somebody read or told of

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"

    def child(self, tag: str) -> "Element | None":
        """Return the child called ``tag``; the last of several, as the reference has it."""
        return next((one for one in reversed(self.children) if one.tag == tag), None)

    def pass_over(self) -> None:
        """Count everything in it as looked at: it was told of as a whole."""
        for one in self.below():
            one.looked_at.update(one.attributes)

    @property
    def said(self) -> str:
        """Its attributes, as they could stand in a file."""
        return " ".join(f'{key}="{one}"' for key, one in self.attributes.items())

    def below(self) -> Iterator["Element"]:
        """Yield this element and all within it."""
        yield self
        for child in self.children:
            yield from child.below()


def read(path: Path) -> Element:
    """Return the outermost element of the file at ``path``.

    Raises:
        ConfigError: it is no XML, too large, nested too deeply, or has a document type; with
            file and line.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(LIMIT + 1)
    if len(content) > LIMIT:
        raise ConfigError(f"{path}: more than {LIMIT // 1024**2} MB")
    return parse(content, str(path))


def parse(content: bytes, name: str) -> Element:
    """Return the outermost element of an XML file's ``content``; ``name`` is for messages.

    Raises:
        ConfigError: as :func:`read`.
    """
    return _Reader(name).read(content)


class _Reader:
    def __init__(self, name: str) -> None:
        self._name = name
        self._open: list[Element] = []
        self._root: Element | None = None
        self._outside: list[Comment] = []  # comments before and after the root
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CommentHandler = self._comment
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype

    def read(self, content: bytes) -> Element:
        try:
            self._parser.Parse(content, True)
        except expat.ExpatError as error:
            said = expat.errors.messages[error.code]
            raise ConfigError(
                f"{self._name}:{error.lineno}: not well-formed XML: {said}"
            ) from error
        except (UnicodeDecodeError, LookupError, ValueError) as error:
            raise ConfigError(f"{self._here}: not readable as text: {error}") from error
        assert self._root is not None
        self._root.comments[:0] = self._outside
        return self._root

    @property
    def _here(self) -> str:
        return f"{self._name}:{self._parser.CurrentLineNumber}"

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= DEPTH:
            raise ConfigError(f"{self._here}: more than {DEPTH} elements within each other")
        element = Element(tag, self._name, self._parser.CurrentLineNumber, attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, _tag: str) -> None:
        element = self._open.pop()
        element.text = element.text.strip()

    def _comment(self, text: str) -> None:
        comment = Comment(text.strip(), self._name, self._parser.CurrentLineNumber)
        (self._open[-1].comments if self._open else self._outside).append(comment)

    def _text(self, text: str) -> None:
        if text.strip():
            self._open[-1].text += text

    def _doctype(self, *_said: object) -> None:
        raise ConfigError(
            f"{self._here}: a document type (DOCTYPE) is refused: it can define entities"
        )
