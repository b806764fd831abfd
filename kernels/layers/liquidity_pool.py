"""A liquidity pool is the counterparty of its risk pool: what its accounts win it loses, and the other way round.

Nobody else holds positions against the accounts: the pool has the other side of all of them from index 0 on, and
takes the other end of every order. It is worth ``capital`` then, part of which it may keep in the assets of the
markets: as long as longs are backed by their own asset, what they win is there.

Where one side of a market has won too much, winners are closed at the mark until it has not (GMX v2, ADL by profit to
pool factor). The ratio is that of the side's unrealised profit, losers' losses off, to what backs it: the pool's
holding of the market's asset for longs, and all that is no such holding for shorts and for longs without one.
"""

from __future__ import annotations

import math

from ..auction import NO_FILL, WHOLE
from ..instruments import SPOT
from ..jit import part
from ..margin import dust, equity, gross, maintenance, position_maintenance
from ..orders import share_of_maintenance
from ..owners import pay_haircut
from ..ranks import RANDOM, is_queue, nearness, score
from ..ranks.capped import closable
from ..results import MARKET_COLUMNS, POOL_COLUMNS
from ..settle import take_fill, trade
from ..state import DELEVERAGED, State
from ..structs import Venue
from ..watch import disturb
from ..waterfill import waterfill
from .adl import account_profit, allot_all, allot_queue, circle_start
from .balance import HEDGE_RESULT, layer_equity

ADL_NOTIONAL = POOL_COLUMNS.index("adl_notional")
ADL_HAIRCUT = POOL_COLUMNS.index("adl_haircut")
FIRST_ADL = POOL_COLUMNS.index("first_adl_s")
MARKET_ADL = MARKET_COLUMNS.index("adl_notional")
MARKET_UNITS = MARKET_COLUMNS.index("adl_units")
MARKET_FILLS = MARKET_COLUMNS.index("adl_fill_value")


@part
def _buy_backing(venue: Venue, state: State, k: int, m: int, units: float) -> None:
    """Buy units of the asset of market m from outside traders, at its fundamental price."""
    ledger, row = state.ledger, venue.layers[k].account
    paid = units * state.market[m].fundamental
    state.layers.stock[k * state.market.size + m].hedge += units
    state.layers.each[k].cash -= paid
    state.layers.out[k, HEDGE_RESULT] -= paid
    ledger.each[row].outside_cash += paid
    ledger.outside_quantity[row, m] -= units


@part
def take_other_sides(venue: Venue, state: State) -> None:
    """At index 0: every liquidity pool takes the positions that outside traders would hold, and buys its backing."""
    for p in range(venue.pools.size):
        k = venue.pools[p].counterparty
        if k < 0:
            continue
        for m in range(state.market.size):
            units = state.ledger.outside_quantity[p, m]
            state.layers.quantity[k, m] = units
            state.layers.each[k].cash -= units * state.market[m].mark
            state.ledger.each[p].outside_cash += units * state.market[m].mark
            state.ledger.outside_quantity[p, m] = 0.0
        for c in range(venue.caps.size):
            if venue.caps[c].layer == k and venue.caps[c].backing > 0.0:
                _buy_backing(venue, state, k, venue.caps[c].market, venue.caps[c].backing)


@part
def _profit_of_side(venue: Venue, state: State, k: int, m: int, side: float) -> float:
    """Unrealised profit of all positions on one side of market m in the pool of layer k, losers' losses off.

    That of index 0 at the mark of now, corrected for the accounts that the path has changed.
    """
    book, stock, watch = venue.book, state.layers.stock[k * state.market.size + m], state.watch
    mark = state.market[m].mark
    if side > 0.0:
        total = stock.long_units * mark - stock.long_cost
    else:
        total = stock.short_cost - stock.short_units * mark
    for n in range(watch.counts[0].touched):
        i = watch.touched[n]
        if book.accounts[i].pool != venue.layers[k].pool:
            continue
        for j in range(book.accounts[i].first, book.accounts[i].last):
            held = book.positions[j]
            if held.market == m and held.quantity * side > 0.0:
                total += (state.accounts.positions[j].quantity - held.quantity) * (mark - held.entry)
    return total


