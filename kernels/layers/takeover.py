"""Insurance funds and backstop vaults: takeovers of whole margin accounts (MODEL 6).

A takeover moves cash, contracts and collateral, so the account's equity. All offers of a
round are one batch: first every account with equity, then the same share of
every deficit of a pool, so the storage order of accounts cannot matter.
"""

from __future__ import annotations

import numpy as np

from ..auction import NO_FILL, WHOLE, sort_by_key
from ..jit import part
from ..margin import collateral, dust, equity, gross, haircuts, is_flat, maintenance
from ..owners import bear
from ..results import POOL_COLUMNS
from ..state import TAKEN_OVER, State
from ..structs import Venue
from ..watch import disturb
from . import BACKSTOP_VAULT, TREASURY
from .balance import (
    COLLATERAL_LOSS,
    FIRST_DECLINE,
    RECEIVED,
    is_unlimited,
    mark_first,
    receive_cash,
    receive_units,
    refuses,
)
from .caps import OWING, SOLVENT, fit
from .debts import debts_in_turn, debts_offered, pay_debts
from .grant import add_demand, grant, left_to_draw, listing_of, room_of
from .residual import seize_collateral

TAKEN_NOTIONAL = POOL_COLUMNS.index("taken_over_notional")
TAKEN_COLLATERAL = POOL_COLUMNS.index("taken_over_collateral")


@part
def _is_offered(venue: Venue, state: State, k: int, i: int, value: float, notional: float) -> bool:
    """Whether account i, in breach this round, is offered to layer k: to a treasury, if it owes and holds nothing."""
    if venue.layers[k].kind == TREASURY:
        return value < -dust(notional) and is_flat(venue.book, state.accounts, i)
    if value < 0.0 and value < -dust(notional):
        return venue.layers[k].kind != BACKSTOP_VAULT or venue.layers[k].accept_negative == 1
    accounts, now = state.accounts, state.market
    requirement = maintenance(venue.book, venue.markets, accounts, now, i)
    if venue.layers[k].kind == BACKSTOP_VAULT:
        return requirement > 0.0 and value < venue.layers[k].share * requirement
    counted = value - haircuts(venue.book, venue.markets, accounts, now, i)
    if venue.pools[venue.layers[k].pool].takeover_unfilled == 0 or counted >= requirement - dust(notional):
        return False
    return accounts.each[i].unfilled == 1 or is_flat(venue.book, accounts, i)


@part
def _offers(venue: Venue, state: State, k: int, breaches: int) -> int:
    """Accounts offered in the turn of layer k into ``scratch.who``; returns their number.

    The key is their equity, zero for those that owe no more than dust.
    """
    count = 0
    for b in range(breaches):
        i = state.accounts.breach[b]
        listing = listing_of(venue.layers, k, venue.book.accounts[i].pool)
        if listing < 0:
            continue
        value = equity(venue.book, state.accounts, state.market, i)
        notional = gross(venue.book, state.accounts, state.market, i)
        if _is_offered(venue, state, listing, i, value, notional):
            state.scratch.who[count] = i
            state.scratch.key[count] = value if value < -dust(notional) else max(0.0, value)
            count += 1
    return count


@part
def _without_positions(venue: Venue, state: State, count: int) -> int:
    """Keep of the offers the accounts that hold no contracts; returns their number."""
    scratch, left = state.scratch, 0
    for o in range(count):
        if is_flat(venue.book, state.accounts, scratch.who[o]):
            scratch.who[left] = scratch.who[o]
            scratch.key[left] = scratch.key[o]
            left += 1
    return left


@part
def _note_value(venue: Venue, state: State, k: int, i: int, share: float) -> None:
    """Add up what of account i moves to layer k: contracts by notional, collateral by value."""
    out, p = state.ledger.out, venue.layers[k].pool
    value = share * collateral(venue.book, state.accounts, state.market, i)
    out[p, TAKEN_NOTIONAL] += share * gross(venue.book, state.accounts, state.market, i)
    out[p, TAKEN_COLLATERAL] += value
    state.layers.out[venue.layers[k].balance, COLLATERAL_LOSS] += value


@part
def _take(venue: Venue, state: State, k: int, i: int, share: float, value: float) -> None:
    """Move a share of account i, whose equity is ``value``, into layer k of its pool; a treasury takes but cash."""
    book, accounts, layers = venue.book, state.accounts, state.layers
    if venue.layers[k].kind == TREASURY:
        seize_collateral(venue, state, i)
    receive_cash(venue.layers, layers, state.ledger, k, share * accounts.each[i].cash)
    accounts.each[i].cash = 0.0 if share == 1.0 else (1.0 - share) * accounts.each[i].cash
    _note_value(venue, state, k, i, share)
    for j in range(book.accounts[i].first, book.accounts[i].end):
        units = share * accounts.positions[j].quantity
        receive_units(venue.layers, layers, state.ledger, k, book.positions[j].market, units)
        accounts.positions[j].quantity = 0.0 if share == 1.0 else (1.0 - share) * accounts.positions[j].quantity
    accounts.each[i].events |= TAKEN_OVER
    disturb(state.watch, i)
    if value < 0.0:
        bear(venue, state, k, i, -share * value)
    else:
        layers.out[k, RECEIVED] += share * value


