"""A liquidity pool on the other side of everybody, and a fund that stands behind fills."""

from __future__ import annotations

import math

from tests.naive.adl import Winner, fill_in_order, rank
from tests.naive.circle import ahead, start
from tests.naive.layers import decline, under_floor
from tests.naive.ledger import NOTHING, Balance, Layer, Pool, World
from tests.naive.limits import stopped
from tests.naive.margin import dust, equity


def pool_of(pool: Pool) -> Balance | None:
    """The liquidity pool of a risk pool."""
    return next((layer.balance for layer in pool.layers if layer.kind == "liquidity_pool"), None)


def take_other_sides(world: World) -> None:
    """At the start a liquidity pool takes what outside traders would hold, at the marks, and buys its backing."""
    for pool in world.pools.values():
        balance = pool_of(pool)
        if balance is None:
            continue
        for market, units in world.outside[pool.name].items():
            balance.trade(market, units, world.marks[market])
            world.outside[pool.name][market] = 0.0
        for market, units in balance.rules.get("backing", {}).items():
            buy_backing(world, pool, market, float(units))


def buy_backing(world: World, pool: Pool, market: str, units: float) -> None:
    balance = pool_of(pool)
    assert balance is not None
    price = world.markets[market].fundamental
    balance.hedge[market] = balance.hedge.get(market, 0.0) + units
    balance.cash -= units * price
    balance.hedge_result -= units * price
    world.outside[pool.name][market] -= units


def take_fill(world: World, pool: Pool, market: str, filled: float, price: float) -> None:
    """The other end of a trade of the pool's accounts."""
    balance = pool_of(pool)
    if balance is None:
        world.outside[pool.name][market] -= filled
    else:
        balance.trade(market, -filled, price)


def pay_fills(world: World, layer: Layer, unfilled: set[str]) -> bool:
    """Pay what this round's fills fell short of the bankruptcy prices, the same share of all; True if any was.

    Reading: who is not paid whole counts as unfilled.
    """
    balance = layer.balance
    assert balance is not None
    owed = {account.name: account.short for account in world.of_pool(layer.pool) if account.short > 0.0}
    demand = sum(owed.values())
    if demand <= 0.0:
        return False
    room = demand if balance.unlimited else max(0.0, equity(world, balance) - balance.floor)
    if not balance.unlimited and (under_floor(world, balance) or stopped(world, balance)):
        room = 0.0
    share = min(1.0, room / demand)
    if share < 1.0 - 1e-12:
        decline(world, balance)
        unfilled.update(owed)
    for name, short in owed.items():
        world.accounts[name].cash += share * short
        world.accounts[name].shares["layers"] += share * short
        world.pools[layer.pool].add("bad_debt", share * short)
        layer.paid += share * short
        balance.cash -= share * short
    return share > 0.0


def profits(world: World, pool: str, market: str, side: float) -> float:
    """Unrealised profit of everybody on one side of a market."""
    mark = world.marks[market]
    return sum(a.q[market] * (mark - a.entry[market]) for a in world.of_pool(pool) if a.q.get(market, 0.0) * side > 0.0)


def cap_profits(world: World, layer: Layer) -> bool:
    """Close winners of a side that has won more than a share of what backs it; True if any was closed."""
    rule = layer.rules.get("profit_cap")
    if not rule:
        return False
    closed = False
    for market in world.markets:
        for side in (1.0, -1.0):
            closed = cap_side(world, layer, market, side) or closed
    return closed


def behind(world: World, layer: Layer, market: str, side: float) -> float:
    """The pool's holding of the asset for longs; else its worth without the accounts' profits and such holdings."""
    balance = layer.balance
    assert balance is not None
    held = {m: h * world.markets[m].fundamental for m, h in balance.hedge.items()}
    if side > 0.0 and market in balance.rules.get("backing", {}):
        return held[market]
    won = sum(profits(world, layer.pool, m, s) for m in world.markets for s in (1.0, -1.0))
    return max(0.0, equity(world, balance) + won - sum(held.values()))


def cap_side(world: World, layer: Layer, market: str, side: float) -> bool:
    rule, pool = layer.rules["profit_cap"], world.pools[layer.pool]
    mark, won, back = world.marks[market], profits(world, layer.pool, market, side), behind(world, layer, market, side)
    if won <= 0.0 or won <= float(rule["above"]) * back:
        return False
    payout = min(1.0, float(rule.get("payout") or math.inf) * back / won) if back > 0.0 else 0.0
    if not rule.get("payout"):
        payout = 1.0
    wanted = (won - float(rule["to"]) * back) / (1.0 - float(rule["to"]) * payout)
    winners = find_winners(world, layer, market, side, payout)
    fill_in_order(winners, wanted, str(rule.get("rank", "profit")).startswith("pro_rata"))
    paid = value = 0.0
    for winner in winners:
        if winner.given <= 0.0:
            continue
        account = winner.account
        gain = mark - account.entry[market]
        units = winner.given / gain
        if abs(units) >= (1.0 - 1e-12) * abs(account.q[market]):
            units = account.q[market]
        price = mark - (1.0 - payout) * gain
        account.close(market, -units, price)
        take_fill(world, pool, market, -units, price)
        account.realised[market] = account.realised.get(market, 0.0) + units * payout * gain
        account.deleveraged = True
        account.shares["deleveraged"] += abs(units) * mark
        cut = (1.0 - payout) * units * gain
        account.shares["haircut"] += cut if cut > 1e-9 * (abs(units) * mark + 1.0) else 0.0
        pool.add("adl_notional", abs(units) * mark)
        pool.add("adl_haircut", cut)
        paid += payout * winner.given
        value += abs(units) * mark
    assert layer.balance is not None
    if side > 0.0 and market in layer.balance.rules.get("backing", {}):
        sold = min(layer.balance.hedge[market], paid / world.markets[market].fundamental)
        buy_backing(world, pool, market, -sold)
    return value >= NOTHING


def find_winners(world: World, layer: Layer, market: str, side: float, payout: float) -> list[Winner]:
    """Who has won on one side, with the profit that closing realises: no more than leaves the account solvent."""
    rule, winners = str(layer.rules["profit_cap"].get("rank", "profit")), []
    begin = start(world.seed, 0, world.step, list(world.markets).index(market), side > 0.0)
    for account in world.of_pool(layer.pool):
        q, value = account.q.get(market, 0.0), equity(world, account)
        gain = side * (world.marks[market] - account.entry.get(market, 0.0))
        if q * side <= 0.0 or gain <= 0.0 or value <= dust(world, account):
            continue
        score = -ahead(account.name, begin) if rule == "random" else rank(world, rule, account, market)
        assert score is not None
        loss = (1.0 - payout) * gain
        most = min(abs(q), value / loss) if loss > 0.0 else abs(q)
        winners.append(Winner(account, score, gain * most))
    return winners
