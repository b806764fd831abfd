"""The auction against its definition: one price, everybody served by limit, brute force over prices."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.kernels.state import allocate
from tests.conformance.case import venue_of
from tests.harness import average_of, clear_market

FUNDAMENTAL, MOVE = 100.0, 0.01
LIMITS = st.one_of(st.none(), st.sampled_from([90.0, 97.0, 99.0, 100.0, 101.0, 104.0]), st.floats(60.0, 160.0))
SIDES = st.sampled_from([-1.0, 1.0])
Orders = list[tuple[float, float, float | None]]
"""Side, quantity and limit of each."""
ORDERS = st.lists(st.tuples(SIDES, st.floats(0.01, 50.0), LIMITS), min_size=1, max_size=12)


class Market(NamedTuple):
    """A book with a displacement, a depth and an exponent."""

    x: float
    depth: float
    exponent: float


MARKETS = st.builds(Market, st.one_of(st.just(0.0), st.floats(-0.1, 0.1)), st.floats(0.5, 500.0), st.floats(0.3, 1.0))


class Cleared(NamedTuple):
    """Price, and signed fills in the order of the orders."""

    price: float
    fills: list[float]
    net: float


def average_price(market: Market, net: float) -> float:
    """exp of the mean of g between u0 and u0 + net (MODEL 3); by Simpson's rule where the areas would cancel."""

    def impact(u: float) -> float:
        return math.copysign(MOVE * (abs(u) / market.depth) ** market.exponent, u)

    def area(u: float) -> float:
        return abs(u * impact(u)) / (market.exponent + 1.0)

    u0 = math.copysign(market.depth * (abs(market.x) / MOVE) ** (1.0 / market.exponent), market.x)
    if abs(net) <= 1e-4 * abs(u0):
        mean = (impact(u0) + 4.0 * impact(u0 + net / 2.0) + impact(u0 + net)) / 6.0
    else:
        mean = (area(u0 + net) - area(u0)) / net if net != 0.0 else 0.0
    return FUNDAMENTAL * math.exp(mean)


def cleared(market: Market, orders: Orders) -> Cleared:
    """Clear orders of (side, quantity, limit) with the kernel."""
    book = {"name": "M", "price": [FUNDAMENTAL], "depth": market.depth, "y": MOVE, "delta": market.exponent}
    people = [{"name": str(i), "pool": "P", "positions": {"M": [-1.0, 100.0]}} for i in range(len(orders))]
    venue = venue_of({"markets": [{**book, "tiers": [[0, 0.0]]}], "accounts": people, "pools": [{"name": "P"}]})
    state = allocate(venue)
    state.market[0].fundamental = FUNDAMENTAL
    state.market[0].displacement = market.x
    state.market[0].depth = market.depth
    state.orders.head[0] = -1
    for o, (side, quantity, limit) in enumerate(orders):
        order = state.orders.each[o]
        order.account = order.position = o
        order.quantity = side * quantity
        order.limit = side * math.inf if limit is None else limit
        order.filled = math.nan
        order.following = state.orders.head[0]
        state.orders.head[0] = o
    price = clear_market(venue.markets, state.market, state.orders, 0)
    fills = [float(fill) for fill in state.orders.each["filled"]]
    return Cleared(float(price), fills, math.fsum(fills))


def admitted(orders: Orders, price: float) -> float:
    """Net quantity of the orders that trade at a price."""
    total = 0.0
    for side, quantity, limit in orders:
        if limit is None or side * (limit - price) > 0.0:
            total += side * quantity
    return total


@pytest.mark.interpreted
@settings(max_examples=150)
@given(MARKETS, ORDERS)
def test_limits_are_kept_and_better_ones_filled(market: Market, orders: Orders) -> None:
    result = cleared(market, orders)
    for (side, quantity, limit), fill in zip(orders, result.fills, strict=True):
        better = math.inf if limit is None else side * (limit - result.price)
        if better > 0.0:
            assert fill == side * quantity
        elif better < 0.0:
            assert fill == 0.0
        else:
            assert 0.0 <= side * fill <= quantity


@pytest.mark.interpreted
@settings(max_examples=150)
@given(MARKETS, ORDERS)
def test_orders_on_the_limit_share_pro_rata_and_trade_the_most(market: Market, orders: Orders) -> None:
    result = cleared(market, orders)
    shares: dict[float, list[float]] = {-1.0: [], 1.0: []}
    for (side, quantity, limit), fill in zip(orders, result.fills, strict=True):
        if limit == result.price:
            shares[side].append(fill / (side * quantity))
    for found in shares.values():
        np.testing.assert_allclose(found, found[:1] * len(found), rtol=1e-12, atol=1e-12)
    if shares[-1.0] and shares[1.0]:
        assert max(shares[-1.0][0], shares[1.0][0]) == 1.0


