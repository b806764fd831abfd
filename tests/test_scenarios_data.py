"""Every estimated figure of a built-in scenario equals its estimate from market data, to the digits printed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stress.scenario import load_scenario
from stress.scenario.schema import Scenario
from tests import estimates

SYMBOLS = {"BTC": "BTCUSDT", "ETH": "ETHUSDT"}
HALF_HOUR = "30min"


@dataclass(frozen=True)
class Crisis:
    """A built-in scenario of a crisis and the bars it is estimated from."""

    scenario: str
    bars: str
    run_up: tuple[str, str]
    days: tuple[str, str]
    history_end: str
    opening: dict[str, float]


OCTOBER = Crisis(
    "october-2025",
    "oct_2025_10_10_1m.parquet",
    ("2025-10-06", "2025-10-09"),
    ("2025-10-10", "2025-10-10"),
    "2025-10-09",
    {"BTC": 121_662, "ETH": 4_368},
)
MARCH = Crisis(
    "black-thursday-2020",
    "covid_2020_03_12_1m.parquet",
    ("2020-03-08", "2020-03-11"),
    ("2020-03-12", "2020-03-13"),
    "2020-03-11",
    {"BTC": 7_934.58, "ETH": 194.61},
)
CRISES = pytest.mark.parametrize("crisis", [OCTOBER, MARCH], ids=lambda crisis: crisis.scenario)


def scenario(name: str) -> Scenario:
    return load_scenario(name).scenario


def prices(shared: Path, crisis: Crisis) -> pd.DataFrame:
    table = estimates.closes(shared / "data" / "prices" / crisis.bars, tuple(SYMBOLS.values()))
    return table.set_axis(list(SYMBOLS), axis=1)


def half_hours(table: pd.DataFrame) -> pd.DataFrame:
    return estimates.realised_variance(estimates.log_returns(table, "1min"), HALF_HOUR)


def jumps(shared: Path, crisis: Crisis) -> tuple[estimates.Jumps, pd.DatetimeIndex]:
    bars = estimates.series(shared / "data" / "prices" / "btcusdt_5m_binance_spot.parquet")
    return estimates.isolated_jumps(bars.loc["2018-01-01" : crisis.history_end], multiple=10.0, least=0.01)


@CRISES
def test_initial_prices_are_the_opens_of_the_first_day(shared: Path, crisis: Crisis) -> None:
    bars = pd.read_parquet(shared / "data" / "prices" / crisis.bars, columns=["symbol", "ts_ms", "open"])
    first = bars[bars["ts_ms"] == pd.Timestamp(crisis.days[0]).value // 10**6].set_index("symbol")["open"]
    for name, market in scenario(crisis.scenario).markets.items():
        assert market.price == crisis.opening[name]
        assert market.price == pytest.approx(first[SYMBOLS[name]], rel=3e-5)


@CRISES
def test_initial_variance_is_that_of_the_days_before(shared: Path, crisis: Crisis) -> None:
    begin, end = crisis.run_up
    calm = half_hours(prices(shared, crisis).loc[begin:end]).mean()
    for name, market in scenario(crisis.scenario).markets.items():
        assert market.model.v0 == round(calm[name], 3)
        drought = market.liquidity.drought
        assert drought is not None
        assert drought.volatility == round(np.sqrt(calm[name]), 2)


@CRISES
def test_variance_process_matches_the_moments_of_the_crisis(shared: Path, crisis: Crisis) -> None:
    variances = half_hours(prices(shared, crisis))
    pooled = float(np.mean([variances[name].autocorr(1) for name in SYMBOLS]))
    kappa = estimates.mean_reversion(pooled, HALF_HOUR)
    begin, end = crisis.days
    for name, market in scenario(crisis.scenario).markets.items():
        found = estimates.square_root_process(variances.loc[begin:end, name], kappa, HALF_HOUR)
        assert market.model.kappa == round(found.kappa)
        assert market.model.theta == round(found.theta, 3)
        assert market.model.xi == round(found.xi)


@CRISES
def test_shock_correlations(shared: Path, crisis: Crisis) -> None:
    found = estimates.shock_correlation(prices(shared, crisis), "4h").to_numpy().round(3)
    loaded = scenario(crisis.scenario)
    correlation = loaded.correlation
    assert correlation is not None
    np.testing.assert_array_equal(correlation.prices, found[:2, :2])
    np.testing.assert_array_equal(correlation.variances, found[2:, 2:])
    np.testing.assert_array_equal(correlation.price_variance, found[:2, 2:])
    assert [market.model.rho for market in loaded.markets.values()] == [found[0, 2], found[1, 3]]
    assert np.linalg.eigvalsh(found).min() > 0.0


@CRISES
def test_jumps_of_the_first_market(shared: Path, crisis: Crisis) -> None:
    found, _ = jumps(shared, crisis)
    source = scenario(crisis.scenario).jumps[0]
    assert source.rate == round(found.rate, 1)
    assert source.marks["BTC"].mean == round(found.mean, 4)
    assert source.marks["BTC"].std == round(found.std, 4)


@CRISES
def test_jumps_of_the_second_market_from_the_hours_of_the_first(shared: Path, crisis: Crisis) -> None:
    found, times = jumps(shared, crisis)
    folder = shared / "data" / "prices"
    hourly = pd.DataFrame({n: estimates.series(folder / f"{n.lower()}usdt_1h_binance_spot.parquet") for n in SYMBOLS})
    hours = estimates.log_returns(hourly, "1h").reindex(times.floor("h")).dropna()
    source = scenario(crisis.scenario).jumps[0]
    assert source.marks["ETH"].std == round(found.std * hours["ETH"].std() / hours["BTC"].std(), 4)
    assert source.marks["ETH"].mean == round(found.mean * hours["ETH"].mean() / hours["BTC"].mean(), 4)
    assert source.correlation == round(hours["BTC"].corr(hours["ETH"]), 2)


def test_depth_of_october(shared: Path) -> None:
    file = shared / "data" / "depth" / "binance_usdm_BTCUSDT_bookDepth_2025-10-10.parquet"
    depth = estimates.depth_within_one_percent(file, "2025-10-10 00:00", "2025-10-10 14:29:59")
    assert scenario("binance").markets["BTC"].liquidity.depth == round(depth, -6)
    markets = scenario("october-2025").markets
    assert markets["BTC"].liquidity.depth == round(0.25 * depth, -6)
    assert markets["ETH"].liquidity.depth == round(0.6 * 0.25 * depth, -6)


def test_drought_exponent_of_october(shared: Path) -> None:
    table = prices(shared, OCTOBER)["BTC"]
    crash = estimates.local_volatility(table, "2025-10-10 21:10", "2025-10-10 21:25")
    calm = estimates.local_volatility(table, *OCTOBER.run_up)
    for market in scenario("october-2025").markets.values():
        drought = market.liquidity.drought
        assert drought is not None
        assert drought.exponent == round(estimates.drought_exponent(0.9, crash, calm), 2)


def test_depth_of_march_follows_from_the_cost_of_trading(shared: Path) -> None:
    variances = half_hours(prices(shared, MARCH))["BTC"]
    market = scenario("black-thursday-2020").markets["BTC"]
    liquidity = market.liquidity
    assert liquidity.drought is not None
    crisis_depth = estimates.depth_from_cost(10e6, 0.0119, liquidity.exponent, liquidity.at)
    volatility = float(np.sqrt(variances.loc["2020-03-12"].mean()))
    calm_depth = crisis_depth * (volatility / liquidity.drought.volatility) ** liquidity.drought.exponent
    assert round(crisis_depth, -5) == 9.8e6
    assert liquidity.depth == round(calm_depth, -6)


def test_open_interest_of_october_is_split_like_the_liquidations(shared: Path) -> None:
    table = pd.read_csv(shared / "data" / "hyperliquid_2025_10_10" / "liq_and_adl_by_coin.csv", index_col="ticker")
    liquidated = table["liq_notional"].loc[["BTC", "ETH", "SOL"]]
    synthetic = scenario("october-2025").pools["main"].book.synthetic
    assert synthetic is not None
    for name, interest in synthetic.open_interest.items():
        assert interest == round(9e9 * liquidated[name] / liquidated.sum(), -8)


@pytest.mark.parametrize("name", ["BTC", "ETH"])
def test_tiers_of_the_binance_like_venue(shared: Path, name: str) -> None:
    table = pd.read_csv(shared / "data" / "margin_tiers" / "binance_leverage_tiers_majors.csv")
    published = table[table["symbol"] == f"{name}/USDT:USDT"]
    tiers = scenario("binance").markets[name].margin.tiers
    assert [(tier.from_, tier.maintenance) for tier in tiers] == list(
        published[["min_notional", "mmr"]].itertuples(index=False, name=None)
    )


@pytest.mark.parametrize("name", ["BTC", "ETH"])
def test_tiers_of_the_hyperliquid_like_venue(shared: Path, name: str) -> None:
    text = (shared / "data" / "margin_tiers" / "hyperliquid_margin_tiers.json").read_text()
    published = json.loads(text)["tiers_usdc"][name]
    tiers = scenario("hyperliquid").markets[name].margin.tiers
    assert [tier.from_ for tier in tiers] == [lower for lower, _ in published]
    assert [tier.maintenance for tier in tiers] == pytest.approx([0.5 / most for _, most in published], rel=1e-9)


@pytest.mark.parametrize("name", ["BTC", "ETH"])
def test_replayed_path_is_the_thinned_one(shared: Path, name: str) -> None:
    path = prices(shared, OCTOBER)[name].loc["2025-10-10 20:29":"2025-10-10 22:29"]
    thinned = estimates.thinned(path, 40)
    minutes = (thinned.index - path.index[0]) / pd.Timedelta(seconds=1)
    market = scenario("replay-october-2025").markets[name]
    assert market.price == market.model.points[0][1]
    np.testing.assert_array_equal(market.model.points, np.column_stack([minutes, thinned]))
    error = np.log(path.to_numpy()) - np.interp(np.arange(len(path)) * 60.0, minutes, np.log(thinned))
    assert np.abs(error).max() < {"BTC": 0.003, "ETH": 0.006}[name]
