"""From a case's input to the form of its expected result."""

from __future__ import annotations

import math
from typing import Any

from tests.naive.counterparty import take_other_sides
from tests.naive.ledger import OWNED, Account, Asset, Balance, Layer, Pool, World
from tests.naive.margin import equity, insolvent
from tests.naive.market import Market
from tests.naive.step import advance, observe, remark
from tests.naive.traders import draw_answers

Json = dict[str, Any]


def play(case: Json) -> Json:
    """Result of a case's input."""
    world = begin(case)
    for _ in range(len(case["markets"][0]["price"]) - 1):
        advance(world)
    return result(case, world)


def begin(case: Json) -> World:
    """The world at path index 0."""
    dt = float(case.get("dt", 1.0))
    markets = {str(rules["name"]): Market(rules, dt) for rules in case["markets"]}
    balances: dict[str, Balance] = {}
    pools = {str(rules["name"]): make_pool(rules, balances) for rules in case["pools"]}
    assets = {str(a["name"]): Asset(list(a["price"]), float(a["haircut"])) for a in case.get("collateral", [])}
    accounts = {str(rules["name"]): make_account(rules, list(assets)) for rules in case["accounts"]}
    shared = [b.name for b in balances.values() if b.rules["type"] == "shared_fund"]
    outside = {owner: dict.fromkeys(markets, 0.0) for owner in [*pools, *shared]}
    for account in accounts.values():
        for m, q in account.q.items():
            outside[account.pool][m] -= q
    world = World(dt, int(case.get("max_rounds", 100)), markets, accounts, pools, balances, outside, assets)
    world.seed = int(case.get("seed", 0))
    remark(world)
    world.previous_marks = dict(world.marks)
    take_other_sides(world)
    for account in accounts.values():
        account.start = equity(world, account)
        draw_answers(int(case.get("seed", 0)), 0, account, pools[account.pool].rules.get("margin_calls") or {})
    observe(world)
    return world


def make_account(rules: Json, assets: list[str]) -> Account:
    q = {m: float(held) for m, (held, _) in rules.get("positions", {}).items()}
    entry = {m: float(price) for m, (_, price) in rules.get("positions", {}).items()}
    cash = float(rules.get("cash", 0.0)) - sum(q[m] * entry[m] for m in q)
    b = {name: float(rules.get("collateral", {}).get(name, 0.0)) for name in assets}
    owner, maker = str(rules.get("owner", rules["name"])), rules.get("kind") == "market_maker"
    return Account(str(rules["name"]), cash, q, str(rules["pool"]), entry, owner=owner, maker=maker, b=b)


def make_pool(rules: Json, balances: dict[str, Balance]) -> Pool:
    name = str(rules["name"])
    layers = []
    for place, layer in enumerate(rules.get("layers", [])):
        balance = None
        if layer["type"] not in ("adl", "socialise"):
            key = str(layer["name"])
            if key not in balances:
                cash = float(layer.get("cash", 0.0))
                balances[key] = Balance(key, cash, {}, layer, initial=cash, tokens=float(layer.get("units", 0.0)))
            balance = balances[key]
        layers.append(Layer(place, name, layer, balance))
    return Pool(name, rules, layers)


def result(case: Json, world: World) -> Json:
    for account in world.accounts.values():
        if insolvent(world, account):
            world.pools[account.pool].add("residual_open", -equity(world, account))
    for pool in world.pools.values():
        for layer in pool.layers:
            if layer.balance is not None and layer.balance.treasury:
                pool.add("residual_open", max(0.0, -equity(world, layer.balance)))
    names = list(world.markets)
    return {
        "pools": {name: pool_words(world, pool) for name, pool in world.pools.items()},
        "accounts": {name: holder_words(world, account, names) for name, account in world.accounts.items()},
        "layers": {name: balance_words(world, balance, names) for name, balance in world.balances.items()},
        "markets": {name: market_words(world, market) for name, market in world.markets.items()},
        "max_rounds_seen": world.max_rounds_seen,
    }


def pool_words(world: World, pool: Pool) -> Json:
    mine = world.of_pool(pool.name)
    counts = {
        "liquidated": sum(account.liquidated for account in mine),
        "adl_accounts": sum(account.deleveraged for account in mine),
    }
    owners: Json = {account.owner: dict.fromkeys(OWNED, 0.0) for account in mine}
    for account in mine:
        for word, amount in account.shares.items():
            owners[account.owner][word] += amount
    return {**counts, **pool.totals, **concentration(owners), "owners": owners}


def concentration(owners: Json) -> Json:
    """How unevenly those paid who paid; the Gini coefficient as half the mean difference over the mean."""
    paid = sorted((owner["haircut"] + owner["charged"] for owner in owners.values()), reverse=True)
    paid = [amount for amount in paid if amount > 0.0]
    total = sum(paid)
    words: Json = {"payers": float(len(paid)), "paid_by_owners": total}
    everybody = paid + [0.0] * (len(owners) - len(paid))
    for size in (1, 10, 100):
        words[f"paid_top{size}_share"] = sum(paid[:size]) / total if paid else None
    closed = sorted((owner["deleveraged"] for owner in owners.values()), reverse=True)
    for size in (1, 10, 100):
        words[f"adl_top{size}_share"] = sum(closed[:size]) / sum(closed) if sum(closed) > 0.0 else None
    for word, amounts in {"paid_gini": paid, "paid_gini_all": everybody}.items():
        differences = sum(abs(one - other) for one in amounts for other in amounts)
        words[word] = differences / (2.0 * len(amounts) * total) if paid else None
    return words


def holder_words(world: World, holder: Account | Balance, names: list[str]) -> Json:
    held = [holder.q.get(m, 0.0) for m in names]
    posted = [holder.b.get(name, 0.0) for name in world.assets]
    return {"a": holder.cash, "q": held, "b": posted, "equity": equity(world, holder)}


def balance_words(world: World, balance: Balance, names: list[str]) -> Json:
    places = [layer for pool in world.pools.values() for layer in pool.layers if layer.balance is balance]
    words = holder_words(world, balance, names)
    del words["b"]
    return {
        **words,
        "hedge": [balance.hedge.get(m, 0.0) for m in names],
        "hedge_notional": balance.hedge_notional,
        "hedge_result": balance.hedge_result + sum(h * world.markets[m].fundamental for m, h in balance.hedge.items()),
        "raised": balance.raised,
        "tokens_sold": balance.tokens_sold,
        "token_low": balance.token_low,
        "low": balance.low,
        "R": balance.fall,
        "R_step": balance.fall_step,
        "paid": sum(layer.paid for layer in places),
        "paid_for_layers": sum(layer.paid_for_layers for layer in places),
        "received": sum(layer.received for layer in places),
        "drawn": {layer.pool: layer.paid for layer in places},
        "first_decline": balance.first_decline,
        "first_under": balance.first_under,
        "depletion_step": balance.depletion_step,
    }


def market_words(world: World, market: Market) -> Json:
    return {
        "price": market.price,
        "F": market.fundamental,
        "mark": world.marks[market.name],
        "x": market.x,
        "low": market.low,
        "max_displacement": market.max_displacement,
        "outside": {owner: held[market.name] for owner, held in world.outside.items()},
        "kappa": market.kappa,
        "maker_depth_low": market.makers_low,
        "depth": None if math.isinf(market.depth) else market.depth,
    }