@part
def _profit_of_all(venue: Venue, state: State, k: int) -> float:
    """Unrealised profit of all positions in the pool of layer k: both sides of all markets in one pass."""
    book, now, watch, total = venue.book, state.market, state.watch, 0.0
    for m in range(now.size):
        stock = state.layers.stock[k * now.size + m]
        total += (stock.long_units - stock.short_units) * now[m].mark - stock.long_cost + stock.short_cost
    for n in range(watch.counts[0].touched):
        i = watch.touched[n]
        if book.accounts[i].pool != venue.layers[k].pool:
            continue
        for j in range(book.accounts[i].first, book.accounts[i].last):
            held = book.positions[j]
            gain = now[held.market].mark - held.entry
            total += (state.accounts.positions[j].quantity - held.quantity) * gain
    return total


@part
def sum_sides(venue: Venue, state: State) -> None:
    """Units and cost of either side of every market at index 0, for the pools whose profits are capped."""
    book, markets = venue.book, state.market.size
    for n in range(state.layers.stock.size):
        stock = state.layers.stock[n]
        stock.long_units, stock.long_cost, stock.short_units, stock.short_cost = 0.0, 0.0, 0.0, 0.0
    for j in range(book.positions.size):
        held = book.positions[j]
        k = venue.pools[book.accounts[held.holder].pool].counterparty
        if k < 0 or venue.markets.each[held.market].kind == SPOT:
            continue
        stock = state.layers.stock[k * markets + held.market]
        if held.quantity > 0.0:
            stock.long_units += held.quantity
            stock.long_cost += held.quantity * held.entry
        else:
            stock.short_units -= held.quantity
            stock.short_cost -= held.quantity * held.entry


@part
def _backing_value(state: State, k: int, m: int) -> float:
    return state.layers.stock[k * state.market.size + m].hedge * state.market[m].fundamental


@part
def _is_backed(venue: Venue, k: int, m: int) -> bool:
    """Whether liquidity pool k began with the asset of market m, used up or not."""
    for c in range(venue.caps.size):
        if venue.caps[c].layer == k and venue.caps[c].market == m and venue.caps[c].backing > 0.0:
            return True
    return False


@part
def _behind(venue: Venue, state: State, k: int, m: int, side: float) -> float:
    """What backs one side of market m: the pool without the accounts' profits, by where it is held."""
    if side > 0.0 and _is_backed(venue, k, m):
        return _backing_value(state, k, m)
    value = layer_equity(state.layers, state.market, k) + _profit_of_all(venue, state, k)
    for other in range(state.market.size):
        value -= _backing_value(state, k, other)
    return max(0.0, value)


@part
def _payout(venue: Venue, k: int, profit: float, behind: float) -> float:
    """Share of its profit that a side is paid."""
    most = venue.layers[k].profit_payout
    return 1.0 if math.isinf(most) or profit <= most * behind else most * behind / profit


@part
def _score(venue: Venue, state: State, k: int, i: int, j: int, start: float) -> float:
    """Place of position j of account i in the queue of winners, or its weight."""
    book, accounts, now, m = venue.book, state.accounts, state.market, venue.book.positions[j].market
    if venue.layers[k].rank == RANDOM:
        return nearness(book.accounts[i].circle, start)
    quantity, notional = accounts.positions[j].quantity, gross(book, accounts, now, i)
    requirement = maintenance(book, venue.markets, accounts, now, i)
    part = position_maintenance(venue.markets, now, m, quantity)
    share = share_of_maintenance(book, accounts, now, j, part, requirement, notional)
    value, profit = equity(book, accounts, now, i), account_profit(venue, state, i)
    return score(
        venue.layers[k].rank, now[m].mark, book.positions[j].entry, quantity, value, requirement, share, profit
    )


@part
def _winners(venue: Venue, state: State, k: int, m: int, side: float, payout: float, start: float) -> int:
    """Positions on ``side`` of market m that have won, their scores, and the profit that closing them realises."""
    book, accounts, now, scratch, count = venue.book, state.accounts, state.market, state.scratch, 0
    for at in range(book.market_first[m], book.market_first[m + 1]):
        j = book.by_market[at]
        i, quantity = book.positions[j].holder, accounts.positions[j].quantity
        if quantity * side <= 0.0 or book.accounts[i].pool != venue.layers[k].pool:
            continue
        gain = side * (now[m].mark - book.positions[j].entry)
        value = equity(book, accounts, now, i)
        if gain <= 0.0 or value <= dust(gross(book, accounts, now, i)):
            continue
        scratch.where[count] = j
        scratch.key[count] = _score(venue, state, k, i, j, start)
        scratch.cap[count] = gain * closable(quantity, value, (1.0 - payout) * gain)
        count += 1
    return count


