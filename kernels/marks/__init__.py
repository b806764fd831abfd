"""Marks: the price margin is computed on."""

from __future__ import annotations

from ..jit import part
from ..records import Records
from ..registry import Parameter, Rule
from ..structs import Markets
from .blend import blend
from .book import book_price
from .index import index_price
from .median3 import median3, next_basis

__all__ = ["BLEND", "BOOK", "INDEX", "MARKS", "MEDIAN3", "book_price", "follow_basis", "mark_price", "set_marks"]

MARKS: tuple[Rule, ...] = (
    Rule("index", "The oracle's price.", "common to most venues"),
    Rule("book", "The price at which this venue's own book can be traded.", "common to small venues"),
    Rule(
        "blend",
        "A weighted mean of the oracle's price and the venue's own book.",
        "common: index plus a share of the premium",
        (Parameter("index", "fraction", "Weight of the oracle's price; the rest is the book's."),),
    ),
    Rule(
        "median3",
        "The median of the oracle's price plus the average basis, the venue's own book, and other venues' price, "
        "for which the fundamental price stands.",
        "Hyperliquid documentation, robust price indices",
        (Parameter("half_life", "duration", "Half-life of the average of book less oracle."),),
    ),
)
"""Mark rules, by number."""

INDEX, BOOK, BLEND, MEDIAN3 = 0, 1, 2, 3


@part
def mark_price(markets: Markets, now: Records, m: int) -> float:
    """K of market m as its rule says."""
    rule = markets.each[m].mark_rule
    if rule == BOOK:
        return book_price(now, m)
    if rule == BLEND:
        return blend(index_price(now, m), book_price(now, m), markets.each[m].mark_index)
    if rule == MEDIAN3:
        return median3(index_price(now, m), now[m].basis, book_price(now, m), now[m].fundamental)
    return index_price(now, m)


@part
def follow_basis(markets: Markets, now: Records) -> None:
    """Take the basis at the start of a step into its average, once per step whatever its rounds do to the book."""
    for m in range(markets.each.size):
        if markets.each[m].mark_rule == MEDIAN3:
            now[m].basis = next_basis(now[m].basis, index_price(now, m), book_price(now, m), markets.each[m].mark_gain)


@part
def set_marks(markets: Markets, now: Records) -> None:
    """Marks of a round, and what one unit is worth at them."""
    for m in range(markets.each.size):
        now[m].mark = mark_price(markets, now, m)
        now[m].worth = now[m].mark - now[m].funding
