"""Worked examples of venues on chains, computed by the cascade under the rules of their files."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from stress.book.initial import InitialMargin, initial_rate
from stress.scenario import load_scenario
from stress.scenario.instruments import Perpetual
from stress.scenario.layers import LiquidityPool, SharedFund, Socialise
from stress.scenario.pools import FillableLimit
from tests import conformance
from tests.conformance.case import Json

pytestmark = pytest.mark.interpreted


def contract(venue: str, market: str) -> Perpetual:
    found = load_scenario(venue).scenario.markets[market]
    assert isinstance(found, Perpetual)
    return found


def tiers_of(venue: str, market: str) -> list[list[float]]:
    """Margin tiers of a venue file: lower notional and maintenance rate."""
    return [[tier.from_, tier.maintenance] for tier in contract(venue, market).margin.tiers]


@pytest.mark.parametrize(("market", "identifier"), [("BTC", 0), ("ETH", 1), ("SOL", 5)])
def test_liquidity_tiers_of_dydx(shared: Path, market: str, identifier: int) -> None:
    """Initial rate, maintenance as a share of it, and the range of open interest, in the genesis file's millionths."""
    genesis = json.loads((shared / "data" / "margin_tiers" / "dydx_v4_liquidity_tiers.json").read_text())
    number = genesis["perpetuals"][identifier]["params"]["liquidity_tier"]
    assert genesis["perpetuals"][identifier]["params"]["ticker"] == f"{market}-USD"
    tier = next(tier for tier in genesis["liquidity_tiers"] if tier["id"] == number)
    margin = contract("dydx-v4", market).margin
    assert margin.initial is not None
    assert margin.initial.rate == tier["initial_margin_ppm"] / 1e6
    assert [t.maintenance for t in margin.tiers] == [
        pytest.approx(tier["initial_margin_ppm"] / 1e6 * tier["maintenance_fraction_ppm"] / 1e6)
    ]
    interest = margin.initial.open_interest
    bounds = (interest.lower, interest.upper) if interest else (0, 0)
    assert bounds == (tier["open_interest_lower_cap"] / 1e6, tier["open_interest_upper_cap"] / 1e6)


@pytest.mark.parametrize(("interest", "rate"), [(20e6, 0.10), (25e6, 0.25), (35e6, 0.55), (50e6, 1.0)])
def test_initial_margin_of_dydx_grows_with_open_interest(interest: float, rate: float) -> None:
    margin = contract("dydx-v4", "SOL").margin
    assert margin.initial is not None
    assert margin.initial.open_interest is not None
    rules = InitialMargin(margin.initial.rate, margin.initial.open_interest.lower, margin.initial.open_interest.upper)
    assert initial_rate(rules, interest) == pytest.approx(rate)


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize(("equity", "distance"), [(1199.9999, 0.0), (600.0, 900.0), (0.0, 1800.0), (-50.0, 1800.0)])
def test_fillable_price_of_dydx(equity: float, distance: float, side: float) -> None:
    """One unit at 100,000, maintenance 1.2 %: a book too thin for it fills what it can at the limit on average."""
    rules = load_scenario("dydx-v4").scenario.pools["main"].liquidation
    assert isinstance(rules.limit, FillableLimit)
    limit = {"type": "fillable", "spread": rules.limit.spread, "adj": rules.limit.adjustment}
    tiers = tiers_of("dydx-v4", "BTC")
    market = {"name": "M", "price": [1e5, 1e5], "depth": 1.0, "y": 0.2, "tiers": tiers}
    account = {"name": "a", "pool": "A", "cash": equity, "positions": {"M": [side, 1e5]}}
    case = {"markets": [market], "accounts": [account], "pools": [{"name": "A", "limit": limit, "layers": []}]}
    found = conformance.play(case)
    filled = 1.0 - abs(found["accounts"]["a"]["q"][0])
    assert 0.0 <= filled < 1.0
    price = found["pools"]["A"]["book_fills"] / filled if filled > 0.0 else 1e5
    assert price == pytest.approx(1e5 - side * distance, abs=0.01)


