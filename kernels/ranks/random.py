"""ADL rank ``random``: a random start on a fixed circle of accounts."""

from __future__ import annotations

import math

from ..jit import kernel
from ..philox import ADL_START, U32, philox, split_seed, uniform64


@kernel
def random_start(seed: int, path: int, step: int, market: int, side: float) -> float:
    """Place in (0, 1) at which the search for winners begins: the same for a path whatever else is simulated."""
    k0, k1 = split_seed(seed)
    w0, w1, w2, w3 = philox(U32(path), U32(step), U32(market), ADL_START, k0, k1)
    return uniform64(w0, w1) if side > 0.0 else uniform64(w2, w3)


@kernel
def nearness(place: float, start: float) -> float:
    """How soon a search upwards from ``start`` around the circle [0, 1) comes to ``place``; 1 at once (dYdX v4)."""
    ahead = place - start
    return 1.0 - (ahead - math.floor(ahead))
