"""Auto-deleveraging: insolvent accounts are closed against winners (MODEL 6).

Per market and side one batch. The insolvent quantities add up, each closed at
its own price; the winners are filled in rank order at the mean price. Nobody
is closed by more than its equity can bear, so ADL makes nobody insolvent.
"""

from __future__ import annotations

import math

from ..auction import NO_FILL, WHOLE, sort_by_key
from ..instruments import SPOT
from ..jit import part
from ..margin import bankruptcy_price, dust, equity, gross, is_flat, is_insolvent, maintenance, position_maintenance
from ..orders import share_of_maintenance
from ..owners import bear, pay_haircut
from ..ranks import RANDOM, is_queue, most_closed, nearness, random_start, score, skips_losers
from ..results import MARKET_COLUMNS, POOL_COLUMNS
from ..settle import trade
from ..state import ADL_CLOSED, DELEVERAGED, State
from ..structs import Venue
from ..watch import disturb
from ..waterfill import waterfill
from . import AT_BANKRUPTCY, AT_MARK
from .balance import PAID_FOR_LAYERS, has_balance, is_under_floor, layer_equity, layer_notional

ADL_NOTIONAL = POOL_COLUMNS.index("adl_notional")
ADL_HAIRCUT = POOL_COLUMNS.index("adl_haircut")
FIRST_ADL = POOL_COLUMNS.index("first_adl_s")
MARKET_ADL = MARKET_COLUMNS.index("adl_notional")
MARKET_UNITS = MARKET_COLUMNS.index("adl_units")
MARKET_FILLS = MARKET_COLUMNS.index("adl_fill_value")


@part
def _close_accounts(venue: Venue, state: State, pool: int, unfilled: int, breaches: int) -> int:
    """Mark the pool's insolvent accounts with positions as closing and keep what their prices follow from.

    Where ``unfilled`` is 1, only those whose orders found no buyer in this round.

    Equity and maintenance are those at the start: closing one leg first must
    not change the price of the other.
    """
    count = 0
    for b in range(breaches):
        i = state.accounts.breach[b]
        if venue.book.accounts[i].pool != pool or is_flat(venue.book, state.accounts, i):
            continue
        if unfilled == 1 and state.accounts.each[i].unfilled == 0:
            continue
        if is_insolvent(venue.book, state.accounts, state.market, i):
            state.accounts.each[i].closing = 1
            state.accounts.each[i].closing_equity = equity(venue.book, state.accounts, state.market, i)
            state.accounts.each[i].closing_maintenance = maintenance(
                venue.book, venue.markets, state.accounts, state.market, i
            )
            state.accounts.each[i].closing_gross = gross(venue.book, state.accounts, state.market, i)
            count += 1
    return count


@part
def _close_layers(venue: Venue, state: State, k: int, unlimited: int) -> int:
    """Mark the layers that ADL layer k closes, and keep what their prices follow from.

    They are closed whole: that the first batch brings a layer back over its floor does not spare the rest of it.
    """
    layers, now, count = state.layers, state.market, 0
    for other in range(k):
        if not closes_layer(venue, state, other, k, unlimited):
            continue
        maintained = 0.0
        for m in range(now.size):
            maintained += position_maintenance(venue.markets, now, m, layers.quantity[other, m])
        layers.each[other].closing = 1
        layers.each[other].closing_equity = layer_equity(layers, now, other)
        layers.each[other].closing_maintenance = maintained
        layers.each[other].closing_gross = layer_notional(venue.markets, layers, now, other)
        count += 1
    return count


@part
def _forget_closing(state: State, k: int, breaches: int) -> None:
    for b in range(breaches):
        state.accounts.each[state.accounts.breach[b]].closing = 0
    for other in range(k):
        state.layers.each[other].closing = 0


