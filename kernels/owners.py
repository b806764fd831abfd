"""Who caused the bad debt and who paid for it: by owner, and how unevenly (MODEL 9).

An owner's accounts in one pool count together. What an owner *caused* is the
negative equity of its accounts at the moments somebody else came to bear it,
what it *paid* are the ADL haircuts and the shared losses of its accounts.
Owners without either cost a path nothing.
"""

from __future__ import annotations

import math

from .auction import sort_by_key
from .jit import part
from .layers import ADL, SOCIALISE
from .margin import dust
from .records import Record
from .results import LAYER_COLUMNS, OWNER_COLUMNS, POOL_COLUMNS, ROLES, TOP_OWNERS
from .state import Owners, State
from .structs import Floats, Venue

BAD_DEBT = POOL_COLUMNS.index("bad_debt")
ADL_PAID = POOL_COLUMNS.index("adl_paid")
SOCIALISED = POOL_COLUMNS.index("socialised")
RESIDUAL = POOL_COLUMNS.index("residual")
PAYERS = POOL_COLUMNS.index("payers")
PAID_BY_OWNERS = POOL_COLUMNS.index("paid_by_owners")
TOP_SHARES = tuple((size, POOL_COLUMNS.index(f"paid_top{size}_share")) for size in (1, 10, 100))
ADL_SHARES = tuple((size, POOL_COLUMNS.index(f"adl_top{size}_share")) for size in (1, 10, 100))
GINI = POOL_COLUMNS.index("paid_gini")
GINI_ALL = POOL_COLUMNS.index("paid_gini_all")
PAID = LAYER_COLUMNS.index("paid")

NOBODY = -1
"""Layer number of the bearer where the venue cannot pay."""

CAUSED, PAID_FOR_OTHERS = ROLES.index("caused"), ROLES.index("paid")
CLOSED = len(ROLES)
"""A further amount of an owner, of which no list is kept: the value that ADL closed of its winning positions."""
AMOUNT = 1 + OWNER_COLUMNS.index("amount")
LAYERS = 1 + OWNER_COLUMNS.index("layers")
BY_ADL = 1 + OWNER_COLUMNS.index("adl")
BY_SOCIALISE = 1 + OWNER_COLUMNS.index("socialised")
WRITTEN_OFF = 1 + OWNER_COLUMNS.index("written_off")


@part
def _involve(venue: Venue, state: State, i: int) -> int:
    """Owner of account i, put on the list of its pool's involved owners."""
    p, o = venue.book.accounts[i].pool, venue.book.accounts[i].owner
    if state.owners.each[o].involved == 0:
        state.owners.each[o].involved = 1
        state.owners.each[venue.pools[p].owner_first + state.ledger.each[p].involved].listed = o
        state.ledger.each[p].involved += 1
    return o


@part
def bear(venue: Venue, state: State, k: int, i: int, amount: float) -> None:
    """Book ``amount`` of the negative equity of account i as bad debt borne by layer k, or NOBODY."""
    out, p = state.ledger.out, venue.book.accounts[i].pool
    owner = state.owners.each[_involve(venue, state, i)]
    out[p, BAD_DEBT] += amount
    if k == NOBODY:
        out[p, RESIDUAL] += amount
        owner.written_off += amount
        return
    state.layers.out[k, PAID] += amount
    if venue.layers[k].kind == ADL:
        out[p, ADL_PAID] += amount
        owner.adl += amount
    elif venue.layers[k].kind == SOCIALISE:
        out[p, SOCIALISED] += amount
        owner.socialised += amount
    else:
        owner.layers += amount


@part
def pay_haircut(venue: Venue, state: State, i: int, amount: float, notional: float) -> None:
    """Note what ADL has cost account i against the mark of the ``notional`` closed; the rounding of a mean is none."""
    owner = state.owners.each[_involve(venue, state, i)]
    owner.deleveraged += notional
    if abs(amount) > dust(notional):
        owner.haircut += amount


@part
def pay_charge(venue: Venue, state: State, i: int, amount: float) -> None:
    """Note a shared loss charged to account i."""
    state.owners.each[_involve(venue, state, i)].charged += amount


@part
def forget_owners(venue: Venue, state: State) -> None:
    """Nobody has caused or paid anything: a new path."""
    owners = state.owners
    for p in range(venue.pools.size):
        first = venue.pools[p].owner_first
        for n in range(state.ledger.each[p].involved):
            owner = owners.each[owners.each[first + n].listed]
            owner.layers, owner.adl, owner.socialised, owner.written_off = 0.0, 0.0, 0.0, 0.0
            owner.haircut, owner.charged, owner.deleveraged, owner.involved = 0.0, 0.0, 0.0, 0
        state.ledger.each[p].involved = 0


@part
def _amount(owner: Record, role: int) -> float:
    """What an owner caused, what it paid on balance, or what ADL closed of its positions."""
    if role == CAUSED:
        return owner.layers + owner.adl + owner.socialised + owner.written_off
    if role == CLOSED:
        return owner.deleveraged
    return owner.haircut + owner.charged


