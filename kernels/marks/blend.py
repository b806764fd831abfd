"""Mark rule ``blend``."""

from __future__ import annotations

from ..jit import kernel


@kernel
def blend(index: float, book: float, weight: float) -> float:
    """Index price and book price, by the weight of the index: exactly one of them at 1 and at 0."""
    return weight * index + (1.0 - weight) * book
