"""The worst price a liquidation order accepts."""

from __future__ import annotations

import math

from ..jit import kernel
from ..margin import bankruptcy_price
from ..records import Record
from ..registry import Parameter, Rule
from .fillable import fillable
from .slippage import slippage

LIMITS: tuple[Rule, ...] = (
    Rule("none", "The order is filled at any price.", "common"),
    Rule(
        "slippage",
        "The order is filled no further than a cap from the mark of the step's first round.",
        "common on decentralised venues",
        (Parameter("cap", "fraction", "Largest distance from the mark."),),
    ),
    Rule(
        "bankruptcy",
        "The order is filled no worse than where the account's equity is used up, allotted by maintenance margin.",
        "Binance, Bybit and BitMEX documentation; allotment as dYdX v4",
    ),
    Rule(
        "fillable",
        "The limit slides from the mark by a spread of maintenance as the account's equity falls.",
        "dYdX v4, x/clob/keeper/liquidations.go, GetFillablePrice",
        (
            Parameter("spread", "number", "Distance at zero equity, in maintenance rates."),
            Parameter("adjustment", "number", "Slope of the slide in 1 - equity / maintenance."),
        ),
    ),
)
"""Limit rules, by number."""

NONE, SLIPPAGE, BANKRUPTCY, FILLABLE = 0, 1, 2, 3


@kernel
def limit_price(
    pool: Record,
    quantity: float,
    mark: float,
    anchor: float,
    account_equity: float,
    account_maintenance: float,
    position_maintenance: float,
    share: float,
) -> float:
    """Limit of an order that reduces ``quantity``; minus infinity for a sale at any price, infinity for a purchase.

    ``pool`` is a POOL record, ``share`` the position's share of the account's maintenance.
    """
    rule = pool.limit_rule
    if rule == SLIPPAGE:
        price = slippage(anchor, quantity, pool.limit_a)
    elif rule == BANKRUPTCY:
        price = bankruptcy_price(mark, quantity, account_equity, share)
    elif rule == FILLABLE:
        rate = position_maintenance / (abs(quantity) * mark)
        price = fillable(anchor, quantity, account_equity, account_maintenance, rate, pool.limit_a, pool.limit_b)
    else:
        price = -math.inf if quantity > 0.0 else math.inf
    return -math.inf if price <= 0.0 else price
