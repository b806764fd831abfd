"""Socialised loss: cash deficits of flat accounts spread over those who can pay (MODEL 6)."""

from __future__ import annotations

from ..jit import part
from ..margin import dust, equity, gross, is_flat, is_insolvent, maintenance
from ..owners import bear, pay_charge
from ..results import POOL_COLUMNS
from ..state import State
from ..structs import Venue
from ..watch import disturb
from ..waterfill import waterfill
from . import BY_MAINTENANCE, BY_OPEN_INTEREST, BY_SESSION_PROFIT
from .balance import PAID_FOR_LAYERS
from .debts import debts_before, lift_debts
from .grant import left_to_draw
from .residual import seize_collateral

SOCIALISED_FOR_LAYERS = POOL_COLUMNS.index("socialised_for_layers")


LEAST_SHARE = 1e-12
"""Share of the debt under which nothing is paid: less than the rounding of the payers' cash would be paid for ever."""


@part
def _debtors(venue: Venue, state: State, k: int, breaches: int) -> tuple[int, float]:
    """Flat accounts in debt, their collateral seized, into ``scratch.who``; their number and total deficit."""
    count, total = 0, 0.0
    for b in range(breaches):
        i = state.accounts.breach[b]
        if venue.book.accounts[i].pool != venue.layers[k].pool or not is_flat(venue.book, state.accounts, i):
            continue
        if is_insolvent(venue.book, state.accounts, state.market, i):
            seize_collateral(venue, state, i)
            state.scratch.who[count] = i
            count += 1
            total -= state.accounts.each[i].cash
    return count, total


@part
def _payers(venue: Venue, state: State, k: int) -> int:
    """Accounts that can pay more than dust: account, weight and cap."""
    book, scratch, count = venue.book, state.scratch, 0
    for i in range(state.accounts.each.size):
        if book.accounts[i].pool != venue.layers[k].pool:
            continue
        value = equity(book, state.accounts, state.market, i)
        if value <= 0.0:
            continue
        notional = gross(book, state.accounts, state.market, i)
        weight, cap = value, value
        if venue.layers[k].payers == BY_SESSION_PROFIT:
            weight = value - state.accounts.each[i].start_equity
            cap = min(weight, value)
        elif venue.layers[k].payers == BY_OPEN_INTEREST:
            weight = notional
        elif venue.layers[k].payers == BY_MAINTENANCE:
            weight = maintenance(book, venue.markets, state.accounts, state.market, i)
            cap = min(weight, value)
        if weight <= 0.0 or cap <= dust(notional):
            continue
        scratch.where[count] = i
        scratch.key[count] = weight
        scratch.cap[count] = cap
        count += 1
    return count


@part
def _forgive(venue: Venue, state: State, k: int, debtors: int, share: float, unlimited: int) -> None:
    """Lift the debtors' cash by ``share`` of their deficits."""
    for o in range(debtors):
        i = state.scratch.who[o]
        deficit = -state.accounts.each[i].cash
        state.accounts.each[i].cash = 0.0 if share == 1.0 else -(1.0 - share) * deficit
        disturb(state.watch, i)
        bear(venue, state, k, i, share * deficit)
    debts = lift_debts(venue, state, k, share, unlimited)
    state.ledger.out[venue.layers[k].pool, SOCIALISED_FOR_LAYERS] += debts
    state.layers.out[k, PAID_FOR_LAYERS] += debts


@part
def socialise(venue: Venue, state: State, k: int, breaches: int, unlimited: int) -> bool:
    """Spread the pool's cash deficits as layer k says; whether anything was paid.

    Open interest is weighed by notional at the mark: in one market that is the
    same charge per unit for everybody (Drift), and it adds up across markets.
    """
    debtors, debt = _debtors(venue, state, k, breaches)
    debt += debts_before(venue, state, k, unlimited)
    if debt <= 0.0:
        return False
    payers = _payers(venue, state, k)
    scratch = state.scratch
    paid = waterfill(scratch.key, scratch.cap, scratch.share, payers, min(debt, left_to_draw(venue, state, k)))
    if paid <= LEAST_SHARE * debt:
        return False
    for o in range(payers):
        i = scratch.where[o]
        state.accounts.each[i].cash -= scratch.share[o]
        if scratch.share[o] > 0.0:
            pay_charge(venue, state, i, scratch.share[o])
        disturb(state.watch, i)
    share = 1.0 if paid >= debt * (1.0 - 1e-12) else paid / debt
    _forgive(venue, state, k, debtors, share, unlimited)
    return True
