"""Section 6: a treasury sells a token to pay the debts it has borne.

The text leaves the rule open; this follows docs/scenario-file.md: the treasury bears cash debts as far as its tokens
cover them at the lowest price at which it would sell now, and at the end of each check sells the least that pays them.
"""

from __future__ import annotations

import math

from tests.naive.auction import ConstantProduct, book_of, push
from tests.naive.ledger import Balance, World
from tests.naive.margin import dust, equity
from tests.naive.market import Market


def lowest_price(balance: Balance, price: float) -> float:
    """What a token must bring when it is worth ``price``."""
    return max(float(balance.rules.get("floor_price", 0.0)), (1.0 - float(balance.rules.get("discount", 0.2))) * price)


def cover(world: World, balance: Balance) -> float:
    """Debt that the treasury can still bear."""
    mark = world.marks[balance.rules["token"]]
    if mark < float(balance.rules.get("floor_price", 0.0)):
        return 0.0
    return max(0.0, balance.tokens * lowest_price(balance, mark) + equity(world, balance))


def raise_cash(world: World, balance: Balance) -> None:
    """Reading: the delay runs from the first check that ends in debt; what is borne while sales go on joins them."""
    owed = -equity(world, balance)
    if owed <= dust(world, balance):
        balance.owing_since = None
        return
    if balance.owing_since is None:
        balance.owing_since = world.step
    if world.step < balance.owing_since + math.ceil(float(balance.rules.get("delay", 0.0)) / world.dt):
        return
    market = world.markets[balance.rules["token"]]
    units = tokens_for(market, owed, most_tokens(world, balance, market))
    if units <= 1e-12 * float(balance.rules["units"]):
        return
    price = book_of(market).vwap(-units)
    push(market, -units)
    balance.cash += units * price
    balance.tokens -= units
    balance.raised += units * price
    balance.tokens_sold += units
    balance.token_low = price if balance.token_low is None else min(price, balance.token_low)
    pool = next(p for p in world.pools.values() if any(layer.balance is balance for layer in p.layers))
    world.outside[pool.name][market.name] += units


def most_tokens(world: World, balance: Balance, market: Market) -> float:
    """Until the book is at the lowest price, or has fallen by a factor e; by the rate; and what is left."""
    lowest = max(lowest_price(balance, market.fundamental), market.price / math.e)
    if market.price <= lowest:
        return 0.0
    share = float(balance.rules.get("rate") or math.inf) * world.dt / 60.0
    return min(balance.tokens, share * market.depth, units_down_to(market, lowest))


def units_down_to(market: Market, lowest: float) -> float:
    """How much brings the book's price down to ``lowest``."""
    if math.isinf(market.depth):
        return math.inf
    book, wanted = book_of(market), math.log(lowest / market.price)
    if isinstance(book, ConstantProduct):
        return book.depth * (math.exp(-0.5 * wanted) - 1.0)
    few, many = 0.0, market.depth
    while book.move(-many) > wanted:
        many *= 2.0
    while True:
        middle = 0.5 * (few + many)
        if middle in (few, many):
            return middle
        if book.move(-middle) > wanted:
            few = middle
        else:
            many = middle


def tokens_for(market: Market, owed: float, most: float) -> float:
    """The least that brings what is owed."""
    book = book_of(market)
    if most * book.vwap(-most) <= owed:
        return most
    few, many = 0.0, most
    while True:
        middle = 0.5 * (few + many)
        if middle in (few, many):
            return many
        if middle * book.vwap(-middle) < owed:
            few = middle
        else:
            many = middle
