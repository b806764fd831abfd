"""What the report says of treasuries."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stress.report.document import Block, Notes, Paragraph, Table, table
from stress.sizing.result import Sizing
from stress.sizing.treasury import Spread, TreasuryFigures
from stress.sizing.words import NONE, level, money, percent, percent_estimate

Writer = Callable[[float | None], str]


def treasury_blocks(sizing: Sizing) -> Iterator[Block]:
    """One table and one paragraph per treasury."""
    for figures in sizing.treasuries:
        yield _table(sizing, figures)
        yield Paragraph(_sentence(figures))


def _table(sizing: Sizing, figures: TreasuryFigures) -> Table:
    """What it bore, raised and sold; the share of its tokens is the dilution."""
    notes = Notes()

    def row(name: str, spread: Spread, write: Writer) -> list[str]:
        cells = [notes.mark(write(estimate.value), estimate.note) for estimate in (spread.mean, *spread.levels)]
        return [name, *cells, write(spread.largest)]

    def tokens(value: float | None) -> str:
        return NONE if value is None else f"{value:,.0f} ({percent(value / figures.units)})"

    rows = [
        row("Debt borne", figures.borne, money),
        row("Raised", figures.raised, money),
        row(f"{figures.token} sold, of {figures.units:,.0f}", figures.sold, tokens),
    ]
    headings = ["", "On average", *(f"Value at {level(at)}" for at in sizing.levels), "Largest"]
    where = f", pool {figures.pool}" if len(sizing.pools) > 1 else ""
    return table(f"Treasury {figures.layer!r}{where}", headings, rows, notes.lines())


def _sentence(figures: TreasuryFigures) -> str:
    """What its tokens could not do."""
    low = "It never sold." if figures.lowest is None else f"The lowest price of a sale is {money(figures.lowest)}."
    declined, owing = percent_estimate(figures.declined), percent_estimate(figures.owing)
    return (
        f"Its tokens did not cover what it was asked to bear with probability {declined}; at the end it still owes "
        f"something with probability {owing}. {low}"
    )
