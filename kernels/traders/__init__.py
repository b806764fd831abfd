"""What traders do by themselves: owners who answer margin calls, makers who withdraw."""

from __future__ import annotations

from ..registry import Parameter, Rule

TRADERS: tuple[Rule, ...] = (
    Rule(
        "top_up",
        "After a margin call the owner adds cash from outside, up to the target.",
        "BCBS, CPMI and IOSCO (2022), Review of margining practices; the rule is this program's",
        (
            Parameter("probability", "fraction", "Chance that the owner of an account does so, drawn once per path."),
            Parameter("delay", "duration", "Time from the call to the cash."),
            Parameter("most", "fraction", "Most that is added on a path, as a share of the equity at the start."),
        ),
    ),
    Rule(
        "deleverage",
        "After a margin call the owner sends market orders that bring the account to the target.",
        "Brunnermeier and Pedersen (2009), margin spirals; the rule is this program's",
        (
            Parameter("probability", "fraction", "Chance that the owner of an account does so, drawn once per path."),
            Parameter("delay", "duration", "Time from the call to the order."),
        ),
    ),
    Rule(
        "makers",
        "The depth of a book falls with the equity of the market makers who hold a position in it.",
        "Gromb and Vayanos (2002), arbitrageurs' capital; Brunnermeier and Pedersen (2009), funding liquidity",
        (
            Parameter("elasticity", "number", "Power of equity now over equity at the start."),
            Parameter("floor", "fraction", "Least share of the depth that stays."),
        ),
    ),
)
"""Behaviours; all are off unless a scenario names them."""

TOP_UP, DELEVERAGE = 1, 2
"""Bits of what the owner of an account does on a path."""
