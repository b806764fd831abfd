"""A path through the venue, step by step as section 8 of MODEL.md lists them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .dynamic_margin import observe_factors, update_factors
from .funding import pay_funding
from .jit import entry, part
from .layers.balance import FIRST_DECLINE, FIRST_UNDER, observe_layers
from .layers.hedge import hedge
from .layers.parts import PART_FALL
from .layers.treasury import sell_tokens
from .layers.unwind import unwind
from .layers.waterfall import run_layers
from .marks import follow_basis, set_marks
from .oracle import publish, remember_shift
from .orders import ration, send_orders, start_capacity
from .outcome import collect, trace_step
from .results import LAYER_COLUMNS, MARKET_COLUMNS, OWNER_COLUMNS, POOL_COLUMNS, ROLES, TOP_OWNERS
from .settle import charge_fees, hold_auctions, observe_price
from .start import reset
from .state import Memory, State, allocate, memory_for
from .structs import Flags, Floats, Markets, Venue
from .traders.deleverage import send_reductions
from .traders.makers import depth_factor
from .trigger import find_breaches
from .views import view
from .watch import forget

ROUNDS = POOL_COLUMNS.index("rounds")
TRUNCATED = POOL_COLUMNS.index("truncated_steps")
REQUIRED = POOL_COLUMNS.index("required_fund")

NOBODY = -1
"""Layer number for ``unlimited`` when every fund has the capital its scenario gives it."""


@part
def _depth(markets: Markets, m: int, step: int, variance: float) -> float:
    """Depth of now but for its makers: droughts by volatility, then deterministic shocks (MODEL 3)."""
    depth = markets.each[m].depth
    if markets.each[m].drought_exponent > 0.0:
        calm = math.sqrt(variance) / markets.each[m].drought_sigma
        factor = math.inf if calm <= 0.0 else calm ** -markets.each[m].drought_exponent
        depth *= min(markets.each[m].drought_cap, max(markets.each[m].drought_floor, factor))
    if markets.depth_scale.shape[0] > 0:
        depth *= markets.depth_scale[step, m]
    return depth


@part
def _move_markets(venue: Venue, state: State, log_price: Floats, variance: Floats, step: int) -> None:
    """Fundamental prices of the step, recovery of the books, depths."""
    now = state.market
    for m in range(now.size):
        now[m].fundamental = math.exp(log_price[step, m] + now[m].shift)
        now[m].displacement *= venue.markets.each[m].recovery
        now[m].depth = _depth(venue.markets, m, step, variance[step, m]) * depth_factor(venue, state, m)
        observe_price(now, state.market_out, m)


@part
def _round(venue: Venue, state: State, step: int, unlimited: int) -> bool:
    """Marks, triggers, auctions, settlement, layers; whether anything changed."""
    now, seconds = state.market, step * venue.clock.dt
    set_marks(venue.markets, now)
    observe_layers(venue.layers, state.layers, now, seconds, unlimited)
    breaches, reducing = find_breaches(venue, state, step)
    filled = False
    if breaches + reducing > 0:
        count = send_orders(venue, state.accounts, now, state.orders, breaches, step)
        ration(venue, now, state.orders, state.ledger, count)
        send_reductions(venue, state.accounts, now, state.orders, reducing, count, step)
        filled = hold_auctions(venue, state)
        charge_fees(venue, state, breaches, step)
    changed = run_layers(venue, state, breaches, seconds, unlimited)
    observe_layers(venue.layers, state.layers, now, seconds, unlimited)
    return changed or filled


@part
def _rounds(venue: Venue, state: State, step: int, unlimited: int) -> None:
    """Rounds of one step until one changes nothing or ``max_rounds``."""
    start_capacity(venue.pools, state.ledger)
    changed, count = True, 0
    while changed and count < venue.max_rounds:
        if count == 0:
            set_marks(venue.markets, state.market)
            for m in range(state.market.size):
                state.market[m].anchor = state.market[m].mark
        changed = _round(venue, state, step, unlimited)
        count += 1
    for p in range(state.ledger.out.shape[0]):
        state.ledger.out[p, ROUNDS] = max(state.ledger.out[p, ROUNDS], count)
        state.ledger.out[p, TRUNCATED] += 1.0 if changed else 0.0


@part
def _accrue(venue: Venue, state: State, memory: Memory, step: int) -> None:
    """Dynamic margin and governance, then funding; both change what accounts are worth without touching them."""
    changed = update_factors(venue.markets, state.market, memory, venue.clock, step)
    observe_factors(state.market, memory, state.market_out, venue.clock.dt, step)
    set_marks(venue.markets, state.market)
    pay_funding(venue.markets, state.market, step)
    if changed:
        forget(state.watch)


@part
def _step(
    venue: Venue, state: State, memory: Memory, log_price: Floats, variance: Floats, step: int, unlimited: int
) -> None:
    """One check of the venue."""
    _move_markets(venue, state, log_price, variance, step)
    publish(venue.markets, state.market, memory.shift, log_price, step, venue.clock.dt)
    follow_basis(venue.markets, state.market)
    _accrue(venue, state, memory, step)
    _rounds(venue, state, step, unlimited)
    unwind(venue, state)
    sell_tokens(venue, state, step)
    hedge(venue, state, step)
    set_marks(venue.markets, state.market)
    observe_layers(venue.layers, state.layers, state.market, step * venue.clock.dt, unlimited)
    for m in range(state.market.size):
        state.market[m].previous = state.market[m].mark
    remember_shift(memory.shift, state.market, step)


class Room(NamedTuple):
    """What a thread follows its paths in, reused from path to path."""

    state: State
    memory: Memory
    trace_pools: Floats
    """[s, p, c] step record of the last path, or of no steps."""
    trace_markets: Floats
    """[s, m, c]"""


class Slots(NamedTuple):
    """Where a block's results go, columns as in :mod:`stress.kernels.results`."""

    pools: Floats
    """[w, p, c]"""
    layers: Floats
    """[w, l, c]"""
    markets: Floats
    """[w, m, c]"""
    owners: Floats
    """[w, (p, role, place), 1 + c] number of the owner, -1 for none, then its columns."""