@pytest.mark.parametrize(("equity", "owes"), [(750.0, False), (690.0, True)])
def test_a_solvent_account_of_dydx_can_leave_a_debt(equity: float, owes: bool) -> None:
    """Filled at its limit, 1.5 (1 - x) of maintenance under the oracle: more than its equity x once x < 0.6."""
    worst = 1e5 * (1.0 - 0.012 * 1.5 * (1.0 - equity / 1200.0))
    market = {"name": "M", "price": [1e5, worst * (1.0 + 1e-9)], "depth": None, "tiers": tiers_of("dydx-v4", "BTC")}
    market["oracle"] = {"frozen": [[0.0, 10.0]]}
    account = {"name": "a", "pool": "A", "cash": equity, "positions": {"M": [1.0, 1e5]}}
    limit = {"type": "fillable", "spread": 1.5, "adj": 1.0}
    case = {"markets": [market], "accounts": [account], "pools": [{"name": "A", "limit": limit, "layers": []}]}
    found = conformance.play(case)["pools"]["A"]
    assert found["liquidated"] == 1
    assert (found["bad_debt"] > 0.0) is owes


def test_social_loss_of_drift() -> None:
    """1 M over 5,000 units long and 5,000 short: 100 per unit for each, after a fund that pays nothing."""
    layers = load_scenario("drift").scenario.pools["speculative"].layers
    fund, _, last = layers
    assert isinstance(fund, SharedFund)
    assert fund.draw_cap == 0.0
    assert isinstance(last, Socialise)
    market = {"name": "M", "price": [1000.0, 800.0], "depth": None, "tiers": [[0.0, 0.1]]}
    positions = {"broke": (1e6, 10_000.0), "long": (5e6, 5_000.0), "short": (5e6, -5_000.0)}
    accounts = [
        {"name": name, "pool": "A", "cash": cash, "positions": {"M": [quantity, 1000.0]}}
        for name, (cash, quantity) in positions.items()
    ]
    case: Json = {"markets": [market], "accounts": accounts}
    case["pools"] = [{"name": "A", "layers": [{"type": "socialise", "rule": last.by, "name": "S"}]}]
    found = conformance.play(case)
    assert found["pools"]["A"]["socialised"] == pytest.approx(1e6)
    assert found["accounts"]["long"]["equity"] == pytest.approx(5e6 - 200.0 * 5_000.0 - 100.0 * 5_000.0)
    assert found["accounts"]["short"]["equity"] == pytest.approx(5e6 + 200.0 * 5_000.0 - 100.0 * 5_000.0)


CURVES = {"BTC": (0.03, 0.0006), "ETH": (0.03, 0.00012), "ALT": (0.10, 0.00002)}
"""Base ratio and size factor that the file assumes."""


@pytest.mark.parametrize("market", CURVES)
def test_tiers_of_drift_meet_the_curve_of_size(market: str) -> None:
    """max(base, 0.8 base + factor sqrt(units)) of the notional, where tiers begin and four times the last size."""
    base, factor = CURVES[market]
    tiers, price = tiers_of("drift", market), contract("drift", market).price
    required = 0.0
    bounds = [*(lower for lower, _ in tiers), 4.0 * tiers[-1][0]]
    for (lower, rate), upper in zip(tiers, bounds[1:], strict=True):
        required += rate * (upper - lower)
        ratio = max(base, 0.8 * base + factor * math.sqrt(upper / price))
        assert required == pytest.approx(ratio * upper, rel=1e-9)


def pool_of(venue: str, pool: str) -> LiquidityPool:
    layer = load_scenario(venue).scenario.pools[pool].layers[0]
    assert isinstance(layer, LiquidityPool)
    return layer


