"""Books that forced orders are sold into: how far a fill moves them and at what average price."""

from __future__ import annotations

from ..registry import Parameter, Rule

LIQUIDITY: tuple[Rule, ...] = (
    Rule(
        "power",
        "A fill of u base units displaces the book by sign(u) at (|u| / depth)^exponent, recovering with a half-life.",
        "Bouchaud, Bonart, Donier and Gould (2018), Trades, Quotes and Prices, ch. 12",
        (
            Parameter("depth", "money", "Value that moves the book by `at`."),
            Parameter("at", "fraction", "Displacement made by one depth."),
            Parameter("exponent", "number", "1 is a flat book, 0.5 the square-root law."),
            Parameter("half_life", "duration", "Time in which half of the displacement recovers."),
            Parameter("permanent", "fraction", "Share of the displacement that stays in the fundamental price."),
            Parameter("drought", "map", "Fall of the depth when volatility rises."),
        ),
    ),
)
"""Kinds of book, by number."""
