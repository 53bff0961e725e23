"""What the importer has to say: what has no counterpart, what was mended, what is to be done."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["do", "left", "mended", "kept"]

# In the order in which they are told.
HEADINGS: dict[Kind, str] = {
    "do": "To do before the factory can run",
    "left": "Without a counterpart here, left out",
    "mended": "Not taken as it stands",
    "kept": "Comments",
}


@dataclass(frozen=True)
class Note:
    """One thing to know: ``what`` is the same for all of its kind, ``detail`` is this one's."""

    kind: Kind
    where: str  # file:line, or nothing
    what: str
    detail: str = ""


@dataclass
class Report:
    """All notes of one import, in the order of the files."""

    notes: list[Note] = field(default_factory=list)

    def add(self, kind: Kind, where: str, what: str, detail: str = "") -> None:
        self.notes.append(Note(kind, where, what, detail))

    def text(self) -> str:
        """Return every note, with file and line."""
        return "".join(f"{line}\n" for line in self._lines(self.notes))

    def _lines(self, notes: Iterable[Note]) -> Iterator[str]:
        for kind, heading in HEADINGS.items():
            grouped = _grouped(note for note in notes if note.kind == kind)
            if not grouped:
                continue
            yield f"## {heading}"
            for what, all_ in grouped.items():
                yield ""
                yield what
                for note in all_:
                    told = ": ".join(part for part in (note.where, note.detail) if part)
                    if told:
                        yield f"    {told}"
            yield ""

    def summary(self) -> Iterator[str]:
        """Yield a line for each thing to know, with the number of its places and the first."""
        for kind, heading in HEADINGS.items():
            grouped = _grouped(note for note in self.notes if note.kind == kind)
            if not grouped:
                continue
            yield f"{heading}:"
            for what, all_ in grouped.items():
                first = all_[0]
                where = first.where or first.detail
                more = f" and {len(all_) - 1} more" if len(all_) > 1 else ""
                yield f"  {what}" + (f" ({where}{more})" if where else "")


def _grouped(notes: Iterable[Note]) -> dict[str, list[Note]]:
    grouped: dict[str, list[Note]] = {}
    for note in notes:
        grouped.setdefault(note.what, []).append(note)
    return grouped
