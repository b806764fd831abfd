"""Books: laws of the two impacts, and what auctions and unwinding do with a pool that cannot sell more than it has."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.kernels.liquidity import AMM, LIQUIDITY, POWER, power
from stress.kernels.liquidity.amm import LEAST_RESERVE, average_over_price, displacement_by, most_sold, reserve_at
from tests.conformance import play
from tests.conformance.case import Json, paths_of, venue_of
from tests.following import DUST, follow_until, scale_of
from tests.test_laws_ledger import cash, units
from tests.venues import cases

pytestmark = pytest.mark.interpreted

DISPLACEMENTS = st.floats(-1.0, 1.0)
RESERVES = st.floats(1e-3, 1e9)
SHARES = st.floats(-5.0, 0.9)
"""Fill as a share of what the pool holds."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(400)


@given(DISPLACEMENTS, RESERVES, SHARES)
def test_a_pool_keeps_the_product_of_its_sides(x: float, reserve: float, share: float) -> None:
    """The side of money is worth the units at the price before, and takes what the fill costs on average."""
    price, units = math.exp(x), reserve_at(x, reserve)
    fill = share * units
    money = price * units
    after = money + fill * price * average_over_price(fill, x, reserve)
    assert math.isclose((units - fill) * after, units * money, rel_tol=1e-9)
    moved = x + displacement_by(fill, x, reserve)
    assert math.isclose(math.exp(moved), after / (units - fill), rel_tol=1e-9)
    assert math.isclose(reserve_at(moved, reserve), units - fill, rel_tol=1e-9)


@given(DISPLACEMENTS, RESERVES, SHARES)
def test_what_is_sold_and_bought_back_costs_nothing(x: float, reserve: float, share: float) -> None:
    fill = share * reserve_at(x, reserve)
    there = displacement_by(fill, x, reserve)
    back = displacement_by(-fill, x + there, reserve)
    assert abs(there + back) < 1e-9
    paid = fill * math.exp(x) * average_over_price(fill, x, reserve)
    got = fill * math.exp(x + there) * average_over_price(-fill, x + there, reserve)
    assert math.isclose(paid, got, rel_tol=1e-9, abs_tol=1e-300)


@given(DISPLACEMENTS, RESERVES, SHARES, st.floats(0.0, 1.0))
def test_a_fill_in_two_parts_is_one_fill(x: float, reserve: float, share: float, part: float) -> None:
    fill = share * reserve_at(x, reserve)
    first = part * fill
    between = x + displacement_by(first, x, reserve)
    whole = displacement_by(fill, x, reserve)
    assert abs(between - x + displacement_by(fill - first, between, reserve) - whole) < 1e-9
    value = first * math.exp(x) * average_over_price(first, x, reserve)
    value += (fill - first) * math.exp(between) * average_over_price(fill - first, between, reserve)
    expected = fill * math.exp(x) * average_over_price(fill, x, reserve)
    assert math.isclose(value, expected, rel_tol=1e-8, abs_tol=1e-300)


@given(DISPLACEMENTS, RESERVES, SHARES, SHARES)
def test_larger_purchases_pay_more_on_average(x: float, reserve: float, one: float, other: float) -> None:
    held = reserve_at(x, reserve)
    low, high = sorted((one, other))
    assert average_over_price(low * held, x, reserve) <= average_over_price(high * held, x, reserve)
    assert displacement_by(low * held, x, reserve) <= displacement_by(high * held, x, reserve)


def test_a_pool_sells_down_to_a_hundredth() -> None:
    assert most_sold(0.0, 500.0) == 500.0 * (1.0 - LEAST_RESERVE)
    assert math.isclose(displacement_by(most_sold(0.3, 500.0), 0.3, 500.0) + 0.3, math.log(1e4), rel_tol=1e-12)
    assert most_sold(12.0, 500.0) == 0.0
    assert average_over_price(500.0, 0.0, 500.0) == math.inf


@given(st.floats(-0.5, 0.5), st.floats(1e-3, 1e6), st.sampled_from([0.3, 0.5, 1.0]), st.floats(-3.0, 3.0))
def test_the_power_law_averages_its_own_displacement(x: float, depth: float, exponent: float, fill: float) -> None:
    """Against Gauss-Legendre quadrature of the law between the ends, split where it has its cusp."""
    units = fill * depth
    start = power.units_at(x, depth, 0.01, exponent)
    assert math.isclose(power.displacement(start, depth, 0.01, exponent), x, rel_tol=1e-9, abs_tol=1e-12)
    area = 0.0
    for low, high in ((min(start, 0.0), min(start + units, 0.0)), (max(start, 0.0), max(start + units, 0.0))):
        at = 0.5 * (high + low) + 0.5 * (high - low) * NODES
        area += 0.5 * (high - low) * float(WEIGHTS @ (np.sign(at) * 0.01 * (np.abs(at) / depth) ** exponent))
    found = power.average_displacement(start, units, depth, 0.01, exponent) * units
    assert math.isclose(found, area, rel_tol=1e-4, abs_tol=1e-6 * 0.01 * depth)


def amm_case(price: list[float], accounts: list[Json], pool: Json, reserve: float = 500.0) -> Json:
    """One market with a constant-product pool whose displacement stays."""
    market = {"name": "M", "price": price, "tiers": [[0, 0.01]], "liquidity": "amm", "reserve": reserve}
    market["half_life"] = None
    return {"dt": 1.0, "markets": [market], "pools": [{"name": "A", **pool}], "accounts": accounts}