@part
def closes_layer(venue: Venue, state: State, k: int, adl: int, unlimited: int) -> bool:
    """Whether ADL layer ``adl`` closes layer k: under its floor, with contracts, in the same pool."""
    layers = venue.layers
    if not has_balance(layers, k) or layers[k].adl_below_floor == 0 or layers[k].pool != layers[adl].pool:
        return False
    if layer_notional(venue.markets, state.layers, state.market, k) == 0.0:
        return False
    return is_under_floor(layers, state.layers, state.market, k, unlimited)


@part
def _account_price(venue: Venue, state: State, k: int, i: int, j: int) -> float:
    """Price at which position j of closing account i is closed."""
    now, m = state.market, venue.book.positions[j].market
    quantity = state.accounts.positions[j].quantity
    if venue.layers[k].price == AT_MARK:
        return now[m].mark
    part = position_maintenance(venue.markets, now, m, quantity)
    whole = state.accounts.each[i].closing_maintenance
    share = share_of_maintenance(venue.book, state.accounts, now, j, part, whole, state.accounts.each[i].closing_gross)
    bankrupt = bankruptcy_price(now[m].mark, quantity, state.accounts.each[i].closing_equity, share)
    if venue.layers[k].price == AT_BANKRUPTCY:
        near = abs(bankrupt - now[m].mark) <= venue.layers[k].price_band * now[m].mark
        return bankrupt if near else now[m].mark
    if quantity > 0.0:
        return min(now[m].previous, bankrupt)
    return max(now[m].previous, bankrupt)


@part
def _layer_price(venue: Venue, state: State, k: int, m: int) -> float:
    """Price at which market m of closing layer k is closed: bankruptcy if it was in debt when ADL began, else mark."""
    now, quantity, each = state.market, state.layers.quantity[k, m], state.layers.each[k]
    if each.closing_equity >= 0.0:
        return now[m].mark
    if each.closing_maintenance > 0.0:
        share = position_maintenance(venue.markets, now, m, quantity) / each.closing_maintenance
    else:
        share = abs(quantity) * now[m].mark / each.closing_gross
    return bankruptcy_price(now[m].mark, quantity, each.closing_equity, share)


@part
def _winners(venue: Venue, state: State, k: int, m: int, side: float, price: float, start: float) -> int:
    """Positions that can be closed against ``side`` of market m: position, score and most they can give.

    ``start`` is where the rank ``random`` begins.
    """
    book, accounts, now, scratch = venue.book, state.accounts, state.market, state.scratch
    loss = side * (price - now[m].mark)
    rank, count = venue.layers[k].rank, 0
    for at in range(book.market_first[m], book.market_first[m + 1]):
        j = book.by_market[at]
        i = book.positions[j].holder
        quantity = accounts.positions[j].quantity
        if (
            quantity * side >= 0.0
            or book.accounts[i].pool != venue.layers[k].pool
            or state.accounts.each[i].closing == 1
        ):
            continue
        value, notional = equity(book, accounts, now, i), gross(book, accounts, now, i)
        profit = quantity * (now[m].mark - book.positions[j].entry)
        if value <= dust(notional) or (skips_losers(rank) and profit <= 0.0):
            continue
        requirement = maintenance(book, venue.markets, accounts, now, i)
        part = position_maintenance(venue.markets, now, m, quantity)
        share = share_of_maintenance(book, accounts, now, j, part, requirement, notional)
        scratch.where[count] = j
        scratch.key[count] = score(
            rank,
            now[m].mark,
            book.positions[j].entry,
            quantity,
            value,
            requirement,
            share,
            account_profit(venue, state, i),
        )
        if rank == RANDOM:
            scratch.key[count] = nearness(book.accounts[i].circle, start)
        scratch.cap[count] = most_closed(rank, quantity, value, profit + accounts.positions[j].adl_gain, loss)
        count += 1
    return count


@part
def account_profit(venue: Venue, state: State, i: int) -> float:
    """Unrealised profit of account i over all markets."""
    book, total = venue.book, 0.0
    for j in range(book.accounts[i].first, book.accounts[i].last):
        gain = state.market[book.positions[j].market].mark - book.positions[j].entry
        total += state.accounts.positions[j].quantity * gain
    return total


