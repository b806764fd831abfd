"""ADL rank ``pro_rata_contracts``."""

from __future__ import annotations

from ..jit import kernel


@kernel
def contracts(quantity: float) -> float:
    """Weight of a position: its contracts, whoever made or lost money on them (CPMI-IOSCO 2014, partial tear-up)."""
    return abs(quantity)
