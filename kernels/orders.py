"""Liquidation orders of one round: who sends how much at which limit."""

from __future__ import annotations

import math

from .auction import NO_FILL
from .jit import kernel
from .limits import FILLABLE, SLIPPAGE, limit_price
from .margin import equity, gross, maintenance, position_maintenance
from .sizes import FRACTION, TO_TARGET, fraction, to_target
from .state import Accounts, Ledger, MarketState, Orders
from .structs import Book, Floats, Markets, Pools, Venue


@kernel
def share_of_maintenance(
    book: Book, accounts: Accounts, now: MarketState, j: int, part: float, whole: float, notional: float
) -> float:
    """Share of position j in its account: by maintenance, by notional where there is none."""
    if whole > 0.0:
        return part / whole
    return abs(accounts.quantity[j]) * now.mark[book.market[j]] / notional


@kernel
def _append(orders: Orders, count: int, i: int, j: int, m: int, quantity: float, limit: float) -> int:
    orders.account[count] = i
    orders.position[count] = j
    orders.quantity[count] = quantity
    orders.limit[count] = limit
    orders.fill[count] = 0.0
    orders.following[count] = orders.head[m]
    orders.head[m] = count
    return count + 1


@kernel
def _limit(
    venue: Venue, accounts: Accounts, now: MarketState, j: int, p: int, account_equity: float, requirement: float,
    notional: float,
) -> float:
    """Limit price of the order that reduces position j."""
    book, pools = venue.book, venue.pools
    quantity, m = accounts.quantity[j], book.market[j]
    part = position_maintenance(venue.markets, now, m, quantity)
    share = share_of_maintenance(book, accounts, now, j, part, requirement, notional)
    return limit_price(
        pools.limit[p], pools.limit_a[p], pools.limit_b[p], quantity, now.mark[m], now.anchor[m], account_equity,
        requirement, part, share,
    )


@kernel
def _standing_limit(
    venue: Venue, accounts: Accounts, now: MarketState, j: int, p: int, account_equity: float, requirement: float,
    notional: float, step: int,
) -> float:
    """Limit of the order for position j: ``slippage`` and ``fillable`` stand for the whole step in which it is sent.

    Otherwise every round would let the order chase the price that the round before has made.
    """
    rule = venue.pools.limit[p]
    stands = rule in (SLIPPAGE, FILLABLE)
    if stands and accounts.limit_step[j] == step:
        return accounts.limit[j]
    limit = _limit(venue, accounts, now, j, p, account_equity, requirement, notional)
    accounts.limit[j] = limit
    accounts.limit_step[j] = step
    return limit


@kernel
def _send(venue: Venue, accounts: Accounts, now: MarketState, orders: Orders, i: int, step: int, count: int) -> int:
    """Append the orders of account i, which may send in this step."""
    book, pools = venue.book, venue.pools
    p = book.pool[i]
    account_equity = equity(book, accounts, now, i)
    requirement = maintenance(book, venue.markets, accounts, now, i)
    notional = gross(book, accounts, now, i)
    common, phase = 1.0, fraction.EVERYTHING
    if pools.size[p] == TO_TARGET:
        common = to_target.share(book, venue.markets, accounts, now, i, account_equity, pools.size_share[p])
    elif pools.size[p] == FRACTION:
        phase = fraction.phase(pools, accounts, p, i, step)
        if phase == fraction.WAIT:
            return count
    partial = False
    for j in range(book.first[i], book.first[i + 1]):
        quantity, m = accounts.quantity[j], book.market[j]
        if quantity == 0.0:
            continue
        share = common
        if phase == fraction.SLICE:
            share = fraction.share(pools, p, abs(quantity) * now.mark[m])
        partial = partial or share < 1.0
        if share * abs(quantity) >= NO_FILL:
            limit = _standing_limit(
                venue, accounts, now, j, p, account_equity, requirement, notional, step
            )
            count = _append(orders, count, i, j, m, -share * quantity, limit)
    if pools.size[p] == FRACTION and (partial or phase == fraction.EVERYTHING):
        accounts.sliced[i] = step
    return count


@kernel
def send_orders(
    venue: Venue, accounts: Accounts, now: MarketState, orders: Orders, breaches: int, step: int
) -> int:
    """Orders of all accounts in breach whose latency has passed; returns their number."""
    for m in range(orders.head.size):
        orders.head[m] = -1
    count = 0
    for b in range(breaches):
        i = accounts.breach[b]
        accounts.unfilled[i] = 0
        accounts.fee_base[i] = 0.0
        if step >= accounts.since[i] + venue.pools.latency[venue.book.pool[i]]:
            count = _send(venue, accounts, now, orders, i, step, count)
    return count


@kernel
def _pool_total(book: Book, now: MarketState, orders: Orders, count: int, p: int) -> float:
    total = 0.0
    for o in range(count):
        if book.pool[orders.account[o]] == p:
            total += abs(orders.quantity[o]) * now.mark[book.market[orders.position[o]]]
    return total


@kernel
def ration(venue: Venue, now: MarketState, orders: Orders, ledger: Ledger, count: int) -> None:
    """Cut the orders of each pool by one factor to what its liquidators can still carry in this step."""
    book = venue.book
    for p in range(venue.pools.size.size):
        if math.isinf(ledger.capacity[p]):
            continue
        total = _pool_total(book, now, orders, count, p)
        factor = 1.0 if total <= ledger.capacity[p] else ledger.capacity[p] / total
        if factor == 1.0:
            ledger.capacity[p] -= total
            continue
        ledger.capacity[p] = 0.0
        for o in range(count):
            if book.pool[orders.account[o]] == p:
                orders.quantity[o] *= factor


@kernel
def start_capacity(pools: Pools, capacity: Floats) -> None:
    """Liquidators' capacity at the start of a step."""
    for p in range(capacity.size):
        capacity[p] = pools.capacity[p]
