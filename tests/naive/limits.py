"""Section 6: what bounds a fund or vault besides its floor: the stop rule, caps on inventory, the equity cap."""

from __future__ import annotations

import math

from tests.naive.ledger import Account, Balance, World
from tests.naive.margin import dust, equity

ROUNDING = 1e-12


def stopped(world: World, balance: Balance) -> bool:
    """Whether equity is more than the drop under its highest observation within the window; `exact`: no less than it.

    Readings: a drop of at most 1 is a share of the highest, a larger one money; the window is in whole checks, rounded
    up, and has this check in it; equity of now counts as an observation.
    """
    rule = balance.rules.get("stop")
    if not rule or balance.unlimited:
        return False
    gap = equity(world, balance) - stop_level(world, balance)
    return gap <= dust(world, balance) if rule.get("exact") else gap < -dust(world, balance)


def stop_level(world: World, balance: Balance) -> float:
    """Equity at which the stop rule acts."""
    rule, now = balance.rules["stop"], equity(world, balance)
    since = world.step - math.ceil(rule["window"] / world.dt)
    high = max([now, *(value for step, value in balance.seen if step >= since)])
    drop = float(rule["drop"])
    return high - (drop * max(0.0, high) if drop <= 1.0 else drop)


def room(world: World, balance: Balance, last: bool) -> float:
    """Equity over the floor that stands behind the deficits of a round; an exact stop rule's level is a floor too."""
    if balance.unlimited:
        return math.inf
    cap = balance.rules.get("equity_cap") or math.inf
    left = max(0.0, min(equity(world, balance), float(cap)) - balance.floor)
    if (balance.rules.get("stop") or {}).get("exact") and not last:
        return min(left, equity(world, balance) - stop_level(world, balance))
    return left


def fitting(world: World, balance: Balance, accounts: list[Account]) -> dict[str, float]:
    """Share of each account that the caps on inventory leave room for.

    Readings: accounts with equity and those in debt are two batches. In each market all of a batch is netted, and what
    of it fits is the same share of everybody in it; who is in several full markets is taken by the least share. Where
    that leaves others without the opposite side they were netted with, all in capped markets are cut by one factor
    more.
    """
    shares = {account.name: 1.0 for account in accounts}
    caps: dict[str, float] = balance.rules.get("cap") or {}
    if balance.unlimited:
        return shares
    for market in caps:
        fits = _share_that_fits(world, balance, market, sum(account.q.get(market, 0.0) for account in accounts))
        for account in accounts:
            if account.q.get(market, 0.0) != 0.0:
                shares[account.name] = min(shares[account.name], fits)
    if all(share == 1.0 for share in shares.values()):
        return shares
    rest = 1.0
    for market in caps:
        added = sum(shares[account.name] * account.q.get(market, 0.0) for account in accounts)
        rest = min(rest, _share_that_fits(world, balance, market, added))
    for account in accounts:
        if any(account.q.get(market, 0.0) != 0.0 for market in caps):
            shares[account.name] *= rest
    return shares


def _share_that_fits(world: World, balance: Balance, market: str, added: float) -> float:
    """Largest share of ``added`` units after which the cap holds; inventory over the cap may not grow."""
    held = balance.q.get(market, 0.0)
    most = max(abs(held), float(balance.rules["cap"][market]) / world.marks[market])
    if abs(held + added) <= most * (1.0 + ROUNDING):
        return 1.0
    side = math.copysign(1.0, added)
    return max(0.0, (most - side * held) / abs(added))
