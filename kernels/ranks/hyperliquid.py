"""ADL rank ``hyperliquid``."""

from __future__ import annotations

from ..jit import kernel


@kernel
def hyperliquid(mark: float, entry: float, quantity: float, equity: float) -> float:
    """(K / entry if long else entry / K) * N / E (Hyperliquid documentation, auto-deleveraging).

    The page prints mark over entry for both sides; entry over mark is its
    reading for shorts, where a falling mark is the gain.
    """
    gain = mark / entry if quantity > 0.0 else entry / mark
    return gain * abs(quantity) * mark / equity
