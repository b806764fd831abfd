"""A fund of the size that one run asks for keeps its promise in another: real kernels, fresh seeds."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import stress
from stress import engine
from stress.build import build
from stress.check.statistics import precedence
from stress.scenario import load_scenario
from stress.sizing import FundSize, size
from stress.sizing.proportions import clopper_pearson
from tests import weighted

TAIL = "run.sampling.method=importance"


def simulated(folder: Path, capital: str, seed: int, paths: int, *overrides: str) -> stress.Run:
    """The minimal scenario with a fund of this capital."""
    changed = [f"pools.main.layers.0.capital={capital}", *overrides]
    loaded = load_scenario("minimal", changed, seed=seed, paths=paths)
    return stress.load(engine.run(build(loaded), folder, threads=2).folder)


def asked(run: stress.Run, depletion: float) -> tuple[FundSize, float]:
    """The fund that a run with an unlimited one asks for, and how many plain paths know it as well."""
    fund = size(run, depletion=depletion).pools[0].fund
    assert fund is not None
    assert fund.current is None
    assert fund.target.size.value is not None
    return fund.target, fund.target.size.exceedances / depletion


def depleted(run: stress.Run) -> int:
    """Paths on which the fund takes less than it is offered or is seen under its floor."""
    fund = run.layers[run.layers["layer"] == "fund"]
    return int((fund["first_decline_s"].notna() | fund["first_under_s"].notna()).sum())


def assert_kept(run: stress.Run, target: FundSize, worth: float) -> None:
    """The fund is depleted as often as promised, by the exact law of order statistics, and as the identity says."""
    found, paths = depleted(run), run.manifest["paths"]
    required = run.paths["required_fund"]
    size = target.size
    assert size.value is not None
    assert size.low is not None
    assert size.high is not None
    assert found == int((required > size.value).sum())
    before = round(worth * target.depletion), round(worth)
    more, fewer = precedence(found, paths, *before)
    print(f"promised {target.depletion:.3%}, depleted {found / paths:.3%} of {paths}, p {more:.3f} and {fewer:.3f}")
    assert min(more, fewer) > 0.005
    # The ends of the interval promise less, and more.
    assert clopper_pearson(int((required > size.low).sum()), paths, 0.99)[1] >= target.depletion
    assert clopper_pearson(int((required > size.high).sum()), paths, 0.99)[0] <= target.depletion


def test_funds_of_plain_and_weighted_paths_keep_their_promise(tmp_path: Path) -> None:
    """Weighted: the same paths drawn again, the severe ones too often."""
    depletion = 0.04
    unlimited = simulated(tmp_path / "unlimited", "unlimited", 11, 1_000)
    drawn = weighted.resampled(unlimited, tmp_path / "drawn", 2_000)
    target, worth = asked(unlimited, depletion)
    assert worth == 1_000
    assert_kept(simulated(tmp_path / "finite", f"{target.size.value:.2f}", 12, 1_000), target, worth)
    again, better = asked(drawn, depletion)
    # The draw knows the paths of the plain run well, and these are a thousand.
    assert better > 1_000
    assert_kept(simulated(tmp_path / "weighted", f"{again.size.value:.2f}", 12, 1_000), again, worth)


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [(), (TAIL, "run.sampling.probability=2%")], ids=["plain", "tail"])
def test_a_fund_is_depleted_as_often_as_promised(tmp_path: Path, overrides: tuple[str, ...]) -> None:
    """Over six pairs of seeds the mean share of depleted paths is the promised one, for funds of either kind of run."""
    depletion, paths, shares, variance = 0.02, 3_000, [], 0.0
    for seed in range(6):
        sized = simulated(tmp_path / f"sized-{seed}", "unlimited", 100 + seed, paths, *overrides)
        assert (sized.weights is not None) == bool(overrides)
        target, worth = asked(sized, depletion)
        fresh = simulated(tmp_path / f"fresh-{seed}", f"{target.size.value:.2f}", 200 + seed, paths)
        assert_kept(fresh, target, worth)
        shares.append(depleted(fresh) / paths)
        variance += depletion * (1.0 - depletion) * (1.0 / paths + 1.0 / worth) / 36.0
    mean = math.fsum(shares) / 6.0
    print(f"promised {depletion:.2%}, depleted {mean:.3%} ± {math.sqrt(variance):.3%} over six seeds")
    assert abs(mean - depletion) <= 3.0 * math.sqrt(variance)


@pytest.mark.slow
def test_a_rare_promise_of_weighted_paths_is_kept(tmp_path: Path) -> None:
    """Once in a thousand times: 4,000 weighted paths size the fund, 20,000 plain ones of another seed try it."""
    sized = simulated(tmp_path / "sized", "unlimited", 31, 4_000, TAIL, "run.sampling.probability=0.1%")
    target, worth = asked(sized, 0.001)
    assert worth > 3 * 4_000
    assert_kept(simulated(tmp_path / "fresh", f"{target.size.value:.2f}", 32, 20_000), target, worth)
