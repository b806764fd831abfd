"""The small functions of the cascade against golden vectors and slow twins."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.kernels.auction import sort_by_key
from stress.kernels.limits.fillable import fillable
from stress.kernels.limits.slippage import slippage
from stress.kernels.liquidity.power import average_displacement, displacement, units_at
from stress.kernels.margin import bankruptcy_price
from stress.kernels.ranks.binance import binance
from stress.kernels.ranks.bitmex import bitmex
from stress.kernels.ranks.hyperliquid import hyperliquid
from stress.kernels.state import State
from stress.kernels.waterfill import waterfill
from tests.conformance.case import Json, paths_of, venue_of
from tests.conformance.play import end_state
from tests.following import bracketed, equities, maintenances
from tests.harness import maintenance_of, share_to_target
from tests.test_book_margin import BINANCE_BTC_2021, HYPERLIQUID_BTC
from tests.venues import NEUTRAL_BOOKS, cases

AMOUNTS = st.floats(0.0, 1e6).filter(lambda x: x == 0.0 or x > 1e-9)


def one_market(tiers: list[tuple[float, float]]) -> Json:
    """A case of a single market without accounts."""
    market = {"name": "M", "price": [100.0], "tiers": [list(tier) for tier in tiers]}
    return {"markets": [market], "accounts": [], "pools": [{"name": "P"}]}


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("tiers", "notional", "expected"),
    [
        (HYPERLIQUID_BTC, 200e6, 3_125_000.0),
        (BINANCE_BTC_2021, 1e6, 8_700.0),
        (BINANCE_BTC_2021, 5e6, 108_700.0),
        (BINANCE_BTC_2021, 250e6, 37_483_700.0),
    ],
)
def test_golden_maintenance(tiers: list[tuple[float, float]], notional: float, expected: float) -> None:
    assert maintenance_of(venue_of(one_market(tiers)).markets, 0, notional) == pytest.approx(expected, rel=1e-14)


@settings(max_examples=100)
@given(st.floats(0.0, 5e8))
def test_maintenance_is_the_sum_over_brackets(notional: float) -> None:
    markets = venue_of(one_market(BINANCE_BTC_2021)).markets
    expected = bracketed(markets.tiers, notional)
    assert maintenance_of(markets, 0, notional) == pytest.approx(expected, rel=1e-12, abs=1e-9)


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("equity", "fill", "bankrupt"), [(1200.0, 100_000.0, 98_800.0), (600.0, 99_100.0, 99_400.0), (0.0, 98_200.0, 1e5)]
)
def test_golden_fillable_prices(equity: float, fill: float, bankrupt: float) -> None:
    """dYdX v4: one unit at an oracle price of 100,000, maintenance 1.2 %, spread 1.5."""
    for side in (1.0, -1.0):
        price = fillable(1e5, side, equity, 1200.0, 0.012, 1.5, 1.0)
        assert price - 1e5 == pytest.approx(side * (fill - 1e5), abs=1e-9)
        assert bankruptcy_price(1e5, side, equity, 1.0) - 1e5 == pytest.approx(side * (bankrupt - 1e5), abs=1e-9)


@pytest.mark.interpreted
def test_limits_at_the_ends() -> None:
    assert fillable(1e5, 1.0, -500.0, 1200.0, 0.012, 1.5, 1.0) == pytest.approx(98_200.0)
    assert fillable(1e5, 1.0, 5000.0, 1200.0, 0.012, 1.5, 1.0) == 1e5
    assert fillable(1e5, 1.0, 5.0, 0.0, 0.0, 1.5, 1.0) == 1e5
    assert slippage(200.0, 3.0, 0.02) == 196.0
    assert slippage(200.0, -3.0, 0.02) == 204.0


@pytest.mark.interpreted
def test_golden_ranks() -> None:
    """BitMEX's own example, Binance's, and Hyperliquid's formula with 10 times leverage and 2 % gain on either side."""
    assert bitmex(1.10, 1.00, 1.0, 0.15, 1.0) == pytest.approx(0.7333, abs=5e-5)
    assert bitmex(0.90, 1.00, 1.0, 0.15, 1.0) == pytest.approx(-0.1 / (0.9 / 0.15))
    assert bitmex(0.90, 1.00, -1.0, 0.15, 1.0) == pytest.approx(0.1 * 0.9 / 0.15)
    assert binance(44.47, 0.1342 * 44.47, 40.2) == pytest.approx(1.263, abs=5e-4)
    assert binance(44.47, 5.0, -3.0) == 0.0
    assert hyperliquid(102.0, 100.0, 10.0, 102.0) == pytest.approx(1.02 * 10.0)
    assert hyperliquid(100.0, 102.0, -10.0, 100.0) == pytest.approx(1.02 * 10.0)