@part
def _take_solvent(venue: Venue, state: State, k: int, count: int) -> bool:
    """Take what fits of the accounts that owe nothing; whether any was taken."""
    scratch, taken = state.scratch, False
    for o in range(count):
        i = scratch.who[o]
        share = state.accounts.each[i].accepted
        if scratch.key[o] < 0.0 or share < NO_FILL or (share < 1.0 and venue.layers[k].partial == 0):
            continue
        _take(venue, state, listing_of(venue.layers, k, venue.book.accounts[i].pool), i, share, scratch.key[o])
        taken = True
    return taken


@part
def _smallest_first(venue: Venue, state: State, count: int) -> None:
    """Sort the offers by deficit into ``scratch.where``; equal ones by the names of the accounts, not by storage."""
    scratch, accounts = state.scratch, venue.book.accounts
    for o in range(count):
        scratch.where[o] = o
        scratch.cap[o] = -scratch.key[o]
    sort_by_key(scratch.where, scratch.cap, count)
    for o in range(1, count):
        at, n = scratch.where[o], o
        while n > 0 and scratch.cap[scratch.where[n - 1]] == scratch.cap[at]:
            if accounts[scratch.who[scratch.where[n - 1]]].circle <= accounts[scratch.who[at]].circle:
                break
            scratch.where[n] = scratch.where[n - 1]
            n -= 1
        scratch.where[n] = at


@part
def _take_whole_accounts(venue: Venue, state: State, k: int, count: int, unlimited: int, last: np.bool_) -> bool:
    """Take deficits whole, the smallest of all pools first, while they fit; whether any was taken.

    Customers come before layers: the debts of a pool's earlier layers are paid last, in one.
    """
    scratch, taken = state.scratch, False
    room = room_of(venue, state, venue.layers[k].balance, last)
    _smallest_first(venue, state, count)
    for o in range(count):
        at = scratch.where[o]
        i, deficit = scratch.who[at], scratch.cap[at]
        if deficit <= 0.0 or state.accounts.each[i].accepted < 1.0:
            continue
        listing = listing_of(venue.layers, k, venue.book.accounts[i].pool)
        if deficit <= min(room, left_to_draw(venue, state, listing)):
            room -= deficit
            _take(venue, state, listing, i, 1.0, -deficit)
            taken = True
    for listing in range(k, venue.layers.size):
        if venue.layers[listing].leader != k:
            continue
        debt = debts_offered(venue, state, listing, unlimited)
        if 0.0 < debt <= min(room, left_to_draw(venue, state, listing)):
            room -= debt
            pay_debts(venue, state, listing, 1.0, unlimited)
            taken = True
    return taken


@part
def _share_granted(state: State, listing: int) -> float:
    """Share of a pool's demand that is granted."""
    demand, granted = state.layers.each[listing].demand, state.layers.each[listing].granted
    return 1.0 if granted >= WHOLE * demand else granted / demand


@part
def _take_shares(venue: Venue, state: State, k: int, count: int, unlimited: int) -> bool:
    """Take of every deficit and debt the share that is granted to its pool; whether any was taken."""
    scratch, taken = state.scratch, False
    for o in range(count):
        i = scratch.who[o]
        if scratch.key[o] >= 0.0:
            continue
        listing = listing_of(venue.layers, k, venue.book.accounts[i].pool)
        share = state.accounts.each[i].accepted * _share_granted(state, listing)
        if share >= NO_FILL:
            _take(venue, state, listing, i, share, scratch.key[o])
            taken = True
    for listing in range(k, venue.layers.size):
        if venue.layers[listing].leader == k and debts_offered(venue, state, listing, unlimited) > 0.0:
            share = _share_granted(state, listing)
            if share >= NO_FILL:
                pay_debts(venue, state, listing, share, unlimited)
                taken = True
    return taken


@part
def _take_deficits(
    venue: Venue, state: State, k: int, count: int, seconds: float, unlimited: int, last: np.bool_
) -> bool:
    """Take what fits and is granted of accounts and earlier layers that owe something; whether any was taken."""
    balance = venue.layers[k].balance
    fits = fit(venue, state, balance, count, OWING, is_unlimited(venue.layers, balance, unlimited))
    if add_demand(venue, state, k, count, unlimited) == 0.0 and fits:
        return False
    whole = grant(venue, state, k, unlimited, last) and fits
    if not whole:
        mark_first(state.layers.out, balance, FIRST_DECLINE, seconds)
    if not whole and venue.layers[k].partial == 0:
        return _take_whole_accounts(venue, state, k, count, unlimited, last)
    return _take_shares(venue, state, k, count, unlimited)


@part
def take_over(
    venue: Venue, state: State, k: int, breaches: int, seconds: float, unlimited: int, last: np.bool_
) -> bool:
    """Offer this round's accounts in the turn of layer k, at last those without positions; whether any was taken."""
    layers, balance = venue.layers, venue.layers[k].balance
    if layers[k].leader != k:
        return False
    count = _offers(venue, state, k, breaches)
    if last:
        count = _without_positions(venue, state, count)
    if count == 0 and debts_in_turn(venue, state, k, unlimited) == 0.0:
        return False
    if refuses(layers, state.layers, state.market, balance, unlimited, last):
        mark_first(state.layers.out, balance, FIRST_DECLINE, seconds)
        return False
    if not fit(venue, state, balance, count, SOLVENT, is_unlimited(layers, balance, unlimited)):
        mark_first(state.layers.out, balance, FIRST_DECLINE, seconds)
    taken = _take_solvent(venue, state, k, count)
    return _take_deficits(venue, state, k, count, seconds, unlimited, last) or taken
