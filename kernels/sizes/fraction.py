"""Size rule ``fraction``: a slice first, the rest by the cooldown."""

from __future__ import annotations

from ..jit import part
from ..records import Records
from ..state import NEVER, Accounts

WAIT, EVERYTHING, SLICE = 0, 1, 2


@part
def phase(pools: Records, accounts: Accounts, p: int, i: int, step: int) -> int:
    """What account i may send in this step: WAIT, EVERYTHING or SLICE.

    Within the cooldown of a slice `during` decides. After it, `wait` sends the
    rest and `full` starts with a slice again, as Hyperliquid does.
    """
    last = accounts.each[i].sliced
    if last == NEVER:
        return SLICE
    if step == last:
        return WAIT
    if step - last < pools[p].size_cooldown:
        return EVERYTHING if pools[p].size_during == 1 else WAIT
    return SLICE if pools[p].size_during == 1 else EVERYTHING


@part
def share(pools: Records, p: int, notional: float) -> float:
    """Share of one position that a slice sends."""
    return pools[p].size_share if notional > pools[p].size_above else 1.0
