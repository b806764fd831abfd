"""The trigger search: which accounts are in breach at the marks of now.

A long position can only be hurt by a falling mark and a short one by a rising
mark, as long as maintenance rates are at most 1. An account whose equity exceeds
its maintenance by ``slack`` is therefore safe until some market has moved
against it by the relative distance ``slack / slope``, where ``slope`` is the
most that all its positions together can lose per unit of relative move. Until
then :mod:`stress.kernels.watch` keeps it out of sight. The result is exactly
that of a full scan. Where an owner may answer margin calls, the distance is that
to the call.
"""

from __future__ import annotations

import numpy as np

from .jit import part
from .margin import dust, position_maintenance
from .records import Records
from .state import BREACHED, NEVER, Accounts, State
from .structs import Book, Ints, Markets, Venue
from .traders.calls import end_call, note_call, watched_level
from .traders.deleverage import reduces
from .traders.top_up import top_up
from .watch import FALL, Watch, cross, key_at, mark_looked, pend, touch, wait

SAFE, REDUCES, BREACH = 0, 1, 2
"""What a look at an account finds; REDUCES: it is safe, and its owner sends orders."""

ROUNDING = 1e-9
"""Share of a distance given away to rounding; sums of equity are good to 1e-15 of gross notional."""


@part
def _steepest(markets: Markets, now: Records, m: int, level: float) -> float:
    """Highest rate that ``level`` times maintenance in market m can rise at."""
    return level * now[m].factor * markets.tiers[markets.each[m].tier_last - 1].rate


@part
def judge(
    book: Book, markets: Markets, accounts: Accounts, now: Records, i: int, level: float
) -> tuple[float, float, float]:
    """Slack over ``level`` times maintenance, slope and gross notional of account i, in one pass over its positions.

    Collateral acts as a long position: its haircut is the equity that a maintenance rate would ask for.
    """
    slack, slope, gross = accounts.each[i].cash, 0.0, 0.0
    for j in range(book.accounts[i].first, book.accounts[i].last):
        quantity = accounts.positions[j].quantity
        if quantity == 0.0:
            continue
        m = book.positions[j].market
        notional = abs(quantity) * now[m].mark
        slack += quantity * now[m].worth - level * position_maintenance(markets, now, m, quantity)
        steepest = _steepest(markets, now, m, level)
        slope += notional * (max(1.0, steepest) if quantity > 0.0 else 1.0 + steepest)
        gross += notional
    for j in range(book.accounts[i].last, book.accounts[i].end):
        m = book.positions[j].market
        counted = (1.0 - markets.each[m].haircut) * accounts.positions[j].quantity * now[m].mark
        slack += counted
        slope += counted
    return slack, slope, gross


@part
def is_hurt_by(markets: Markets, now: Records, m: int, quantity: float, direction: int, level: float) -> bool:
    """Whether a move of market m in ``direction`` can hurt.

    A dynamic factor, or the level of margin calls, can lift the rate of a tier over 1; then a rising mark hurts a
    long position too.
    """
    if direction == FALL:
        return quantity > 0.0
    return quantity < 0.0 or (quantity > 0.0 and _steepest(markets, now, m, level) > 1.0)


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
def _release(
    venue: Venue, watch: Watch, accounts: Accounts, now: Records, i: int, distance: float, level: float
) -> None:
    """Let account i wait in every market and direction that can hurt it."""
    book, before = venue.book, mark_looked(watch, i)
    for j in range(book.accounts[i].first, book.accounts[i].end):
        m, quantity = book.positions[j].market, accounts.positions[j].quantity
        for direction in range(2):
            hurt = is_hurt_by(venue.markets, now, m, quantity, direction, level)
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
def _call(venue: Venue, state: State, i: int, step: int) -> bool:
    """Call the owner of account i, who may add cash at once; whether orders are due too."""
    note_call(state.accounts, i, step)
    top_up(venue, state, i, step)
    return reduces(venue, state.accounts, i, step)


@part
def _look(venue: Venue, state: State, i: int, step: int) -> int:
    """Look at account i: SAFE, REDUCES or BREACH.

    Calls come first: cash that arrives now saves the account. Who has been
    called or is in breach stays pending, all others wait.
    """
    book, accounts, now, watch = venue.book, state.accounts, state.market, state.watch
    level, called, sends = watched_level(venue, state, i), False, False
    slack, slope, gross = judge(book, venue.markets, accounts, now, i, level)
    if level > 1.0:
        called = slack < -dust(gross)
        if called:
            sends = _call(venue, state, i, step)
            slack, slope, gross = judge(book, venue.markets, accounts, now, i, 1.0)
        else:
            end_call(accounts, i)
    if slack < -dust(gross):
        _note_breach(watch, accounts, i, step, venue.pools[book.accounts[i].pool].size_cooldown)
        pend(watch, i)
        return BREACH
    if accounts.each[i].since != NEVER:
        accounts.each[i].since = NEVER
    if called:
        pend(watch, i)
        return REDUCES if sends else SAFE
    distance = slack / slope * (1.0 - ROUNDING) if slope > 0.0 else 0.0
    _release(venue, watch, accounts, now, i, distance, level)
    return SAFE


@part
def find_breaches(venue: Venue, state: State, step: int) -> tuple[int, int]:
    """Fill ``accounts.breach`` and ``accounts.reducing`` in storage order; how many there are of either.

    They are the accounts in breach, and those out of it whose owners send orders after a margin call. Starts the clock
    of an account first seen in breach and stops that of one seen out of it.
    """
    accounts, watch = state.accounts, state.watch
    found = reducing = int(np.int64(0))  # a literal 0 would have `_sort` compiled twice
    cross(watch, venue.book.positions, state.market)
    if watch.counts[0].everybody == 1:
        watch.counts[0].everybody = 0
        for i in range(accounts.each.size):
            pend(watch, i)
    pending = watch.counts[0].pending
    watch.counts[0].pending = 0
    for n in range(pending):
        i = watch.pending[n]
        watch.each[i].pending = 0
        seen = _look(venue, state, i, step)
        if seen == BREACH:
            accounts.breach[found] = i
            found += 1
        elif seen == REDUCES:
            accounts.reducing[reducing] = i
            reducing += 1
    _sort(accounts.breach, found)
    _sort(accounts.reducing, reducing)
    return found, reducing