@part
def allot_all(state: State, count: int) -> None:
    """Fill every winner by all it can give; allotting the sum would leave its rounding with one of them."""
    for o in range(count):
        state.scratch.share[o] = state.scratch.cap[o]


@part
def allot_queue(state: State, count: int, amount: float) -> None:
    """Fill winners highest score first; equal scores share pro rata by what they can give."""
    scratch, rounding = state.scratch, NO_FILL * amount
    for o in range(count):
        scratch.who[o] = o
        scratch.share[o] = 0.0
    sort_by_key(scratch.who, scratch.key, count)
    last = count
    while last > 0 and amount > rounding:
        first = last - 1
        level = scratch.key[scratch.who[first]]
        supply = scratch.cap[scratch.who[first]]
        while first > 0 and scratch.key[scratch.who[first - 1]] == level:
            first -= 1
            supply += scratch.cap[scratch.who[first]]
        part = 1.0 if amount >= supply * WHOLE else amount / supply
        for o in range(first, last):
            at = scratch.who[o]
            scratch.share[at] = scratch.cap[at] if part == 1.0 else part * scratch.cap[at]
        amount = 0.0 if part < 1.0 else amount - supply
        last = first


@part
def _fill_winners(venue: Venue, state: State, k: int, m: int, side: float, price: float, count: int) -> float:
    """Close the allotted quantities at ``price``; returns their sum."""
    accounts, now, scratch = state.accounts, state.market, state.scratch
    pool, filled = venue.layers[k].pool, 0.0
    for o in range(count):
        closed = scratch.share[o]
        if closed < NO_FILL:
            continue
        j = scratch.where[o]
        i = venue.book.positions[j].holder
        trade(accounts, now, j, i, m, side * closed, price)
        pay_haircut(venue, state, i, side * closed * (price - now[m].mark), closed * now[m].mark)
        accounts.positions[j].adl_gain -= side * closed * (price - venue.book.positions[j].entry)
        accounts.each[i].events |= DELEVERAGED
        disturb(state.watch, i)
        filled += closed
    state.ledger.out[pool, ADL_NOTIONAL] += filled * now[m].mark
    state.ledger.out[pool, ADL_HAIRCUT] += filled * side * (price - now[m].mark)
    state.market_out[m, MARKET_ADL] += filled * now[m].mark
    state.market_out[m, MARKET_UNITS] -= side * filled
    state.market_out[m, MARKET_FILLS] -= side * filled * price
    return filled


@part
def _close_account(venue: Venue, state: State, k: int, i: int, j: int, share: float, price: float) -> None:
    """Close a share of position j of insolvent account i; what it rises from below zero is bad debt borne by ADL."""
    before = equity(venue.book, state.accounts, state.market, i)
    quantity = state.accounts.positions[j].quantity
    trade(state.accounts, state.market, j, i, venue.book.positions[j].market, -share * quantity, price)
    after = equity(venue.book, state.accounts, state.market, i)
    rise = min(0.0, after) - before
    if rise > 0.0:
        bear(venue, state, k, i, rise)
    state.accounts.each[i].events |= ADL_CLOSED
    disturb(state.watch, i)


@part
def _close_layer(state: State, k: int, other: int, m: int, share: float, price: float) -> None:
    """Close a share of market m of the layer ``other``; what it rises from below zero is debt borne by ADL layer k."""
    layers, now = state.layers, state.market
    before = layer_equity(layers, now, other)
    quantity = layers.quantity[other, m]
    layers.each[other].cash += share * quantity * (price - now[m].funding)
    layers.quantity[other, m] = 0.0 if share == 1.0 else (1.0 - share) * quantity
    rise = min(0.0, layer_equity(layers, now, other)) - min(0.0, before)
    layers.out[k, PAID_FOR_LAYERS] += max(0.0, rise)


