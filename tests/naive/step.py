"""Section 8: one step after another; sections 5 and 6: the rounds of a step."""

from __future__ import annotations

import math

from tests.naive.adl import deleverage
from tests.naive.auction import clear, fill_book
from tests.naive.counterparty import cap_profits, pay_fills, take_fill
from tests.naive.layers import act, seize, socialise, unwinding
from tests.naive.ledger import Balance, Layer, Pool, World, steps
from tests.naive.margin import dust, equity, insolvent
from tests.naive.orders import Order, orders_of_round
from tests.naive.traders import answer, makers_left
from tests.naive.treasury import raise_cash


def advance(world: World) -> None:
    """Items 1 to 8 of a step."""
    left = {name: makers_left(world, name) for name in world.markets}
    world.step += 1
    for name, market in world.markets.items():
        market.begin(world.step)
        market.depth *= left[name]
        market.makers_low = min(market.makers_low, left[name])
    remark(world)
    world.first_marks = dict(world.marks)
    pay_funding(world)
    for pool in world.pools.values():
        pool.used = 0.0
    rounds, changed = 0, True
    while changed and rounds < world.max_rounds:
        rounds += 1
        changed = play_round(world)
    world.max_rounds_seen = max(world.max_rounds_seen, rounds)
    unwind(world)
    for balance in world.balances.values():
        if balance.treasury:
            raise_cash(world, balance)
    for balance in world.balances.values():
        for name in world.markets:
            hedge(world, balance, name)
    remark(world)
    observe(world)
    world.previous_marks = dict(world.marks)


def remark(world: World) -> None:
    world.marks = {name: market.mark() for name, market in world.markets.items()}


def pay_funding(world: World) -> None:
    """Longs pay the rate on notional at the mark; layers too."""
    for name, market in world.markets.items():
        rate = float(market.rules["funding"][world.step]) if "funding" in market.rules else 0.0
        for holder in [*world.accounts.values(), *world.balances.values()]:
            holder.cash -= rate * holder.q.get(name, 0.0) * world.marks[name]


def play_round(world: World) -> bool:
    """Marks, triggers, auctions, settlement, layers; True if anything changed.

    Reading: balances are observed at the marks of the round before the fees of its auctions, and after its layers.
    """
    remark(world)
    observe(world)
    for account in world.accounts.values():
        account.short = 0.0
    voluntary = [order for a in world.accounts.values() for order in answer(world, world.pools[a.pool], a)]
    for account in world.accounts.values():
        account.left = False
    forced = [order for pool in world.pools.values() for order in orders_of_round(world, pool)]
    left = {account.name for account in world.accounts.values() if account.left}
    orders = forced + voluntary
    paid: dict[str, float] = {}
    for name, market in world.markets.items():
        mine = [order for order in orders if order.market == name]
        if mine:
            settle(world, mine, clear(market, mine), paid)
    take_fees(world, forced, paid)
    unfilled = {o.account.name for o in forced if abs(o.filled) < abs(o.quantity) * (1.0 - 1e-12)} | left
    changed = any(order.filled != 0.0 for order in orders)
    changed = run_layers(world, unfilled) or changed
    changed = write_off(world) or changed
    observe(world)
    return changed


def settle(world: World, orders: list[Order], price: float, paid: dict[str, float]) -> None:
    """Book the fills of one market's auction; ``paid`` adds up each account's filled notional."""
    for order in orders:
        if order.filled == 0.0:
            continue
        account, name = order.account, order.market
        pool = world.pools[account.pool]
        account.close(name, order.filled, price)
        take_fill(world, pool, name, order.filled, price)
        mark = world.marks[name]
        if order.voluntary:
            pool.add("reduced_notional", abs(order.filled) * mark)
            continue
        account.liquidated = True
        pool.add("liquidated_notional", abs(order.filled) * mark)
        pool.add("book_fills", abs(order.filled) * price)
        pool.add("vwap_gap", order.filled * (price - mark))
        paid[account.name] = paid.get(account.name, 0.0) + abs(order.filled) * price
        if order.bankrupt is not None:
            short = order.filled * (price - order.bankrupt)
            account.short += short if short > 1e-9 * (abs(order.filled) * mark + 1.0) else 0.0


def take_fees(world: World, orders: list[Order], paid: dict[str, float]) -> None:
    """Once per account and round, not more than its equity; a share to the pool's first fund."""
    for name, notional in paid.items():
        account = world.accounts[name]
        pool = world.pools[account.pool]
        rule = pool.rules.get("fee", {})
        fee = min(float(rule.get("rate", 0.0)) * notional, max(0.0, equity(world, account)))
        fund = next((b for b in (layer.balance for layer in pool.layers) if b is not None and not b.treasury), None)
        to_fund = fee * float(rule.get("fund_share", 1.0)) if fund is not None else 0.0
        account.cash -= fee
        if fund is not None:
            fund.cash += to_fund
        for word, amount in {"fees": fee, "fees_fund": to_fund, "fees_liquidator": fee - to_fund}.items():
            pool.add(word, amount)
        pool.add("fees_out", fee - to_fund)


