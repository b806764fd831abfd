"""What crosses into a kernel: named tuples of C-contiguous float64 and int64 arrays.

Axis letters, used in every shape of every docstring:

====  =======================================================
w     path of a block (``lane`` where paths lie side by side)
s     check step; index 0 is the initial state
m     market
i     margin account
j     position, account by account
p     pool
l     layer, sorted by place in the waterfall, then pool
t     margin tier
n     jump source
====  =======================================================

Money is in the quote currency, quantities in signed base units, rates are
fractions, times are seconds unless a field says steps. Infinity means "none"
for a limit and "endless" for a depth.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Models(NamedTuple):
    """Price models of all markets: what :func:`stress.kernels.paths.simulate` needs."""

    model: Ints
    """[m] number of the model in :mod:`stress.kernels.models`."""
    params: Floats
    """[m, k] parameters of the model, in the model's own order."""
    log_price: Floats
    """[m] log of the initial price."""
    variance: Floats
    """[m] initial variance, per year."""
    drift: Floats
    """[m] drift of the price, per year, jump compensators not included."""
    cholesky: Floats
    """[2m, 2m] lower factor of the shock correlation, ordered variance 0, price 0, variance 1, price 1, ..."""
    jump_rate: Floats
    """[n] arrivals per year of each jump source."""
    jump_probability: Floats
    """[n, m] probability that an arrival of the source moves the market."""
    jump_mean: Floats
    """[n, m] mean of the log price jump."""
    jump_std: Floats
    """[n, m] standard deviation of the log price jump."""
    jump_correlation: Floats
    """[n] correlation of the marks of one arrival between markets (one common factor)."""
    jump_key: Ints
    """[n] number under which the source draws its random numbers: 2 m for jumps of market m alone, odd for common ones."""
    path: Floats
    """[s * substeps, m] log prices of replayed and prescribed markets; (0, m) when there are none."""
    path_variance: Floats
    """[s * substeps, m] their variance, per year."""
    shock_jump: Floats
    """[s * substeps, m] deterministic log price jump applied at each model step; (0, m) when there is none."""
    shock_volatility: Floats
    """[s * substeps, m] factor on the volatility at each model step and until the next; (0, m) when there is none."""


class Clock(NamedTuple):
    """The time grid."""

    checks: int
    """Number of margin checks; arrays over ``s`` have checks + 1 entries."""
    substeps: int
    """Model steps between two checks."""
    dt: float
    """Seconds between two checks."""


class Book(NamedTuple):
    """Margin accounts and their positions at index 0."""

    cash: Floats
    """[i] ledger cash: wallet minus the cost of the open positions."""
    pool: Ints
    """[i] pool of the account."""
    owner: Ints
    """[i] owner of the account."""
    first: Ints
    """[i + 1] positions of account i are ``first[i]:first[i + 1]``."""
    market: Ints
    """[j] market of the position; at most one position of an account per market."""
    quantity: Floats
    """[j] signed quantity in base units."""
    entry: Floats
    """[j] entry price."""
    holder: Ints
    """[j] account of the position."""
    market_first: Ints
    """[m + 1] positions in market m are ``by_market[market_first[m]:market_first[m + 1]]``."""
    by_market: Ints
    """[j] positions, market by market."""


