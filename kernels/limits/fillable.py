"""Limit rule ``fillable``."""

from __future__ import annotations

from ..jit import kernel


@kernel
def fillable(
    anchor: float,
    quantity: float,
    account_equity: float,
    account_maintenance: float,
    rate: float,
    spread: float,
    adjustment: float,
) -> float:
    """Mark less (plus, for shorts) ABR * spread * rate of it, ABR = clamp(adjustment (1 - E / MM), 0, 1).

    The distance is added to one before the mark comes in: that rounds away in
    which place the rates of two accounts differ, which have the same limit and
    share what trades at it.
    """
    aggressiveness = 1.0
    if account_maintenance > 0.0:
        aggressiveness = min(1.0, max(0.0, adjustment * (1.0 - account_equity / account_maintenance)))
    distance = aggressiveness * spread * rate
    return anchor * (1.0 - distance) if quantity > 0.0 else anchor * (1.0 + distance)
