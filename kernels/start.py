"""The state at index 0: a fresh path."""

from __future__ import annotations

import math

from .dynamic_margin import PEAK, observe_factors, start_factors
from .instruments import SPOT
from .jit import kernel, part
from .layers import SHARED_FUND
from .layers.balance import (
    DEPLETION,
    FALL,
    FALL_AT,
    FIRST_DECLINE,
    FIRST_UNDER,
    LOW,
    has_balance,
    layer_equity,
)
from .layers.liquidity_pool import sum_sides, take_other_sides
from .layers.parts import PART_FALL
from .layers.stop import clear_highs, note_high
from .layers.treasury import TOKEN_LOW
from .layout import lay_out
from .margin import equity
from .marks import set_marks
from .oracle import falsified
from .owners import forget_owners
from .records import Records
from .results import POOL_COLUMNS
from .settle import FIRST_LIQUIDATION, PRICE_HIGH, PRICE_LOW, observe_price
from .state import NEVER, Accounts, LayerState, Ledger, Memory, State
from .structs import Book, Floats, Venue
from .traders.makers import LEAST
from .watch import begin_watch, is_laid_out

FIRST_ADL = POOL_COLUMNS.index("first_adl_s")


@kernel
def zero(table: Floats) -> None:
    for r in range(table.shape[0]):
        for c in range(table.shape[1]):
            table[r, c] = 0.0


@part
def _reset_markets(venue: Venue, now: Records, memory: Memory, market_out: Floats, log_price: Floats) -> None:
    zero(market_out)
    for m in range(now.size):
        now[m].shift = 0.0
        now[m].displacement = 0.0
        now[m].fundamental = math.exp(log_price[0, m])
        now[m].depth = venue.markets.each[m].depth
        now[m].funding = 0.0
        now[m].published = now[m].fundamental * falsified(venue.markets, m, 0)
        market_out[m, PEAK] = 1.0
        market_out[m, LEAST] = 1.0
        now[m].taken = now[m].fundamental
        now[m].taken_at = 0
        now[m].basis = 0.0
        market_out[m, PRICE_LOW] = math.inf
        market_out[m, PRICE_HIGH] = 0.0
        observe_price(now, market_out, m)
    start_factors(venue.markets, now, memory)
    set_marks(venue.markets, now)
    observe_factors(now, memory, market_out, venue.clock.dt, 0)
    for m in range(now.size):
        now[m].anchor = now[m].mark
        now[m].previous = now[m].mark


@part
def _reset_account(book: Book, accounts: Accounts, i: int) -> None:
    for j in range(book.accounts[i].first, book.accounts[i].end):
        accounts.positions[j].quantity = book.positions[j].quantity
        accounts.positions[j].limit_step = NEVER
        accounts.positions[j].adl_gain = 0.0
    accounts.each[i].cash = book.accounts[i].cash
    accounts.each[i].since = NEVER
    accounts.each[i].sliced = NEVER
    accounts.each[i].events = 0
    accounts.each[i].closing = 0


@part
def _sum_positions(venue: Venue, now: Records, ledger: Ledger) -> None:
    """Net contracts of the pools, and what accounts hold long in the markets, at index 0."""
    book = venue.book
    zero(ledger.outside_start)
    for m in range(now.size):
        now[m].long_start = 0.0
    for j in range(book.positions.size):
        held = book.positions[j]
        if venue.markets.each[held.market].kind != SPOT:
            ledger.outside_start[book.accounts[held.holder].pool, held.market] -= held.quantity
        now[held.market].long_start += max(0.0, held.quantity)


@part
def _reset_accounts(venue: Venue, state: State) -> None:
    """Accounts that the last path has changed; all of them when index 0 is another than the last path's."""
    accounts, now, watch = state.accounts, state.market, state.watch
    if is_laid_out(watch, now):
        for n in range(watch.counts[0].touched):
            _reset_account(venue.book, accounts, watch.touched[n])
    else:
        for i in range(accounts.each.size):
            _reset_account(venue.book, accounts, i)
            accounts.each[i].start_equity = equity(venue.book, accounts, now, i)
        _sum_positions(venue, now, state.ledger)
        sum_sides(venue, state)
        lay_out(venue, watch, accounts, now)
    begin_watch(watch, now)


@part
def _reset_layers(layers: Records, state: LayerState, now: Records) -> None:
    zero(state.quantity)
    for n in range(state.stock.size):
        state.stock[n].hedge = 0.0
        state.stock[n].part = 0.0
        state.stock[n].gap_since = NEVER
    clear_highs(state)
    zero(state.out)
    for k in range(layers.size):
        state.each[k].cash = layers[k].capital
        state.each[k].tokens = layers[k].token_units
        state.each[k].owing_since = NEVER
        state.each[k].part_cash = 0.0
        for column in (FALL_AT, FIRST_DECLINE, FIRST_UNDER, DEPLETION, TOKEN_LOW):
            state.out[k, column] = math.nan
        state.out[k, PART_FALL] = 0.0 if layers[k].kind == SHARED_FUND else math.nan
        if has_balance(layers, k):
            state.each[k].start = layer_equity(state, now, k)
            note_high(layers, state, k, state.each[k].start, 0.0)
            state.out[k, LOW] = state.each[k].start
            state.out[k, FALL] = 0.0


@part
def _reset_ledger(venue: Venue, ledger: Ledger) -> None:
    """Outside traders begin with minus the pool's net position and its cost at no price, and without collateral."""
    for row in range(ledger.each.size):
        for m in range(ledger.outside_quantity.shape[1]):
            ledger.outside_quantity[row, m] = ledger.outside_start[row, m]
    zero(ledger.transferred_quantity)
    zero(ledger.out)
    for row in range(ledger.each.size):
        ledger.each[row].outside_cash = 0.0
        ledger.each[row].liquidators = 0.0
        ledger.each[row].transferred = 0.0
    for p in range(ledger.out.shape[0]):
        ledger.out[p, FIRST_LIQUIDATION] = math.nan
        ledger.out[p, FIRST_ADL] = math.nan


@part
def reset(venue: Venue, state: State, memory: Memory, log_price: Floats) -> None:
    """Set every part of the state to index 0 of a path."""
    zero(memory.shift)
    _reset_markets(venue, state.market, memory, state.market_out, log_price)
    _reset_accounts(venue, state)
    _reset_layers(venue.layers, state.layers, state.market)
    _reset_ledger(venue, state.ledger)
    take_other_sides(venue, state)
    forget_owners(venue, state)
