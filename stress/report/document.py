"""A report as plain blocks, written out by the templates: HTML and Markdown hold the same by construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stress.report.charts.gallery import Picture


@dataclass(frozen=True)
class Paragraph:
    """One paragraph of text."""

    text: str
    kind: str = "paragraph"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]
    kind: str = "bullets"


@dataclass(frozen=True)
class Table:
    """A table of text cells; the first column names the row, the others are numbers unless ``words``."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    words: bool = False
    """True where cells are words and not numbers: left-aligned."""
    kind: str = "table"


@dataclass(frozen=True)
class Chart:
    """A picture with its caption."""

    picture: Picture
    kind: str = "chart"


@dataclass(frozen=True)
class Code:
    """A command to copy."""

    text: str
    kind: str = "code"


Block = Paragraph | Bullets | Table | Chart | Code


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Card:
    """One figure at the top of the report."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    subtitle: str
    headline: tuple[str, ...]
    cards: tuple[Card, ...]
    sections: tuple[Section, ...]

    @property
    def pictures(self) -> list[Picture]:
        """Every chart, in the order of the text."""
        return [block.picture for section in self.sections for block in section.blocks if isinstance(block, Chart)]


class Notes:
    """Footnotes of one table: equal notes share a number."""

    def __init__(self) -> None:
        self._notes: list[str] = []

    def mark(self, text: str, note: str) -> str:
        """Text with the number of its note; unchanged without one."""
        if not note:
            return text
        if note not in self._notes:
            self._notes.append(note)
        return f"{text} [{self._notes.index(note) + 1}]"

    def lines(self) -> tuple[str, ...]:
        """The notes with their numbers."""
        return tuple(f"[{k}] {note}" for k, note in enumerate(self._notes, 1))


def table(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = (), words: bool = False
) -> Table:
    """A table from any sequences."""
    return Table(title, tuple(headings), tuple(tuple(row) for row in rows), tuple(notes), words)
