"""Marks: the price margin is computed on."""

from __future__ import annotations

import math

from .jit import kernel, part
from .records import Records
from .registry import Parameter, Rule
from .structs import Markets

MARKS: tuple[Rule, ...] = (
    Rule("index", "The oracle's price.", "common to most venues"),
    Rule("book", "The price at which this venue's own book can be traded.", "common to small venues"),
)
"""Mark rules, by number."""

INDEX, BOOK = 0, 1

ORACLE: tuple[Parameter, ...] = (
    Parameter("lag", "duration", "Delay between the fundamental price and what the oracle sees."),
    Parameter("heartbeat", "duration", "Time after which the oracle publishes whatever the change."),
    Parameter("deviation", "fraction", "Relative change that makes it publish before the heartbeat."),
)


@kernel
def book_price(now: Records, m: int) -> float:
    """P = F exp(x)."""
    return now[m].fundamental * math.exp(now[m].displacement)


@part
def mark_price(markets: Markets, now: Records, m: int) -> float:
    """K of market m as its rule says."""
    if markets.each[m].mark_rule == BOOK:
        return book_price(now, m)
    return now[m].published


@part
def set_marks(markets: Markets, now: Records) -> None:
    """Marks of a round, and what one unit is worth at them."""
    for m in range(markets.each.size):
        now[m].mark = mark_price(markets, now, m)
        now[m].worth = now[m].mark - now[m].funding
