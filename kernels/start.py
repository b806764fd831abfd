"""The state at index 0: a fresh path."""

from __future__ import annotations

import math

from .jit import kernel
from .layers.balance import (
    DEPLETION, FALL, FALL_AT, FIRST_DECLINE, FIRST_UNDER, LOW, has_balance, layer_equity,
)
from .margin import equity
from .marks import set_marks
from .results import POOL_COLUMNS
from .settle import FIRST_LIQUIDATION, PRICE_HIGH, PRICE_LOW, observe_price
from .state import NEVER, Accounts, LayerState, Ledger, MarketState, State
from .structs import Book, Floats, Layers, Venue
from .trigger import forget

FIRST_ADL = POOL_COLUMNS.index("first_adl_s")


@kernel
def zero(table: Floats) -> None:
    for r in range(table.shape[0]):
        for c in range(table.shape[1]):
            table[r, c] = 0.0


@kernel
def _reset_markets(venue: Venue, now: MarketState, market_out: Floats, log_price: Floats) -> None:
    zero(market_out)
    for m in range(now.shift.size):
        now.shift[m] = 0.0
        now.displacement[m] = 0.0
        now.fundamental[m] = math.exp(log_price[0, m])
        now.depth[m] = venue.markets.depth[m]
        now.funding[m] = 0.0
        now.factor[m] = 1.0
        now.published[m] = now.fundamental[m]
        now.published_at[m] = 0
        market_out[m, PRICE_LOW] = math.inf
        market_out[m, PRICE_HIGH] = 0.0
        observe_price(now, market_out, m)
    set_marks(venue.markets, now)
    for m in range(now.shift.size):
        now.anchor[m] = now.mark[m]
        now.previous[m] = now.mark[m]


@kernel
def _reset_accounts(book: Book, accounts: Accounts, now: MarketState) -> None:
    for j in range(book.quantity.size):
        accounts.quantity[j] = book.quantity[j]
        accounts.limit_step[j] = NEVER
    for i in range(book.cash.size):
        accounts.cash[i] = book.cash[i]
        accounts.since[i] = NEVER
        accounts.sliced[i] = NEVER
        accounts.events[i] = 0
        accounts.start_equity[i] = equity(book, accounts, now, i)


@kernel
def _reset_layers(layers: Layers, state: LayerState, now: MarketState) -> None:
    zero(state.quantity)
    zero(state.out)
    for k in range(layers.kind.size):
        state.cash[k] = layers.capital[k]
        for column in (FALL_AT, FIRST_DECLINE, FIRST_UNDER, DEPLETION):
            state.out[k, column] = math.nan
        if has_balance(layers, k):
            state.start[k] = layer_equity(state, now, k)
            state.out[k, LOW] = state.start[k]
            state.out[k, FALL] = 0.0


@kernel
def _reset_ledger(venue: Venue, ledger: Ledger) -> None:
    """Outside traders begin with minus the pool's net position and its cost at no price."""
    book = venue.book
    zero(ledger.outside_quantity)
    zero(ledger.out)
    for p in range(ledger.outside_cash.size):
        ledger.outside_cash[p] = 0.0
        ledger.liquidators[p] = 0.0
        ledger.out[p, FIRST_LIQUIDATION] = math.nan
        ledger.out[p, FIRST_ADL] = math.nan
    for j in range(book.quantity.size):
        ledger.outside_quantity[book.pool[book.holder[j]], book.market[j]] -= book.quantity[j]


@kernel
def reset(venue: Venue, state: State, log_price: Floats) -> None:
    """Set every part of the state to index 0 of a path."""
    _reset_markets(venue, state.market, state.market_out, log_price)
    _reset_accounts(venue.book, state.accounts, state.market)
    _reset_layers(venue.layers, state.layers, state.market)
    _reset_ledger(venue, state.ledger)
    forget(state.blocks)
    for i in range(state.scratch.closing.size):
        state.scratch.closing[i] = 0
