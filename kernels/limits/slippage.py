"""Limit rule ``slippage``."""

from __future__ import annotations

from ..jit import kernel


@kernel
def slippage(anchor: float, quantity: float, cap: float) -> float:
    """Anchor less the cap for a sale (of a long), plus the cap for a purchase."""
    return anchor * (1.0 - cap) if quantity > 0.0 else anchor * (1.0 + cap)
