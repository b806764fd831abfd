"""Socialised loss: cash deficits of flat accounts spread over those who can pay (MODEL 6)."""

from __future__ import annotations

from ..jit import kernel
from ..margin import equity, gross, is_flat, is_insolvent
from ..results import POOL_COLUMNS
from ..state import LayerState, MarketState, State
from ..structs import Layers, Venue
from ..trigger import disturb
from ..waterfill import waterfill
from . import BY_OPEN_INTEREST, BY_SESSION_PROFIT
from .balance import has_balance, is_unlimited, layer_dust, layer_gross

BAD_DEBT = POOL_COLUMNS.index("bad_debt")
SOCIALISED = POOL_COLUMNS.index("socialised")
SOCIALISED_FOR_LAYERS = POOL_COLUMNS.index("socialised_for_layers")


@kernel
def passes_debt_on(
    layers: Layers, state: LayerState, now: MarketState, k: int, taker: int, unlimited: int
) -> bool:
    """Whether layer k is flat and in debt after ADL closed it, so that the later layer ``taker`` bears the debt."""
    if not has_balance(layers, k) or layers.adl_below_floor[k] == 0 or layers.pool[k] != layers.pool[taker]:
        return False
    if is_unlimited(layers, k, unlimited) or layer_gross(state, now, k) > 0.0:
        return False
    return state.cash[k] < -layer_dust(layers, state, now, k)


@kernel
def _debtors(venue: Venue, state: State, k: int, breaches: int) -> tuple[int, float]:
    """Flat accounts with a cash deficit into ``scratch.who``; their number and total deficit."""
    count, total = 0, 0.0
    for b in range(breaches):
        i = state.accounts.breach[b]
        if venue.book.pool[i] != venue.layers.pool[k] or not is_flat(venue.book, state.accounts, i):
            continue
        if is_insolvent(venue.book, state.accounts, state.market, i):
            state.scratch.who[count] = i
            count += 1
            total -= state.accounts.cash[i]
    return count, total


@kernel
def _layer_debt(venue: Venue, state: State, k: int, unlimited: int) -> float:
    total = 0.0
    for other in range(k):
        if passes_debt_on(venue.layers, state.layers, state.market, other, k, unlimited):
            total -= state.layers.cash[other]
    return total


@kernel
def _payers(venue: Venue, state: State, k: int) -> int:
    """Accounts that can pay: account, weight and cap."""
    book, scratch, count = venue.book, state.scratch, 0
    for i in range(state.accounts.cash.size):
        if book.pool[i] != venue.layers.pool[k]:
            continue
        value = equity(book, state.accounts, state.market, i)
        if value <= 0.0:
            continue
        weight, cap = value, value
        if venue.layers.socialise[k] == BY_SESSION_PROFIT:
            weight = value - state.accounts.start_equity[i]
            cap = min(weight, value)
        elif venue.layers.socialise[k] == BY_OPEN_INTEREST:
            weight = gross(book, state.accounts, state.market, i)
        if weight <= 0.0:
            continue
        scratch.where[count] = i
        scratch.key[count] = weight
        scratch.cap[count] = cap
        count += 1
    return count


@kernel
def _forgive(venue: Venue, state: State, k: int, debtors: int, share: float, unlimited: int) -> None:
    """Lift the debtors' cash by ``share`` of their deficits."""
    ledger, pool = state.ledger, venue.layers.pool[k]
    for o in range(debtors):
        i = state.scratch.who[o]
        deficit = -state.accounts.cash[i]
        state.accounts.cash[i] = 0.0 if share == 1.0 else -(1.0 - share) * deficit
        disturb(state.blocks, i)
        ledger.out[pool, BAD_DEBT] += share * deficit
        ledger.out[pool, SOCIALISED] += share * deficit
    for other in range(k):
        if passes_debt_on(venue.layers, state.layers, state.market, other, k, unlimited):
            debt = -state.layers.cash[other]
            state.layers.cash[other] = 0.0 if share == 1.0 else -(1.0 - share) * debt
            ledger.out[pool, SOCIALISED_FOR_LAYERS] += share * debt


@kernel
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
    if paid <= 0.0:
        return False
    for o in range(payers):
        i = scratch.where[o]
        state.accounts.cash[i] -= scratch.share[o]
        disturb(state.blocks, i)
    share = 1.0 if paid >= debt * (1.0 - 1e-12) else paid / debt
    _forgive(venue, state, k, debtors, share, unlimited)
    return True
