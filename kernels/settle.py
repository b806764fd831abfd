"""Settlement of an auction: fills, fees and the other end of every trade."""

from __future__ import annotations

from .auction import clear
from .jit import kernel, part
from .layers.balance import receive_cash
from .liquidity import move_book
from .margin import dust, equity
from .marks import book_price
from .records import Records
from .results import LAYER_COLUMNS, MARKET_COLUMNS, POOL_COLUMNS
from .state import LIQUIDATED, REDUCED, Accounts, State
from .structs import Floats, Venue
from .watch import disturb

LIQUIDATED_NOTIONAL = POOL_COLUMNS.index("liquidated_notional")
AUCTION_VALUE = POOL_COLUMNS.index("auction_value")
AUCTION_COST = POOL_COLUMNS.index("auction_cost")
FEES = POOL_COLUMNS.index("fees")
FEES_FUND = POOL_COLUMNS.index("fees_fund")
LAYER_FEES = LAYER_COLUMNS.index("fees")
REDUCED_NOTIONAL = POOL_COLUMNS.index("reduced_notional")
FIRST_LIQUIDATION = POOL_COLUMNS.index("first_liquidation_s")

PRICE_LOW = MARKET_COLUMNS.index("price_low")
PRICE_HIGH = MARKET_COLUMNS.index("price_high")
DISPLACEMENT = MARKET_COLUMNS.index("largest_displacement")
MARKET_LIQUIDATED = MARKET_COLUMNS.index("liquidated_notional")

UNFILLED = 1e-12
"""Share of an order left over under which the order counts as filled."""


@part
def observe_price(now: Records, market_out: Floats, m: int) -> None:
    """Take the book's price into the path's extremes."""
    price = book_price(now, m)
    market_out[m, PRICE_LOW] = min(market_out[m, PRICE_LOW], price)
    market_out[m, PRICE_HIGH] = max(market_out[m, PRICE_HIGH], price)
    market_out[m, DISPLACEMENT] = max(market_out[m, DISPLACEMENT], abs(now[m].displacement))


@part
def trade(accounts: Accounts, now: Records, j: int, i: int, m: int, quantity: float, price: float) -> None:
    """Account i changes position j by ``quantity`` at ``price``; closing it whole leaves exactly nothing."""
    accounts.each[i].cash -= quantity * (price - now[m].funding)
    left = accounts.positions[j].quantity + quantity
    accounts.positions[j].quantity = 0.0 if quantity == -accounts.positions[j].quantity else left


@part
def take_fill(venue: Venue, state: State, p: int, m: int, fill: float, price: float) -> None:
    """The other end of a fill of pool p: its liquidity pool, where it has one, or outside traders."""
    k, value = venue.pools[p].counterparty, fill * (price - state.market[m].funding)
    if k >= 0:
        state.layers.each[k].cash += value
        state.layers.quantity[k, m] -= fill
    else:
        state.ledger.each[p].outside_cash += value
        state.ledger.outside_quantity[p, m] -= fill


@part
def _settle_order(venue: Venue, state: State, o: int, m: int, price: float) -> float:
    """Book one order's fill; returns the filled quantity."""
    accounts, now, orders, ledger = state.accounts, state.market, state.orders, state.ledger
    i, j, fill = orders.each[o].account, orders.each[o].position, orders.each[o].filled
    if abs(orders.each[o].quantity - fill) > UNFILLED * abs(orders.each[o].quantity):
        accounts.each[i].unfilled = 1
    if fill == 0.0:
        return 0.0
    p = venue.book.accounts[i].pool
    notional = abs(fill) * now[m].mark
    trade(accounts, now, j, i, m, fill, price)
    take_fill(venue, state, p, m, fill, price)
    disturb(state.watch, i)
    if orders.each[o].voluntary == 1:
        accounts.each[i].events |= REDUCED
        ledger.out[p, REDUCED_NOTIONAL] += notional
        return fill
    accounts.each[i].events |= LIQUIDATED
    accounts.each[i].fee_base += abs(fill) * price
    if venue.pools[p].guarantor >= 0:
        short = fill * (price - orders.each[o].bankrupt)
        accounts.each[i].short_fill += short if short > dust(notional) else 0.0
    ledger.out[p, LIQUIDATED_NOTIONAL] += notional
    ledger.out[p, AUCTION_VALUE] += abs(fill) * price
    ledger.out[p, AUCTION_COST] += fill * (price - now[m].mark)
    state.market_out[m, MARKET_LIQUIDATED] += notional
    return fill


@part
def hold_auctions(venue: Venue, state: State) -> bool:
    """Clear every market with orders and settle it; returns whether anything was filled."""
    filled = False
    for m in range(venue.markets.each.size):
        if state.orders.head[m] < 0:
            continue
        price = clear(venue.markets, state.market, state.orders, m)
        net = 0.0
        o = state.orders.head[m]
        while o >= 0:
            fill = _settle_order(venue, state, o, m, price)
            net += fill
            filled = filled or fill != 0.0
            o = state.orders.each[o].following
        move_book(venue.markets, state.market, m, net)
        observe_price(state.market, state.market_out, m)
    return filled


@kernel
def _first_time(out: Floats, p: int, column: int, seconds: float) -> None:
    if out[p, column] != out[p, column]:
        out[p, column] = seconds


@part
def charge_fees(venue: Venue, state: State, breaches: int, step: int) -> None:
    """One fee per account and round, never more than the equity left: the fund's share before the layers act."""
    accounts, ledger, pools = state.accounts, state.ledger, venue.pools
    book = venue.book
    for b in range(breaches):
        i = accounts.breach[b]
        if accounts.each[i].fee_base == 0.0:
            continue
        p = book.accounts[i].pool
        _first_time(ledger.out, p, FIRST_LIQUIDATION, step * venue.clock.dt)
        left = max(0.0, equity(book, accounts, state.market, i))
        fee = min(pools[p].fee_rate * accounts.each[i].fee_base, left)
        if fee <= 0.0:
            continue
        accounts.each[i].cash -= fee
        fund = pools[p].first_fund
        kept = pools[p].fund_share * fee if fund >= 0 else 0.0
        if fund >= 0:
            receive_cash(venue.layers, state.layers, ledger, fund, kept)
            state.layers.out[fund, LAYER_FEES] += kept
        ledger.each[p].liquidators += fee - kept
        ledger.out[p, FEES] += fee
        ledger.out[p, FEES_FUND] += kept
