"""What a path ends with, and the record of its steps."""

from __future__ import annotations

from .jit import part
from .layers import TREASURY
from .layers.balance import COLLATERAL_LOSS, FALL, LOW, has_balance, layer_collateral, layer_equity, layer_notional
from .layers.hedge import value_hedges
from .margin import equity, is_insolvent
from .marks import book_price
from .owners import collect_owners
from .results import LAYER_COLUMNS, MARKET_COLUMNS, POOL_COLUMNS, TRACE_MARKET_COLUMNS, TRACE_POOL_COLUMNS
from .state import ADL_CLOSED, BREACHED, DELEVERAGED, LIQUIDATED, REDUCED, TAKEN_OVER, TOPPED_UP, State
from .structs import Floats, Venue
from .watch import cross

BREACHED_ACCOUNTS = POOL_COLUMNS.index("breached_accounts")
LIQUIDATED_ACCOUNTS = POOL_COLUMNS.index("liquidated_accounts")
TAKEN_ACCOUNTS = POOL_COLUMNS.index("taken_over_accounts")
CLOSED_ACCOUNTS = POOL_COLUMNS.index("adl_closed_accounts")
ADL_ACCOUNTS = POOL_COLUMNS.index("adl_accounts")
TOPPED_ACCOUNTS = POOL_COLUMNS.index("topped_up_accounts")
REDUCED_ACCOUNTS = POOL_COLUMNS.index("reduced_accounts")
REQUIRED = POOL_COLUMNS.index("required_fund")
FUND_LOW = POOL_COLUMNS.index("fund_low")
FUND_END = POOL_COLUMNS.index("fund_end")
FIRST_DECLINE = POOL_COLUMNS.index("first_decline_s")
RESIDUAL_OPEN = POOL_COLUMNS.index("residual_open")
LAYER_DECLINE = LAYER_COLUMNS.index("first_decline_s")
EQUITY_END = LAYER_COLUMNS.index("equity_end")
INVENTORY_END = LAYER_COLUMNS.index("inventory_end")
COLLATERAL_END = LAYER_COLUMNS.index("collateral_end")
OF_POOL = ("part_fall", "paid", "paid_for_layers", "received", "fees")
OF_BALANCE = tuple(n for n, name in enumerate(LAYER_COLUMNS) if name not in OF_POOL)
"""Columns that say something of a balance and not of a pool's dealings with it."""
PRICE_END = MARKET_COLUMNS.index("price_end")
INTEREST_END = MARKET_COLUMNS.index("open_interest_end")

TRACE_FUND = TRACE_POOL_COLUMNS.index("fund_equity")
TRACED = (
    (TRACE_POOL_COLUMNS.index("liquidated_notional"), POOL_COLUMNS.index("liquidated_notional")),
    (TRACE_POOL_COLUMNS.index("bad_debt"), POOL_COLUMNS.index("bad_debt")),
    (TRACE_POOL_COLUMNS.index("adl_notional"), POOL_COLUMNS.index("adl_notional")),
    (TRACE_POOL_COLUMNS.index("socialised"), POOL_COLUMNS.index("socialised")),
    (TRACE_POOL_COLUMNS.index("residual"), POOL_COLUMNS.index("residual")),
)
T_FUNDAMENTAL = TRACE_MARKET_COLUMNS.index("fundamental")
T_PRICE = TRACE_MARKET_COLUMNS.index("price")
T_MARK = TRACE_MARKET_COLUMNS.index("mark")
T_DISPLACEMENT = TRACE_MARKET_COLUMNS.index("displacement")
T_DEPTH = TRACE_MARKET_COLUMNS.index("depth")
T_INTEREST = TRACE_MARKET_COLUMNS.index("open_interest")


@part
def _note_long(venue: Venue, state: State) -> None:
    """Base units that accounts hold long in each market: those of index 0, as far as the path has changed them."""
    book, now, watch = venue.book, state.market, state.watch
    for m in range(now.size):
        now[m].long = now[m].long_start
    for n in range(watch.counts[0].touched):
        i = watch.touched[n]
        for j in range(book.accounts[i].first, book.accounts[i].end):
            held = book.positions[j]
            now[held.market].long += max(0.0, state.accounts.positions[j].quantity) - max(0.0, held.quantity)


@part
def _open_interest(venue: Venue, state: State, m: int) -> float:
    """Value at the mark of all long positions of accounts and layers in market m."""
    units = max(0.0, state.market[m].long)
    for k in range(venue.layers.size):
        units += max(0.0, state.layers.quantity[k, m])
    return units * state.market[m].mark


