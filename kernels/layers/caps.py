"""Caps on a layer's inventory: how much of each offered account fits.

An account is refused by the share that the fullest of its markets lacks, so
that a full market turns nobody away who is not in it. Nothing here depends on
the order of accounts.
"""

from __future__ import annotations

import numpy as np

from ..jit import part
from ..state import State
from ..structs import Venue

SOLVENT, OWING = np.bool_(True), np.bool_(False)
"""The two kinds of offered accounts; a literal True would have everything that it is passed to compiled twice."""

WEIGHED, UNWEIGHED = np.bool_(True), np.bool_(False)
"""Whether units count by the share of their account that is accepted."""

ROUNDING = 1e-12
"""Relative excess over a cap that is none."""


@part
def _share_that_fits(held: float, added: float, most: float) -> float:
    """Share of ``added`` that may join ``held`` units: the result is at most ``most``, or no more than before."""
    bound = max(most, abs(held))
    if abs(held + added) <= bound * (1.0 + ROUNDING):
        return 1.0
    return max(0.0, (bound - held) / added if added > 0.0 else (bound + held) / -added)


@part
def _added(venue: Venue, state: State, m: int, count: int, solvent: np.bool_, weighed: np.bool_) -> float:
    """Units of market m in the offered accounts of one kind, each weighed by its ``accepted`` or not."""
    book, accounts, total = venue.book, state.accounts, 0.0
    for o in range(count):
        i = state.scratch.who[o]
        if (state.scratch.key[o] >= 0.0) != solvent:
            continue
        for j in range(book.accounts[i].first, book.accounts[i].end):
            if book.positions[j].market == m:
                share = accounts.each[i].accepted if weighed else 1.0
                total += share * accounts.positions[j].quantity
    return total


@part
def _restrict(venue: Venue, state: State, m: int, count: int, solvent: np.bool_, share: float) -> None:
    """Let at most ``share`` be taken of the accounts of one kind that hold market m."""
    book, accounts = venue.book, state.accounts
    for o in range(count):
        i = state.scratch.who[o]
        if (state.scratch.key[o] >= 0.0) != solvent:
            continue
        for j in range(book.accounts[i].first, book.accounts[i].end):
            if book.positions[j].market == m and accounts.positions[j].quantity != 0.0:
                accounts.each[i].accepted = min(accounts.each[i].accepted, share)


@part
def _in_capped_market(venue: Venue, state: State, k: int, i: int) -> bool:
    """Whether account i holds anything in a market that the balance k has a cap in."""
    for c in range(venue.caps.size):
        if venue.caps[c].layer != k:
            continue
        for j in range(venue.book.accounts[i].first, venue.book.accounts[i].end):
            if venue.book.positions[j].market == venue.caps[c].market and state.accounts.positions[j].quantity != 0.0:
                return True
    return False


@part
def _fits(venue: Venue, state: State, c: int, count: int, solvent: np.bool_, weighed: np.bool_) -> float:
    """Share of the offered accounts' units that fits under cap c."""
    m, k = venue.caps[c].market, venue.caps[c].layer
    added = _added(venue, state, m, count, solvent, weighed)
    return _share_that_fits(state.layers.quantity[k, m], added, venue.caps[c].most / state.market[m].mark)


@part
def fit(venue: Venue, state: State, k: int, count: int, solvent: np.bool_, endless: bool) -> bool:
    """Set ``accepted`` of the offered accounts of one kind (E >= 0 or not) for the balance k; whether all fit whole.

    Each market's share is what fits of all that is offered in it. Where accounts
    in several markets leave others without the opposite side that they were
    netted with, all in capped markets are cut by one more factor.
    """
    for o in range(count):
        if (state.scratch.key[o] >= 0.0) == solvent:
            state.accounts.each[state.scratch.who[o]].accepted = 1.0
    if endless:
        return True
    whole, rest = True, 1.0
    for c in range(venue.caps.size):
        if venue.caps[c].layer == k:
            share = _fits(venue, state, c, count, solvent, UNWEIGHED)
            if share < 1.0:
                _restrict(venue, state, venue.caps[c].market, count, solvent, share)
                whole = False
    for c in range(venue.caps.size):
        if venue.caps[c].layer == k and not whole:
            rest = min(rest, _fits(venue, state, c, count, solvent, WEIGHED))
    for o in range(count):
        i = state.scratch.who[o]
        if rest < 1.0 and (state.scratch.key[o] >= 0.0) == solvent and _in_capped_market(venue, state, k, i):
            state.accounts.each[i].accepted *= rest
    return whole
