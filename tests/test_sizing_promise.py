"""A fund of the size that one run asks for keeps its promise in another: real kernels, fresh seeds."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy import stats

import stress
from stress import engine
from stress.build import build
from stress.scenario import load_scenario
from stress.sizing import size
from stress.sizing.proportions import clopper_pearson

PATHS = 6_000
DEPLETION = 0.02


def simulated(folder: Path, capital: str, seed: int) -> stress.Run:
    """The minimal scenario with a fund of this capital."""
    loaded = load_scenario("minimal", [f"pools.main.layers.0.capital={capital}"], seed=seed, paths=PATHS)
    return stress.load(engine.run(build(loaded), folder, threads=2).folder)


@pytest.mark.slow
def test_fund_sized_by_an_unlimited_run_is_depleted_as_often_as_promised(tmp_path: Path) -> None:
    sized = size(simulated(tmp_path / "unlimited", "unlimited", 11), depletion=DEPLETION).pools[0].fund
    assert sized is not None
    target = sized.target.size
    assert target.value is not None
    assert target.low is not None
    assert target.high is not None
    run = simulated(tmp_path / "finite", f"{target.value:.2f}", 12)
    fund = run.layers[run.layers["layer"] == sized.layer]
    # A fund is depleted where it takes less than it is offered or is seen under its floor.
    depleted = int((fund["first_decline_s"].notna() | fund["first_under_s"].notna()).sum())
    required = run.paths["required_fund"]
    assert depleted == int((required > target.value).sum())
    # The first run sees its own size passed on DEPLETION of its paths: the second must not differ from it.
    assert stats.fisher_exact([[depleted, PATHS - depleted], [120, PATHS - 120]]).pvalue > 0.01
    assert clopper_pearson(int((required > target.low).sum()), PATHS)[1] >= DEPLETION
    assert clopper_pearson(int((required > target.high).sum()), PATHS)[0] <= DEPLETION
    print(f"promised {DEPLETION:.3%}, depleted {depleted / PATHS:.3%}")
