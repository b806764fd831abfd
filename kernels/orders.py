"""Liquidation orders of one round: who sends how much at which limit."""

from __future__ import annotations

import math

import numpy as np

from .auction import NO_FILL
from .jit import part
from .limits import FILLABLE, SLIPPAGE, limit_price
from .margin import bankruptcy_price, dust, equity, gross, haircuts, maintenance, position_maintenance
from .records import Records
from .sizes import FRACTION, PACED, STEP_DOWN, TO_TARGET, fraction, paced, step_down, to_target
from .state import Accounts, Ledger, Orders
from .structs import Book, Venue


@part
def share_of_maintenance(
    book: Book, accounts: Accounts, now: Records, j: int, part: float, whole: float, notional: float
) -> float:
    """Share of position j in its account: by maintenance, by notional where there is none."""
    if whole > 0.0:
        return part / whole
    return abs(accounts.positions[j].quantity) * now[book.positions[j].market].mark / notional


@part
def append(orders: Orders, count: int, i: int, j: int, m: int, quantity: float, limit: float) -> int:
    """Chain an order for position j of account i behind ``count`` others; returns how many there are now."""
    orders.each[count].account = i
    orders.each[count].position = j
    orders.each[count].quantity = quantity
    orders.each[count].limit = limit
    orders.each[count].filled = 0.0
    orders.each[count].voluntary = 0
    orders.each[count].following = orders.head[m]
    orders.head[m] = count
    return count + 1


@part
def _limit(
    venue: Venue,
    accounts: Accounts,
    now: Records,
    j: int,
    p: int,
    account_equity: float,
    requirement: float,
    notional: float,
) -> float:
    """Limit price of the order that reduces position j."""
    book = venue.book
    quantity, m = accounts.positions[j].quantity, book.positions[j].market
    part = position_maintenance(venue.markets, now, m, quantity)
    share = share_of_maintenance(book, accounts, now, j, part, requirement, notional)
    return limit_price(venue.pools[p], quantity, now[m].mark, now[m].anchor, account_equity, requirement, part, share)


@part
def _standing_limit(
    venue: Venue,
    accounts: Accounts,
    now: Records,
    j: int,
    p: int,
    account_equity: float,
    requirement: float,
    notional: float,
    step: int,
) -> float:
    """Limit of the order for position j: ``slippage`` and ``fillable`` stand for the whole step in which it is sent.

    Otherwise every round would let the order chase the price that the round before has made.
    """
    rule = venue.pools[p].limit_rule
    stands = rule in (SLIPPAGE, FILLABLE)
    if stands and accounts.positions[j].limit_step == step:
        return accounts.positions[j].limit
    limit = _limit(venue, accounts, now, j, p, account_equity, requirement, notional)
    accounts.positions[j].limit = limit
    accounts.positions[j].limit_step = step
    return limit


@part
def _plan(venue: Venue, accounts: Accounts, now: Records, i: int, counted: float, step: int) -> tuple[int, float, int]:
    """What the size rule lets account i send: the phase of ``fraction``, a common share, tiers down.

    ``counted`` is its equity after haircuts. The phase WAIT is that of every rule which sends nothing now.
    """
    book, p = venue.book, venue.book.accounts[i].pool
    pool, account = venue.pools[p], accounts.each[i]
    phase, common, down = fraction.EVERYTHING, 1.0, step_down.NONE
    if pool.size_rule == TO_TARGET:
        common = to_target.share(book, venue.markets, accounts, now, i, counted, pool.size_share)
    elif pool.size_rule == STEP_DOWN:
        down = step_down.tiers_down(book, venue.markets, accounts, now, i, counted, pool.size_tiers)
        if down == step_down.NONE and pool.size_leave == 1:
            account.unfilled = 1
            phase = fraction.WAIT
    elif pool.size_rule == FRACTION:
        phase = fraction.phase(venue.pools, accounts, p, i, step)
    elif pool.size_rule == PACED and account.sliced == step:
        phase = fraction.WAIT
    elif pool.size_rule == PACED:
        account.sliced = step
        common = paced.within(pool, book, accounts, now, i)
    return phase, common, down


@part
def _share_sent(venue: Venue, now: Records, p: int, m: int, held: float, phase: int, common: float, down: int) -> float:
    """Share that a plan sends of a position of ``held`` base units, long or short, in market m."""
    notional = abs(held) * now[m].mark
    if phase == fraction.SLICE:
        return fraction.share(venue.pools, p, notional)
    if down != step_down.NONE:
        return 1.0 - step_down.kept(venue.markets, m, notional, down) / notional
    if venue.pools[p].size_rule == PACED:
        return common * paced.share(venue.pools[p], notional)
    return common


