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
def _send(venue: Venue, accounts: Accounts, now: Records, orders: Orders, i: int, step: int, count: int) -> int:
    """Append the orders of account i, which may send in this step."""
    book, pools = venue.book, venue.pools
    p = book.accounts[i].pool
    account_equity = equity(book, accounts, now, i)
    requirement = maintenance(book, venue.markets, accounts, now, i)
    notional = gross(book, accounts, now, i)
    if abs(account_equity) < dust(notional):
        account_equity = 0.0  # as ADL leaves it: rounding must not decide on which side of the mark the limit is
    counted = account_equity - haircuts(book, venue.markets, accounts, now, i)
    limiting = counted if pools[p].limit_rule == FILLABLE else account_equity
    common, phase, down = 1.0, fraction.EVERYTHING, step_down.NONE
    if pools[p].size_rule == TO_TARGET:
        common = to_target.share(book, venue.markets, accounts, now, i, counted, pools[p].size_share)
    elif pools[p].size_rule == STEP_DOWN:
        stride = pools[p].size_tiers
        down = step_down.tiers_down(book, venue.markets, accounts, now, i, counted, stride)
        if down == step_down.NONE and pools[p].size_leave == 1:
            accounts.each[i].unfilled = 1
            return count
    elif pools[p].size_rule == FRACTION:
        phase = fraction.phase(pools, accounts, p, i, step)
        if phase == fraction.WAIT:
            return count
    elif pools[p].size_rule == PACED:
        if accounts.each[i].sliced == step:
            return count
        accounts.each[i].sliced = step
        common = paced.within(pools[p], book, accounts, now, i)
    partial = False
    for j in range(book.accounts[i].first, book.accounts[i].last):
        quantity, m = accounts.positions[j].quantity, book.positions[j].market
        if quantity == 0.0:
            continue
        share = common
        if phase == fraction.SLICE:
            share = fraction.share(pools, p, abs(quantity) * now[m].mark)
        elif down != step_down.NONE:
            notional_now = abs(quantity) * now[m].mark
            share = 1.0 - step_down.kept(venue.markets, m, notional_now, down) / notional_now
        elif pools[p].size_rule == PACED:
            share = common * paced.share(pools[p], abs(quantity) * now[m].mark)
        partial = partial or share < 1.0
        if share * abs(quantity) >= NO_FILL:
            limit = _standing_limit(venue, accounts, now, j, p, limiting, requirement, notional, step)
            count = append(orders, count, i, j, m, -share * quantity, limit)
            if pools[p].guarantor >= 0:
                part = position_maintenance(venue.markets, now, m, quantity)
                own = share_of_maintenance(book, accounts, now, j, part, requirement, notional)
                orders.each[count - 1].bankrupt = bankruptcy_price(now[m].mark, quantity, account_equity, own)
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
