"""Insurance funds and backstop vaults: takeovers of whole margin accounts (MODEL 6).

A takeover moves cash and positions, so the account's equity. All offers of a
round are one batch: first every account with equity, then the same share of
every deficit, so the storage order of accounts cannot matter.
"""

from __future__ import annotations

import math

from ..auction import NO_FILL, sort_by_key
from ..jit import part
from ..margin import dust, equity, gross, is_flat, maintenance
from ..results import POOL_COLUMNS
from ..state import TAKEN_OVER, State
from ..structs import Venue
from ..trigger import disturb
from . import BACKSTOP_VAULT
from .balance import FIRST_DECLINE, PAID, RECEIVED, is_under_floor, is_unlimited, layer_equity, mark_first

BAD_DEBT = POOL_COLUMNS.index("bad_debt")
TAKEN_NOTIONAL = POOL_COLUMNS.index("taken_over_notional")


@part
def _is_offered(venue: Venue, state: State, k: int, i: int, value: float, notional: float) -> bool:
    """Whether account i, in breach this round, is offered to layer k."""
    if value < 0.0 and value < -dust(notional):
        return venue.layers[k].kind != BACKSTOP_VAULT or venue.layers[k].accept_negative == 1
    accounts, now = state.accounts, state.market
    requirement = maintenance(venue.book, venue.markets, accounts, now, i)
    if venue.layers[k].kind == BACKSTOP_VAULT:
        return value < venue.layers[k].share * requirement
    if venue.pools[venue.layers[k].pool].takeover_unfilled == 0 or value >= requirement - dust(notional):
        return False
    return accounts.each[i].unfilled == 1 or is_flat(venue.book, accounts, i)


@part
def _offers(venue: Venue, state: State, k: int, breaches: int) -> tuple[int, float]:
    """Accounts offered to layer k into ``scratch.who`` with their equity as key; their number and total deficit."""
    count, deficits = 0, 0.0
    for b in range(breaches):
        i = state.accounts.breach[b]
        if venue.book.accounts[i].pool != venue.layers[k].pool:
            continue
        value = equity(venue.book, state.accounts, state.market, i)
        notional = gross(venue.book, state.accounts, state.market, i)
        if not _is_offered(venue, state, k, i, value, notional):
            continue
        state.scratch.who[count] = i
        state.scratch.key[count] = value
        count += 1
        if value < -dust(notional):
            deficits -= value
    return count, deficits


@part
def _take(venue: Venue, state: State, k: int, i: int, share: float, value: float) -> None:
    """Move a share of account i, whose equity is ``value``, into layer k."""
    book, accounts, layers = venue.book, state.accounts, state.layers
    p = venue.layers[k].pool
    state.ledger.out[p, TAKEN_NOTIONAL] += share * gross(book, accounts, state.market, i)
    layers.each[k].cash += share * accounts.each[i].cash
    accounts.each[i].cash = 0.0 if share == 1.0 else (1.0 - share) * accounts.each[i].cash
    for j in range(book.accounts[i].first, book.accounts[i].last):
        layers.quantity[k, book.positions[j].market] += share * accounts.positions[j].quantity
        accounts.positions[j].quantity = 0.0 if share == 1.0 else (1.0 - share) * accounts.positions[j].quantity
    accounts.each[i].events |= TAKEN_OVER
    disturb(state.blocks, i)
    if value < 0.0:
        state.ledger.out[p, BAD_DEBT] -= share * value
        layers.out[k, PAID] -= share * value
    else:
        layers.out[k, RECEIVED] += share * value


@part
def _take_whole_accounts(venue: Venue, state: State, k: int, count: int, room: float) -> bool:
    """Take deficits whole, the smallest first, while they fit in ``room``; whether none was left."""
    scratch = state.scratch
    for o in range(count):
        scratch.where[o] = o
        scratch.cap[o] = -scratch.key[o]
    sort_by_key(scratch.where, scratch.cap, count)
    for o in range(count):
        at = scratch.where[o]
        deficit = scratch.cap[at]
        if deficit <= 0.0:
            continue
        if deficit > room:
            return False
        room -= deficit
        _take(venue, state, k, scratch.who[at], 1.0, -deficit)
    return True


@part
def take_over(venue: Venue, state: State, k: int, breaches: int, seconds: float, unlimited: int) -> bool:
    """Offer this round's accounts to layer k; whether any was taken."""
    count, deficits = _offers(venue, state, k, breaches)
    if count == 0:
        return False
    layers = venue.layers
    if is_under_floor(layers, state.layers, state.market, k, unlimited):
        mark_first(state.layers.out, k, FIRST_DECLINE, seconds)
        return False
    scratch, taken = state.scratch, False
    for o in range(count):
        if scratch.key[o] >= 0.0 or deficits == 0.0:
            _take(venue, state, k, scratch.who[o], 1.0, scratch.key[o])
            scratch.key[o] = math.inf
            taken = True
    if deficits == 0.0:
        return taken
    room = layer_equity(state.layers, state.market, k) - layers[k].floor
    share = 1.0 if is_unlimited(layers, k, unlimited) or room >= deficits else max(0.0, room) / deficits
    if share < 1.0:
        mark_first(state.layers.out, k, FIRST_DECLINE, seconds)
        if layers[k].partial == 0:
            before = state.layers.out[k, PAID]
            _take_whole_accounts(venue, state, k, count, room)
            return taken or state.layers.out[k, PAID] > before
    if share < NO_FILL:
        return taken
    for o in range(count):
        if scratch.key[o] < math.inf:
            _take(venue, state, k, scratch.who[o], share, scratch.key[o])
            taken = True
    return taken
