"""Socialised loss: cash deficits of flat accounts spread over those who can pay (MODEL 6)."""

from __future__ import annotations

from ..jit import part
from ..margin import equity, gross, is_flat, is_insolvent
from ..records import Records
from ..results import POOL_COLUMNS
from ..state import LayerState, State
from ..structs import Venue
from ..trigger import disturb
from ..waterfill import waterfill
from . import BY_OPEN_INTEREST, BY_SESSION_PROFIT
from .balance import has_balance, is_under_floor, is_unlimited, layer_dust, layer_gross

BAD_DEBT = POOL_COLUMNS.index("bad_debt")
SOCIALISED = POOL_COLUMNS.index("socialised")
SOCIALISED_FOR_LAYERS = POOL_COLUMNS.index("socialised_for_layers")


@part
def passes_debt_on(layers: Records, state: LayerState, now: Records, k: int, taker: int, unlimited: int) -> bool:
    """Whether layer k is flat, in debt and under its floor, so that the later layer ``taker`` bears the debt.

    A floor under zero is credit: what a layer owes within it stays its own.
    """
    if not has_balance(layers, k) or layers[k].adl_below_floor == 0 or layers[k].pool != layers[taker].pool:
        return False
    if is_unlimited(layers, k, unlimited) or layer_gross(state, now, k) > 0.0:
        return False
    if not is_under_floor(layers, state, now, k, unlimited):
        return False
    return state.each[k].cash < -layer_dust(layers, state, now, k)


LEAST_SHARE = 1e-12
"""Share of the debt under which nothing is paid: less than the rounding of the payers' cash would be paid for ever."""


@part
def _debtors(venue: Venue, state: State, k: int, breaches: int) -> tuple[int, float]:
    """Flat accounts with a cash deficit into ``scratch.who``; their number and total deficit."""
    count, total = 0, 0.0
    for b in range(breaches):
        i = state.accounts.breach[b]
        if venue.book.accounts[i].pool != venue.layers[k].pool or not is_flat(venue.book, state.accounts, i):
            continue
        if is_insolvent(venue.book, state.accounts, state.market, i):
            state.scratch.who[count] = i
            count += 1
            total -= state.accounts.each[i].cash
    return count, total


@part
def _layer_debt(venue: Venue, state: State, k: int, unlimited: int) -> float:
    total = 0.0
    for other in range(k):
        if passes_debt_on(venue.layers, state.layers, state.market, other, k, unlimited):
            total -= state.layers.each[other].cash
    return total


@part
def _payers(venue: Venue, state: State, k: int) -> int:
    """Accounts that can pay: account, weight and cap."""
    book, scratch, count = venue.book, state.scratch, 0
    for i in range(state.accounts.each.size):
        if book.accounts[i].pool != venue.layers[k].pool:
            continue
        value = equity(book, state.accounts, state.market, i)
        if value <= 0.0:
            continue
        weight, cap = value, value
        if venue.layers[k].payers == BY_SESSION_PROFIT:
            weight = value - state.accounts.each[i].start_equity
            cap = min(weight, value)
        elif venue.layers[k].payers == BY_OPEN_INTEREST:
            weight = gross(book, state.accounts, state.market, i)
        if weight <= 0.0:
            continue
        scratch.where[count] = i
        scratch.key[count] = weight
        scratch.cap[count] = cap
        count += 1
    return count


@part
def _forgive(venue: Venue, state: State, k: int, debtors: int, share: float, unlimited: int) -> None:
    """Lift the debtors' cash by ``share`` of their deficits."""
    ledger, pool = state.ledger, venue.layers[k].pool
    for o in range(debtors):
        i = state.scratch.who[o]
        deficit = -state.accounts.each[i].cash
        state.accounts.each[i].cash = 0.0 if share == 1.0 else -(1.0 - share) * deficit
        disturb(state.blocks, i)
        ledger.out[pool, BAD_DEBT] += share * deficit
        ledger.out[pool, SOCIALISED] += share * deficit
    for other in range(k):
        if passes_debt_on(venue.layers, state.layers, state.market, other, k, unlimited):
            debt = -state.layers.each[other].cash
            state.layers.each[other].cash = 0.0 if share == 1.0 else -(1.0 - share) * debt
            ledger.out[pool, SOCIALISED_FOR_LAYERS] += share * debt


@part
def socialise(venue: Venue, state: State, k: int, breaches: int, unlimited: int) -> bool:
    """Spread the pool's cash deficits as layer k says; whether anything was paid.

    Open interest is weighed by notional at the mark: in one market that is the
    same charge per unit for everybody (Drift), and it adds up across markets.
    """
    debtors, debt = _debtors(venue, state, k, breaches)
    debt += _layer_debt(venue, state, k, unlimited)
    if debt <= 0.0:
        return False
    payers = _payers(venue, state, k)
    scratch = state.scratch
    paid = waterfill(scratch.key, scratch.cap, scratch.share, payers, debt)
    if paid <= LEAST_SHARE * debt:
        return False
    for o in range(payers):
        i = scratch.where[o]
        state.accounts.each[i].cash -= scratch.share[o]
        disturb(state.blocks, i)
    share = 1.0 if paid >= debt * (1.0 - 1e-12) else paid / debt
    _forgive(venue, state, k, debtors, share, unlimited)
    return True
