"""What a cascade changes while it follows one path, and how it is set back for the next."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .jit import kernel
from .results import LAYER_COLUMNS, MARKET_COLUMNS, POOL_COLUMNS
from .structs import Book, Floats, Ints, Layers, Venue

BREACHED, LIQUIDATED, TAKEN_OVER, ADL_CLOSED, DELEVERAGED = 1, 2, 4, 8, 16
"""Bits of ``Accounts.events``: what has happened to an account on this path."""

NEVER = -1
"""A step that has not come."""

N_POOL, N_LAYER, N_MARKET = len(POOL_COLUMNS), len(LAYER_COLUMNS), len(MARKET_COLUMNS)


class Accounts(NamedTuple):
    """Margin accounts on this path."""

    cash: Floats
    """[i] ledger cash, with the funding index at which it was written taken out."""
    quantity: Floats
    """[j] signed quantity."""
    start_equity: Floats
    """[i] equity at index 0, the base of the session profit."""
    since: Ints
    """[i] step at which the running breach was first seen, or NEVER."""
    sliced: Ints
    """[i] step of the last partial order, or NEVER."""
    events: Ints
    """[i] bits of what happened."""
    breach: Ints
    """[i] accounts in breach this round, the first ``count`` of them valid."""
    unfilled: Ints
    """[i] 1 for an account whose order the limit left unfilled this round."""
    fee_base: Floats
    """[i] value an account traded in this round's auctions."""
    limit: Floats
    """[j] limit price of the last order for the position, kept through the rounds of a step."""
    limit_step: Ints
    """[j] step in which that limit was set, or NEVER."""


class MarketState(NamedTuple):
    """Prices and books of the markets on this path, all [m]."""

    shift: Floats
    """Log of the permanent impact so far."""
    displacement: Floats
    """Transient log displacement x of the book."""
    fundamental: Floats
    """F, permanent impact included."""
    depth: Floats
    """Depth of now in base units."""
    mark: Floats
    """K of this round."""
    anchor: Floats
    """K of the step's first round: what slippage limits are measured from."""
    previous: Floats
    """K of the last step's observation."""
    funding: Floats
    """Cumulative funding per unit."""
    worth: Floats
    """K minus the cumulative funding: what one unit is worth to its account."""
    factor: Floats
    """Dynamic margin factor kappa."""
    published: Floats
    """Price last published by the oracle."""
    published_at: Ints
    """Step at which it was."""


class LayerState(NamedTuple):
    """Balances of the layers on this path."""

    cash: Floats
    """[l] ledger cash."""
    quantity: Floats
    """[l, m] inventory."""
    start: Floats
    """[l] equity at index 0."""
    out: Floats
    """[l, LAYER_COLUMNS] results."""


class Ledger(NamedTuple):
    """The other ends of every trade, so that nothing is created or lost."""

    outside_cash: Floats
    """[p] outside traders who traded with the pool."""
    outside_quantity: Floats
    """[p, m] their position."""
    liquidators: Floats
    """[p] fees paid out."""
    capacity: Floats
    """[p] notional that liquidators can still carry in this step."""
    out: Floats
    """[p, POOL_COLUMNS] results."""


class Orders(NamedTuple):
    """Forced orders of one round; markets chain theirs through ``head`` and ``following``."""

    account: Ints
    """[j] account of the order."""
    position: Ints
    """[j] position it reduces."""
    quantity: Floats
    """[j] signed quantity wanted."""
    limit: Floats
    """[j] worst price accepted; infinite for none."""
    fill: Floats
    """[j] signed quantity filled."""
    head: Ints
    """[m] first order of the market, or -1."""
    following: Ints
    """[j] next order of the same market, or -1."""
    sorted: Ints
    """[j] scratch: orders by limit price."""
    buys: Floats
    """[j + 1] scratch: buy quantity at or above each limit."""
    sells: Floats
    """[j + 1] scratch: sell quantity below each limit."""


class Blocks(NamedTuple):
    """Neighbouring accounts that the trigger search passes over together."""

    radius: Floats
    """[b] relative price move from ``anchor`` within which no account of the block can breach."""
    anchor: Floats
    """[b, m] marks at which the radius was worked out."""


class Scratch(NamedTuple):
    """Lists for allotments; only valid inside one call."""

    who: Ints
    """[i] accounts."""
    where: Ints
    """[i] positions."""
    key: Floats
    """[i] rank or weight."""
    cap: Floats
    """[i] most that can be allotted."""
    share: Floats
    """[i] allotted."""
    closing: Ints
    """[i] 1 for an account that ADL is closing."""
    closing_equity: Floats
    """[i] its equity when ADL began."""
    closing_maintenance: Floats
    """[i] its maintenance when ADL began."""
    closing_gross: Floats
    """[i] its gross notional when ADL began."""


class State(NamedTuple):
    """Everything a path changes."""

    accounts: Accounts
    market: MarketState
    layers: LayerState
    ledger: Ledger
    orders: Orders
    blocks: Blocks
    scratch: Scratch
    market_out: Floats
    """[m, MARKET_COLUMNS] results."""


BLOCK = 64
"""Accounts per block of the trigger search."""


@kernel
def _floats(n: int) -> Floats:
    return np.zeros(n, dtype=np.float64)


@kernel
def _ints(n: int) -> Ints:
    return np.zeros(n, dtype=np.int64)


@kernel
def _grid(n: int, m: int) -> Floats:
    return np.zeros((n, m), dtype=np.float64)


@kernel
def allocate(venue: Venue) -> State:
    """Room for one path of the venue; reused for every path of a thread."""
    n, nj = venue.book.cash.size, venue.book.quantity.size
    m, p, layers = venue.markets.depth.size, venue.pools.size.size, venue.layers.kind.size
    blocks = (n + BLOCK - 1) // BLOCK
    return State(
        Accounts(
            _floats(n), _floats(nj), _floats(n), _ints(n), _ints(n), _ints(n), _ints(n), _ints(n), _floats(n),
            _floats(nj), _ints(nj),
        ),
        MarketState(
            _floats(m), _floats(m), _floats(m), _floats(m), _floats(m), _floats(m), _floats(m), _floats(m),
            _floats(m), _floats(m), _floats(m), _ints(m),
        ),
        LayerState(_floats(layers), _grid(layers, m), _floats(layers), _grid(layers, N_LAYER)),
        Ledger(_floats(p), _grid(p, m), _floats(p), _floats(p), _grid(p, N_POOL)),
        Orders(
            _ints(nj), _ints(nj), _floats(nj), _floats(nj), _floats(nj), _ints(m), _ints(nj), _ints(nj),
            _floats(nj + 1), _floats(nj + 1),
        ),
        Blocks(_floats(blocks), _grid(blocks, m)),
        Scratch(
            _ints(max(n, nj)), _ints(max(n, nj)), _floats(max(n, nj)), _floats(max(n, nj)), _floats(max(n, nj)),
            _ints(n), _floats(n), _floats(n), _floats(n),
        ),
        _grid(m, N_MARKET),
    )
