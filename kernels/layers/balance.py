"""Balances of funds and vaults: equity, floors and what is observed of them."""

from __future__ import annotations

import math

import numpy as np

from ..instruments import SPOT
from ..jit import kernel, part
from ..margin import dust
from ..records import Records
from ..results import LAYER_COLUMNS
from ..state import LayerState, Ledger
from ..structs import Floats, Markets
from . import BACKSTOP_VAULT, INSURANCE_FUND, LIQUIDITY_POOL, SHARED_FUND, TREASURY
from .parts import observe_parts
from .stop import is_stopped, note_high

LOW = LAYER_COLUMNS.index("equity_low")
FALL = LAYER_COLUMNS.index("largest_fall")
FALL_AT = LAYER_COLUMNS.index("largest_fall_s")
PAID = LAYER_COLUMNS.index("paid")
PAID_FOR_LAYERS = LAYER_COLUMNS.index("paid_for_layers")
RECEIVED = LAYER_COLUMNS.index("received")
FIRST_DECLINE = LAYER_COLUMNS.index("first_decline_s")
FIRST_UNDER = LAYER_COLUMNS.index("first_under_s")
HEDGED = LAYER_COLUMNS.index("hedge_notional")
HEDGE_RESULT = LAYER_COLUMNS.index("hedge_result")
DEPLETION = LAYER_COLUMNS.index("depletion_s")
COLLATERAL_LOSS = LAYER_COLUMNS.index("collateral_loss")


@kernel
def has_balance(layers: Records, k: int) -> bool:
    """Whether layer k is a fund, vault or treasury, and of a shared fund the listing that holds the balance."""
    if layers[k].balance != k:
        return False
    return layers[k].kind in (INSURANCE_FUND, BACKSTOP_VAULT, SHARED_FUND, TREASURY, LIQUIDITY_POOL)


@part
def layer_equity(state: LayerState, now: Records, k: int) -> float:
    """Cash, inventory at the mark and hedges at the price of the venue they are on, the fundamental one."""
    value = state.each[k].cash
    for m in range(now.size):
        value += state.quantity[k, m] * now[m].worth + state.stock[k * now.size + m].hedge * now[m].fundamental
    return value


@part
def is_flat_layer(markets: Markets, state: LayerState, now: Records, k: int) -> bool:
    """Whether layer k has neither contracts nor hedges; it may hold collateral."""
    for m in range(now.size):
        if markets.each[m].kind != SPOT and state.quantity[k, m] != 0.0:
            return False
        if state.stock[k * now.size + m].hedge != 0.0:
            return False
    return True


@part
def layer_gross(state: LayerState, now: Records, k: int) -> float:
    """Value at the mark of all that layer k holds, contracts long and short and collateral."""
    total = 0.0
    for m in range(now.size):
        total += abs(state.quantity[k, m]) * now[m].mark
    return total


@part
def layer_notional(markets: Markets, state: LayerState, now: Records, k: int) -> float:
    """Gross notional at the mark of the contracts of layer k."""
    total = 0.0
    for m in range(now.size):
        if markets.each[m].kind != SPOT:
            total += abs(state.quantity[k, m]) * now[m].mark
    return total


@part
def layer_collateral(markets: Markets, state: LayerState, now: Records, k: int) -> float:
    """Value at the mark of the collateral of layer k."""
    total = 0.0
    for m in range(now.size):
        if markets.each[m].kind == SPOT:
            total += state.quantity[k, m] * now[m].mark
    return total


@part
def layer_dust(layers: Records, state: LayerState, now: Records, k: int) -> float:
    """Dust of a balance: rounding is relative to its capital and floor too."""
    return dust(layer_gross(state, now, k) + layers[k].capital + abs(layers[k].floor))


@part
def is_unlimited(layers: Records, k: int, unlimited: int) -> bool:
    """Whether layer k accepts everything: by the scenario, or because this run measures what it needs."""
    return layers[k].unlimited == 1 or k == unlimited


@part
def has_no_floor(layers: Records, k: int, unlimited: int) -> bool:
    """Whether layer k may owe anything: an unlimited one, and a treasury, which pays what it owes out of its tokens."""
    return layers[k].kind == TREASURY or is_unlimited(layers, k, unlimited)


@part
def is_under_floor(layers: Records, state: LayerState, now: Records, k: int, unlimited: int) -> bool:
    """Whether layer k is under its floor by more than dust; one without a floor never is."""
    if has_no_floor(layers, k, unlimited):
        return False
    return layer_equity(state, now, k) < layers[k].floor - layer_dust(layers, state, now, k)


@part
def refuses(layers: Records, state: LayerState, now: Records, k: int, unlimited: int, last: np.bool_) -> bool:
    """Whether layer k takes nothing now: under its floor, or stopped; the ``last`` debts of a round are not stopped."""
    if has_no_floor(layers, k, unlimited):
        return False
    if is_under_floor(layers, state, now, k, unlimited):
        return True
    if last:
        return False
    return is_stopped(layers, state, k, layer_equity(state, now, k), layer_dust(layers, state, now, k))


@part
def receive_cash(layers: Records, state: LayerState, ledger: Ledger, k: int, cash: float) -> None:
    """Put cash of the pool of layer k into its balance; a shared fund holds it for the pool."""
    state.each[layers[k].balance].cash += cash
    state.each[k].part_cash += cash
    if layers[k].account != layers[k].pool:
        ledger.each[layers[k].pool].transferred += cash
        ledger.each[layers[k].account].transferred -= cash


@part
def receive_units(layers: Records, state: LayerState, ledger: Ledger, k: int, m: int, quantity: float) -> None:
    """Put contracts of the pool of layer k into its inventory; a shared fund holds them for the pool."""
    state.quantity[layers[k].balance, m] += quantity
    state.stock[k * state.quantity.shape[1] + m].part += quantity
    if layers[k].account != layers[k].pool:
        ledger.transferred_quantity[layers[k].pool, m] += quantity
        ledger.transferred_quantity[layers[k].account, m] -= quantity


@kernel
def mark_first(out: Floats, k: int, column: int, seconds: float) -> None:
    """Write the time of a first event unless it has been written."""
    if math.isnan(out[k, column]):
        out[k, column] = seconds


@part
def observe_layers(layers: Records, state: LayerState, now: Records, seconds: float, unlimited: int) -> None:
    """One observation of every fund and vault at the marks of now."""
    observe_parts(layers, state, now)
    for k in range(layers.size):
        if not has_balance(layers, k):
            continue
        value = layer_equity(state, now, k)
        note_high(layers, state, k, value, seconds)
        state.out[k, LOW] = min(state.out[k, LOW], value)
        fall = state.each[k].start - value
        if fall > state.out[k, FALL]:
            state.out[k, FALL] = fall
            state.out[k, FALL_AT] = seconds
        if has_no_floor(layers, k, unlimited):
            continue
        tolerance = layer_dust(layers, state, now, k)
        if value <= layers[k].floor + tolerance and layers[k].capital > layers[k].floor:
            mark_first(state.out, k, DEPLETION, seconds)
        if value < layers[k].floor - tolerance:
            mark_first(state.out, k, FIRST_UNDER, seconds)