def run_layers(world: World, unfilled: set[str]) -> bool:
    """All layers, then those once more that pay debts even while stopped."""
    layers = [layer for pool in world.pools.values() for layer in pool.layers]
    sparing = [layer for layer in layers if layer.balance and (layer.balance.rules.get("stop") or {}).get("debts")]
    changed = in_turn(world, layers, unfilled)
    return in_turn(world, sparing, unfilled, last=True) or changed


def in_turn(world: World, layers: list[Layer], unfilled: set[str], last: bool = False) -> bool:
    """Layers by their index; a shared fund acts once for the pools that list it at the same index."""
    changed, done = False, set[tuple[int, str]]()
    for layer in sorted(layers, key=lambda layer: layer.place):
        if layer.kind == "adl":
            changed = deleverage(world, layer, unfilled) or changed
        elif layer.kind == "socialise":
            changed = socialise(world, layer) or changed
        else:
            if layer.rules.get("guarantees_fills"):
                changed = pay_fills(world, layer, unfilled) or changed
            if layer.kind == "liquidity_pool":
                changed = cap_profits(world, layer) or changed
            together = together_with(layer, layers)
            key = (layer.place, together[0].pool)
            if key not in done:
                done.add(key)
                changed = act(world, together, unfilled, last) or changed
    return changed


def together_with(layer: Layer, layers: list[Layer]) -> list[Layer]:
    """The same balance at the same place of other pools' lists, and the layer itself."""
    return [other for other in layers if other.balance is layer.balance and other.place == layer.place]


def write_off(world: World) -> bool:
    """What is left of flat accounts in debt after the last layer is the pool's residual.

    Reading: a flat account in breach that has no equity left, within rounding of its collateral, gives that up.
    """
    changed = False
    for account in world.accounts.values():
        spent = equity(world, account) <= 1e-9 * (world.worth(account.b) + 1.0)
        if account.flat() and account.since is not None and spent:
            changed = any(account.b.values()) or changed
            seize(world, account)
        if account.since is not None and account.flat() and insolvent(world, account):
            world.pools[account.pool].add("residual", -account.cash)
            world.pools[account.pool].add("bad_debt", -account.cash)
            account.shares["written_off"] -= account.cash
            account.cash = 0.0
            changed = True
    return changed


def unwind(world: World) -> None:
    """Layers reduce their inventories, one auction per market."""
    sent = {name: unwinding(world, balance) for name, balance in world.balances.items()}
    for name, market in world.markets.items():
        fills = {who: quantities[name] for who, quantities in sent.items() if quantities.get(name)}
        if not fills:
            continue
        price = fill_book(market, sum(fills.values()))
        for who, dq in fills.items():
            world.balances[who].close(name, dq, price)
            world.outside[ledger_of(world, world.balances[who])][name] -= dq


def hedge(world: World, balance: Balance, name: str) -> None:
    """Trade a layer's hedge in one market towards minus a share of its inventory, at the fundamental price.

    Readings: a gap within the band is left while there is inventory; the delay runs from the first step at which a gap
    is seen, and until the gap is closed the trades go on at the pace.
    """
    rule = balance.rules.get("hedge")
    if rule is None:
        return
    price, held = world.markets[name].fundamental, balance.q.get(name, 0.0)
    gap = -float(rule["ratio"]) * held - balance.hedge.get(name, 0.0)
    if gap == 0.0 or (held != 0.0 and abs(gap) * price <= float(rule.get("band", 0.0))):
        balance.gap_since.pop(name, None)
        return
    since = balance.gap_since.setdefault(name, world.step)
    if world.step < since + steps(float(rule.get("delay", 0.0)), world.dt):
        return
    most = float(rule.get("pace") or math.inf) * world.dt / 60.0 / price
    units = math.copysign(min(abs(gap), most), gap)
    balance.hedge[name] = balance.hedge.get(name, 0.0) + units
    if units == gap:
        balance.hedge[name] = -float(rule["ratio"]) * held
        del balance.gap_since[name]
    paid = units * price + abs(units) * price * float(rule.get("cost", 0.0))
    balance.cash -= paid
    balance.hedge_result -= paid
    balance.hedge_notional += abs(units) * price
    world.outside[ledger_of(world, balance)][name] -= units


def ledger_of(world: World, balance: Balance) -> str:
    """Whose outside traders a balance trades with: its pool's, or its own for a shared fund."""
    if balance.name in world.outside:
        return balance.name
    return next(pool.name for pool in world.pools.values() if holds(pool, balance))


def holds(pool: Pool, balance: Balance) -> bool:
    return any(layer.balance is balance for layer in pool.layers)


def observe(world: World) -> None:
    """Equity of every balance now: the lowest, the largest fall, and when it first was at or under its floor.

    Readings: a balance that starts at its floor is not depleted; being under the floor is seen from the first check on.
    """
    for balance in world.balances.values():
        value, slack = equity(world, balance), dust(world, balance)
        balance.seen.append((world.step, value))
        balance.low = min(balance.low, value)
        if balance.initial - value > balance.fall:
            balance.fall, balance.fall_step = balance.initial - value, world.step
        if balance.unlimited or balance.treasury or world.step == 0:
            continue
        if value < balance.floor - slack and balance.first_under is None:
            balance.first_under = world.step
        if value <= balance.floor + slack and balance.initial > balance.floor and balance.depletion_step is None:
            balance.depletion_step = world.step
