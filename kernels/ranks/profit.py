"""ADL rank ``profit``, and the weight of ``pro_rata_profit``."""

from __future__ import annotations

from ..jit import kernel


@kernel
def profit(mark: float, entry: float, quantity: float) -> float:
    """Unrealised profit of the position."""
    return quantity * (mark - entry)
