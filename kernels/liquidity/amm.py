"""Constant-product pool (MODEL 3): the reserve at displacement x is R exp(-x / 2), reserve times money is constant.

R is what the pool holds when it is at the fundamental price, to which arbitrage pulls it back. Selling n units into a
reserve r moves the price by (r / (r + n))^2, at an average of P r / (r + n).
"""

from __future__ import annotations

import math

from ..jit import kernel

LEAST_RESERVE = 0.01
"""Share of R that the pool never sells. It could sell all but the last unit, at any price: a purchase without limit
would cost without limit. With a hundredth left the price is 10,000 times the fundamental one."""


@kernel
def reserve_at(x: float, reserve: float) -> float:
    """Units in the pool at displacement x."""
    return reserve * math.exp(-0.5 * x)


@kernel
def most_sold(x: float, reserve: float) -> float:
    """Units that the pool still sells at displacement x."""
    return max(0.0, reserve_at(x, reserve) - LEAST_RESERVE * reserve)


@kernel
def displacement_by(fill: float, x: float, reserve: float) -> float:
    """Change of x when ``fill`` units are bought from the pool (sold to it when negative)."""
    return -2.0 * math.log1p(-fill / reserve_at(x, reserve))


@kernel
def average_over_price(fill: float, x: float, reserve: float) -> float:
    """Average price of a fill over the price before it; infinite for all that the pool holds, and more."""
    held = reserve_at(x, reserve)
    return held / (held - fill) if fill < held else math.inf
