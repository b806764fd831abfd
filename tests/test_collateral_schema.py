"""Collateral in a scenario: assets with a haircut, a price of their own, and no contracts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stress.build import build
from stress.errors import InvalidInput
from stress.kernels.instruments import LINEAR_PERPETUAL, SPOT
from stress.report import rules
from stress.scenario import load_scenario
from stress.scenario.instruments import Spot
from stress.scenario.writing import to_yaml
from tests.scenario_text import write

TEXT = """\
format: 1
name: collateral
run: {paths: 4, horizon: 1h, step: 1m, seed: 1}
markets:
  BTC:
    price: 100_000
    model: {type: gbm, volatility: 60%}
    liquidity: {type: power, depth: 10M, half_life: 2m}
    margin: {tiers: [{from: 0, maintenance: 1%}]}
  USDX:
    instrument: spot
    price: 1
    model: {type: gbm, volatility: 2%}
    haircut: 5%
  COIN:
    instrument: spot
    price: 50
    model: {type: gbm, volatility: 80%}
    haircut: 20%
    liquidity: {type: power, depth: 1M, half_life: 5m}
    oracle: {lag: 1m}
pools:
  main:
    book:
      synthetic: {accounts: 50, open_interest: {BTC: 10M}}
    layers: [{type: insurance_fund, capital: 1M}]
"""


def test_assets_are_given_to_the_kernels(tmp_path: Path) -> None:
    plan = build(load_scenario(write(tmp_path, TEXT)))
    each = plan.venue.markets.each
    assert each["kind"].tolist() == [LINEAR_PERPETUAL, SPOT, SPOT]
    assert each["haircut"].tolist() == [0.0, 0.05, 0.2]
    assert each["has_book"].tolist() == [1, 0, 1]
    assert each["depth"].tolist() == [100.0, np.inf, 20_000.0]
    assert each["oracle_lag"].tolist() == [0, 0, 1]
    rates = [plan.venue.markets.tiers[market.tier_first].rate for market in each]
    assert rates == [0.01, 0.0, 0.0]


def test_the_resolved_scenario_is_read_back_as_it_was(tmp_path: Path) -> None:
    loaded = load_scenario(write(tmp_path, TEXT))
    assert isinstance(loaded.scenario.markets["USDX"], Spot)
    again = load_scenario(write(tmp_path, to_yaml(loaded.scenario), "again.yaml"))
    assert again.scenario == loaded.scenario
    assert again.digest == loaded.digest


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ("haircut: 5%", "haircut: 105%", "markets.USDX.haircut", "at most 100%"),
        ("haircut: 5%", "margin: {tiers: [{from: 0, maintenance: 1%}]}", "markets.USDX.margin", "unknown key 'margin'"),
        ("instrument: spot\n    price: 1\n", "instrument: sport\n    price: 1\n", "markets.USDX.instrument", "'spot'"),
        ("{BTC: 10M}", "{BTC: 10M, USDX: 1M}", "book.synthetic.open_interest.USDX", "has no open interest"),
        ("    margin: {tiers: [{from: 0, maintenance: 1%}]}\n", "", "markets.BTC.margin", "is missing"),
    ],
)
def test_what_means_nothing_is_refused(tmp_path: Path, old: str, new: str, path: str, message: str) -> None:
    assert TEXT.count(old) == 1
    with pytest.raises(InvalidInput) as caught:
        load_scenario(write(tmp_path, TEXT.replace(old, new)))
    told = [line for line in map(str, caught.value.problems) if path in line]
    assert len(told) == 1
    assert message in told[0]


def test_something_must_be_traded(tmp_path: Path) -> None:
    text = TEXT.replace("  BTC:\n    price: 100_000", "  BTC:\n    instrument: spot\n    price: 100_000")
    text = text.replace("    margin: {tiers: [{from: 0, maintenance: 1%}]}\n", "")
    with pytest.raises(InvalidInput, match="nothing to liquidate"):
        load_scenario(write(tmp_path, text))


def test_the_report_lists_assets_apart_from_contracts(tmp_path: Path) -> None:
    canonical = load_scenario(write(tmp_path, TEXT)).canonical
    names = list(canonical["markets"])
    table = rules.collateral(canonical, names)
    assert table is not None
    assert [row[0] for row in table.rows] == ["USDX", "COIN"]
    assert [row[0] for row in rules.margin(canonical, names).rows] == ["BTC"]
    assert [row[0] for row in rules.liquidity(canonical, names, {}).rows] == ["BTC", "COIN"]
    assert rules.collateral(canonical, ["BTC"]) is None