@part
def _follow(venue: Venue, room: Room, log_price: Floats, variance: Floats, unlimited: int) -> None:
    """Follow one path; results are left in the state."""
    state, memory = room.state, room.memory
    reset(venue, state, memory, log_price)
    for step in range(venue.clock.checks + 1):
        if step > 0:
            _step(venue, state, memory, log_price, variance, step, unlimited)
        if room.trace_pools.shape[0] > 0:
            trace_step(venue, state, room.trace_pools, room.trace_markets, step)
    collect(venue, state)


@part
def _copy(source: Floats, target: Floats) -> None:
    for r in range(source.shape[0]):
        for c in range(source.shape[1]):
            target[r, c] = source[r, c]


@part
def _keep(state: State, slots: Slots, w: int) -> None:
    """Copy the results of a path to their slots."""
    _copy(state.ledger.out, slots.pools[w])
    _copy(state.layers.out, slots.layers[w])
    _copy(state.market_out, slots.markets[w])
    _copy(state.owners.out, slots.owners[w])


@part
def _first_balance(venue: Venue, p: int) -> int:
    """Layer that holds the balance of pool p's first fund, or NOBODY."""
    fund = venue.pools[p].first_fund
    return venue.layers[fund].balance if fund >= 0 else NOBODY


@part
def _is_first_fund(venue: Venue, k: int) -> bool:
    """Whether layer k holds the balance of some pool's first fund."""
    for p in range(venue.pools.size):
        if _first_balance(venue, p) == k:
            return True
    return False


@part
def _declined(venue: Venue, layer_out: Floats, k: int) -> bool:
    """Whether finite fund k refused anything or was seen under its floor."""
    if venue.layers[k].unlimited == 1:
        return False
    return not (math.isnan(layer_out[k, FIRST_DECLINE]) and math.isnan(layer_out[k, FIRST_UNDER]))


