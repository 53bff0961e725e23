"""The pages of section 7, from guide/*.md: prose for people, in the Markdown that is needed here."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from orchestrator.manual.roff import Page, escape

GUIDE = Path(__file__).parent / "guide"
_SIMPLE = {
    "strong_open": r"\fB",
    "strong_close": r"\fR",
    "em_open": r"\fI",
    "em_close": r"\fR",
    "softbreak": "\n",
    "hardbreak": "\n",
    "link_open": "",
    "link_close": "",
}


def pages() -> list[Page]:
    """Return one page for each file."""
    return [page(path) for path in sorted(GUIDE.glob("*.md"))]


def page(path: Path) -> Page:
    """Return the page of a file, whose first line is its title.

    Raises:
        ValueError: it has something that a page of the manual cannot show.
    """
    tokens = MarkdownIt("commonmark").enable("table").parse(path.read_text())
    title, rest = tokens[1].content, tokens[3:]
    made = Page(f"glidein-factory-{path.stem}", 7, title)
    made.heading("DESCRIPTION")
    blocks = iter(rest)
    for token in blocks:
        match token.type:
            case "heading_open":
                made.heading(next(blocks).content, int(token.tag[1]) - 1)
                next(blocks)
            case "paragraph_open":
                made.paragraph(_inline(next(blocks)), is_roff=True)
                next(blocks)
            case "fence":
                made.code(token.content)
            case "bullet_list_open" | "ordered_list_open":
                _list(made, blocks, token.type)
            case "table_open":
                _table(made, blocks)
            case _:
                raise ValueError(f"{path.name}: cannot show {token.type}")
    return made


def _inline(token: Token) -> str:
    """Return the roff of a line's parts."""
    parts = []
    for part in token.children or []:
        match part.type:
            case "text":
                parts.append(escape(part.content))
            case "code_inline":
                parts.append(f"\\fB{escape(part.content)}\\fR")
            case _:
                parts.append(_SIMPLE[part.type])
    return "".join(parts)


def _list(made: Page, blocks: Iterator[Token], opened: str) -> None:
    closed = opened.replace("open", "close")
    for token in blocks:
        if token.type == closed:
            return
        if token.type == "inline":
            made.item("•", _inline(token))


def _table(made: Page, blocks: Iterator[Token]) -> None:
    """Show each row as its first cell, and below it the others, each after its column's name."""
    rows: list[list[Token]] = []
    for token in blocks:
        match token.type:
            case "table_close":
                break
            case "tr_open":
                rows.append([])
            case "inline":
                rows[-1].append(token)
    columns = [escape(cell.content) for cell in rows[0]]
    for row in rows[1:]:
        made.tagged(_plain(row[0]), _cells(columns[1:], row[1:]), is_roff=True)


def _plain(token: Token) -> str:
    return "".join(part.content for part in token.children or [])


def _cells(columns: Sequence[str], cells: Sequence[Token]) -> str:
    if len(cells) == 1:
        return _inline(cells[0])
    named = zip(columns, cells, strict=True)
    return "\n.br\n".join(f"\\fI{name}\\fR: {_inline(cell)}" for name, cell in named)
