"""Mark rule ``index``."""

from __future__ import annotations

from ..jit import kernel
from ..records import Records


@kernel
def index_price(now: Records, m: int) -> float:
    """What the oracle of market m shows."""
    return now[m].published