@part
def _next_declined(venue: Venue, layer_out: Floats, after: int) -> int:
    """First finite fund of some pool that declined, of the layers after ``after``; NOBODY when there is none left."""
    for k in range(after + 1, venue.layers.size):
        if _is_first_fund(venue, k) and _declined(venue, layer_out, k):
            return k
    return NOBODY


@part
def _note_required(venue: Venue, state: State, slots: Slots, w: int, k: int) -> None:
    """Take over what the pools of fund k would have needed of it."""
    for p in range(slots.pools.shape[1]):
        if _first_balance(venue, p) == k:
            slots.pools[w, p, REQUIRED] = state.ledger.out[p, REQUIRED]
    for listing in range(k, venue.layers.size):
        if venue.layers[listing].balance == k:
            slots.layers[w, listing, PART_FALL] = state.layers.out[listing, PART_FALL]


@entry
def _run_block(
    venue: Venue,
    room: Room,
    first_path: int,
    log_price: Floats,
    variance: Floats,
    slots: Slots,
    stop: Flags,
    unlimited: int,
    once: bool,
) -> int:
    """Follow paths; the only compiled door to the cascade, so that it is compiled once."""
    venue, room, slots = view(venue), view(room), view(slots)
    for w in range(log_price.shape[0]):
        if stop[0] != 0:
            return w
        room.state.path[0] = first_path + w
        endless = unlimited
        while True:
            _follow(venue, room, log_price[w], variance[w], endless)
            if endless == unlimited:
                _keep(room.state, slots, w)
            else:
                _note_required(venue, room.state, slots, w, endless)
            endless = _next_declined(venue, slots.layers[w], endless)
            if once or endless == NOBODY:
                break
    return log_price.shape[0]


def empty_slots(paths: int, pools: int, layers: int, markets: int) -> Slots:
    """Slots for the results of so many paths."""
    return Slots(
        np.zeros((paths, pools, len(POOL_COLUMNS))),
        np.zeros((paths, layers, len(LAYER_COLUMNS))),
        np.zeros((paths, markets, len(MARKET_COLUMNS))),
        np.zeros((paths, pools * len(ROLES) * TOP_OWNERS, 1 + len(OWNER_COLUMNS))),
    )


def room_for(venue: Venue) -> Room:
    """Room for the paths of one venue, without a step record."""
    return Room(allocate(venue), memory_for(venue), np.zeros((0, 0, 0)), np.zeros((0, 0, 0)))


_RUN_ON = np.zeros(1, np.uint8)
"""What a run is told that nobody can stop."""


def run_block(venue: Venue, first_path: int, log_price: Floats, variance: Floats, slots: Slots, stop: Flags) -> int:
    """Follow every path of a block; paths on which a finite fund declines run again with it unlimited.

    Parameters
    ----------
    first_path
        Number of the first path.
    log_price, variance
        [w, s, m].
    slots
        Where the results go.
    stop
        uint8 [1]: checked before every path; not 0 ends the block early.

    Returns
    -------
    int
        Number of paths done.
    """
    room = room_for(venue)
    return int(_run_block(venue, room, first_path, log_price, variance, slots, stop, NOBODY, False))


def run_path(venue: Venue, room: Room, path: int, log_price: Floats, variance: Floats, unlimited: int = NOBODY) -> None:
    """Follow path number ``path`` once; results are left in the room's state.

    Parameters
    ----------
    log_price, variance
        [s, m] log fundamental price and annualised variance at every check.
    unlimited
        Layer that accepts everything in this run, or NOBODY.
    """
    slots = empty_slots(1, venue.pools.size, venue.layers.size, venue.markets.each.size)
    _run_block(venue, room, path, log_price[None], variance[None], slots, _RUN_ON, unlimited, True)


def trace_path(
    venue: Venue, path: int, log_price: Floats, variance: Floats, trace_pools: Floats, trace_markets: Floats
) -> None:
    """Step-by-step record of path number ``path``: [s, p, TRACE_POOL_COLUMNS] and [s, m, TRACE_MARKET_COLUMNS]."""
    room = room_for(venue)._replace(trace_pools=trace_pools, trace_markets=trace_markets)
    run_path(venue, room, path, log_price, variance)
