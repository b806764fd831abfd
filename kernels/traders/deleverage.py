"""``deleverage``: the owner reduces positions after a margin call."""

from __future__ import annotations

import math

from ..auction import NO_FILL
from ..jit import part
from ..margin import equity, haircuts
from ..orders import append
from ..records import Records
from ..sizes import to_target
from ..state import Accounts, Orders
from ..structs import Venue
from . import DELEVERAGE
from .calls import is_due


@part
def reduces(venue: Venue, accounts: Accounts, i: int, step: int) -> bool:
    """Whether the owner of account i sends orders now."""
    call = accounts.calls[i]
    delay = venue.pools[venue.book.accounts[i].pool].deleverage_delay
    return call.answers & DELEVERAGE != 0 and is_due(call.since, call.reduced, delay, step)


@part
def _send(venue: Venue, accounts: Accounts, now: Records, orders: Orders, i: int, count: int) -> int:
    """Append the market orders that bring account i to the target, fills assumed at the mark.

    A share that is rounding is none: cash that has just arrived may have brought the account there.
    """
    book, markets = venue.book, venue.markets
    target = venue.pools[book.accounts[i].pool].call_target
    counted = equity(book, accounts, now, i) - haircuts(book, markets, accounts, now, i)
    share = to_target.share(book, markets, accounts, now, i, counted, target)
    if share < NO_FILL:
        return count
    for j in range(book.accounts[i].first, book.accounts[i].last):
        quantity, m = accounts.positions[j].quantity, book.positions[j].market
        if share * abs(quantity) >= NO_FILL:
            limit = -math.inf if quantity > 0.0 else math.inf
            count = append(orders, count, i, j, m, -share * quantity, limit)
            orders.each[count - 1].voluntary = 1
    return count


@part
def send_reductions(
    venue: Venue, accounts: Accounts, now: Records, orders: Orders, reducing: int, count: int, step: int
) -> None:
    """Orders of the first ``reducing`` accounts of ``accounts.reducing``, behind the ``count`` forced ones."""
    for r in range(reducing):
        i = accounts.reducing[r]
        accounts.calls[i].reduced = step
        count = _send(venue, accounts, now, orders, i, count)
