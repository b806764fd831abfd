"""ADL rank ``binance``."""

from __future__ import annotations

from ..jit import kernel


@kernel
def binance(equity: float, maintenance: float, profit: float) -> float:
    """max(0, profit) / max(1, E - profit) * MM / E (Binance documentation, ADL quantile)."""
    return max(0.0, profit) / max(1.0, equity - profit) * maintenance / equity
