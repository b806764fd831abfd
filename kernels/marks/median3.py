"""Mark rule ``median3``."""

from __future__ import annotations

from ..jit import kernel


@kernel
def median3(index: float, basis: float, book: float, external: float) -> float:
    """Median of the index plus the average basis, the book, and the price of other venues.

    ``basis`` may outweigh the index after a spoof; the median stays above zero,
    for the other two prices are.
    """
    own = index + basis
    return max(min(own, book), min(max(own, book), external))


@kernel
def next_basis(basis: float, index: float, book: float, gain: float) -> float:
    """Average of book less index with the newest of them in it, of which ``gain`` is the weight."""
    return basis + gain * (book - index - basis)
