"""A fund that stands behind fills: it pays at once what they fall short of the bankruptcy price (dYdX v4).

So an account that is closed slice by slice keeps the ratio of its equity to its maintenance: what a bad fill costs it
beyond its share of the equity is the fund's. That makes a debt of an account that is still solvent, too.
"""

from __future__ import annotations

from ..auction import WHOLE
from ..jit import part
from ..owners import bear
from ..state import State
from ..structs import Venue
from ..watch import disturb
from .balance import FIRST_DECLINE, is_unlimited, layer_equity, mark_first, receive_cash, refuses
from .stop import IN_TURN


@part
def _demand(venue: Venue, state: State, k: int, breaches: int) -> float:
    """What the fills of this round fell short of the bankruptcy prices, in the pool of layer k."""
    total = 0.0
    for b in range(breaches):
        i = state.accounts.breach[b]
        if venue.book.accounts[i].pool == venue.layers[k].pool:
            total += state.accounts.each[i].short_fill
    return total


@part
def _room(venue: Venue, state: State, k: int, demand: float, unlimited: int) -> float:
    """What fund k can pay of it."""
    if is_unlimited(venue.layers, k, unlimited):
        return demand
    if refuses(venue.layers, state.layers, state.market, k, unlimited, IN_TURN):
        return 0.0
    return min(demand, max(0.0, layer_equity(state.layers, state.market, k) - venue.layers[k].floor))


@part
def pay_fills(venue: Venue, state: State, k: int, breaches: int, seconds: float, unlimited: int) -> bool:
    """Pay this round's shortfalls, all by the same share when short of money; whether anything was paid.

    Who is not paid whole counts as unfilled, so that the layers after it close the account.
    """
    demand = _demand(venue, state, k, breaches)
    if demand <= 0.0:
        return False
    share = _room(venue, state, k, demand, unlimited) / demand
    if share < WHOLE:
        mark_first(state.layers.out, k, FIRST_DECLINE, seconds)
    for b in range(breaches):
        i = state.accounts.breach[b]
        account = state.accounts.each[i]
        if venue.book.accounts[i].pool != venue.layers[k].pool or account.short_fill <= 0.0:
            continue
        paid = share * account.short_fill
        account.cash += paid
        account.short_fill = 0.0
        if share < WHOLE:
            account.unfilled = 1
        if paid > 0.0:
            bear(venue, state, k, i, paid)
            receive_cash(venue.layers, state.layers, state.ledger, k, -paid)
            disturb(state.watch, i)
    return share > 0.0
