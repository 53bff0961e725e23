"""A page of the manual, in the language of man (roff with the man macros)."""

import textwrap
from dataclasses import dataclass, field
from importlib.metadata import version


def escape(text: str) -> str:
    """Return text that man shows as it is."""
    return text.replace("\\", "\\e").replace("-", "\\-")


def _line(text: str) -> str:
    """Return a line that is none of roff's own: those begin with a full stop or a quote."""
    return f"\\&{text}" if text.startswith((".", "'")) else text


@dataclass
class Page:
    """What one page says; texts given to it are plain unless they say otherwise."""

    name: str
    section: int
    short: str
    _lines: list[str] = field(default_factory=list)

    @property
    def file(self) -> str:
        """Its place below a folder of manual pages."""
        return f"man{self.section}/{self.name}.{self.section}"

    def heading(self, text: str, level: int = 1) -> None:
        self._lines.append(f".S{'H' if level == 1 else 'S'} {escape(text)}")

    def paragraph(self, text: str, *, is_roff: bool = False) -> None:
        """Add a paragraph, filled by man."""
        self._lines += [*self._break(), *self._filled(text, is_roff)]

    def tagged(self, tag: str, text: str, *, is_roff: bool = False) -> None:
        """Add a tag, in bold, and below it what it means."""
        self._lines += [".TP", f"\\fB{escape(tag)}\\fR"]
        self._lines += self._filled(text, is_roff) or [""]

    def item(self, mark: str, text: str) -> None:
        """Add an item of a list; ``text`` is roff."""
        self._lines += [f".IP {mark} 4", *self._filled(text, True)]

    def code(self, text: str) -> None:
        """Add lines as they stand."""
        shown = textwrap.dedent(text).strip("\n").split("\n")
        lines = [_line(escape(line.rstrip())) for line in shown]
        self._lines += [*self._break(), ".RS 4", ".nf", *lines, ".fi", ".RE"]

    def _break(self) -> list[str]:
        """Begin a paragraph; a heading has done so already."""
        after_heading = bool(self._lines) and self._lines[-1].startswith((".SH ", ".SS "))
        return [] if after_heading else [".PP"]

    def _filled(self, text: str, is_roff: bool) -> list[str]:
        lines = (text if is_roff else escape(text)).split("\n")
        return [_line(stripped) for line in lines if (stripped := line.strip())]

    @property
    def text(self) -> str:
        """The page as a file."""
        number = version("glidein-factory")
        head = [
            f'.TH {self.name.upper()} {self.section} "" "glidein\\-factory {number}"',
            ".SH NAME",
            f"{escape(self.name)} \\- {escape(self.short)}",
        ]
        return "\n".join([*head, *self._lines]) + "\n"
