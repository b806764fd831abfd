"""Section 5: who is in breach, what they send, at which limit, and how much of it liquidators can carry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tests.naive.ledger import NOTHING, Account, Layer, Pool, World, steps
from tests.naive.margin import bankruptcy_price, haircut_equity, in_breach, maintenance, margin_in


@dataclass
class Order:
    """A forced order: signed quantity, and the worst price it may trade at (None: any)."""

    account: Account
    market: str
    quantity: float
    limit: float | None
    filled: float = 0.0
    voluntary: bool = False
    bankrupt: float | None = None
    """Bankruptcy price, where a fund guarantees fills."""


def orders_of_round(world: World, pool: Pool) -> list[Order]:
    """What the pool's accounts send in this round, cut to what liquidators can still carry."""
    latency = int(pool.rules.get("latency", 0))
    orders = []
    for account in world.of_pool(pool.name):
        if not in_breach(world, account):
            account.since = None
            continue
        if account.since is None:
            account.since = world.step
            forget_slice(world, pool, account)
        if world.step >= account.since + latency:
            for market, quantity in quantities(world, pool, account).items():
                if quantity != 0.0:
                    order = Order(account, market, -quantity, standing_limit(world, pool, account, market))
                    if guarantor(pool) is not None:
                        order.bankrupt = bankruptcy_price(world, account, market)
                    orders.append(order)
    return within_capacity(world, pool, orders)


def quantities(world: World, pool: Pool, account: Account) -> dict[str, float]:
    """Part of each position to be closed."""
    size = pool.rules.get("size", {"type": "full"})
    if size["type"] == "fraction":
        return slices(world, size, account)
    if size["type"] == "step_down":
        return stepped_down(world, size, account)
    if size["type"] == "paced":
        return paced(world, size, account)
    if size["type"] == "to_target":
        share = share_to_target(world, account, float(size["target"]))
        return {m: share * q for m, q in account.q.items()}
    return dict(account.q)


def forget_slice(world: World, pool: Pool, account: Account) -> None:
    """Reading: an account that falls into breach after its cooldown starts with a share again."""
    size = pool.rules.get("size", {"type": "full"})
    if account.sliced is not None and world.step >= account.sliced + steps(size.get("cooldown", 0.0), world.dt):
        account.sliced = None


def slices(world: World, size: dict[str, Any], account: Account) -> dict[str, float]:
    """A share of large positions, all of small ones, once per step; then the cooldown.

    Readings: the cooldown runs from the last order of which something may be left: one with a share in it, or all
    that is sent in or after a cooldown. `full`: all is sent while it runs, a share again after it. `wait`: nothing
    is sent while it runs, all after it. An account with small positions alone sends them in every round.
    """
    whole = dict(account.q)
    large = {m for m, q in whole.items() if abs(q) * world.marks[m] > float(size["above"])}
    if account.sliced is None:
        account.sliced = world.step if large else None
        return {m: float(size["share"]) * q if m in large else q for m, q in whole.items()}
    cooling = world.step < account.sliced + steps(float(size["cooldown"]), world.dt)
    waits = size.get("during", "full") == "wait"
    if world.step == account.sliced or (cooling and waits):
        return {}
    if not cooling and not waits:
        account.sliced = None
        return slices(world, size, account)
    account.sliced = world.step
    return whole


def stepped_down(world: World, size: dict[str, Any], account: Account) -> dict[str, float]:
    """What takes every position down its market's tiers, as few steps as bring the account its margin back.

    Readings: at a tier's end a position is in it, to 1e-12; a step takes all positions down, none below the lowest.
    """
    ends = {m: [float(low) for low, _ in world.markets[m].rules["tiers"]][1:] for m in account.q}
    worth = {m: abs(q) * world.marks[m] for m, q in account.q.items()}
    above = {m: sum(value > end * (1.0 + 1e-12) for end in ends[m]) for m, value in worth.items()}
    stride = int(size.get("tiers", 1))
    for down in range(stride, max(above.values(), default=0) + stride, stride):
        left = {m: ends[m][max(0, above[m] - down)] if above[m] else worth[m] for m in worth}
        kept = {m: left[m] / worth[m] if worth[m] > 0.0 else 1.0 for m in worth}
        needed = sum(margin_in(world, m, kept[m] * q) for m, q in account.q.items())
        if haircut_equity(world, account) >= needed:
            return {m: (1.0 - kept[m]) * q for m, q in account.q.items()}
    if size.get("rest", "send") == "leave":
        account.left = True
        return {}
    return dict(account.q)


