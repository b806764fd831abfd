"""The trigger search: which accounts are in breach at the marks of now.

A long position can only be hurt by a falling mark and a short one by a rising
mark, as long as maintenance rates are at most 1. An account whose equity exceeds
its maintenance by ``slack`` is therefore safe until some market has moved
against it by the relative distance ``slack / slope``, where ``slope`` is the
most that all its positions together can lose per unit of relative move.

Neighbouring accounts form blocks. A block keeps the marks at which it was last
looked at and, per market and direction, the least of these distances over its
accounts; until a mark has moved that far the whole block is passed over. The
result is exactly that of a full scan.
"""

from __future__ import annotations

import math

from .jit import part
from .margin import dust, position_maintenance
from .records import Records
from .state import BLOCK, BREACHED, NEVER, Accounts, Blocks
from .structs import Book, Markets, Venue

ROUNDING = 1e-9
"""Share of a distance given away to rounding; sums of equity are good to 1e-15 of gross notional."""


@part
def forget(blocks: Blocks) -> None:
    """Make every block look at its accounts again: after funding, a new margin factor, or on a new path."""
    for b in range(blocks.stale.size):
        blocks.stale[b] = 1


@part
def disturb(blocks: Blocks, i: int) -> None:
    """Make the block of account i look again: its cash or positions have changed."""
    blocks.stale[i // BLOCK] = 1


@part
def _must_look(blocks: Blocks, now: Records, b: int) -> bool:
    """Whether some mark has left the range in which block b is known to be safe."""
    if blocks.stale[b] == 1:
        return True
    for m in range(now.size):
        mark = now[m].mark
        if mark <= blocks.low[b, m] or mark >= blocks.high[b, m]:
            return True
    return False


@part
def _judge(book: Book, markets: Markets, accounts: Accounts, now: Records, i: int) -> tuple[float, float, float]:
    """Slack, slope and gross notional of account i, in one pass over its positions."""
    slack, slope, gross = accounts.each[i].cash, 0.0, 0.0
    for j in range(book.accounts[i].first, book.accounts[i].last):
        quantity = accounts.positions[j].quantity
        if quantity == 0.0:
            continue
        m = book.positions[j].market
        notional = abs(quantity) * now[m].mark
        top = markets.tiers[markets.each[m].tier_last - 1].rate
        slack += quantity * now[m].worth - position_maintenance(markets, now, m, quantity)
        steepest = now[m].factor * top
        slope += notional * (max(1.0, steepest) if quantity > 0.0 else 1.0 + steepest)
        gross += notional
    return slack, slope, gross


@part
def _note_breach(accounts: Accounts, i: int, step: int, cooldown: int) -> None:
    """Start the clock of an account that was not in breach; an old slice is forgotten once its cooldown is over."""
    account = accounts.each[i]
    if account.since != NEVER:
        return
    account.since = step
    account.events |= BREACHED
    if account.sliced != NEVER and step - account.sliced >= cooldown:
        account.sliced = NEVER


@part
def _narrow(venue: Venue, accounts: Accounts, now: Records, blocks: Blocks, b: int, i: int, distance: float) -> None:
    """Narrow the safe range of block b to where account i is safe.

    A dynamic factor can lift the rate of a tier over 1; then a rising mark
    hurts a long position too.
    """
    book, markets = venue.book, venue.markets
    for j in range(book.accounts[i].first, book.accounts[i].last):
        m = book.positions[j].market
        quantity = accounts.positions[j].quantity
        top = now[m].factor * markets.tiers[markets.each[m].tier_last - 1].rate
        if quantity > 0.0:
            blocks.low[b, m] = max(blocks.low[b, m], now[m].mark * (1.0 - distance))
        if quantity < 0.0 or (quantity > 0.0 and top > 1.0):
            blocks.high[b, m] = min(blocks.high[b, m], now[m].mark * (1.0 + distance))


@part
def find_breaches(venue: Venue, accounts: Accounts, now: Records, blocks: Blocks, step: int) -> int:
    """Fill ``accounts.breach`` with the accounts in breach, in storage order, and return how many.

    Starts the clock of an account first seen in breach and stops that of one
    seen out of it. A block with an account in breach stays stale.
    """
    book, found, n = venue.book, 0, accounts.each.size
    for b in range(blocks.stale.size):
        if not _must_look(blocks, now, b):
            continue
        blocks.stale[b] = 0
        for m in range(now.size):
            blocks.low[b, m] = 0.0
            blocks.high[b, m] = math.inf
        for i in range(b * BLOCK, min(n, (b + 1) * BLOCK)):
            slack, slope, gross = _judge(book, venue.markets, accounts, now, i)
            if slack < -dust(gross):
                _note_breach(accounts, i, step, venue.pools[book.accounts[i].pool].size_cooldown)
                accounts.breach[found] = i
                found += 1
                blocks.stale[b] = 1
                continue
            accounts.each[i].since = NEVER
            if slope > 0.0:
                _narrow(venue, accounts, now, blocks, b, i, slack / slope * (1.0 - ROUNDING))
    return found
