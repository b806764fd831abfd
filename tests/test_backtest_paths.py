"""Replayed prices: the thinned points of the scenario files are those of the recorded bars, with their lows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stress.backtest import built_in_crises, load_crisis
from stress.backtest.crisis import Found
from stress.backtest.data import depth_at_one_percent, price_path
from stress.scenario.models import Replay
from tests import estimates

RECORDED = [(path.stem, name) for path in built_in_crises() for name in load_crisis(path).crisis.prices]
MARKETS = pytest.mark.parametrize(("crisis", "market"), RECORDED)

LOWS = {
    ("hyperliquid-2025-10-10", "BTC"): 102_000,
    ("hyperliquid-2025-10-10", "ETH"): 3_435,
    ("binance-2025-10-10", "BTC"): 102_000,
    ("binance-2020-03-12", "BTC"): 3_782.13,
    ("bitmex-2020-03-12", "BTC"): 3_782.13,
    ("bitcoin-2021-05-19", "BTC"): 30_000,
    ("bitcoin-2021-05-19", "ETH"): 1_888,
    ("hyperliquid-eth-2025-03-12", "ETH"): 1_877.67,
    ("dydx-yfi-2023-11-17", "YFI"): 8_300,
}
"""Lowest price of the window, as published by the exchange or the press."""
ERROR = {"2025-10-10": 0.04, "2020-03-12": 0.08, "2021-05-19": 0.08, "2025-03-12": 1e-9}
"""Largest distance of log prices between the points, by the day: an hour or less, a day and more, a handful of bars."""


def replay(found: Found, market: str) -> tuple[float, Replay]:
    scenario = found.scenario().scenario
    model = scenario.markets[market].model
    assert isinstance(model, Replay)
    return scenario.markets[market].price, model


def recorded(found: Found, market: str, shared: Path) -> pd.Series:
    """The polygon of the bars, scaled as the replay is."""
    bars = found.crisis.prices[market]
    scenario = found.scenario().scenario
    path = price_path(shared / "data" / bars.file, bars, scenario.run.horizon)
    path = path[path.index <= scenario.run.horizon + 1e-9]
    return path * scenario.markets[market].price / path.iloc[0] if len(bars.symbols) > 1 else path


@pytest.mark.parametrize(("crisis", "market"), LOWS)
def test_points_reach_the_published_low(crisis: str, market: str) -> None:
    price, model = replay(load_crisis(crisis), market)
    prices = [point[1] for point in model.points]
    assert price == prices[0]
    assert min(prices) == pytest.approx(LOWS[crisis, market], rel=1e-6)


@MARKETS
def test_points_are_the_thinned_bars(crisis: str, market: str, shared: Path) -> None:
    found = load_crisis(crisis)
    path = recorded(found, market, shared)
    _, model = replay(found, market)
    at = pd.to_datetime(path.index.to_numpy() * 1e9).round("1ms")
    thinned = estimates.thinned(pd.Series(path.to_numpy(), index=at), len(model.points))
    seconds = (thinned.index - at[0]) / pd.Timedelta(seconds=1)
    points = np.array(model.points)
    np.testing.assert_allclose(points[:, 0], seconds, atol=0.5)
    np.testing.assert_allclose(points[:, 1], thinned, rtol=1e-6)
    between = np.interp(path.index, points[:, 0], np.log(points[:, 1]))
    assert np.abs(np.log(path.to_numpy()) - between).max() < next(
        error for day, error in ERROR.items() if day in crisis
    )
    assert points[:, 1].min() == pytest.approx(path.min(), rel=1e-6)


def test_recorded_depth_is_that_of_the_scenario(shared: Path) -> None:
    found = load_crisis("binance-2025-10-10")
    depth = found.crisis.depth["BTC"]
    liquidity = found.scenario().scenario.markets["BTC"].liquidity
    assert liquidity.depth == pytest.approx(depth_at_one_percent(shared / "data" / depth.file, depth), rel=0.005)


def test_the_course_of_october_is_the_thinned_record(shared: Path) -> None:
    """Cumulated fills of the chain, from 21:15:03 on; liquidations without those that are ADL's other side."""
    table = pd.read_csv(shared / "data" / "hyperliquid_2025_10_10" / "cascade_per_second.csv")
    fills = {"liquidated_notional": table["liquidations"] - table["adls"], "adl_notional": table["adls"]}
    for told in load_crisis("hyperliquid-2025-10-10").crisis.timeline:
        done = fills[told.series].groupby(table["second"]).sum().cumsum() / fills[told.series].sum()
        for at, share in told.points[1:]:
            before = done[done.index + 3 <= at]
            assert share == pytest.approx(before.iloc[-1] if len(before) else 0.0, abs=6e-4)


def test_published_totals_of_october_are_the_record(shared: Path) -> None:
    table = pd.read_csv(shared / "data" / "hyperliquid_2025_10_10" / "liq_and_adl_by_coin.csv", index_col="ticker")
    liquidated, closed = table["liq_notional"], table["adl_notional"]
    values = {
        ("forced_notional", None): liquidated.sum(),
        ("adl_notional", None): closed.sum(),
        ("adl_in_market", "BTC"): closed["BTC"] / closed.sum(),
        ("adl_in_market", "ETH"): closed["ETH"] / closed.sum(),
        ("adl_share", None): (closed / liquidated).median(),
    }
    for entry in load_crisis("hyperliquid-2025-10-10").crisis.published:
        if (entry.metric, entry.market) in values:
            low, high = entry.band
            assert low <= values[entry.metric, entry.market] <= (high or np.inf)


def test_open_interest_of_may_is_the_record(shared: Path) -> None:
    table = pd.read_parquet(shared / "data" / "open_interest" / "btc_daily_oi_funding_2016_2024.parquet")
    table = table.set_index(table["date"].astype(str))
    interest, price = table["btc_open_interest_usd_all_exchanges"], table["btc_price_usd"]
    units = interest / price
    falls = {
        "open_interest_fall": 1.0 - units["2021-05-19"] / units["2021-05-18"],
        "open_interest_fall_value": 1.0 - interest["2021-05-19"] / interest["2021-05-18"],
    }
    for entry in load_crisis("bitcoin-2021-05-19").crisis.published:
        if entry.metric in falls:
            low, high = entry.band
            assert low <= falls[entry.metric] <= (high or 1.0)
