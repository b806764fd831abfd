"""Layers sell what they inherited back into the book: one auction per market and check (MODEL 6)."""

from __future__ import annotations

from ..auction import NO_FILL
from ..instruments import SPOT
from ..jit import part
from ..liquidity import fill_price, fillable_share, move_book
from ..settle import observe_price
from ..state import State
from ..structs import Venue
from . import HOLD, TWAP
from .balance import COLLATERAL_LOSS
from .parts import trade_parts


@part
def _order(venue: Venue, state: State, k: int, m: int) -> float:
    """Signed quantity layer k sends in market m."""
    held, share = state.layers.quantity[k, m], venue.layers[k].unwind_share
    if venue.layers[k].unwind == HOLD or venue.markets.each[m].has_book == 0:
        return 0.0
    if venue.layers[k].unwind == TWAP:
        size = abs(held) * share
    else:
        size = min(abs(held), share * state.market[m].depth)
    if size < NO_FILL:
        return 0.0
    return -size if held > 0.0 else size


@part
def unwind(venue: Venue, state: State) -> None:
    """All layers' unwind orders of this step; in one market they meet at one price."""
    layers, ledger, now = state.layers, state.ledger, state.market
    for m in range(venue.markets.each.size):
        net, used = 0.0, False
        for k in range(venue.layers.size):
            order = _order(venue, state, k, m)
            used = used or order != 0.0
            net += order
        if not used:
            continue
        share = fillable_share(venue.markets, now, m, net)
        price = fill_price(venue.markets, now, m, share * net)
        for k in range(venue.layers.size):
            order = share * _order(venue, state, k, m)
            if order == 0.0:
                continue
            row = venue.layers[k].account
            if venue.markets.each[m].kind == SPOT:
                layers.out[k, COLLATERAL_LOSS] += order * price
            trade_parts(venue.layers, layers, now, k, m, order, price)
            layers.each[k].cash -= order * (price - now[m].funding)
            layers.quantity[k, m] += order
            ledger.each[row].outside_cash += order * (price - now[m].funding)
            ledger.outside_quantity[row, m] -= order
        move_book(venue.markets, now, m, share * net)
        observe_price(now, state.market_out, m)
