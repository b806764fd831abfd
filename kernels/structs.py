"""What crosses into a kernel: named tuples of C-contiguous arrays of float64, int64 and records.

Axis letters, used in every shape of every docstring:

====  =======================================================
w     path of a block (``lane`` where paths lie side by side)
s     check step; index 0 is the initial state
m     market
i     margin account
j     position, account by account, contracts before collateral
p     pool
o     owner in a pool; who trades in two pools is two of them
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

from .records import Records, record

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.uint8]


class Models(NamedTuple):
    """Price models of all markets: what :func:`stress.kernels.paths.simulate` needs."""

    model: Ints
    """[m] number of the model in :mod:`stress.kernels.models`."""
    params: Floats
    """[m, k] parameters of the model, in the model's own order."""
    table: Floats
    """[k] what the models look up: quantiles, residuals, transitions, kernel weights; market after market."""
    table_first: Ints
    """[m + 1] where the table of each market begins; it ends where that of the next one does."""
    log_price: Floats
    """[m] log of the initial price."""
    variance: Floats
    """[m] initial variance, per year."""
    drift: Floats
    """[m] drift of the price, per year, jump compensators not included."""
    cholesky: Floats
    """[2m, 2m] lower factor of the shock correlation, ordered variance 0, price 0, variance 1, price 1, ...; with
    common factors only the blocks of each market count."""
    loading: Floats
    """[2m, f] loadings of the same shocks on f independent common normals, f even; (2m, 0) where there are none."""
    jump_rate: Floats
    """[n] arrivals per year of each jump source."""
    jump_probability: Floats
    """[n, m] probability that an arrival of the source moves the market."""
    jump_mean: Floats
    """[n, m] mean of the log price jump."""
    jump_std: Floats
    """[n, m] standard deviation of the log price jump."""
    jump_variance: Floats
    """[n, m] mean of the exponential jump of the variance, per year; 0 where the variance does not jump."""
    jump_slope: Floats
    """[n, m] log price jump per unit of the variance jump."""
    jump_correlation: Floats
    """[n] correlation of the marks of one arrival between markets (one common factor)."""
    jump_branching: Floats
    """[n] arrivals that one arrival sets off on average; 0 for a Poisson process."""
    jump_decay: Floats
    """[n] speed at which the intensity falls back after an arrival, per year."""
    jump_key: Ints
    """[n] number under which the source draws its random numbers: 2 m for jumps of market m alone, odd for others."""
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


HOLDER = record(
    ("cash", float, "Ledger cash: wallet minus the cost of the open positions."),
    ("pool", int, "Pool of the account."),
    ("owner", int, "Owner of the account in its pool: owners are numbered pool by pool."),
    (
        "circle",
        float,
        "Its place in [0, 1) by name: for the ADL rank `random` and ties of takeovers; else 0.",
    ),
    ("first", int, "First position of the account."),
    ("last", int, "One after its last contract; what follows up to `end` is collateral."),
    ("end", int, "One after its last position: contracts, then collateral."),
)

HOLDING = record(
    ("market", int, "Market of the position; an account has at most one position per market."),
    ("holder", int, "Account of the position."),
    ("quantity", float, "Signed quantity at index 0, base units; never negative for collateral."),
    ("entry", float, "Entry price; that of collateral means nothing."),
)

TIER = record(
    ("lower", float, "Lower notional of the tier."),
    ("rate", float, "Maintenance rate."),
    ("deduction", float, "Deduction that makes the requirement continuous."),
)