@settings(max_examples=150)
@given(MARKETS, ORDERS)
def test_the_price_is_the_average_of_the_net_fill(market: Market, orders: Orders) -> None:
    """Within the rounding of the net quantity: where the book is steepest, at zero, 1e-14 units show in the price."""
    result = cleared(market, orders)
    rounding = 1e-13 * sum(quantity for _, quantity, _ in orders)
    assert average_price(market, result.net - rounding) <= result.price * (1.0 + 1e-9)
    assert average_price(market, result.net + rounding) >= result.price * (1.0 - 1e-9)


@settings(max_examples=150)
@given(MARKETS, ORDERS, st.floats(1e-6, 0.5))
def test_no_other_price_would_do(market: Market, orders: Orders, distance: float) -> None:
    """Under the price what is admitted trades above it, over the price below it: the price is unique."""
    result = cleared(market, orders)
    lower, higher = result.price * (1.0 - distance), result.price * (1.0 + distance)
    assert average_price(market, admitted(orders, lower)) > lower
    assert average_price(market, admitted(orders, higher)) < higher


@settings(max_examples=100)
@given(MARKETS, ORDERS, st.randoms(use_true_random=False))
def test_the_order_of_orders_does_not_matter(market: Market, orders: Orders, random: Any) -> None:
    places = list(range(len(orders)))
    random.shuffle(places)
    expected, found = cleared(market, orders), cleared(market, [orders[o] for o in places])
    np.testing.assert_allclose(found.price, expected.price, rtol=1e-12)
    np.testing.assert_allclose(found.fills, [expected.fills[o] for o in places], rtol=1e-9, atol=1e-9)


@pytest.mark.interpreted
@pytest.mark.parametrize("exponent", [1.0, 0.5])
def test_a_sale_in_part_leaves_the_average_at_its_limit(exponent: float) -> None:
    """Square-root or flat book: (u/D)^delta / (delta + 1) = ln(100/99) / 1 % fills what the limit allows."""
    result = cleared(Market(0.0, 10.0, exponent), [(-1.0, 1000.0, 99.0)])
    expected = 10.0 * ((exponent + 1.0) * math.log(100.0 / 99.0) / MOVE) ** (1.0 / exponent)
    assert result.price == 99.0
    assert result.fills == [pytest.approx(-expected, rel=1e-12)]


@pytest.mark.interpreted
def test_both_sides_meet_at_the_books_price_and_do_not_move_it() -> None:
    result = cleared(Market(0.02, 10.0, 0.5), [(-1.0, 7.0, None), (1.0, 4.0, None), (1.0, 3.0, None)])
    assert result.fills == [-7.0, 4.0, 3.0]
    assert result.price == pytest.approx(100.0 * math.exp(0.02), rel=1e-15)


@pytest.mark.interpreted
def test_a_larger_crowd_is_cut_pro_rata_at_a_common_limit() -> None:
    """At a limit of the book's own price nothing nets: sellers of 30 meet a buyer of 12 and get 40 % each."""
    result = cleared(Market(0.0, 10.0, 1.0), [(-1.0, 10.0, 100.0), (1.0, 12.0, 100.0), (-1.0, 20.0, 100.0)])
    assert result.price == 100.0
    np.testing.assert_allclose(result.fills, [-4.0, 12.0, -8.0], rtol=1e-12)


@settings(max_examples=200)
@given(MARKETS, st.floats(-1e3, 1e3))
def test_the_average_price_rises_with_the_net_quantity(market: Market, net: float) -> None:
    book = {"name": "M", "price": [FUNDAMENTAL], "depth": market.depth, "y": MOVE, "delta": market.exponent}
    venue = venue_of({"markets": [{**book, "tiers": [[0, 0.0]]}], "accounts": [], "pools": [{"name": "P"}]})
    now = allocate(venue).market
    now[0].fundamental, now[0].displacement, now[0].depth = FUNDAMENTAL, market.x, market.depth
    steps = net + np.array([0.0, 1e-3, 1.0, 10.0])
    prices = [average_of(venue.markets, now, 0, float(step)) for step in steps]
    assert all(low <= high * (1.0 + 1e-13) for low, high in pairwise(prices))
    np.testing.assert_allclose(prices[0], average_price(market, net), rtol=1e-9)
