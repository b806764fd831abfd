"""Mark rule ``book``."""

from __future__ import annotations

import math

from ..jit import kernel
from ..records import Records


@kernel
def book_price(now: Records, m: int) -> float:
    """P = F exp(x): where the book of market m can be traded."""
    return now[m].fundamental * math.exp(now[m].displacement)