def account(name: str, cash: float, quantity: float) -> Json:
    return {"name": name, "pool": "A", "cash": cash, "positions": {"M": [quantity, 100.0]}}


def test_a_limit_sells_to_a_pool_as_much_as_its_average_allows() -> None:
    """Sold at an average of 90 (1 - 2 %): 500 / (500 + n) = 0.98; nobody takes the rest."""
    pool = {"layers": [], "limit": {"type": "slippage", "cap": 0.02}, "takeover_when": "insolvent"}
    result = play({**amm_case([100.0, 90.0], [account("a", 205.0, 20.0)], pool), "max_rounds": 1})
    sold = 500.0 * (1.0 / 0.98 - 1.0)
    assert math.isclose(result["accounts"]["a"]["q"][0], 20.0 - sold, rel_tol=1e-9)
    assert math.isclose(result["pools"]["A"]["book_fills"], sold * 90.0 * 0.98, rel_tol=1e-9)
    assert math.isclose(result["markets"]["M"]["price"], 90.0 * 0.98**2, rel_tol=1e-9)


def test_purchases_of_more_than_the_pool_holds_are_filled_in_part() -> None:
    """Two shorts of 400 want 800 of 500 units at any price: they share 495, at the hundredfold of the price."""
    shorts = [account("a", 10_000.0, -400.0), account("b", 10_000.0, -400.0)]
    result = play(amm_case([100.0, 130.0], shorts, {"layers": [], "takeover_when": "insolvent"}))
    assert result["accounts"]["a"]["q"] == result["accounts"]["b"]["q"]
    assert math.isclose(result["accounts"]["a"]["q"][0], -400.0 + 0.5 * 495.0, rel_tol=1e-9)
    assert math.isclose(result["markets"]["M"]["price"], 130.0 * 1e4, rel_tol=1e-9)
    assert math.isclose(result["pools"]["A"]["book_fills"], 495.0 * 130.0 * 100.0, rel_tol=1e-9)


def test_a_purchase_limited_under_the_highest_price_keeps_its_limit() -> None:
    pool = {"layers": [], "limit": {"type": "slippage", "cap": 0.25}, "takeover_when": "insolvent"}
    result = play({**amm_case([100.0, 130.0], [account("a", 10_000.0, -400.0)], pool), "max_rounds": 1})
    assert math.isclose(result["pools"]["A"]["book_fills"], 100.0 * 130.0 * 1.25, rel_tol=1e-9)


def test_a_fund_buys_back_no_more_than_the_pool_holds() -> None:
    """The fund takes over a short of 800 and unwinds it at once; 305 are left when the pool has sold its 495."""
    fund = {"type": "insurance_fund", "name": "F", "cash": 1e6, "unwind": {"type": "twap", "half_life": 0.0}}
    pool = {"layers": [fund], "limit": {"type": "bankruptcy"}, "takeover_when": "unfilled"}
    result = play(amm_case([100.0, 130.0], [account("a", 1.0, -800.0)], pool))
    assert math.isclose(result["layers"]["F"]["q"][0], -305.0, rel_tol=1e-9)
    assert math.isclose(result["markets"]["M"]["price"], 130.0 * 1e4, rel_tol=1e-9)


def test_shocks_and_droughts_shrink_the_reserve() -> None:
    """Half of the reserve by a shock, half of that by volatility: ten units are sold into 125."""
    case = amm_case([100.0, 90.0], [account("a", 50.0, 10.0)], {"layers": [], "takeover_when": "insolvent"})
    case["markets"][0] |= {"depth_shock": [[1, 0.5]], "sigma": [0.5, 1.0]}
    case["markets"][0]["drought"] = {"eta": 1.0, "floor": 0.0, "sigma0": 0.5}
    market = play(case)["markets"]["M"]
    assert math.isclose(market["depth"], 125.0)
    assert math.isclose(market["price"], 90.0 * (125.0 / 135.0) ** 2, rel_tol=1e-9)


def on_pools(case: Json) -> Json:
    """The case with every book a constant-product pool of the depth it has."""
    for market in case["markets"]:
        market |= {"liquidity": "amm", "reserve": market.pop("depth") or 1e9}
    return case


@settings(max_examples=60)
@given(cases())
def test_cash_and_contracts_are_conserved_with_pools_for_books(case: Json) -> None:
    venue = venue_of(on_pools(case))
    first, last = (follow_until(venue, *paths_of(case), step) for step in (0, venue.clock.checks))
    scale = scale_of(case) + float(np.abs(last.ledger.each["outside_cash"]).sum())
    np.testing.assert_allclose(cash(venue, last), cash(venue, first), rtol=0.0, atol=DUST * scale)
    money = (units(venue, last) - units(venue, first)) * last.market["mark"]
    np.testing.assert_allclose(money, 0.0, rtol=0.0, atol=DUST * scale)
    assert (last.market["displacement"] <= math.log(1e4) * (1 + 1e-9)).all()


def test_every_kind_of_book_says_what_it_is() -> None:
    assert (LIQUIDITY[POWER].name, LIQUIDITY[AMM].name) == ("power", "amm")
    assert all(rule.sentence.endswith(".") and rule.source for rule in LIQUIDITY)
    # An oracle's price is taken as it is.
    assert {rule.name for rule in LIQUIDITY if not rule.parameters} == {"oracle"}
