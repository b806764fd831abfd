"""Most that ADL closes of a winner."""

from __future__ import annotations

import math

from ..jit import kernel


@kernel
def closable(quantity: float, equity: float, loss: float) -> float:
    """Units of a position that its account can bear to lose ``loss`` on, each against the mark (MODEL 6)."""
    return min(abs(quantity), equity / loss) if loss > 0.0 else abs(quantity)


@kernel
def closable_from_profit(profit: float, loss: float) -> float:
    """Units on which the haircut uses up the position's profit: the caps of Chitra (2025), capped pro rata."""
    return max(0.0, profit) / loss if loss > 0.0 else math.inf
