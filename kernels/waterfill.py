"""Sharing an amount in proportion to weights when nobody can give more than a cap."""

from __future__ import annotations

from .jit import kernel
from .structs import Floats


@kernel
def waterfill(weight: Floats, cap: Floats, share: Floats, size: int, amount: float) -> float:
    """Set ``share[k] = min(cap[k], level * weight[k])`` with the level that gives ``amount`` in all.

    The first ``size`` entries count. Returns what could be given: less than
    ``amount`` when every cap binds. Each pass saturates at least one more entry
    or ends.
    """
    for k in range(size):
        share[k] = -1.0
    left, given = amount, 0.0
    while True:
        total = 0.0
        for k in range(size):
            if share[k] < 0.0:
                total += weight[k]
        if total <= 0.0:
            break
        level = left / total
        saturated = False
        for k in range(size):
            if share[k] < 0.0 and level * weight[k] >= cap[k]:
                share[k] = cap[k]
                left -= cap[k]
                saturated = True
        if saturated and left > 0.0:
            continue
        if not saturated:
            for k in range(size):
                if share[k] < 0.0:
                    share[k] = level * weight[k]
        break
    for k in range(size):
        share[k] = max(0.0, share[k])
        given += share[k]
    return given