@part
def _count(venue: Venue, state: State) -> None:
    """Accounts by what happened to them."""
    out = state.ledger.out
    for n in range(state.watch.counts[0].touched):
        i = state.watch.touched[n]
        p, events = venue.book.accounts[i].pool, state.accounts.each[i].events
        out[p, BREACHED_ACCOUNTS] += 1.0 if events & BREACHED else 0.0
        out[p, LIQUIDATED_ACCOUNTS] += 1.0 if events & LIQUIDATED else 0.0
        out[p, TAKEN_ACCOUNTS] += 1.0 if events & TAKEN_OVER else 0.0
        out[p, CLOSED_ACCOUNTS] += 1.0 if events & ADL_CLOSED else 0.0
        out[p, ADL_ACCOUNTS] += 1.0 if events & DELEVERAGED else 0.0
        out[p, TOPPED_ACCOUNTS] += 1.0 if events & TOPPED_UP else 0.0
        out[p, REDUCED_ACCOUNTS] += 1.0 if events & REDUCED else 0.0


@part
def _sum_open_deficits(venue: Venue, state: State) -> None:
    """Deficits of accounts still open; at the last marks they may be in breach for the first time."""
    cross(state.watch, venue.book.positions, state.market)
    for n in range(state.watch.counts[0].pending):
        i = state.watch.pending[n]
        if is_insolvent(venue.book, state.accounts, state.market, i):
            value = equity(venue.book, state.accounts, state.market, i)
            state.ledger.out[venue.book.accounts[i].pool, RESIDUAL_OPEN] -= value


@part
def _owed_by_treasuries(venue: Venue, state: State) -> None:
    """What treasuries have borne and not raised is still open."""
    for k in range(venue.layers.size):
        if venue.layers[k].kind == TREASURY:
            owed = max(0.0, -layer_equity(state.layers, state.market, k))
            state.ledger.out[venue.layers[k].pool, RESIDUAL_OPEN] += owed


@part
def _collect_layers(venue: Venue, state: State) -> None:
    """Balances at the end; a shared fund's in every pool that lists it."""
    value_hedges(venue, state)
    for k in range(venue.layers.size):
        if has_balance(venue.layers, k):
            held = layer_collateral(venue.markets, state.layers, state.market, k)
            state.layers.out[k, EQUITY_END] = layer_equity(state.layers, state.market, k)
            state.layers.out[k, INVENTORY_END] = layer_notional(venue.markets, state.layers, state.market, k)
            state.layers.out[k, COLLATERAL_END] = held
            state.layers.out[k, COLLATERAL_LOSS] -= held
    for k in range(venue.layers.size):
        if venue.layers[k].balance != k:
            for column in OF_BALANCE:
                state.layers.out[k, column] = state.layers.out[venue.layers[k].balance, column]


@part
def collect(venue: Venue, state: State) -> None:
    """Fill what can only be told at the end of a path."""
    _count(venue, state)
    _sum_open_deficits(venue, state)
    _note_long(venue, state)
    _owed_by_treasuries(venue, state)
    _collect_layers(venue, state)
    collect_owners(venue, state)
    out, layer_out = state.ledger.out, state.layers.out
    for p in range(out.shape[0]):
        fund = venue.pools[p].first_fund
        if fund < 0:
            for column in (REQUIRED, FUND_LOW, FUND_END, FIRST_DECLINE):
                out[p, column] = float("nan")
            continue
        out[p, REQUIRED] = layer_out[fund, FALL] + venue.layers[fund].floor
        out[p, FUND_LOW] = layer_out[fund, LOW]
        out[p, FUND_END] = layer_out[fund, EQUITY_END]
        out[p, FIRST_DECLINE] = layer_out[fund, LAYER_DECLINE]
    for m in range(state.market.size):
        state.market_out[m, PRICE_END] = book_price(state.market, m)
        state.market_out[m, INTEREST_END] = _open_interest(venue, state, m)


@part
def trace_step(venue: Venue, state: State, trace_pools: Floats, trace_markets: Floats, step: int) -> None:
    """Record one step: cumulative losses of the pools, state of the markets."""
    for p in range(state.ledger.out.shape[0]):
        fund = venue.pools[p].first_fund
        trace_pools[step, p, TRACE_FUND] = float("nan")
        if fund >= 0:
            trace_pools[step, p, TRACE_FUND] = layer_equity(state.layers, state.market, venue.layers[fund].balance)
        for traced, column in TRACED:
            trace_pools[step, p, traced] = state.ledger.out[p, column]
    now = state.market
    _note_long(venue, state)
    for m in range(now.size):
        trace_markets[step, m, T_FUNDAMENTAL] = now[m].fundamental
        trace_markets[step, m, T_PRICE] = book_price(now, m)
        trace_markets[step, m, T_MARK] = now[m].mark
        trace_markets[step, m, T_DISPLACEMENT] = now[m].displacement
        trace_markets[step, m, T_DEPTH] = now[m].depth
        trace_markets[step, m, T_INTEREST] = _open_interest(venue, state, m)
