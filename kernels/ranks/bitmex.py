"""ADL rank ``bitmex``."""

from __future__ import annotations

import math

from ..jit import kernel


@kernel
def bitmex(mark: float, entry: float, quantity: float, equity: float, share: float) -> float:
    """r * L for winners and r / L for losers.

    r is the return on entry and L = N / (E * share) the leverage against the
    bankruptcy price (BitMEX documentation, auto-deleveraging).
    """
    gain = (mark - entry) / entry
    if quantity < 0.0:
        gain = -gain
    allotted = equity * share
    if allotted <= 0.0:
        return math.inf if gain >= 0.0 else 0.0
    leverage = abs(quantity) * mark / allotted
    return gain * leverage if gain >= 0.0 else gain / leverage
