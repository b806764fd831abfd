"""The trigger search: which accounts are in breach at the marks of now.

Neighbouring accounts form blocks. A block keeps the marks at which its
accounts were last looked at and the largest relative price move from there
that cannot bring any of them into breach; until some market has moved that
far the whole block is passed over. The result is exactly that of a full scan.
"""

from __future__ import annotations

import math

import numpy as np

from .jit import part
from .margin import dust, equity, gross, maintenance
from .records import Records
from .state import BLOCK, BREACHED, NEVER, Accounts, Blocks
from .structs import Book, Markets, Venue

ROUNDING = 1e-9
"""Share of a radius given away to rounding; sums of equity are good to 1e-15 of gross notional."""


@part
def _steepest(book: Book, markets: Markets, accounts: Accounts, now: Records, i: int) -> float:
    """Most that equity less maintenance can lose per unit of relative price move in every market.

    Equity loses at most the gross notional, maintenance grows at most at the
    rate of the top tier.
    """
    total = 0.0
    for j in range(book.accounts[i].first, book.accounts[i].last):
        m = book.positions[j].market
        top = markets.tiers[markets.each[m].tier_last - 1].rate
        total += abs(accounts.positions[j].quantity) * now[m].mark * (1.0 + now[m].factor * top)
    return total


@part
def forget(blocks: Blocks) -> None:
    """Make every block look at its accounts again: after funding, a new margin factor, or on a new path."""
    for b in range(blocks.radius.size):
        blocks.radius[b] = -1.0


@part
def disturb(blocks: Blocks, i: int) -> None:
    """Make the block of account i look again: its cash or positions have changed."""
    blocks.radius[i // BLOCK] = -1.0


@part
def _moved_beyond(blocks: Blocks, now: Records, b: int) -> bool:
    radius = blocks.radius[b]
    if radius <= 0.0:
        return True
    for m in range(now.size):
        if abs(now[m].mark - blocks.anchor[b, m]) >= radius * blocks.anchor[b, m]:
            return True
    return False


@part
def _look(
    book: Book, markets: Markets, accounts: Accounts, now: Records, i: int, step: int, cooldown: int, found: int
) -> tuple[int, float]:
    """Judge account i; returns the number of breaches found so far and the account's own radius."""
    notional = gross(book, accounts, now, i)
    slack = equity(book, accounts, now, i) - maintenance(book, markets, accounts, now, i)
    if slack < -dust(notional):
        if accounts.each[i].since == NEVER:
            accounts.each[i].since = step
            accounts.each[i].events |= BREACHED
            if accounts.each[i].sliced != NEVER and step - accounts.each[i].sliced >= cooldown:
                accounts.each[i].sliced = NEVER
        accounts.breach[found] = i
        return found + 1, -1.0
    accounts.each[i].since = NEVER
    slope = _steepest(book, markets, accounts, now, i)
    return found, slack / slope if slope > 0.0 else math.inf


@part
def find_breaches(venue: Venue, accounts: Accounts, now: Records, blocks: Blocks, step: int) -> int:
    """Fill ``accounts.breach`` with the accounts in breach, in storage order, and return how many.

    Starts the clock of an account first seen in breach and stops that of one
    seen out of it.
    """
    book, markets = venue.book, venue.markets
    found = np.int64(0)  # a literal 0 would compile `_look` a second time
    n = accounts.each.size
    for b in range(blocks.radius.size):
        if not _moved_beyond(blocks, now, b):
            continue
        nearest = math.inf
        for i in range(b * BLOCK, min(n, (b + 1) * BLOCK)):
            cooldown = venue.pools[book.accounts[i].pool].size_cooldown
            found, radius = _look(book, markets, accounts, now, i, step, cooldown, found)
            nearest = min(nearest, radius)
        blocks.radius[b] = nearest * (1.0 - ROUNDING)
        for m in range(now.size):
            blocks.anchor[b, m] = now[m].mark
    return found