@part
def _place(out: Floats, first: int, o: int, amount: float) -> None:
    """Insert owner o into the list of the largest that begins in row ``first``; equal amounts by number."""
    at = first + TOP_OWNERS
    while at > first:
        other, listed = out[at - 1, AMOUNT], out[at - 1, 0]
        if listed >= 0.0 and (other > amount or (other == amount and listed < o)):
            break
        at -= 1
        if at + 1 < first + TOP_OWNERS:
            out[at + 1, 0], out[at + 1, AMOUNT] = listed, other
    if at < first + TOP_OWNERS:
        out[at, 0], out[at, AMOUNT] = o, amount


@part
def _detail(owners: Owners, first: int, role: int) -> None:
    """Split the amounts of the list that begins in row ``first``."""
    for at in range(first, first + TOP_OWNERS):
        if owners.out[at, 0] < 0.0:
            return
        owner = owners.each[int(owners.out[at, 0])]
        if role == CAUSED:
            owners.out[at, LAYERS], owners.out[at, WRITTEN_OFF] = owner.layers, owner.written_off
            owners.out[at, BY_ADL], owners.out[at, BY_SOCIALISE] = owner.adl, owner.socialised
        else:
            owners.out[at, BY_ADL], owners.out[at, BY_SOCIALISE] = owner.haircut, owner.charged


@part
def _list_largest(venue: Venue, state: State, p: int) -> None:
    """The owners of pool p that caused and paid most, largest first."""
    owners = state.owners
    for role in range(len(ROLES)):
        first = (p * len(ROLES) + role) * TOP_OWNERS
        for at in range(first, first + TOP_OWNERS):
            owners.out[at, 0] = NOBODY
            for column in range(1, owners.out.shape[1]):
                owners.out[at, column] = 0.0
        for n in range(state.ledger.each[p].involved):
            o = owners.each[venue.pools[p].owner_first + n].listed
            amount = _amount(owners.each[o], role)
            if amount > 0.0:
                _place(owners.out, first, o, amount)
        _detail(owners, first, role)


@part
def _sort_amounts(venue: Venue, state: State, p: int, role: int) -> int:
    """Amounts above zero of the owners of pool p, ascending, into ``scratch.share``; returns their number."""
    owners, scratch, count = state.owners, state.scratch, 0
    for n in range(state.ledger.each[p].involved):
        amount = _amount(owners.each[owners.each[venue.pools[p].owner_first + n].listed], role)
        if amount > 0.0:
            scratch.who[count] = count
            scratch.key[count] = amount
            count += 1
    sort_by_key(scratch.who, scratch.key, count)
    for n in range(count):
        scratch.share[n] = scratch.key[scratch.who[n]]
    return count


@part
def _total(state: State, count: int) -> float:
    """Sum of the sorted amounts."""
    total = 0.0
    for n in range(count):
        total += state.scratch.share[n]
    return total


@part
def _top_share(state: State, count: int, size: int, total: float) -> float:
    """Share of the ``size`` largest of the sorted amounts in their total; NaN where there are none."""
    top = 0.0
    for n in range(max(0, count - size), count):
        top += state.scratch.share[n]
    return min(1.0, top / total) if count > 0 else math.nan


@part
def _measure_payers(venue: Venue, state: State, p: int) -> None:
    """Number of payers, their sum, shares of the largest, and the Gini coefficient.

    Over n payers G = sum (2 k - n - 1) x_k / (n sum x_k), x ascending (Sen
    1973); with N - n owners who pay nothing it is 1 - (1 - G) n / N.
    """
    out, paid = state.ledger.out, state.scratch.share
    count, tilted = _sort_amounts(venue, state, p, PAID_FOR_OTHERS), 0.0
    total = _total(state, count)
    for n in range(count):
        tilted += (2 * n + 1 - count) * paid[n]
    out[p, PAYERS], out[p, PAID_BY_OWNERS] = count, total
    for size, column in TOP_SHARES:
        out[p, column] = _top_share(state, count, size, total)
    owners = venue.pools[p].owner_last - venue.pools[p].owner_first
    out[p, GINI] = max(0.0, tilted / (count * total)) if count > 0 else math.nan
    out[p, GINI_ALL] = 1.0 - (1.0 - out[p, GINI]) * count / owners if count > 0 else math.nan


@part
def _measure_winners(venue: Venue, state: State, p: int) -> None:
    """Shares of the owners of whom ADL closed most, by value at the mark."""
    count = _sort_amounts(venue, state, p, CLOSED)
    total = _total(state, count)
    for size, column in ADL_SHARES:
        state.ledger.out[p, column] = _top_share(state, count, size, total)


@part
def collect_owners(venue: Venue, state: State) -> None:
    """Fill what can only be told of owners at the end of a path."""
    for p in range(venue.pools.size):
        _list_largest(venue, state, p)
        _measure_payers(venue, state, p)
        _measure_winners(venue, state, p)