@part
def _demand(venue: Venue, state: State, k: int, m: int, side: float, breaches: int) -> tuple[float, float]:
    """Base units to be closed on ``side`` of market m and their value at their own prices."""
    book, accounts = venue.book, state.accounts
    units, value = 0.0, 0.0
    for b in range(breaches):
        i = accounts.breach[b]
        if book.accounts[i].pool != venue.layers[k].pool or state.accounts.each[i].closing == 0:
            continue
        for j in range(book.accounts[i].first, book.accounts[i].last):
            if book.positions[j].market == m and accounts.positions[j].quantity * side > 0.0:
                units += abs(accounts.positions[j].quantity)
                value += abs(accounts.positions[j].quantity) * _account_price(venue, state, k, i, j)
    for other in range(k):
        if state.layers.quantity[other, m] * side > 0.0 and state.layers.each[other].closing == 1:
            size = abs(state.layers.quantity[other, m])
            units += size
            value += size * _layer_price(venue, state, other, m)
    return units, value


@part
def _close_demand(venue: Venue, state: State, k: int, m: int, side: float, share: float, breaches: int) -> None:
    """Close ``share`` of everything :func:`_demand` counted, each at its own price."""
    book, accounts, layers = venue.book, state.accounts, state.layers
    for b in range(breaches):
        i = accounts.breach[b]
        if book.accounts[i].pool != venue.layers[k].pool or state.accounts.each[i].closing == 0:
            continue
        for j in range(book.accounts[i].first, book.accounts[i].last):
            if book.positions[j].market == m and accounts.positions[j].quantity * side > 0.0:
                _close_account(venue, state, k, i, j, share, _account_price(venue, state, k, i, j))
    for other in range(k):
        if layers.quantity[other, m] * side > 0.0 and layers.each[other].closing == 1:
            _close_layer(state, k, other, m, share, _layer_price(venue, state, other, m))


@part
def circle_start(venue: Venue, state: State, k: int, m: int, side: float, seconds: float) -> float:
    """Where the rank ``random`` begins on the circle of accounts; 0 for the others."""
    if venue.layers[k].rank != RANDOM:
        return 0.0
    step = math.floor(seconds / venue.clock.dt + 0.5)
    return random_start(venue.seed, state.path[0], step, m, side)


@part
def _batch(venue: Venue, state: State, k: int, m: int, side: float, breaches: int, seconds: float) -> bool:
    """One market and side: find winners, fill them, close the insolvent in the proportion that was filled."""
    units, value = _demand(venue, state, k, m, side, breaches)
    if units < NO_FILL:
        return False
    price = value / units
    count = _winners(venue, state, k, m, side, price, circle_start(venue, state, k, m, side, seconds))
    supply = 0.0
    for o in range(count):
        supply += state.scratch.cap[o]
    if supply <= units:
        allot_all(state, count)
    elif is_queue(venue.layers[k].rank):
        allot_queue(state, count, units)
    else:
        waterfill(state.scratch.key, state.scratch.cap, state.scratch.share, count, units)
    filled = _fill_winners(venue, state, k, m, side, price, count)
    if filled < NO_FILL:
        return False
    share = 1.0 if filled >= units * WHOLE else filled / units
    _close_demand(venue, state, k, m, side, share, breaches)
    pool = venue.layers[k].pool
    if math.isnan(state.ledger.out[pool, FIRST_ADL]):
        state.ledger.out[pool, FIRST_ADL] = seconds
    return True


@part
def deleverage(venue: Venue, state: State, k: int, breaches: int, seconds: float, unlimited: int) -> bool:
    """Run ADL layer k over this round's insolvent accounts and the layers under their floor; whether any was closed."""
    closing = _close_accounts(venue, state, venue.layers[k].pool, venue.layers[k].adl_unfilled, breaches)
    closing += _close_layers(venue, state, k, unlimited)
    if closing == 0:
        return False
    closed = False
    for m in range(venue.markets.each.size):
        if venue.markets.each[m].kind == SPOT:
            continue
        closed = _batch(venue, state, k, m, 1.0, breaches, seconds) or closed
        closed = _batch(venue, state, k, m, -1.0, breaches, seconds) or closed
    _forget_closing(state, k, breaches)
    return closed
