"""Debts of layers: what a flat layer under its floor owes goes to the layers after it (MODEL 6)."""

from __future__ import annotations

from ..jit import part
from ..records import Records
from ..state import LayerState, State
from ..structs import Venue
from . import BACKSTOP_VAULT, TREASURY
from .balance import (
    PAID_FOR_LAYERS,
    has_balance,
    is_flat_layer,
    is_under_floor,
    is_unlimited,
    layer_dust,
    layer_equity,
    receive_cash,
)
from .treasury import is_spent


@part
def passes_debt_on(venue: Venue, state: LayerState, now: Records, k: int, taker: int, unlimited: int) -> bool:
    """Whether layer k is flat, in debt and under its floor, so that the later layer ``taker`` bears the debt.

    So does a treasury that is in debt and has no tokens left.

    A floor under zero is credit: what a layer owes within it stays its own. Collateral that it took over stays with
    it and counts against the debt.
    """
    layers = venue.layers
    if not has_balance(layers, k) or layers[k].pool != layers[taker].pool:
        return False
    if layers[k].kind == TREASURY:
        return is_spent(layers, state, k) and layer_equity(state, now, k) < -layer_dust(layers, state, now, k)
    if layers[k].adl_below_floor == 0:
        return False
    if is_unlimited(layers, k, unlimited) or not is_flat_layer(venue.markets, state, now, k):
        return False
    if not is_under_floor(layers, state, now, k, unlimited):
        return False
    return layer_equity(state, now, k) < -layer_dust(layers, state, now, k)


@part
def debts_before(venue: Venue, state: State, k: int, unlimited: int) -> float:
    """Sum of the debts that earlier layers of the pool pass on to layer k."""
    total = 0.0
    for other in range(k):
        if passes_debt_on(venue, state.layers, state.market, other, k, unlimited):
            total -= layer_equity(state.layers, state.market, other)
    return total


@part
def lift_debts(venue: Venue, state: State, k: int, share: float, unlimited: int) -> float:
    """Lift the cash of those earlier layers by ``share`` of their debts; returns how much that is."""
    paid = 0.0
    for other in range(k):
        if passes_debt_on(venue, state.layers, state.market, other, k, unlimited):
            debt = -layer_equity(state.layers, state.market, other)
            state.layers.each[other].cash += share * debt
            paid += share * debt
    return paid


@part
def debts_offered(venue: Venue, state: State, k: int, unlimited: int) -> float:
    """Debts of earlier layers that fund or vault k is asked to pay; none for a vault that takes no deficits."""
    if venue.layers[k].kind == BACKSTOP_VAULT and venue.layers[k].accept_negative == 0:
        return 0.0
    return debts_before(venue, state, k, unlimited)


@part
def debts_in_turn(venue: Venue, state: State, k: int, unlimited: int) -> float:
    """The same, of all pools that act in the turn of layer k."""
    total = 0.0
    for other in range(k, venue.layers.size):
        if venue.layers[other].leader == k:
            total += debts_offered(venue, state, other, unlimited)
    return total


@part
def pay_debts(venue: Venue, state: State, k: int, share: float, unlimited: int) -> None:
    """Fund or vault k pays ``share`` of what earlier layers of its pool owe."""
    paid = lift_debts(venue, state, k, share, unlimited)
    receive_cash(venue.layers, state.layers, state.ledger, k, -paid)
    state.layers.out[k, PAID_FOR_LAYERS] += paid