@pytest.mark.interpreted
@settings(max_examples=200)
@given(st.floats(-0.5, 0.5), st.floats(0.01, 1e4), st.floats(1e-3, 0.05), st.floats(0.2, 1.0))
def test_units_and_displacement_are_inverse(x: float, depth: float, move: float, exponent: float) -> None:
    assert displacement(units_at(x, depth, move, exponent), depth, move, exponent) == pytest.approx(x, rel=1e-12)
    assert displacement(-3.0 * depth, depth, move, exponent) == -displacement(3.0 * depth, depth, move, exponent)


@settings(max_examples=200)
@given(st.floats(-50.0, 50.0), st.floats(0.2, 1.0), st.sampled_from([1.0, -1.0]))
def test_small_fills_and_large_meet(start: float, exponent: float, side: float) -> None:
    """Simpson's rule and the closed form agree where one hands over to the other, and with the slope of g."""
    if abs(start) < 1e-3:
        start = math.copysign(1e-3, start)
    depth, move = 10.0, 0.01
    fills = side * abs(start) * np.array([0.999e-5, 1.001e-5])
    small, large = (average_displacement(start, float(fill), depth, move, exponent) for fill in fills)
    here = displacement(start, depth, move, exponent)
    slope = exponent * abs(here) / abs(start)
    np.testing.assert_allclose([small - here, large - here], slope * fills / 2.0, rtol=1e-4, atol=1e-12)


@pytest.mark.interpreted
@settings(max_examples=200)
@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), max_size=12), AMOUNTS)
def test_waterfill_gives_one_level(people: list[tuple[float, float]], amount: float) -> None:
    weight, cap = (np.array([pair[n] for pair in people]) for n in (0, 1))
    share = np.full(len(people), np.nan)
    given_out = waterfill(weight, cap, share, len(people), amount)
    possible = cap[weight > 0.0].sum()
    assert given_out == pytest.approx(min(amount, possible), rel=1e-12, abs=1e-9)
    assert given_out == pytest.approx(share.sum(), rel=1e-12, abs=1e-9)
    assert (share <= cap).all()
    assert (share >= 0.0).all()
    open_ended = (share < cap) & (weight > 0.0)
    levels = share[open_ended] / weight[open_ended]
    if levels.size:
        np.testing.assert_allclose(levels, levels[0], rtol=1e-9)
        full = ~open_ended & (weight > 0.0)
        assert (weight[full] * levels[0] >= cap[full] * (1.0 - 1e-9)).all()


@settings(max_examples=50)
@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=2, max_size=5), AMOUNTS)
def test_waterfill_in_any_order(people: list[tuple[float, float]], amount: float) -> None:
    found = []
    for order in itertools.permutations(range(len(people))):
        weight, cap = (np.array([people[i][n] for i in order]) for n in (0, 1))
        share = np.zeros(len(people))
        waterfill(weight, cap, share, len(people), amount)
        found.append(share[np.argsort(order)])
    np.testing.assert_allclose(found, found[:1] * len(found), rtol=1e-9, atol=1e-9)


@pytest.mark.interpreted
@settings(max_examples=100)
@given(st.lists(st.one_of(st.floats(-10.0, 10.0), st.sampled_from([-math.inf, 0.0, math.inf])), max_size=40))
def test_sorting(keys: list[float]) -> None:
    key = np.array(keys, dtype=np.float64)
    order = np.arange(len(keys), dtype=np.int64)
    sort_by_key(order, key, len(keys))
    assert sorted(order.tolist()) == list(range(len(keys)))
    assert key[order].tolist() == sorted(keys)


def kept_by(state: State, factor: float) -> State:
    """The state with every position reduced to a factor of it."""
    positions = state.accounts.positions.copy()
    positions["quantity"] *= factor
    return state._replace(accounts=state.accounts._replace(positions=positions))


@settings(max_examples=100)
@given(cases(books=NEUTRAL_BOOKS, pools=1), st.sampled_from([1.01, 1.5, 4.0]))
def test_to_target_is_the_least_share_that_restores_the_account(case: Json, target: float) -> None:
    venue = venue_of(case)
    log_price, variance = paths_of(case)
    state = end_state(venue._replace(clock=venue.clock._replace(checks=0)), log_price[:1], variance[:1])
    for i, equity in enumerate(equities(venue, state)):
        share = share_to_target(venue.book, venue.markets, state.accounts, state.market, i, float(equity), target)
        kept = [maintenances(venue, kept_by(state, factor))[i] for factor in (1.0 - share, 1.0 - 0.999 * share)]
        if equity <= 0.0:
            assert share == 1.0
            continue
        assert target * kept[0] <= equity * (1.0 + 1e-9)
        if share > 0.0:
            assert target * kept[1] > equity * (1.0 - 1e-9)
