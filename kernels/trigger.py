"""The trigger search: which accounts are in breach at the marks of now.

A long position can only be hurt by a falling mark and a short one by a rising
mark, as long as maintenance rates are at most 1. An account whose equity exceeds
its maintenance by ``slack`` is therefore safe until some market has moved
against it by the relative distance ``slack / slope``, where ``slope`` is the
most that all its positions together can lose per unit of relative move. Until
then :mod:`stress.kernels.watch` keeps it out of sight. The result is exactly
that of a full scan.
"""

from __future__ import annotations

from .jit import part
from .margin import dust, position_maintenance
from .records import Records
from .state import BREACHED, NEVER, Accounts
from .structs import Book, Ints, Markets, Venue
from .watch import FALL, Watch, cross, key_at, mark_looked, pend, touch, wait

ROUNDING = 1e-9
"""Share of a distance given away to rounding; sums of equity are good to 1e-15 of gross notional."""


@part
def _steepest(markets: Markets, now: Records, m: int) -> float:
    """Highest rate that maintenance in market m can rise at."""
    return now[m].factor * markets.tiers[markets.each[m].tier_last - 1].rate


@part
def judge(book: Book, markets: Markets, accounts: Accounts, now: Records, i: int) -> tuple[float, float, float]:
    """Slack, slope and gross notional of account i, in one pass over its positions.

    Collateral acts as a long position: its haircut is the equity that a maintenance rate would ask for.
    """
    slack, slope, gross = accounts.each[i].cash, 0.0, 0.0
    for j in range(book.accounts[i].first, book.accounts[i].last):
        quantity = accounts.positions[j].quantity
        if quantity == 0.0:
            continue
        m = book.positions[j].market
        notional = abs(quantity) * now[m].mark
        slack += quantity * now[m].worth - position_maintenance(markets, now, m, quantity)
        steepest = _steepest(markets, now, m)
        slope += notional * (max(1.0, steepest) if quantity > 0.0 else 1.0 + steepest)
        gross += notional
    for j in range(book.accounts[i].last, book.accounts[i].end):
        m = book.positions[j].market
        counted = (1.0 - markets.each[m].haircut) * accounts.positions[j].quantity * now[m].mark
        slack += counted
        slope += counted
    return slack, slope, gross


@part
def is_hurt_by(markets: Markets, now: Records, m: int, quantity: float, direction: int) -> bool:
    """Whether a move of market m in ``direction`` can hurt.

    A dynamic factor can lift the rate of a tier over 1; then a rising mark hurts a long position too.
    """
    if direction == FALL:
        return quantity > 0.0
    return quantity < 0.0 or (quantity > 0.0 and _steepest(markets, now, m) > 1.0)


@part
def _note_breach(watch: Watch, accounts: Accounts, i: int, step: int, cooldown: int) -> None:
    """Start the clock of an account that was not in breach; an old slice is forgotten once its cooldown is over."""
    account = accounts.each[i]
    if account.since != NEVER:
        return
    touch(watch, i)
    account.since = step
    account.events |= BREACHED
    if account.sliced != NEVER and step - account.sliced >= cooldown:
        account.sliced = NEVER


@part
def _release(venue: Venue, watch: Watch, accounts: Accounts, now: Records, i: int, distance: float) -> None:
    """Let account i wait in every market and direction that can hurt it."""
    book, before = venue.book, mark_looked(watch, i)
    for j in range(book.accounts[i].first, book.accounts[i].end):
        m, quantity = book.positions[j].market, accounts.positions[j].quantity
        for direction in range(2):
            hurt = is_hurt_by(venue.markets, now, m, quantity, direction)
            wait(watch, 2 * m + direction, j, hurt, before, key_at(watch, 2 * m + direction, now[m].mark, distance))


@part
def _sort(accounts: Ints, count: int) -> None:
    """Sort the first accounts of a list by number: a shell sort, quick on a list that is nearly sorted."""
    gap = 1
    while gap < count // 9:
        gap = 3 * gap + 1
    while gap > 0:
        for n in range(gap, count):
            moved, at = accounts[n], n
            while at >= gap and accounts[at - gap] > moved:
                accounts[at] = accounts[at - gap]
                at -= gap
            accounts[at] = moved
        gap //= 3


@part
def find_breaches(venue: Venue, accounts: Accounts, now: Records, watch: Watch, step: int) -> int:
    """Fill ``accounts.breach`` with the accounts in breach, in storage order, and return how many.

    Starts the clock of an account first seen in breach and stops that of one
    seen out of it. Who is in breach stays pending.
    """
    book, found = venue.book, 0
    cross(watch, book.positions, now)
    if watch.counts[0].everybody == 1:
        watch.counts[0].everybody = 0
        for i in range(accounts.each.size):
            pend(watch, i)
    pending = watch.counts[0].pending
    watch.counts[0].pending = 0
    for n in range(pending):
        i = watch.pending[n]
        watch.each[i].pending = 0
        slack, slope, gross = judge(book, venue.markets, accounts, now, i)
        if slack < -dust(gross):
            _note_breach(watch, accounts, i, step, venue.pools[book.accounts[i].pool].size_cooldown)
            accounts.breach[found] = i
            found += 1
            pend(watch, i)
            continue
        if accounts.each[i].since != NEVER:
            accounts.each[i].since = NEVER
        distance = slack / slope * (1.0 - ROUNDING) if slope > 0.0 else 0.0
        _release(venue, watch, accounts, now, i, distance)
    _sort(accounts.breach, found)
    return found
