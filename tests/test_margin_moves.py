"""Funding, dynamic margin and announced changes, from the scenario file to the result columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stress.build import Plan, build
from stress.errors import InvalidInput
from stress.kernels import cascade, paths
from stress.kernels.results import LAYER_COLUMNS, MARKET_COLUMNS, POOL_COLUMNS
from stress.scenario import load_scenario

SCENARIO = """\
format: 1
name: moving-terms
run: {{paths: 1, horizon: {hours}h, step: 1h}}
markets:
  BTC:
    price: {first}
    model: {{type: prescribed, prices: [{prices}]}}
    liquidity: {{type: power, depth: unlimited}}
    margin: {{tiers: [{{from: 0, maintenance: 10%}}]{margin}}}
    {market}
pools:
  main:
    book: {{accounts: positions.csv, balances: balances.csv}}
    layers: [{{type: insurance_fund, capital: 1_000}}]
"""

POSITIONS = "account,market,quantity,entry_price\nlong,BTC,10,100\nshort,BTC,-10,100\n"


def plan(folder: Path, prices: list[float], margin: str = "", market: str = "", wallet: float = 500.0) -> Plan:
    """Ten contracts long against ten short over prescribed hourly prices."""
    (folder / "positions.csv").write_text(POSITIONS)
    (folder / "balances.csv").write_text(f"account,asset,amount\nlong,USD,{wallet}\nshort,USD,{wallet}\n")
    text = SCENARIO.format(
        hours=len(prices) - 1, first=prices[0], prices=", ".join(map(str, prices)), margin=margin, market=market
    )
    (folder / "scenario.yaml").write_text(text)
    return build(load_scenario(folder / "scenario.yaml"))


def results(plan: Plan) -> dict[str, float]:
    """Results of the only path, by column."""
    shape = (1, plan.venue.clock.checks + 1, 1)
    log_price, variance = np.empty(shape), np.empty(shape)
    paths.simulate(plan.models, plan.venue.clock, 0, 0, log_price, variance)
    slots = cascade.empty_slots(1, 1, 1, 1)
    cascade.run_block(plan.venue, 0, log_price, variance, slots, np.zeros(1, np.uint8))
    named: dict[str, float] = {}
    for columns, row in ((LAYER_COLUMNS, slots.layers), (MARKET_COLUMNS, slots.markets), (POOL_COLUMNS, slots.pools)):
        named.update(zip(columns, map(float, row[0, 0]), strict=True))
    return named


def test_funding_tips_the_longs_over(tmp_path: Path) -> None:
    """Five payments of 8 % of 1,000 use up 400 of 500; the fifth leaves 100, no less than the maintenance of 100."""
    flat = [100.0] * 8
    paid = results(plan(tmp_path, flat[:6], market="funding: {interval: 1h, rate: 8%}"))
    assert paid["liquidated_accounts"] == 0
    tipped = results(plan(tmp_path, flat[:7], market="funding: {interval: 1h, rate: 8%}"))
    assert tipped["liquidated_accounts"] == 1
    assert tipped["liquidated_notional"] == pytest.approx(1000.0)


def test_funding_waits_for_its_interval(tmp_path: Path) -> None:
    rare = results(plan(tmp_path, [100.0] * 8, market="funding: {interval: 4h, rate: 41%}"))
    assert rare["liquidated_accounts"] == 1  # one payment of 410 leaves the long 90 of the 100 it needs
    none = results(plan(tmp_path, [100.0] * 4, market="funding: {interval: 4h, rate: 41%}"))
    assert none["liquidated_accounts"] == 0


def test_an_announced_change_is_in_force_from_its_time(tmp_path: Path) -> None:
    change = ", changes: [{at: 3h, factor: 6}]"
    before = results(plan(tmp_path, [100.0] * 3, margin=change))
    after = results(plan(tmp_path, [100.0] * 4, margin=change))
    assert (before["breached_accounts"], after["breached_accounts"]) == (0, 2)
    assert after["margin_factor_peak"] == 6.0
    assert after["margin_factor_call"] == pytest.approx(5.0)


def dynamic(interval: str, notice: str) -> str:
    """Maintenance by the volatility of the last hour alone, as good as: a half-life of one second."""
    return f", dynamic: {{half_life: 1s, volatility: 100%, power: 1, cap: 8, interval: {interval}, notice: {notice}}}"


def hourly_factor(change: float) -> float:
    """Factor that one hourly log change calls for at a reference of 100 %."""
    return abs(change) * np.sqrt(365.0 * 24.0)


def test_the_factor_follows_the_last_change(tmp_path: Path) -> None:
    prices = [100.0, 97.0, 97.0, 97.0]
    one = results(plan(tmp_path, prices, margin=dynamic("1h", "0s"), wallet=900.0))
    assert one["margin_factor_peak"] == pytest.approx(hourly_factor(np.log(0.97)))
    capped = results(plan(tmp_path, [100.0, 60.0], margin=dynamic("1h", "0s"), wallet=5_000.0))
    assert capped["margin_factor_peak"] == 8.0


@pytest.mark.parametrize(("interval", "notice", "hours"), [("1h", "0s", 1), ("1h", "2h", 3), ("2h", "1h", None)])
def test_decision_and_notice(tmp_path: Path, interval: str, notice: str, hours: int | None) -> None:
    """The only move is in the first hour; decided every two hours, its volatility is never seen."""
    for checks in range(1, 6):
        moved = results(
            plan(tmp_path, [100.0, 97.0] + [97.0] * (checks - 1), margin=dynamic(interval, notice), wallet=900.0)
        )
        in_force = hours is not None and checks >= hours
        assert moved["margin_factor_peak"] == pytest.approx(hourly_factor(np.log(0.97)) if in_force else 1.0)


def test_rates_over_one_hurt_longs_in_a_rise(tmp_path: Path) -> None:
    """A rate of 160 % takes more of a rising long than it gains: the search must look up as well as down."""
    margin = ", changes: [{at: 1h, factor: 16}]"
    calm = results(plan(tmp_path, [100.0, 100.0, 100.0], margin=margin, wallet=1_650.0))
    risen = results(plan(tmp_path, [100.0, 100.0, 110.0], margin=margin, wallet=1_650.0))
    assert (calm["breached_accounts"], risen["breached_accounts"]) == (0, 2)


MISTAKES = [
    (", changes: [{at: 3h, factor: 2}, {at: 2h, factor: 1}]", "", "must be later than the change before"),
    (", dynamic: {half_life: 1h, volatility: 0%, cap: 2, interval: 1h}", "", "volatility"),
    ("", "funding: {interval: 0s, rate: 1bp}", "interval"),
]


@pytest.mark.parametrize(("margin", "market", "message"), MISTAKES)
def test_mistakes_are_told(tmp_path: Path, margin: str, market: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        plan(tmp_path, [100.0, 100.0], margin=margin, market=market)


def test_procyclicality_is_one_without_rules(tmp_path: Path) -> None:
    still: NDArray[np.float64] = np.array([100.0, 90.0, 100.0])
    plain = results(plan(tmp_path, still.tolist(), wallet=900.0))
    assert (plain["margin_factor_peak"], plain["margin_factor_call"]) == (1.0, 0.0)
