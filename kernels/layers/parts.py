"""The pools' parts of a shared fund: what each has brought in and cost (MODEL 7).

A pool's part starts at nothing and holds the cash and the inventory that came from the pool; when the fund unwinds, all
parts trade in proportion. The parts add up to what the fund has gained, hedges apart. What a pool's part has lost at
most is what the pool would have needed alone, with prices as they were.
"""

from __future__ import annotations

from ..jit import part
from ..records import Records
from ..results import LAYER_COLUMNS
from ..state import LayerState
from . import SHARED_FUND

PART_FALL = LAYER_COLUMNS.index("part_fall")


@part
def part_value(state: LayerState, now: Records, k: int) -> float:
    """Gain of the part of listing k at the marks of now."""
    value = state.each[k].part_cash
    for m in range(now.size):
        value += state.stock[k * now.size + m].part * now[m].worth
    return value


@part
def observe_parts(layers: Records, state: LayerState, now: Records) -> None:
    """One observation of every part."""
    for k in range(layers.size):
        if layers[k].kind == SHARED_FUND:
            state.out[k, PART_FALL] = max(state.out[k, PART_FALL], -part_value(state, now, k))


@part
def trade_parts(layers: Records, state: LayerState, now: Records, k: int, m: int, order: float, price: float) -> None:
    """Divide a trade that reduces the inventory of the balance k in market m, before it is booked."""
    share = order / state.quantity[k, m]
    for listing in range(k, layers.size):
        if layers[listing].kind == SHARED_FUND and layers[listing].balance == k:
            stock = state.stock[listing * now.size + m]
            state.each[listing].part_cash -= share * stock.part * (price - now[m].funding)
            stock.part += share * stock.part
