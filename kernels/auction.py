"""The auction: all forced orders of a round in one market clear at one price (MODEL 3).

At a price p the sales with a limit at or under p and the purchases with a
limit at or over p are admitted; their net quantity moves the book, and p must
be the average price of that move. Admitted sales grow and purchases shrink
with p, and the average price rises with the net quantity, so the price is
unique. It lies either between two limits, where every admitted order fills
whole, or on a limit, where the orders with exactly this limit fill in part.
"""

from __future__ import annotations

import math

from .jit import kernel, part
from .liquidity import fill_price, highest_price
from .records import Records
from .state import Orders
from .structs import Floats, Ints, Markets

NO_FILL = 1e-12
"""Base units (or share) under which a fill is none."""

WHOLE = 1.0 - NO_FILL
"""Share from which a fill is all of it: what rounding leaves of a position would count as open interest."""

SAME_PRICE = 4e-15
"""Relative distance under which two prices are the same: a few units in the last place,
because the average price comes out of an exponential."""


@kernel
def _sift(order: Ints, key: Floats, root: int, size: int) -> None:
    while True:
        child = 2 * root + 1
        if child >= size:
            return
        if child + 1 < size and key[order[child + 1]] > key[order[child]]:
            child += 1
        if key[order[child]] <= key[order[root]]:
            return
        order[root], order[child] = order[child], order[root]
        root = child


@kernel
def sort_by_key(order: Ints, key: Floats, size: int) -> None:
    """Sort the first ``size`` entries of ``order`` by ascending key: a heap sort, which needs no room.

    ``np.argsort`` costs 2.4 s of compile time and allocates.
    """
    for root in range(size // 2 - 1, -1, -1):
        _sift(order, key, root, size)
    for last in range(size - 1, 0, -1):
        order[0], order[last] = order[last], order[0]
        _sift(order, key, 0, last)


@part
def _collect(markets: Markets, now: Records, orders: Orders, m: int) -> int:
    """Put the orders of market m into ``orders.sorted`` by limit, with the quantities admitted at each.

    Purchases pay no more than the book's highest price: what it does not sell stays unfilled.
    ``sells[k]`` is what sells when the price is above the first k limits,
    ``buys[k]`` what buys when it is below all but the first k.
    """
    count = 0
    highest = highest_price(markets, now, m)
    o = orders.head[m]
    while o >= 0:
        if orders.each[o].quantity > 0.0:
            orders.each[o].limit = min(orders.each[o].limit, highest)
        orders.sorted[count] = o
        orders.limit[o] = orders.each[o].limit
        count += 1
        o = orders.each[o].following
    sort_by_key(orders.sorted, orders.limit, count)
    orders.sells[0] = 0.0
    orders.buys[count] = 0.0
    for k in range(count):
        orders.sells[k + 1] = orders.sells[k] + max(0.0, -orders.each[orders.sorted[k]].quantity)
    for k in range(count - 1, -1, -1):
        orders.buys[k] = orders.buys[k + 1] + max(0.0, orders.each[orders.sorted[k]].quantity)
    return count


@part
def _first_cut(markets: Markets, now: Records, orders: Orders, m: int, count: int) -> int:
    """Least k such that the average price with k limits below it does not exceed limit k (count if there is none).

    The average price falls and the limits rise with k, so halving finds it.
    """
    low, high = 0, count
    while low < high:
        k = (low + high) // 2
        price = fill_price(markets, now, m, orders.buys[k] - orders.sells[k])
        if price <= orders.each[orders.sorted[k]].limit:
            high = k
        else:
            low = k + 1
    return low


@part
def _marginal_net(markets: Markets, now: Records, m: int, price: float, inner: float, low: float, high: float) -> float:
    """Net quantity between ``low`` and ``high`` whose average price is ``price``; ``inner`` if that already is."""
    at_inner = fill_price(markets, now, m, inner)
    if abs(at_inner / price - 1.0) <= SAME_PRICE:
        return inner
    if at_inner > price:
        high = inner
    else:
        low = inner
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle <= low or middle >= high:
            break
        if fill_price(markets, now, m, middle) > price:
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


@part
def _fill_range(orders: Orders, first: int, last: int, buy_share: float, sell_share: float) -> None:
    """Fill the sorted orders first .. last - 1 by a share for each side."""
    for k in range(first, last):
        o = orders.sorted[k]
        quantity = orders.each[o].quantity
        share = buy_share if quantity > 0.0 else sell_share
        fill = quantity if share >= WHOLE else quantity * share
        orders.each[o].filled = fill if abs(fill) >= NO_FILL else 0.0


@part
def _clear_at_limit(markets: Markets, now: Records, orders: Orders, m: int, first: int, last: int, count: int) -> float:
    """Clear on the limit shared by the sorted orders first .. last - 1; they fill in part, the largest volume."""
    price = orders.each[orders.sorted[first]].limit
    buyers = orders.buys[first] - orders.buys[last]
    sellers = orders.sells[last] - orders.sells[first]
    inner = orders.buys[last] - orders.sells[first]
    if math.isinf(now[m].depth):
        buy_share, sell_share = 1.0, 1.0
    else:
        net = _marginal_net(markets, now, m, price, inner, inner - sellers, inner + buyers)
        excess = net - inner
        if excess >= buyers - sellers:
            buy_share, sell_share = 1.0, (buyers - excess) / sellers if sellers > 0.0 else 0.0
        else:
            buy_share, sell_share = (sellers + excess) / buyers if buyers > 0.0 else 0.0, 1.0
    _fill_range(orders, 0, first, 0.0, 1.0)
    _fill_range(orders, first, last, buy_share, sell_share)
    _fill_range(orders, last, count, 1.0, 0.0)
    return price


@part
def clear(markets: Markets, now: Records, orders: Orders, m: int) -> float:
    """Clear market m: writes ``orders.fill`` of its orders and returns the price they trade at."""
    count = _collect(markets, now, orders, m)
    k = _first_cut(markets, now, orders, m, count)
    if k > 0:
        price = fill_price(markets, now, m, orders.buys[k] - orders.sells[k])
        limit_below = orders.each[orders.sorted[k - 1]].limit
    else:
        price = fill_price(markets, now, m, orders.buys[0])
        limit_below = -math.inf
    on_limit = limit_below
    if k < count and price >= orders.each[orders.sorted[k]].limit:
        on_limit = orders.each[orders.sorted[k]].limit
    elif price > limit_below:
        _fill_range(orders, 0, k, 0.0, 1.0)
        _fill_range(orders, k, count, 1.0, 0.0)
        return price
    first = k
    while first > 0 and orders.each[orders.sorted[first - 1]].limit >= on_limit:
        first -= 1
    last = first
    while last < count and orders.each[orders.sorted[last]].limit <= on_limit:
        last += 1
    return _clear_at_limit(markets, now, orders, m, first, last, count)