INSTRUMENT = record(
    ("kind", int, "Number in stress.kernels.instruments."),
    ("haircut", float, "`spot`: share of its value that does not count towards margin."),
    ("has_book", int, "0: an asset without a book, which layers that took it over cannot sell."),
    ("tier_first", int, "First tier of the market."),
    ("tier_last", int, "One after its last tier."),
    ("liquidity_rule", int, "Number of the kind of book in stress.kernels.liquidity."),
    ("depth", float, "`power`: base units that displace the book by `move`, infinity is endless. `amm`: the reserve."),
    ("move", float, "`power`: log displacement made by one depth."),
    ("exponent", float, "`power`: exponent of the impact, 1 flat book, 0.5 square-root law."),
    ("permanent", float, "Share of the displacement that stays in the fundamental price."),
    ("recovery", float, "Factor on the displacement per check: 2^(-dt / half-life)."),
    ("drought_exponent", float, "Fall of the depth with volatility; 0 is off."),
    ("drought_floor", float, "Least share of the depth left by a drought."),
    ("drought_cap", float, "Largest factor on the depth in calm; infinity is none."),
    ("drought_sigma", float, "Volatility, per root year, at which the depth is the stated one."),
    ("mark_rule", int, "Number of the mark rule in stress.kernels.marks."),
    ("mark_index", float, "`blend`: weight of the index price."),
    ("mark_gain", float, "`median3`: weight of a check in the average basis, 1 - 2^(-dt / half-life)."),
    ("oracle_lag", int, "Delay of the oracle in checks."),
    ("oracle_heartbeat", float, "Seconds after which the oracle publishes whatever the change."),
    ("oracle_deviation", float, "Relative change that makes the oracle publish before its heartbeat."),
    ("volatility_power", float, "Dynamic margin: power of the volatility ratio; 0 is off."),
    ("volatility_reference", float, "Dynamic margin: volatility at which the factor is 1."),
    ("volatility_initial", float, "Dynamic margin: estimate at index 0."),
    ("volatility_decay", float, "Dynamic margin: weight of the old estimate per check, 2^(-dt / half-life)."),
    ("factor_cap", float, "Dynamic margin: largest factor."),
    ("factor_interval", int, "Dynamic margin: checks between two decisions."),
    ("factor_notice", int, "Dynamic margin: checks from a decision to its force."),
    ("maker_elasticity", float, "Power of the makers' equity in the depth; 0 is off."),
    ("maker_floor", float, "Least share of the depth that stays however little the makers have."),
    ("maker_first", int, "First maker of the market."),
    ("maker_last", int, "One after its last maker."),
)

DISTURBANCE = record(
    ("market", int, "Market whose oracle it befalls."),
    ("start", int, "First check of the window."),
    ("end", int, "First check after it."),
    ("frozen", int, "1: the oracle takes no new price."),
    ("factor", float, "Factor on what the oracle shows."),
)

POOL = record(
    ("size_rule", int, "Number of the size rule in stress.kernels.sizes."),
    ("size_share", float, "`fraction`: share sent. `to_target`: target of equity over maintenance."),
    ("size_above", float, "`fraction`: notional above which only the share is sent."),
    ("size_cooldown", int, "`fraction`: checks between two slices."),
    ("size_during", int, "`fraction`, within the cooldown: 0 wait, 1 send everything."),
    ("size_tiers", int, "`step_down`: tiers that one step goes down."),
    ("size_leave", int, "`step_down`: 1 leaves accounts to the layers that no step would save; 0 sends everything."),
    ("size_least", float, "`paced`: notional of a position that is sent per check, however small the share."),
    ("size_most", float, "`paced`: notional of the account that is sent per check at most."),
    ("limit_rule", int, "Number of the limit rule in stress.kernels.limits."),
    ("limit_a", float, "`slippage`: cap. `fillable`: spread."),
    ("limit_b", float, "`fillable`: adjustment."),
    ("fee_rate", float, "Fee on the liquidated notional."),
    ("fund_share", float, "Share of the fee that goes to the pool's first fund."),
    ("latency", int, "Checks between breach and order."),
    ("capacity", float, "Notional that liquidators can carry per check; infinity is none."),
    ("takeover_unfilled", int, "1: accounts whose order the limit left unfilled are offered to the layers."),
    ("first_fund", int, "Layer number of the pool's first fund or vault, -1 for none."),
    ("guarantor", int, "Layer number of the fund that guarantees its fills, -1 for none."),
    ("counterparty", int, "Layer number of its liquidity pool, -1 where orders trade with outside traders."),
    ("owner_first", int, "First owner with accounts in the pool."),
    ("owner_last", int, "One after its last owner."),
    ("call_level", float, "Equity over maintenance under which an owner is called; 0 where nobody answers."),
    ("call_target", float, "Equity over maintenance that an answer restores."),
    ("top_up_probability", float, "Chance that an owner adds cash."),
    ("top_up_delay", int, "Checks from the call to the cash."),
    ("top_up_most", float, "Most cash added on a path, as a share of the account's equity at the start."),
    ("deleverage_probability", float, "Chance that an owner reduces positions."),
    ("deleverage_delay", int, "Checks from the call to the orders."),
)

