"""How much of the offered deficits a fund or vault grants, pool by pool (MODEL 6).

Pools that list a shared fund at the same place draw together: when it is
short, its money goes pro rata to what they offer, within each pool's cap.
"""

from __future__ import annotations

import numpy as np

from ..auction import WHOLE
from ..jit import part
from ..records import Records
from ..state import State
from ..structs import Venue
from ..waterfill import waterfill
from . import TREASURY
from .balance import PAID, PAID_FOR_LAYERS, is_unlimited, layer_dust, layer_equity
from .debts import debts_offered
from .stop import stop_level
from .treasury import cover


@part
def listing_of(layers: Records, k: int, pool: int) -> int:
    """Layer under which ``pool`` offers accounts in the turn of layer k, -1 if it does not."""
    other = k
    while other < layers.size and layers[other].place == layers[k].place:
        if layers[other].leader == k and layers[other].pool == pool:
            return other
        other += 1
    return -1


@part
def add_demand(venue: Venue, state: State, k: int, count: int, unlimited: int) -> float:
    """Add up the deficits that fit and the debts of earlier layers, by pool; returns their sum."""
    each, total = state.layers.each, 0.0
    for other in range(k, venue.layers.size):
        if venue.layers[other].leader == k:
            each[other].demand = debts_offered(venue, state, other, unlimited)
            total += each[other].demand
    for o in range(count):
        i = state.scratch.who[o]
        if state.scratch.key[o] < 0.0:
            deficit = -state.accounts.each[i].accepted * state.scratch.key[o]
            each[listing_of(venue.layers, k, venue.book.accounts[i].pool)].demand += deficit
            total += deficit
    return total


@part
def left_to_draw(venue: Venue, state: State, k: int) -> float:
    """Bad debt that the pool of layer k may still pass to it on this path."""
    drawn = state.layers.out[k, PAID] + state.layers.out[k, PAID_FOR_LAYERS]
    return max(0.0, venue.layers[k].draw_cap - drawn)


@part
def room_of(venue: Venue, state: State, k: int, last: np.bool_) -> float:
    """What stands behind the deficits of a round: equity of layer k above its floor, or the cover of a treasury.

    Under an exact stop rule also no more than equity above its level, but for the ``last`` debts of a round.
    """
    layers = venue.layers
    if layers[k].kind == TREASURY:
        return cover(venue, state, k)
    equity, floor = layer_equity(state.layers, state.market, k), layers[k].floor
    room = min(equity, layers[k].equity_cap) - floor
    if layers[k].stop_exact == 0 or last:
        return room
    return min(room, equity - stop_level(layers, state.layers, k, equity))


@part
def grant(venue: Venue, state: State, k: int, unlimited: int, last: np.bool_) -> bool:
    """Set what is granted of every pool's demand in the turn of layer k; whether that is all of it."""
    layers, each, scratch = venue.layers, state.layers.each, state.scratch
    balance, count, offered, whole = layers[k].balance, 0, 0.0, True
    endless = is_unlimited(layers, balance, unlimited)
    for other in range(k, layers.size):
        if layers[other].leader != k:
            continue
        left = left_to_draw(venue, state, other)
        offered += each[other].demand
        scratch.weight[count] = each[other].demand
        scratch.cap[count] = each[other].demand if endless else min(each[other].demand, left)
        count += 1
    room = offered if endless else room_of(venue, state, balance, last)
    if room < layer_dust(layers, state.layers, state.market, balance):
        room = 0.0
    waterfill(scratch.weight, scratch.cap, scratch.share, count, room)
    count = 0
    for other in range(k, layers.size):
        if layers[other].leader == k:
            each[other].granted = scratch.share[count]
            whole = whole and scratch.share[count] >= WHOLE * each[other].demand
            count += 1
    return whole
