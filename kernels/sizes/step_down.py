"""Size rule ``step_down``: large positions go down their margin tiers."""

from __future__ import annotations

from ..jit import part
from ..margin import tiered_maintenance
from ..records import Records
from ..state import Accounts
from ..structs import Book, Markets

NONE = -1
"""No number of tiers that would do."""

ROUNDING = 1e-12
"""Relative excess over a tier's upper end that is none: a position cut to that end must not be in the tier above."""


@part
def _height(markets: Markets, m: int, notional: float) -> int:
    """Tiers under the one that a notional is in; one at the end of a tier belongs to it."""
    first, height = markets.each[m].tier_first, 0
    for t in range(first + 1, markets.each[m].tier_last):
        if notional > markets.tiers[t].lower * (1.0 + ROUNDING):
            height = t - first
    return height


@part
def kept(markets: Markets, m: int, notional: float, down: int) -> float:
    """Value that is left of a position ``down`` tiers below its own, at least the lowest tier's upper end."""
    height = _height(markets, m, notional)
    if height == 0:
        return notional
    return markets.tiers[markets.each[m].tier_first + max(0, height - down) + 1].lower


@part
def _maintenance_left(book: Book, markets: Markets, accounts: Accounts, now: Records, i: int, down: int) -> float:
    """Maintenance of account i when every position has gone ``down`` tiers."""
    total = 0.0
    for j in range(book.accounts[i].first, book.accounts[i].last):
        m = book.positions[j].market
        notional = abs(accounts.positions[j].quantity) * now[m].mark
        total += now[m].factor * tiered_maintenance(markets, m, kept(markets, m, notional, down))
    return total


@part
def tiers_down(
    book: Book, markets: Markets, accounts: Accounts, now: Records, i: int, equity: float, stride: int
) -> int:
    """Least multiple of ``stride`` tiers down that leaves account i its maintenance, fills at the mark; or NONE."""
    highest = 0
    for j in range(book.accounts[i].first, book.accounts[i].last):
        m = book.positions[j].market
        highest = max(highest, _height(markets, m, abs(accounts.positions[j].quantity) * now[m].mark))
    down = 0
    while down < highest:
        down += stride
        if equity >= _maintenance_left(book, markets, accounts, now, i, down):
            return down
    return NONE
