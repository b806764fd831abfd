"""What no layer has paid: written off, reported, never dropped."""

from __future__ import annotations

from ..jit import part
from ..margin import is_flat, is_insolvent
from ..owners import NOBODY, bear
from ..state import State
from ..structs import Venue
from ..watch import disturb


@part
def write_off(venue: Venue, state: State, breaches: int) -> bool:
    """Write off the deficits of flat accounts after the last layer; whether there were any."""
    written = False
    for b in range(breaches):
        i = state.accounts.breach[b]
        if not is_flat(venue.book, state.accounts, i):
            continue
        if is_insolvent(venue.book, state.accounts, state.market, i):
            bear(venue, state, NOBODY, i, -state.accounts.each[i].cash)
            state.accounts.each[i].cash = 0.0
            disturb(state.watch, i)
            written = True
    return written
