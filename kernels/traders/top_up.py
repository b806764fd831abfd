"""``top_up``: the owner adds cash after a margin call."""

from __future__ import annotations

from ..jit import part
from ..margin import equity, haircuts, maintenance
from ..results import POOL_COLUMNS
from ..state import TOPPED_UP, State
from ..structs import Venue
from ..watch import touch
from . import TOP_UP
from .calls import is_due

CASH = POOL_COLUMNS.index("topped_up")


@part
def top_up(venue: Venue, state: State, i: int, step: int) -> None:
    """Lift the equity of account i to the target, as far as the owner's reserve goes; nobody pays a debt."""
    book, markets, accounts, now = venue.book, venue.markets, state.accounts, state.market
    call, p = accounts.calls[i], book.accounts[i].pool
    if call.answers & TOP_UP == 0 or not is_due(call.since, call.added, venue.pools[p].top_up_delay, step):
        return
    value = equity(book, accounts, now, i)
    if value <= 0.0:
        return
    target = venue.pools[p].call_target * maintenance(book, markets, accounts, now, i)
    cash = min(target - (value - haircuts(book, markets, accounts, now, i)), call.reserve)
    touch(state.watch, i)
    accounts.each[i].cash += cash
    accounts.each[i].events |= TOPPED_UP
    state.ledger.out[p, CASH] += cash
    call.added = step
    call.reserve -= cash
    if call.reserve <= 0.0:
        call.answers -= TOP_UP
