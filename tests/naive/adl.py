"""Section 6: auto-deleveraging."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.naive.circle import ahead, start
from tests.naive.layers import under_floor, waterfill
from tests.naive.ledger import NOTHING, Account, Balance, Holder, Layer, Pool, World
from tests.naive.margin import bankruptcy_price, dust, equity, insolvent, maintenance, margin_share

Prices = dict[str, dict[str, float]]


@dataclass
class Winner:
    """An account on the other side: its rank, the quantity it can give, and what it gives."""

    account: Account
    score: float
    most: float
    given: float = 0.0


def deleverage(world: World, layer: Layer, unfilled: set[str]) -> bool:
    """Close the pool's insolvent accounts, and its layers under their floor, against the other side.

    Readings: who is closed, and at which prices, is decided before the first market's batch; whoever has become
    insolvent by orders of its own is seen in the next round.
    """
    pool = world.pools[layer.pool]
    closed: list[Holder] = [
        a
        for a in world.of_pool(pool.name)
        if a.since is not None
        and insolvent(world, a)
        and not a.flat()
        and (layer.rules.get("when") != "unfilled" or a.name in unfilled)
    ]
    closed += closable_balances(world, pool, layer.place)
    prices: Prices = {}
    for holder in closed:
        prices[holder.name] = {m: closing_price(world, layer, holder, m) for m, q in holder.q.items() if q != 0.0}
    acted = False
    for market in world.markets:
        for side in (1.0, -1.0):
            acted = batch(world, layer, market, side, closed, prices) or acted
    return acted


def closable_balances(world: World, pool: Pool, before: int) -> list[Balance]:
    """Reading: as debts go down the list, ADL closes the layers that stand before it."""
    return [
        layer.balance
        for layer in pool.layers
        if layer.balance is not None
        and layer.place < before
        and layer.balance.adl_below_floor
        and not layer.balance.flat()
        and under_floor(world, layer.balance)
    ]


def closing_price(world: World, layer: Layer, holder: Holder, market: str) -> float:
    """What the closed side gets: the previous mark never leaves the closed account above zero."""
    mark, long = world.marks[market], holder.q[market] > 0.0
    if isinstance(holder, Balance):
        return bankruptcy_price(world, holder, market) if equity(world, holder) < 0.0 else mark
    rule = layer.rules.get("price", "bankruptcy")
    if rule == "mark":
        return mark
    zero = bankruptcy_price(world, holder, market)
    if rule == "bankruptcy":
        return mark if abs(zero - mark) > float(layer.rules.get("within") or math.inf) * mark else zero
    before = world.previous_marks[market]
    return min(before, zero) if long else max(before, zero)


def batch(world: World, layer: Layer, market: str, side: float, closed: list[Holder], prices: Prices) -> bool:
    """One market and side: all closed in the same proportion, winners filled in rank order at the mean price."""
    losers = [holder for holder in closed if holder.q.get(market, 0.0) * side > 0.0]
    needed = sum(abs(holder.q[market]) for holder in losers)
    if needed < NOTHING:
        return False
    mean = sum(abs(holder.q[market]) * prices[holder.name][market] for holder in losers) / needed
    winners = find_winners(world, layer, market, side, mean, {holder.name for holder in closed})
    fill_in_order(winners, needed, str(layer.rules["rank"]).startswith("pro_rata"))
    given = sum(winner.given for winner in winners)
    if given < NOTHING:
        return False
    pool = world.pools[layer.pool]
    for holder in losers:
        share = 1.0 if given >= needed * (1.0 - 1e-15) else given / needed
        close_loser(world, pool, holder, market, share, prices[holder.name][market])
    for winner in winners:
        if winner.given > 0.0:
            winner.account.close(market, side * winner.given, mean)
            realised = -side * winner.given * (mean - winner.account.entry[market])
            winner.account.realised[market] = winner.account.realised.get(market, 0.0) + realised
            winner.account.deleveraged = True
            winner.account.shares["deleveraged"] += winner.given * world.marks[market]
            haircut = (world.marks[market] - mean) * -side * winner.given
            if abs(haircut) > 1e-9 * (winner.given * world.marks[market] + 1.0):
                winner.account.shares["haircut"] += haircut
    pool.add("adl_notional", given * world.marks[market])
    pool.add("adl_haircut", (world.marks[market] - mean) * -side * given)
    return True


def close_loser(world: World, pool: Pool, holder: Holder, market: str, share: float, price: float) -> None:
    """Close a share of a position; the rise of an account from below zero is bad debt borne in ADL."""
    before = equity(world, holder)
    holder.close(market, -share * holder.q[market], price)
    rise = min(0.0, equity(world, holder)) - min(0.0, before)
    if isinstance(holder, Account) and rise > 0.0:
        pool.add("bad_debt", rise)
        pool.add("adl_paid", rise)
        holder.shares["adl"] += rise


def find_winners(world: World, layer: Layer, market: str, side: float, price: float, closed: set[str]) -> list[Winner]:
    """Accounts of the pool with the opposite position and equity, and how much they can give without losing it all.

    Reading: capped, a position may lose the profit it has and what ADL has realised of it before, from then on too.
    """
    winners = []
    loss = (price - world.marks[market]) * side
    rule = str(layer.rules["rank"])
    begin = start(world.seed, 0, world.step, list(world.markets).index(market), side > 0.0)
    for account in world.of_pool(layer.pool):
        q, value = account.q.get(market, 0.0), equity(world, account)
        if q * side >= 0.0 or value <= dust(world, account) or account.name in closed:
            continue
        score = rank(world, rule, account, market)
        if rule == "random":
            score = -ahead(account.name, begin)
        if score is None:
            continue
        most = min(abs(q), value / loss) if loss > 0.0 else abs(q)
        if rule == "pro_rata_capped" and loss > 0.0:
            profit = q * (world.marks[market] - account.entry[market]) + account.realised.get(market, 0.0)
            most = min(most, max(0.0, profit) / loss)
        winners.append(Winner(account, score, most))
    return winners


def rank(world: World, rule: str, account: Account, market: str) -> float | None:
    """Score, highest first; None for who is skipped."""
    mark, entry, q = world.marks[market], account.entry[market], account.q[market]
    value, notional = equity(world, account), abs(q) * mark
    if rule == "pro_rata_contracts":
        return abs(q)
    if rule in ("profit", "pro_rata_profit", "pro_rata_capped"):
        profit = q * (mark - entry)
        return profit if profit > 0.0 else None
    if rule == "bitmex":
        part = value * margin_share(world, account, market)
        leverage = notional / part if part > 0.0 else math.inf
        gain = (mark - entry) / entry * (1.0 if q > 0.0 else -1.0)
        return gain * leverage if gain >= 0.0 else gain / leverage
    if rule == "binance":
        profit = sum(q * (world.marks[m] - account.entry[m]) for m, q in account.q.items())
        return max(0.0, profit) / max(1.0, value - profit) * maintenance(world, account) / value
    return (mark / entry if q > 0.0 else entry / mark) * notional / value


def fill_in_order(winners: list[Winner], needed: float, pro_rata: bool) -> None:
    """Give what is needed: by rank, those of equal rank by what they can give; or all in proportion to the score."""
    if pro_rata:
        weights = {winner.account.name: winner.score for winner in winners}
        given = waterfill(weights, {winner.account.name: winner.most for winner in winners}, needed)
        for winner in winners:
            winner.given = given[winner.account.name]
        return
    left = needed
    for score in sorted({winner.score for winner in winners}, reverse=True):
        tied = [winner for winner in winners if winner.score == score]
        can = sum(winner.most for winner in tied)
        for winner in tied:
            winner.given = winner.most if can <= left else winner.most * left / can
        left = max(0.0, left - can)
