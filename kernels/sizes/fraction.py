"""Size rule ``fraction``: a slice first, the rest by the cooldown."""

from __future__ import annotations

from ..jit import kernel
from ..state import NEVER, Accounts
from ..structs import Pools

WAIT, EVERYTHING, SLICE = 0, 1, 2


@kernel
def phase(pools: Pools, accounts: Accounts, p: int, i: int, step: int) -> int:
    """What account i may send in this step: WAIT, EVERYTHING or SLICE.

    Within the cooldown of a slice `during` decides. After it, `wait` sends the
    rest and `full` starts with a slice again, as Hyperliquid does.
    """
    last = accounts.sliced[i]
    if last == NEVER:
        return SLICE
    if step == last:
        return WAIT
    if step - last < pools.size_cooldown[p]:
        return EVERYTHING if pools.size_during[p] == 1 else WAIT
    return SLICE if pools.size_during[p] == 1 else EVERYTHING


@kernel
def share(pools: Pools, p: int, notional: float) -> float:
    """Share of one position that a slice sends."""
    return pools.size_share[p] if notional > pools.size_above[p] else 1.0
