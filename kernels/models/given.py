"""Prices that are given: a replay of history or a prescribed path, the same in every simulated path."""

from __future__ import annotations

from ..jit import vector_part
from ..registry import Rule
from ..structs import Floats
from .lanes import Lanes

RULE = Rule(
    "given", "The price and its variance follow a table, without random numbers.", "replayed or prescribed prices"
)


@vector_part
def advance(coefficient: Floats, lanes: Lanes) -> None:
    """Set every lane to the log price coefficient[0] and the variance coefficient[1]."""
    price, variance = coefficient[0], coefficient[1]
    x, v = lanes.log_price, lanes.variance
    for lane in range(x.size):
        x[lane] = price
        v[lane] = variance