@pytest.mark.parametrize(("won", "closed"), [(84_000.0, 0.0), (90_000.0, 56_521.74)])
def test_deleveraging_of_gmx_keeps_to_its_factors(won: float, closed: float) -> None:
    """Shorts against 100,000 of dollars: nothing under 85 %; closing P with (90 - P) / (100 - P) = 77 % at 90."""
    rule = pool_of("gmx-v2", "btc").profit_cap
    assert rule is not None
    cap = {"above": rule.above, "to": rule.to, "payout": rule.payout, "rank": rule.rank}
    layer = {"type": "liquidity_pool", "name": "P", "cash": 100_000.0, "profit_cap": cap}
    market = {"name": "M", "price": [1_000.0, 1_000.0 - won / 200.0], "depth": None, "liquidity": "oracle"}
    market["tiers"] = tiers_of("gmx-v2", "BTC")
    account = {"name": "a", "pool": "A", "cash": 50_000.0, "positions": {"M": [-200.0, 1_000.0]}}
    case = {"markets": [market], "accounts": [account], "pools": [{"name": "A", "layers": [layer]}]}
    found = conformance.play(case)
    assert (200.0 + found["accounts"]["a"]["q"][0]) * won / 200.0 == pytest.approx(closed, abs=0.01)
    assert found["pools"]["A"]["adl_haircut"] == 0.0


def test_gmx_pays_winners_no_more_than_ninety_percent_of_what_backs_them() -> None:
    """Shorts have won 120,000 of 100,000: 75 cents for every dollar of profit that is closed."""
    rule = pool_of("gmx-v2", "eth").profit_cap
    assert rule is not None
    cap = {"above": rule.above, "to": rule.to, "payout": rule.payout, "rank": rule.rank}
    layer = {"type": "liquidity_pool", "name": "P", "cash": 100_000.0, "profit_cap": cap}
    market = {"name": "M", "price": [1_000.0, 400.0], "depth": None, "liquidity": "oracle", "tiers": [[0.0, 0.007]]}
    account = {"name": "a", "pool": "A", "cash": 50_000.0, "positions": {"M": [-200.0, 1_000.0]}}
    case = {"markets": [market], "accounts": [account], "pools": [{"name": "A", "layers": [layer]}]}
    found = conformance.play(case)
    closed = (200.0 + found["accounts"]["a"]["q"][0]) * 600.0
    assert closed == pytest.approx((120_000.0 - 77_000.0) / (1.0 - 0.77 * 0.75))
    assert found["pools"]["A"]["adl_haircut"] == pytest.approx(0.25 * closed)


SKEWS = {"BTC": 100_000.0, "ETH": 1_000_000.0}
"""Skew scales that the Synthetix file assumes, in units."""


@pytest.mark.parametrize("market", SKEWS)
def test_tiers_of_synthetix_meet_the_line_of_size(market: str) -> None:
    """(2 % + size / skew scale) / 2 of the notional, where tiers begin and four times the last size."""
    tiers, price = tiers_of("synthetix-v3", market), contract("synthetix-v3", market).price
    required = 0.0
    bounds = [*(lower for lower, _ in tiers), 4.0 * tiers[-1][0]]
    for (lower, rate), upper in zip(tiers, bounds[1:], strict=True):
        required += rate * (upper - lower)
        assert required == pytest.approx(0.5 * (0.02 + upper / price / SKEWS[market]) * upper, rel=1e-9)


def test_window_of_synthetix() -> None:
    """(maker + taker fee) x skew scale x multiplier x seconds: 84 BTC and 840 ETH a minute, at first prices."""
    scenario = load_scenario("synthetix-v3").scenario
    units = {market: (0.0002 + 0.0005) * scale * 0.02 * 60.0 for market, scale in SKEWS.items()}
    assert units == pytest.approx({"BTC": 84.0, "ETH": 840.0})
    value = sum(count * scenario.markets[market].price for market, count in units.items())
    assert scenario.run.check_every == 60.0
    assert scenario.pools["main"].liquidation.capacity == pytest.approx(value, rel=0.005)
