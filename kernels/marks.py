"""Marks: the price margin is computed on."""

from __future__ import annotations

import math

from .jit import kernel
from .registry import Parameter, Rule
from .state import MarketState
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
def book_price(now: MarketState, m: int) -> float:
    """P = F exp(x)."""
    return now.fundamental[m] * math.exp(now.displacement[m])


@kernel
def mark_price(markets: Markets, now: MarketState, m: int) -> float:
    """K of market m as its rule says."""
    if markets.mark[m] == BOOK:
        return book_price(now, m)
    return now.published[m]


@kernel
def set_marks(markets: Markets, now: MarketState) -> None:
    """Marks of a round, and what one unit is worth at them."""
    for m in range(markets.depth.size):
        now.mark[m] = mark_price(markets, now, m)
        now.worth[m] = now.mark[m] - now.funding[m]