def paced(world: World, size: dict[str, Any], account: Account) -> dict[str, float]:
    """What the intervals of a step close, once per step: a share within bounds of the position and the account."""
    if account.sliced == world.step:
        return {}
    account.sliced = world.step
    intervals = world.dt / float(size["every"])
    sent = {}
    for market, quantity in account.q.items():
        notional = abs(quantity) * world.marks[market]
        share = 1.0 - (1.0 - float(size["share"])) ** intervals
        least = float(size.get("least", 0.0)) * intervals
        share = 1.0 if notional <= least else max(share, least / notional)
        sent[market] = share * quantity
    total = sum(abs(quantity) * world.marks[market] for market, quantity in sent.items())
    most = float(size.get("most") or math.inf) * intervals
    return {market: quantity * min(1.0, most / total) if total else 0.0 for market, quantity in sent.items()}


def guarantor(pool: Pool) -> Layer | None:
    """Fund that pays what fills fall short of bankruptcy prices."""
    return next((layer for layer in pool.layers if layer.rules.get("guarantees_fills")), None)


def share_to_target(world: World, account: Account, target: float) -> float:
    """Least common share of all positions after which equity is ``target`` times maintenance margin."""
    value = haircut_equity(world, account)
    if value <= 0.0:
        return 1.0
    keep, drop = 0.0, 1.0
    while True:
        middle = 0.5 * (keep + drop)
        if middle in (keep, drop):
            return 1.0 - keep
        if target * maintenance(world, account, middle) <= value:
            keep = middle
        else:
            drop = middle


def standing_limit(world: World, pool: Pool, account: Account, market: str) -> float | None:
    """Worst price of an order: a `fillable` price stays what it was when the order reached the book in this step."""
    if pool.rules.get("limit", {"type": "none"})["type"] != "fillable":
        return limit_price(world, pool, account, market)
    key = (world.step, market)
    if key not in account.limits:
        account.limits[key] = limit_price(world, pool, account, market)
    return account.limits[key]


def limit_price(world: World, pool: Pool, account: Account, market: str) -> float | None:
    """Worst price of an order, by the pool's rule; `slippage` and `fillable` from the marks of the first round."""
    rule = pool.rules.get("limit", {"type": "none"})
    quantity, anchor = account.q[market], world.first_marks[market]
    worse = -1.0 if quantity > 0.0 else 1.0
    if rule["type"] == "slippage":
        limit = anchor * (1.0 + worse * float(rule["cap"]))
    elif rule["type"] == "bankruptcy":
        limit = bankruptcy_price(world, account, market)
    elif rule["type"] == "fillable":
        margin = maintenance(world, account)
        ratio = haircut_equity(world, account) / margin if margin > 0.0 else -math.inf
        rush = min(max(float(rule["adj"]) * (1.0 - ratio), 0.0), 1.0)
        rate = margin_in(world, market, quantity) / (abs(quantity) * world.marks[market])
        limit = anchor * (1.0 + worse * rush * float(rule["spread"]) * rate)
    else:
        return None
    return None if quantity > 0.0 and limit <= 0.0 else limit


def within_capacity(world: World, pool: Pool, orders: list[Order]) -> list[Order]:
    """Cut all orders by one factor to the notional left in this step.

    Reading: liquidators carry orders; one that its limit leaves unfilled has used its part.
    """
    capacity = pool.rules.get("capacity")
    if capacity is None:
        return orders
    wanted = sum(abs(order.quantity) * world.marks[order.market] for order in orders)
    left = max(0.0, float(capacity) - pool.used)
    pool.used += min(wanted, left)
    if wanted > left:
        pool.used = float(capacity)
        for order in orders:
            order.quantity *= left / wanted
    return [order for order in orders if abs(order.quantity) >= NOTHING]
