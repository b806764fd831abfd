"""What no layer has paid: written off, reported, never dropped; and what becomes of the debtors' collateral."""

from __future__ import annotations

from ..jit import part
from ..margin import collateral, dust, equity, is_flat, is_insolvent
from ..owners import NOBODY, bear
from ..results import POOL_COLUMNS
from ..settle import trade
from ..state import State
from ..structs import Venue
from ..watch import disturb

COLLATERAL_SEIZED = POOL_COLUMNS.index("collateral_seized")


@part
def seize_collateral(venue: Venue, state: State, i: int) -> bool:
    """Sell the collateral of flat account i, which has no equity left, to outside traders at the mark; whether any.

    So a debt that others bear is a debt in cash: whose loss was paid does not
    keep an asset that may rise again. The sale moves no book; what it brought
    is reported, for a reader who doubts that it would.
    """
    book, accounts, now, ledger = venue.book, state.accounts, state.market, state.ledger
    p, sold = book.accounts[i].pool, False
    for j in range(book.accounts[i].last, book.accounts[i].end):
        m, units = book.positions[j].market, accounts.positions[j].quantity
        if units == 0.0:
            continue
        trade(accounts, now, j, i, m, -units, now[m].mark)
        ledger.each[p].outside_cash -= units * now[m].mark
        ledger.outside_quantity[p, m] += units
        ledger.out[p, COLLATERAL_SEIZED] += units * now[m].mark
        disturb(state.watch, i)
        sold = True
    return sold


@part
def _has_no_equity(venue: Venue, state: State, i: int) -> bool:
    """Whether flat account i has no equity: less than rounding of its collateral, from either side of zero."""
    value = equity(venue.book, state.accounts, state.market, i)
    return value <= dust(collateral(venue.book, state.accounts, state.market, i))


@part
def write_off(venue: Venue, state: State, breaches: int) -> bool:
    """Write off the deficits of flat accounts after the last layer, their collateral seized; whether any changed."""
    written = False
    for b in range(breaches):
        i = state.accounts.breach[b]
        if not is_flat(venue.book, state.accounts, i):
            continue
        if _has_no_equity(venue, state, i):
            written = seize_collateral(venue, state, i) or written
        if is_insolvent(venue.book, state.accounts, state.market, i):
            bear(venue, state, NOBODY, i, -state.accounts.each[i].cash)
            state.accounts.each[i].cash = 0.0
            disturb(state.watch, i)
            written = True
    return written
