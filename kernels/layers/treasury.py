"""A treasury sells or mints a token to pay debts: MODEL 6 names it, and what it leaves open is decided here.

It bears cash debts, of flat accounts and of failed layers, and takes over no positions. What it has borne and not yet
raised is its own debt, its negative equity. It bears debts as far as its tokens cover them at the lowest price at which
it would sell them now; whatever a sale then brings, a debt it has borne stays with it until its tokens are gone.
"""

from __future__ import annotations

import math

from ..auction import NO_FILL
from ..jit import part
from ..liquidity import fill_price, move_book, sellable
from ..records import Records
from ..results import LAYER_COLUMNS
from ..settle import observe_price
from ..state import NEVER, LayerState, State
from ..structs import Venue
from . import TREASURY
from .balance import layer_dust, layer_equity

RAISED = LAYER_COLUMNS.index("raised")
SOLD = LAYER_COLUMNS.index("tokens_sold")
TOKEN_LOW = LAYER_COLUMNS.index("token_low")

STEEPEST = 1.0
"""Most that one sale may push the log price: beyond it more tokens can bring less cash, since the whole sale is at the
average and revenue falls once the last token goes for less than 1 / e of that."""


@part
def cover(venue: Venue, state: State, k: int) -> float:
    """What the tokens left cover beyond the debt that the treasury has: by the mark less its discount, or its floor."""
    layer, mark = venue.layers[k], state.market[venue.layers[k].token].mark
    if mark < layer.token_floor:
        return 0.0
    lowest = max(layer.token_floor, (1.0 - layer.token_discount) * mark)
    return max(0.0, state.layers.each[k].tokens * lowest + layer_equity(state.layers, state.market, k))


@part
def is_spent(layers: Records, state: LayerState, k: int) -> bool:
    """Whether treasury k has sold all its tokens."""
    return state.each[k].tokens <= NO_FILL * layers[k].token_units


@part
def _most(venue: Venue, state: State, k: int) -> float:
    """Tokens that treasury k may sell now: by its discount and floor price, its pace, and what it has left."""
    layer, now, m = venue.layers[k], state.market, venue.layers[k].token
    lowest = max(layer.token_floor, (1.0 - layer.token_discount) * now[m].fundamental)
    fall = min(STEEPEST, math.log(now[m].fundamental / lowest) + now[m].displacement)
    if fall <= 0.0:
        return 0.0
    return min(state.layers.each[k].tokens, layer.token_pace * now[m].depth, sellable(venue.markets, now, m, fall))


@part
def _least_for(venue: Venue, state: State, m: int, owed: float, most: float) -> float:
    """Least number of tokens whose sale brings ``owed``, or ``most`` where all of them bring less."""
    now = state.market
    if most * fill_price(venue.markets, now, m, -most) <= owed:
        return most
    low, high = 0.0, most
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle <= low or middle >= high:
            break
        if middle * fill_price(venue.markets, now, m, -middle) < owed:
            low = middle
        else:
            high = middle
    return high


@part
def _sell(venue: Venue, state: State, k: int, units: float) -> None:
    """Sell tokens of treasury k into their book, to outside traders."""
    m, ledger, out = venue.layers[k].token, state.ledger, state.layers.out
    price = fill_price(venue.markets, state.market, m, -units)
    cash = units * price
    each, row = state.layers.each[k], venue.layers[k].account
    each.tokens = 0.0 if units == each.tokens else each.tokens - units
    each.cash += cash
    ledger.each[row].outside_cash -= cash
    ledger.outside_quantity[row, m] += units
    out[k, RAISED] += cash
    out[k, SOLD] += units
    out[k, TOKEN_LOW] = price if math.isnan(out[k, TOKEN_LOW]) else min(price, out[k, TOKEN_LOW])
    move_book(venue.markets, state.market, m, -units)
    observe_price(state.market, state.market_out, m)


@part
def sell_tokens(venue: Venue, state: State, step: int) -> None:
    """Treasuries whose delay is over sell the least that pays what they owe; debts that come meanwhile join in."""
    for k in range(venue.layers.size):
        if venue.layers[k].kind != TREASURY:
            continue
        each = state.layers.each[k]
        owed = -layer_equity(state.layers, state.market, k)
        if owed <= layer_dust(venue.layers, state.layers, state.market, k):
            each.owing_since = NEVER
            continue
        if each.owing_since == NEVER:
            each.owing_since = step
        if step < each.owing_since + venue.layers[k].token_delay:
            continue
        most = _most(venue, state, k)
        if most > NO_FILL * venue.layers[k].token_units:
            _sell(venue, state, k, _least_for(venue, state, venue.layers[k].token, owed, most))