@part
def _bankruptcy_price(
    venue: Venue, accounts: Accounts, now: Records, j: int, account_equity: float, requirement: float, notional: float
) -> float:
    """Bankruptcy price of position j of an account with this equity, maintenance and gross notional."""
    quantity, m = accounts.positions[j].quantity, venue.book.positions[j].market
    part = position_maintenance(venue.markets, now, m, quantity)
    share = share_of_maintenance(venue.book, accounts, now, j, part, requirement, notional)
    return bankruptcy_price(now[m].mark, quantity, account_equity, share)


@part
def _send(venue: Venue, accounts: Accounts, now: Records, orders: Orders, i: int, step: int, count: int) -> int:
    """Append the orders of account i, which may send in this step."""
    book, pools = venue.book, venue.pools
    p = book.accounts[i].pool
    value = equity(book, accounts, now, i)
    requirement = maintenance(book, venue.markets, accounts, now, i)
    notional = gross(book, accounts, now, i)
    if abs(value) < dust(notional):
        value = 0.0  # as ADL leaves it: rounding must not decide on which side of the mark the limit is
    counted = value - haircuts(book, venue.markets, accounts, now, i)
    limiting = counted if pools[p].limit_rule == FILLABLE else value
    phase, common, down = _plan(venue, accounts, now, i, counted, step)
    if phase == fraction.WAIT:
        return count
    partial = False
    for j in range(book.accounts[i].first, book.accounts[i].last):
        quantity, m = accounts.positions[j].quantity, book.positions[j].market
        if quantity == 0.0:
            continue
        share = _share_sent(venue, now, p, m, quantity, phase, common, down)
        partial = partial or share < 1.0
        if share * abs(quantity) >= NO_FILL:
            limit = _standing_limit(venue, accounts, now, j, p, limiting, requirement, notional, step)
            count = append(orders, count, i, j, m, -share * quantity, limit)
            if pools[p].guarantor >= 0:
                price = _bankruptcy_price(venue, accounts, now, j, value, requirement, notional)
                orders.each[count - 1].bankrupt = price
    if pools[p].size_rule == FRACTION and (partial or phase == fraction.EVERYTHING):
        accounts.each[i].sliced = step
    return count


@part
def send_orders(venue: Venue, accounts: Accounts, now: Records, orders: Orders, breaches: int, step: int) -> int:
    """Orders of all accounts in breach whose latency has passed; returns their number."""
    for m in range(orders.head.size):
        orders.head[m] = -1
    count = int(np.int64(0))  # a literal 0 would compile `_send` a second time
    for b in range(breaches):
        i = accounts.breach[b]
        accounts.each[i].unfilled = 0
        accounts.each[i].fee_base = 0.0
        accounts.each[i].short_fill = 0.0
        if step >= accounts.each[i].since + venue.pools[venue.book.accounts[i].pool].latency:
            count = _send(venue, accounts, now, orders, i, step, count)
    return count


@part
def _pool_total(book: Book, now: Records, orders: Orders, count: int, p: int) -> float:
    total = 0.0
    for o in range(count):
        if book.accounts[orders.each[o].account].pool == p:
            total += abs(orders.each[o].quantity) * now[book.positions[orders.each[o].position].market].mark
    return total


@part
def ration(venue: Venue, now: Records, orders: Orders, ledger: Ledger, count: int) -> None:
    """Cut the orders of each pool by one factor to what its liquidators can still carry in this step."""
    book = venue.book
    for p in range(venue.pools.size):
        if math.isinf(ledger.each[p].capacity):
            continue
        total = _pool_total(book, now, orders, count, p)
        factor = 1.0 if total <= ledger.each[p].capacity else ledger.each[p].capacity / total
        if factor == 1.0:
            ledger.each[p].capacity -= total
            continue
        ledger.each[p].capacity = 0.0
        for o in range(count):
            if book.accounts[orders.each[o].account].pool == p:
                orders.each[o].quantity *= factor


@part
def start_capacity(pools: Records, ledger: Ledger) -> None:
    """Liquidators' capacity at the start of a step."""
    for p in range(pools.size):
        ledger.each[p].capacity = pools[p].capacity
