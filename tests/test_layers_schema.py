"""Layers of a scenario file: what is read, what is refused, and what the kernels get of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import get_args

import pytest

from stress.build.layers import caps_of, first_funds, layers_of, waterfall
from stress.errors import MalformedInput, MeaninglessInput
from stress.kernels.layers import LAYERS, PARTICIPATION, SHARED_FUND, UNWINDS
from stress.kernels.ranks import RANKS
from stress.kernels.structs import Clock
from stress.manifest import sizing_identity
from stress.scenario import Loaded, load_scenario
from stress.scenario.layers import RankName
from tests.scenario_text import write

HEAD = """\
format: 1
name: layers
run: {paths: 10, horizon: 1h, step: 5m, seed: 1}
markets:
  X: &x
    price: 100
    model: {type: gbm, volatility: 80%}
    liquidity: {type: power, depth: unlimited}
    margin: {tiers: [{from: 0, maintenance: 1%}]}
  Y: *x
  Z: {instrument: spot, price: 1, model: {type: gbm, volatility: 80%}, liquidity: {type: power, depth: unlimited}}
pools:
"""
BOOK = "{synthetic: {accounts: 10, open_interest: {X: 1M}}}"
COMMON = "{type: shared_fund, name: common, capital: 5M, floor: 1M, cap: {Y: 3M}"
ADL = "{type: adl, rank: profit}"
CLOCK = Clock(12, 1, 300.0)


def loaded(folder: Path, *pools: str) -> Loaded:
    """Scenario with pools a, b, ... of the given layers."""
    entries = [f"  {name}: {{book: {BOOK}, layers: {layers}}}\n" for name, layers in zip("abc", pools, strict=False)]
    return load_scenario(write(folder, HEAD + "".join(entries)))


def test_one_shared_fund_has_one_balance(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, f"[{COMMON}}}]", f"[{ADL}, {COMMON}, draw_cap: 2M}}]", f"[{COMMON}}}]")
    layers = waterfall(list(scenario.scenario.pools.values()))
    records = layers_of(layers, 3, CLOCK, ("X", "Y"))
    assert [(place, pool) for place, pool, _ in layers] == [(0, 0), (0, 1), (0, 2), (1, 1)]
    assert records["kind"].tolist().count(SHARED_FUND) == 3
    assert records["balance"].tolist() == [0, 1, 0, 0]
    assert records["leader"].tolist() == [0, 1, 0, 3]
    assert records["account"].tolist() == [3, 1, 3, 3]
    assert records["capital"].tolist() == [5e6, 0.0, 0.0, 0.0]
    assert records["draw_cap"].tolist() == [math.inf, math.inf, math.inf, 2e6]
    assert first_funds(layers, 3).tolist() == [0, 3, 2]
    caps = caps_of(layers, records["balance"], ("X", "Y"), (1.0, 1.0))
    assert [tuple(cap) for cap in caps] == [(0, 1, 3e6, 0.0)]


@pytest.mark.parametrize(
    ("layer", "complaint"),
    [
        (
            "{type: shared_fund, name: common, capital: 6M, floor: 1M, cap: {Y: 3M}}",
            "layers.0.capital: the fund 'common' has",
        ),
        ("{type: shared_fund, name: common, capital: 5M, floor: 1M}", "layers.0.cap: the fund 'common' has another"),
        ("{type: shared_fund, name: other, capital: 5, weight: 0}", "layers.0.weight: is 0 in every pool"),
        ("{type: insurance_fund, capital: 1, cap: {W: 1M}}", "unknown market 'W'"),
        ("{type: insurance_fund, capital: 1, stop: {window: 8h}}", "give either drop (a share) or amount"),
        (
            "{type: insurance_fund, capital: 1, stop: {window: 8h, drop: 5%, amount: 3}}",
            "give either drop (a share) or",
        ),
        ("{type: shared_fund, name: other, capital: 1, floor: 2}", "is under the floor"),
    ],
)
def test_meaningless_layers(tmp_path: Path, layer: str, complaint: str) -> None:
    with pytest.raises(MeaninglessInput) as caught:
        loaded(tmp_path, f"[{COMMON}}}]", f"[{layer}]")
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "complaint"),
    [
        ("{type: shared_fund, name: common}", "capital: is missing"),
        ("{type: shared_fund, name: common, capital: 5M, adl_below_floor: true}", "unknown key 'adl_below_floor'"),
        ("{type: insurance_fund, capital: 1, equity_cap: 3}", "unknown key 'equity_cap'"),
        ("{type: insurance_fund, capital: 1, unwind: {type: participation}}", "rate: is missing"),
        ("{type: insurance_fund, capital: 1, hedge: {ratios: 1}}", "unknown key 'ratios'"),
        ("{type: adl, rank: pro_rata_contract}", "pro_rata_contracts"),
    ],
)
def test_malformed_layers(tmp_path: Path, layer: str, complaint: str) -> None:
    with pytest.raises(MalformedInput) as caught:
        loaded(tmp_path, f"[{layer}]")
    assert complaint in str(caught.value)


def test_rules_that_read_time_and_depth(tmp_path: Path) -> None:
    vault = "{type: backstop_vault, capital: 9, equity_cap: 4, stop: {window: 16m, amount: 2}, unwind: UNWIND}"
    vault = vault.replace("UNWIND", "{type: participation, rate: 3%}")
    scenario = loaded(
        tmp_path, f"[{vault}, {{type: insurance_fund, capital: 1, unwind: {{type: twap, half_life: 5m}}}}]"
    )
    records = layers_of(waterfall(list(scenario.scenario.pools.values())), 1, CLOCK, ("X", "Y"))
    assert records["stop_checks"].tolist() == [4, -1]
    assert (records["stop_amount"][0], records["stop_share"][0]) == (2.0, 0.0)
    assert records["unwind"][0] == PARTICIPATION
    assert records["unwind_share"] == pytest.approx([0.15, 0.5])
    assert records["equity_cap"].tolist() == [4.0, math.inf]
    assert records["hedge_ratio"].tolist() == [0.0, 0.0]


def test_hedges_are_read_in_checks(tmp_path: Path) -> None:
    fund = "{type: insurance_fund, capital: 1, hedge: {ratio: 80%, delay: 6m, cost: 5bp, band: 10k, pace: 1M}}"
    layer = layers_of(waterfall(list(loaded(tmp_path, f"[{fund}]").scenario.pools.values())), 1, CLOCK, ("X", "Y"))[0]
    assert (layer.hedge_ratio, layer.hedge_delay, layer.hedge_cost) == (0.8, 2, 0.0005)
    assert (layer.hedge_band, layer.hedge_pace) == (1e4, 5e6)


@pytest.mark.parametrize(
    ("layer", "holds"),
    [
        ("{type: insurance_fund, capital: 1}", True),
        ("{type: shared_fund, name: s, capital: 1}", True),
        ("{type: shared_fund, name: s, capital: 1, draw_cap: 1M}", False),
        ("{type: insurance_fund, capital: 1, cap: {X: 1M}}", False),
        ("{type: insurance_fund, capital: 1, stop: {window: 8h, drop: 30%}}", False),
        ("{type: backstop_vault, capital: 1}", True),
        ("{type: backstop_vault, capital: 1, equity_cap: 1}", False),
    ],
)
def test_whether_one_run_sizes_every_fund(tmp_path: Path, layer: str, holds: bool) -> None:
    assert sizing_identity(loaded(tmp_path, f"[{layer}]").canonical["pools"]) is holds


def test_every_rule_of_the_kernels_can_be_written(tmp_path: Path) -> None:
    assert tuple(rule.name for rule in RANKS) == get_args(RankName)
    written = {
        "insurance_fund": "{type: insurance_fund, capital: 1}",
        "backstop_vault": "{type: backstop_vault, capital: 1}",
        "shared_fund": "{type: shared_fund, name: s, capital: 1}",
        "treasury": "{type: treasury, token: Z, units: 1}",
        "adl": ADL,
        "socialise": "{type: socialise, by: equity}",
        "liquidity_pool": "{type: liquidity_pool, capital: 1, profit_cap: {above: 85%, to: 77%}}",
    }
    assert set(written) == {rule.name for rule in LAYERS}
    layers = loaded(tmp_path, f"[{', '.join(written.values())}]").scenario.pools["a"].layers
    assert [layer.type for layer in layers] == list(written)
    assert {rule.name for rule in UNWINDS} == {"hold", "twap", "participation"}
