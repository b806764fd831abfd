"""What ADL closed in each market, in units and at the fill prices."""

from __future__ import annotations

from pathlib import Path

import pytest

import stress
from stress.build import build
from stress.engine import run
from stress.scenario import load_scenario

FALL = (
    "run.horizon=5m",
    "run.paths=20",
    "pools.main.layers.0.capital=0",
    "markets.BTC.liquidity={type: power, depth: unlimited, half_life: 5m}",
    "shocks=[{at: 5m, market: BTC, jump: -30%}]",
)


@pytest.mark.parametrize(("jump", "sign"), [("-30%", -1.0), ("30%", 1.0)])
def test_units_at_the_last_price_less_their_fills_are_the_haircut(jump: str, sign: float, tmp_path: Path) -> None:
    """With one check and an endless book the mark of the fills is the last price; winners are on the other side."""
    overrides = [value.replace("-30%", jump) for value in FALL]
    run(build(load_scenario("minimal", overrides)), tmp_path / "run")
    found = stress.load(tmp_path / "run")
    markets, paths = found.markets, found.paths
    hit = paths["adl_notional"] > 0.0
    assert hit.sum() >= 10
    assert (sign * markets["adl_units"][hit] > 0.0).all()
    notional = markets["adl_units"].abs() * markets["price_end"]
    assert notional[hit].tolist() == pytest.approx(paths["adl_notional"][hit].tolist(), rel=1e-9)
    forgone = markets["adl_units"] * markets["price_end"] - markets["adl_fill_value"]
    haircut = paths["adl_haircut"]
    assert forgone[hit].tolist() == pytest.approx(haircut[hit].tolist(), rel=1e-6)
    assert (markets["adl_units"][~hit] == 0.0).all()
