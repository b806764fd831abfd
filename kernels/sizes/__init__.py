"""How much of a position a liquidation order sends."""

from __future__ import annotations

from ..registry import Parameter, Rule

SIZES: tuple[Rule, ...] = (
    Rule("full", "Every position of the account is sent whole.", "common"),
    Rule(
        "fraction",
        "Positions above a notional send a share first, the others all; once per step, then the cooldown decides.",
        "Hyperliquid documentation, liquidations (20 % above 100,000, 30 s)",
        (
            Parameter("share", "fraction", "Share of the position that is sent."),
            Parameter("above", "money", "Notional above which only the share is sent."),
            Parameter("cooldown", "duration", "Time after a partial order in which `during` rules."),
            Parameter("during", "word", "full: everything is sent; wait: nothing is."),
        ),
    ),
    Rule(
        "to_target",
        "The least common share of all positions that lifts equity to a multiple of maintenance at the mark.",
        "incremental liquidation, for instance FTX and dYdX v3 documentation",
        (Parameter("target", "number", "Equity over maintenance to reach, at least 1.01."),),
    ),
    Rule(
        "step_down",
        "Positions above the lowest margin tier are cut to the upper end of a lower one: the least number of tiers "
        "down that leaves the account its maintenance at the mark; then `rest`.",
        "BitMEX and Bybit documentation, liquidation (to the risk limit that suffices); OKX (two tiers at a time)",
        (
            Parameter("tiers", "count", "Tiers that one step goes down."),
            Parameter(
                "rest", "word", "Where the lowest tiers would not do: send everything, or leave it to the layers."
            ),
        ),
    ),
    Rule(
        "paced",
        "A share of every position per interval, within bounds: what a venue closes block by block, once per check.",
        "dYdX v4, x/clob, block limits of liquidations (10 % and at least 1,000, at most 100,000 per account)",
        (
            Parameter("share", "fraction", "Share of what is left of a position that one interval closes."),
            Parameter("least", "money", "Notional of a position that an interval closes, however small the share."),
            Parameter("most", "money", "Notional of the account that an interval closes at most."),
            Parameter("every", "duration", "Length of an interval."),
        ),
    ),
)
"""Size rules, by number."""

FULL, FRACTION, TO_TARGET, STEP_DOWN, PACED = 0, 1, 2, 3, 4
