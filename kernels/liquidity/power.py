"""Power-law impact: g(u) = sign(u) y (|u| / D)^delta, and what follows from it (MODEL 3)."""

from __future__ import annotations

import math

from ..jit import kernel

SMALL_FILL = 1e-5
"""Fill over open displacement, in units of depth, below which G(u1) - G(u0) cancels:
both terms agree in five digits, so eleven are left; Simpson's rule is then exact to 1e-14."""


@kernel
def displacement(units: float, depth: float, move: float, exponent: float) -> float:
    """g(u): log displacement of a book from which ``units`` have been bought (sold when negative)."""
    if units == 0.0 or math.isinf(depth):
        return 0.0
    size = move * (abs(units) / depth) ** exponent
    return size if units > 0.0 else -size


@kernel
def units_at(x: float, depth: float, move: float, exponent: float) -> float:
    """Inverse of :func:`displacement`; 0 in an endless book."""
    if x == 0.0 or math.isinf(depth):
        return 0.0
    size = depth * (abs(x) / move) ** (1.0 / exponent)
    return size if x > 0.0 else -size


@kernel
def _area(units: float, depth: float, move: float, exponent: float) -> float:
    """G(u): integral of g from 0, an even function."""
    return move * depth / (exponent + 1.0) * (abs(units) / depth) ** (exponent + 1.0)


@kernel
def average_displacement(start: float, fill: float, depth: float, move: float, exponent: float) -> float:
    """Mean of g while ``fill`` units trade from the book position ``start``."""
    if math.isinf(depth):
        return 0.0
    end = start + fill
    if abs(fill) < SMALL_FILL * abs(start) or fill == 0.0:
        first = displacement(start, depth, move, exponent)
        middle = displacement(start + 0.5 * fill, depth, move, exponent)
        last = displacement(end, depth, move, exponent)
        return (first + 4.0 * middle + last) / 6.0
    return (_area(end, depth, move, exponent) - _area(start, depth, move, exponent)) / fill


@kernel
def average_price(fundamental: float, start: float, fill: float, depth: float, move: float, exponent: float) -> float:
    """VWAP of a net fill: the exponential of the mean log price.

    Below the arithmetic mean by about dx^2 / 24, by definition of the model.
    """
    return fundamental * math.exp(average_displacement(start, fill, depth, move, exponent))
