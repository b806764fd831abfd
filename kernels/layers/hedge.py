"""Layers hedge what they inherited on another venue (MODEL 8, item 7).

The other venue trades at the fundamental price, at a cost per value traded, and takes any size: what a layer trades
there moves no book. Hedges are linear contracts without funding, of contracts alone: collateral is sold, not hedged.
"""

from __future__ import annotations

from ..instruments import SPOT
from ..jit import part
from ..records import Records
from ..state import NEVER, State
from ..structs import Venue
from .balance import HEDGE_RESULT, HEDGED


@part
def _gap(layer: Records, held: float, hedge: float, price: float) -> float:
    """Units missing to the hedge of ``held``; one of less value than the band is left, unless the inventory is gone."""
    gap = -layer.hedge_ratio * held - hedge
    if held != 0.0 and abs(gap) * price <= layer.hedge_band:
        return 0.0
    return gap


@part
def _trade_hedge(venue: Venue, state: State, k: int, m: int, gap: float) -> None:
    """Trade what the pace allows of ``gap`` units; a trade of all of it meets the target exactly."""
    layer, row, price = venue.layers[k], venue.layers[k].account, state.market[m].fundamental
    stock = state.layers.stock[k * state.market.size + m]
    most = layer.hedge_pace / price
    units = gap if abs(gap) <= most else (most if gap > 0.0 else -most)
    paid = units * price + abs(units) * price * layer.hedge_cost
    stock.hedge = -layer.hedge_ratio * state.layers.quantity[k, m] if units == gap else stock.hedge + units
    if units == gap:
        stock.gap_since = NEVER
    state.layers.each[k].cash -= paid
    state.ledger.each[row].outside_cash += paid
    state.ledger.outside_quantity[row, m] -= units
    state.layers.out[k, HEDGED] += abs(units) * price
    state.layers.out[k, HEDGE_RESULT] -= paid


@part
def hedge(venue: Venue, state: State, step: int) -> None:
    """Bring every layer's hedges to what its inventory of now asks for, as fast as its rules let it."""
    for k in range(venue.layers.size):
        layer = venue.layers[k]
        if layer.hedge_ratio == 0.0 or layer.balance != k:
            continue
        for m in range(state.market.size):
            if venue.markets.each[m].kind == SPOT:
                continue
            stock = state.layers.stock[k * state.market.size + m]
            gap = _gap(layer, state.layers.quantity[k, m], stock.hedge, state.market[m].fundamental)
            if gap == 0.0:
                stock.gap_since = NEVER
                continue
            if stock.gap_since == NEVER:
                stock.gap_since = step
            if step >= stock.gap_since + layer.hedge_delay:
                _trade_hedge(venue, state, k, m, gap)


@part
def value_hedges(venue: Venue, state: State) -> None:
    """At the end of a path: what the open hedges are worth belongs to the result of hedging."""
    for k in range(venue.layers.size):
        for m in range(state.market.size):
            worth = state.layers.stock[k * state.market.size + m].hedge * state.market[m].fundamental
            state.layers.out[k, HEDGE_RESULT] += worth