LAYER = record(
    ("kind", int, "Number of the layer kind in stress.kernels.layers."),
    ("pool", int, "Pool of the layer."),
    ("balance", int, "Layer that holds the balance: itself, or the first listing of a shared fund."),
    ("leader", int, "Layer in whose turn it acts: itself, or the first listing of the shared fund at this place."),
    ("account", int, "Row of the ledger: the pool, or the shared fund's own after those of the pools."),
    ("draw_cap", float, "Shared fund, socialise: most that the pool may pass to it on a path; infinity is none."),
    ("place", int, "Place in the pool's waterfall, from 0."),
    ("capital", float, "Initial cash; 0 for layers without a balance."),
    ("floor", float, "Equity under which the layer takes nothing."),
    ("unlimited", int, "1: accepts everything, its deficit is never passed on."),
    ("partial", int, "1: takes the same share of all deficits; 0: whole accounts, smallest deficit first."),
    ("adl_below_floor", int, "1: closed whole by ADL when under its floor."),
    ("share", float, "Vault: takes accounts with equity under share * maintenance."),
    ("accept_negative", int, "Vault: 1 takes accounts with negative equity too."),
    ("unwind", int, "Number of the unwind rule in stress.kernels.layers."),
    ("unwind_share", float, "`twap`: share of the inventory sent per check. `participation`: share of the depth."),
    ("stop_checks", int, "Checks that the stop rule looks back; -1 is no rule."),
    ("stop_share", float, "Fall from the highest equity that stops it, as a share of that."),
    ("stop_amount", float, "The same as an amount; both add up."),
    ("stop_exact", int, "1: of a round's deficits it takes the share that leaves it at the level that stops it."),
    ("stop_debts", int, "1: at the end of a round it pays debts of accounts without positions, stopped or not."),
    ("equity_cap", float, "Most of its equity that stands behind the deficits of one round; infinity is all."),
    ("hedge_ratio", float, "Share of the inventory that is hedged; 0 is none."),
    ("hedge_delay", int, "Checks between a gap in the hedge and the trade that closes it."),
    ("hedge_cost", float, "Cost of a hedge trade as a share of its value."),
    ("hedge_band", float, "Value of a gap that is left alone while there is inventory."),
    ("hedge_pace", float, "Most value traded per check and market; infinity is none."),
    ("token", int, "Treasury: market of the token that it sells; -1 for other layers."),
    ("token_units", float, "Treasury: tokens that it may sell or mint."),
    ("token_discount", float, "Treasury: furthest under the fundamental price that it sells."),
    ("token_floor", float, "Treasury: lowest price at which it sells."),
    ("token_delay", int, "Treasury: checks from its first debt to the first sale."),
    ("token_pace", float, "Treasury: most sold per check as a share of the book's depth; infinity is none."),
    ("rank", int, "ADL: number of the rank in stress.kernels.ranks."),
    ("price", int, "ADL: number in stress.kernels.layers.PRICES."),
    ("price_band", float, "ADL at `bankruptcy`: distance from the mark beyond which the mark is the price."),
    ("adl_unfilled", int, "ADL: 1 closes only accounts whose orders found no buyer."),
    ("guarantees", int, "Fund: 1 pays at once what fills fall short of bankruptcy prices."),
    ("payers", int, "Socialise: number in stress.kernels.layers.BASES."),
    ("profit_above", float, "Liquidity pool: profit of a side over its backing that closes winners; infinity is none."),
    ("profit_to", float, "The same ratio when they have been closed."),
    ("profit_payout", float, "Most of its backing that a side is paid; infinity is all of its profit."),
)

CAP = record(
    ("layer", int, "Layer with the balance."),
    ("market", int, "Market of the inventory."),
    ("most", float, "Value at the mark that takeovers may lead to; infinity for none."),
    ("backing", float, "Liquidity pool: base units of the market's asset that it holds at the start."),
)


class Book(NamedTuple):
    """Margin accounts and their positions at index 0."""

    accounts: Records
    """[i] HOLDER."""
    positions: Records
    """[j] HOLDING, account by account."""
    market_first: Ints
    """[m + 1] positions in market m are ``by_market[market_first[m]:market_first[m + 1]]``."""
    by_market: Ints
    """[j] positions, market by market."""


class Markets(NamedTuple):
    """Margin tiers, liquidity, mark and oracle of the markets."""

    each: Records
    """[m] INSTRUMENT."""
    tiers: Records
    """[t] TIER, market by market."""
    depth_scale: Floats
    """[s, m] factor on the depth from deterministic shocks; (0, m) when there is none."""
    margin_scale: Floats
    """[s, m] factor on maintenance announced by governance; (0, m) when there is none."""
    funding_rate: Floats
    """[s, m] funding paid at the check, as a fraction of the mark; (0, m) when there is none."""
    disturbances: Records
    """[n] DISTURBANCE: outages and spoofs of the oracles."""
    makers: Ints
    """[n] accounts of the makers whose equity the depth follows, market by market."""


class Venue(NamedTuple):
    """Everything a cascade reads and never writes."""

    clock: Clock
    book: Book
    markets: Markets
    pools: Records
    """[p] POOL."""
    layers: Records
    """[l] LAYER, in the order in which they act: by place, then pool; a shared fund has one in each of its pools."""
    caps: Records
    """[c] CAP of those layers that have any."""
    max_rounds: int
    seed: int
    """Seed of the run, for rules that draw."""