@part
def _close(venue: Venue, state: State, k: int, j: int, profit: float, payout: float) -> float:
    """Close what realises ``profit`` of position j, of which ``payout`` is paid; returns the value closed."""
    accounts, now = state.accounts, state.market
    m, i = venue.book.positions[j].market, venue.book.positions[j].holder
    held, gain = accounts.positions[j].quantity, now[m].mark - venue.book.positions[j].entry
    units = profit / gain
    if abs(units) >= WHOLE * abs(held):
        units = held
    price = now[m].mark - (1.0 - payout) * gain
    trade(accounts, now, j, i, m, -units, price)
    take_fill(venue, state, venue.layers[k].pool, m, -units, price)
    accounts.positions[j].adl_gain += units * payout * gain
    accounts.each[i].events |= DELEVERAGED
    disturb(state.watch, i)
    state.market_out[m, MARKET_UNITS] += units
    state.market_out[m, MARKET_FILLS] += units * price
    value = abs(units) * now[m].mark
    pay_haircut(venue, state, i, (1.0 - payout) * units * gain, value)
    state.ledger.out[venue.layers[k].pool, ADL_HAIRCUT] += (1.0 - payout) * units * gain
    return value


@part
def _close_winners(venue: Venue, state: State, k: int, m: int, side: float, payout: float, count: int) -> float:
    """Close what has been allotted to the winners; returns the value closed. Longs are paid out of their asset."""
    scratch, profit, value = state.scratch, 0.0, 0.0
    for o in range(count):
        if scratch.share[o] > 0.0:
            profit += scratch.share[o]
            value += _close(venue, state, k, scratch.where[o], scratch.share[o], payout)
    if side > 0.0 and _is_backed(venue, k, m):
        held = state.layers.stock[k * state.market.size + m].hedge
        _buy_backing(venue, state, k, m, -min(held, payout * profit / state.market[m].fundamental))
    state.ledger.out[venue.layers[k].pool, ADL_NOTIONAL] += value
    state.market_out[m, MARKET_ADL] += value
    return value


@part
def _cap_side(venue: Venue, state: State, k: int, m: int, side: float, seconds: float) -> bool:
    """Close winners of one side of market m if it has won too much; whether any was closed.

    Closing a profit P' takes it off the side's profit P and its payout off what backs it, B: (P - P') / (B - payout P')
    is to be ``profit_to``.
    """
    layer, scratch = venue.layers[k], state.scratch
    profit = _profit_of_side(venue, state, k, m, side)
    if profit <= 0.0:
        return False
    behind = _behind(venue, state, k, m, side)
    if profit <= layer.profit_above * behind:
        return False
    payout = _payout(venue, k, profit, behind)
    wanted = (profit - layer.profit_to * behind) / (1.0 - layer.profit_to * payout)
    count = _winners(venue, state, k, m, side, payout, circle_start(venue, state, k, m, side, seconds))
    supply = 0.0
    for o in range(count):
        supply += scratch.cap[o]
    if supply <= wanted:
        allot_all(state, count)
    elif is_queue(layer.rank):
        allot_queue(state, count, wanted)
    else:
        waterfill(scratch.key, scratch.cap, scratch.share, count, wanted)
    if _close_winners(venue, state, k, m, side, payout, count) < NO_FILL:
        return False
    if math.isnan(state.ledger.out[layer.pool, FIRST_ADL]):
        state.ledger.out[layer.pool, FIRST_ADL] = seconds
    return True


@part
def cap_profits(venue: Venue, state: State, k: int, seconds: float) -> bool:
    """Hold what each side of each market has won of liquidity pool k within its bound; whether any was closed."""
    if math.isinf(venue.layers[k].profit_above):
        return False
    closed = False
    for m in range(state.market.size):
        if venue.markets.each[m].kind != SPOT:
            closed = _cap_side(venue, state, k, m, 1.0, seconds) or closed
            closed = _cap_side(venue, state, k, m, -1.0, seconds) or closed
    return closed