class Markets(NamedTuple):
    """Margin tiers, liquidity, mark and oracle of each market."""

    tier_first: Ints
    """[m + 1] tiers of market m are ``tier_first[m]:tier_first[m + 1]``."""
    tier_lower: Floats
    """[t] lower notional of the tier."""
    tier_rate: Floats
    """[t] maintenance rate."""
    tier_deduction: Floats
    """[t] deduction that makes the requirement continuous."""
    depth: Floats
    """[m] base units that move the book by ``move``; infinity is an endless book."""
    depth_scale: Floats
    """[s, m] factor on the depth from deterministic shocks; (0, m) when there is none."""
    move: Floats
    """[m] log displacement made by one depth."""
    exponent: Floats
    """[m] exponent of the impact law: 1 flat book, 0.5 square-root law."""
    permanent: Floats
    """[m] share of the displacement that stays in the fundamental price."""
    recovery: Floats
    """[m] factor on the displacement per check: 2^(-dt / half-life)."""
    drought_exponent: Floats
    """[m] fall of the depth with volatility; 0 is off."""
    drought_floor: Floats
    """[m] least share of the depth left by a drought."""
    drought_cap: Floats
    """[m] largest factor on the depth in calm; infinity is none."""
    drought_sigma: Floats
    """[m] volatility, per root year, at which the depth is the stated one."""
    mark: Ints
    """[m] number of the mark rule in :mod:`stress.kernels.marks`."""
    mark_param: Floats
    """[m] parameter of the mark rule."""
    oracle_lag: Ints
    """[m] delay of the oracle in checks."""
    oracle_heartbeat: Floats
    """[m] seconds after which the oracle publishes whatever the change."""
    oracle_deviation: Floats
    """[m] relative change that makes the oracle publish before its heartbeat."""


class Pools(NamedTuple):
    """How each pool liquidates."""

    size: Ints
    """[p] number of the size rule in :mod:`stress.kernels.sizes`."""
    size_share: Floats
    """[p] ``fraction``: share sent. ``to_target``: target of equity over maintenance."""
    size_above: Floats
    """[p] ``fraction``: notional above which only the share is sent."""
    size_cooldown: Ints
    """[p] ``fraction``: checks between two slices."""
    size_during: Ints
    """[p] ``fraction``, within the cooldown: 0 wait, 1 send everything."""
    limit: Ints
    """[p] number of the limit rule in :mod:`stress.kernels.limits`."""
    limit_a: Floats
    """[p] ``slippage``: cap. ``fillable``: spread."""
    limit_b: Floats
    """[p] ``fillable``: adjustment."""
    fee_rate: Floats
    """[p] fee on the liquidated notional."""
    fund_share: Floats
    """[p] share of the fee that goes to the pool's first fund."""
    latency: Ints
    """[p] checks between breach and order."""
    capacity: Floats
    """[p] notional that liquidators can carry per check; infinity is none."""
    takeover_unfilled: Ints
    """[p] 1: accounts whose order the limit left unfilled are offered to the layers; 0: only insolvent ones."""
    first_fund: Ints
    """[p] layer number of the pool's first fund or vault, -1 for none."""


class Layers(NamedTuple):
    """The waterfall: layers of all pools, sorted by place and pool."""

    kind: Ints
    """[l] number of the layer kind in :mod:`stress.kernels.layers`."""
    pool: Ints
    """[l] pool of the layer."""
    place: Ints
    """[l] place in the pool's waterfall, from 0."""
    capital: Floats
    """[l] initial cash; 0 for layers without a balance."""
    floor: Floats
    """[l] equity under which the layer takes nothing."""
    unlimited: Ints
    """[l] 1: accepts everything, its deficit is never passed on."""
    partial: Ints
    """[l] 1: takes the same share of all deficits; 0: whole accounts, smallest deficit first."""
    adl_below_floor: Ints
    """[l] 1: closed whole by ADL when under its floor."""
    share: Floats
    """[l] vault: takes accounts with equity under share * maintenance."""
    accept_negative: Ints
    """[l] vault: 1 takes accounts with negative equity too."""
    unwind: Ints
    """[l] number of the unwind rule: 0 holds, 1 twap."""
    unwind_share: Floats
    """[l] twap: share of the inventory sent per check, 1 - 2^(-dt / half-life)."""
    rank: Ints
    """[l] ADL: number of the rank in :mod:`stress.kernels.ranks`."""
    price: Ints
    """[l] ADL: 0 bankruptcy, 1 mark, 2 previous mark."""
    socialise: Ints
    """[l] socialise: 0 session profit, 1 open interest, 2 equity."""


class Venue(NamedTuple):
    """Everything a cascade reads and never writes."""

    clock: Clock
    book: Book
    markets: Markets
    pools: Pools
    layers: Layers
    max_rounds: int
