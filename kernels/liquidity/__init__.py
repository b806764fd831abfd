"""Books that forced orders are sold into: how far a fill moves them and at what average price."""

from __future__ import annotations

import math

from ..jit import part
from ..marks.book import book_price
from ..records import Records
from ..registry import Parameter, Rule
from ..structs import Markets
from .amm import average_over_price, displacement_by, most_sold, reserve_at
from .power import average_price, displacement, units_at

LIQUIDITY: tuple[Rule, ...] = (
    Rule(
        "power",
        "A fill of u base units displaces the book by sign(u) at (|u| / depth)^exponent, recovering with a half-life.",
        "Bouchaud, Bonart, Donier and Gould (2018), Trades, Quotes and Prices, ch. 12",
        (
            Parameter("depth", "money", "Value that moves the book by `at`."),
            Parameter("at", "fraction", "Displacement made by one depth."),
            Parameter("exponent", "number", "1 is a flat book, 0.5 the square-root law."),
            Parameter("half_life", "duration", "Time in which half of the displacement recovers."),
            Parameter("permanent", "fraction", "Share of the displacement that stays in the fundamental price."),
            Parameter("drought", "map", "Fall of the depth when volatility rises."),
        ),
    ),
    Rule(
        "amm",
        "A pool that keeps the product of its two sides; selling n units into a reserve r moves its price by "
        "(r / (r + n))^2, and arbitrage pulls it back with a half-life.",
        "Angeris, Kao, Chiang, Noyes and Chitra (2019), An analysis of Uniswap markets",
        (
            Parameter("reserve", "money", "Value of one side of the pool at the initial price."),
            Parameter("half_life", "duration", "Time in which arbitrage undoes half of the displacement."),
        ),
    ),
    Rule(
        "oracle",
        "No book: every order is filled at the oracle's price, however large, and moves nothing.",
        "GMX v2 and Synthetix v3, contracts: positions close at the oracle price against a pool",
    ),
)
"""Kinds of book, by number."""

POWER, AMM, ORACLE = 0, 1, 2


@part
def fill_price(markets: Markets, now: Records, m: int, net: float) -> float:
    """Average price at which the book of market m takes ``net`` base units; infinite for more than a pool holds."""
    x, depth = now[m].displacement, now[m].depth
    if markets.each[m].liquidity_rule == ORACLE:
        return now[m].published
    if net == 0.0:
        return book_price(now, m)
    if markets.each[m].liquidity_rule == AMM:
        return book_price(now, m) * average_over_price(net, x, depth)
    move, exponent = markets.each[m].move, markets.each[m].exponent
    return average_price(now[m].fundamental, units_at(x, depth, move, exponent), net, depth, move, exponent)


@part
def highest_price(markets: Markets, now: Records, m: int) -> float:
    """Average price of the most that the book of market m sells at once; infinite where there is no most."""
    if markets.each[m].liquidity_rule != AMM:
        return math.inf
    return fill_price(markets, now, m, most_sold(now[m].displacement, now[m].depth))


@part
def fillable_share(markets: Markets, now: Records, m: int, net: float) -> float:
    """Share of a net quantity that the book of market m fills: all, but for more than a pool sells."""
    if markets.each[m].liquidity_rule != AMM or net <= 0.0:
        return 1.0
    return min(1.0, most_sold(now[m].displacement, now[m].depth) / net)


@part
def sellable(markets: Markets, now: Records, m: int, fall: float) -> float:
    """Base units whose sale pushes the log price of market m down by ``fall``; infinite in an endless book."""
    depth, x = now[m].depth, now[m].displacement
    if math.isinf(depth):
        return math.inf
    if markets.each[m].liquidity_rule == AMM:
        return reserve_at(x, depth) * math.expm1(0.5 * fall)
    move, exponent = markets.each[m].move, markets.each[m].exponent
    return units_at(x, depth, move, exponent) - units_at(x - fall, depth, move, exponent)


@part
def move_book(markets: Markets, now: Records, m: int, net: float) -> None:
    """Displace the book of market m by a net fill; the permanent share moves the fundamental price."""
    depth, x = now[m].depth, now[m].displacement
    if net == 0.0 or math.isinf(depth):
        return
    if markets.each[m].liquidity_rule == AMM:
        change = displacement_by(net, x, depth)
    else:
        move, exponent = markets.each[m].move, markets.each[m].exponent
        change = displacement(units_at(x, depth, move, exponent) + net, depth, move, exponent) - x
    lasting = markets.each[m].permanent * change
    now[m].shift += lasting
    now[m].fundamental *= math.exp(lasting)
    now[m].displacement = x + change - lasting
