"""What traders do by themselves: owners who answer margin calls, makers who withdraw from the book."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.naive.ledger import NOTHING, Account, Pool, World, steps
from tests.naive.margin import dust, equity, haircut_equity, in_breach, maintenance
from tests.naive.orders import Order, share_to_target

Json = dict[str, Any]
WORD = 2**32
CALLS = 6
"""Stream of who answers margin calls."""


def philox(counter: tuple[int, int, int, int], seed: int) -> tuple[int, int, int, int]:
    """Philox4x32-10 of Salmon and others (2011), in whole numbers."""
    a, b, c, d = counter
    k0, k1 = seed % WORD, seed // WORD
    for _ in range(10):
        left, right = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = right // WORD ^ b ^ k0, right % WORD, left // WORD ^ d ^ k1, left % WORD
        k0, k1 = (k0 + 0x9E3779B9) % WORD, (k1 + 0xBB67AE85) % WORD
    return a, b, c, d


def uniform(low: int, high: int) -> float:
    """Middle of one of 2^52 equal parts of (0, 1)."""
    return ((high * WORD + low) // 2**12 + 0.5) / 2.0**52


def draw_answers(seed: int, path: int, account: Account, rules: Json) -> None:
    """Whether the owner adds cash, and whether it reduces, when called on this path."""
    name = int.from_bytes(hashlib.blake2b(account.name.encode(), digest_size=6).digest())
    w = philox((path, name % WORD, name // WORD, CALLS), seed)
    top_up, deleverage = rules.get("top_up", {}), rules.get("deleverage", {})
    account.reserve = max(0.0, top_up.get("most", 0.0) * account.start)
    account.adds = uniform(w[0], w[1]) < top_up.get("probability", 0.0)
    account.reduces = uniform(w[2], w[3]) < deleverage.get("probability", 0.0)


def answer(world: World, pool: Pool, account: Account) -> list[Order]:
    """A margin call of this round: cash that arrives now, and the orders that the owner sends now.

    Readings: an owner who has no cash left and sends no orders is not called. The clock of a call starts when it is
    first seen and stops when the account is seen out of it; a further answer of the same kind comes a delay after the
    check that follows the last one.
    """
    rules = pool.rules.get("margin_calls")
    if not rules or not (account.reduces or (account.adds and account.reserve > 0.0)):
        return []
    if haircut_equity(world, account) >= rules["under"] * maintenance(world, account) - dust(world, account):
        account.called = None
        return []
    if account.called is None:
        account.called = world.step
    if account.adds and account.reserve > 0.0 and due(world, account, account.added, rules["top_up"]):
        add_cash(world, pool, account, rules["target"])
    if not (account.reduces and due(world, account, account.reduced, rules["deleverage"])):
        return []
    if in_breach(world, account):
        return []
    account.reduced = world.step
    share = share_to_target(world, account, rules["target"])
    if share < NOTHING:
        return []
    return [
        Order(account, m, -share * q, None, voluntary=True) for m, q in account.q.items() if abs(share * q) >= NOTHING
    ]


def due(world: World, account: Account, last: int | None, rule: Json) -> bool:
    assert account.called is not None
    since = account.called if last is None else max(account.called, last + 1)
    return world.step >= since + steps(rule.get("delay", 0.0), world.dt)


def add_cash(world: World, pool: Pool, account: Account, target: float) -> None:
    """From outside, as far as the reserve goes; nobody pays a debt."""
    if equity(world, account) <= 0.0:
        return
    cash = min(account.reserve, target * maintenance(world, account) - haircut_equity(world, account))
    account.cash += cash
    account.reserve -= cash
    account.added = world.step
    pool.add("topped_up", cash)


def makers_left(world: World, market: str) -> float:
    """Share of its depth that the makers of a market still quote, by their equity at the last observation."""
    rules = world.markets[market].rules.get("makers")
    if not rules:
        return 1.0
    makers = [account for account in world.accounts.values() if account.maker and market in account.entry]
    ratio = sum(max(0.0, equity(world, a)) for a in makers) / sum(max(0.0, a.start) for a in makers)
    return float(min(1.0, max(rules["floor"], ratio ** rules["elasticity"])))
