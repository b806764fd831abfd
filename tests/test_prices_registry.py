"""What holds for every random price model, by the registry of the build."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stress.build.laws import LAWS
from stress.kernels.models import MODELS
from stress.kernels.structs import Clock
from tests.market_models import EXAMPLES, GARCH, built
from tests.price_paths import Floats, run, z_score

PATHS = 20_000
CRASHES = {"name": "crash", "rate": 300, "marks": {"A": {"mean": -0.04, "std": 0.03}}}


@pytest.fixture
def residuals(tmp_path: Path) -> Path:
    """Five hundred skewed residuals with fat tails."""
    z = np.random.default_rng(7).standard_t(4.0, 500)
    z[:10] -= 3.0
    file = tmp_path / "residuals.csv"
    file.write_text("residual\n" + "\n".join(map(repr, ((z - z.mean()) / z.std()).tolist())) + "\n")
    return file


@pytest.fixture(params=[*EXAMPLES, "garch_history"])
def model(request: pytest.FixtureRequest, residuals: Path) -> dict[str, Any]:
    """An example of each model."""
    if request.param == "garch_history":
        return {"type": "garch", **GARCH, "innovations": "historical", "file": str(residuals)}
    return EXAMPLES[request.param]


def test_every_model_has_an_example(residuals: Path) -> None:
    assert set(EXAMPLES) == set(LAWS)
    history = {"type": "garch", **GARCH, "innovations": "historical", "file": str(residuals)}
    slow = {**EXAMPLES["heston"], "scheme": "qe"}
    examples = [*EXAMPLES.values(), history, {**EXAMPLES["heston"], "scheme": "euler"}, slow]
    used = {int(built({"A": example})[0].model[0]) for example in examples}
    assert used == set(range(len(MODELS))) - {3}, "only given prices are left out"


@pytest.mark.parametrize("jumps", [[], [CRASHES]], ids=["alone", "with common jumps"])
def test_the_price_is_a_martingale(model: dict[str, Any], jumps: list[dict[str, Any]]) -> None:
    models, clock, _ = built({"A": model}, jumps=jumps)
    prices = np.exp(run(models, clock, PATHS, seed=3)[0][:, :, 0])
    for check in (1, clock.checks // 2, clock.checks):
        assert abs(z_score(prices[:, check], 100.0)) < 3.5, check


def test_the_drift_is_that_of_the_price(model: dict[str, Any]) -> None:
    models, clock, _ = built({"A": {**model, "drift": 50.0}})
    prices = np.exp(run(models, clock, PATHS)[0][:, -1, 0])
    assert abs(z_score(prices, 100.0 * math.exp(50.0 / 365.0))) < 3.5


def two(model: dict[str, Any]) -> tuple[Any, Clock]:
    """The model twice, correlated, with a common jump that excites itself."""
    marks = {"A": {"mean": -0.04, "std": 0.03}, "B": {"mean": -0.05, "std": 0.03, "probability": 0.5}}
    crash = {"name": "crash", "rate": 300, "correlation": 0.5, "marks": marks}
    crash |= {"self_excitation": {"branching": 0.5, "half_life": "1h"}}
    correlation = {"prices": [[1.0, 0.7], [0.7, 1.0]], "variances": [[1.0, 0.5], [0.5, 1.0]]}
    models, clock, _ = built({"A": model, "B": model}, jumps=[crash], correlation=correlation)
    return models, clock


def test_a_path_has_the_same_bytes_in_any_block(model: dict[str, Any]) -> None:
    models, clock = two(model)
    whole = run(models, clock, 330, seed=5)
    for first, count in ((0, 1), (70, 200), (329, 1)):
        part = run(models, clock, count, seed=5, first=first)
        for found, expected in zip(part, whole, strict=True):
            assert found.tobytes() == expected[first : first + count].tobytes()
    assert all(np.isfinite(table).all() for table in whole)
    assert (whole[1] >= 0.0).all()


def test_checks_are_a_selection_of_the_model_steps(model: dict[str, Any]) -> None:
    models, clock = two(model)
    steps = clock.checks * clock.substeps
    fine = run(models, Clock(steps, 1, clock.dt / clock.substeps), 64)
    coarse = run(models, clock, 64)
    for found, expected in zip(coarse, fine, strict=True):
        np.testing.assert_array_equal(found, expected[:, :: clock.substeps])


def test_adding_a_market_leaves_the_other_as_it_was(model: dict[str, Any]) -> None:
    alone, clock, _ = built({"A": model})
    beside, _, _ = built({"A": model, "B": EXAMPLES["svcj"], "C": model})
    np.testing.assert_array_equal(run(beside, clock, 64)[0][:, :, 0], run(alone, clock, 64)[0][:, :, 0])


def moves(models: Any, clock: Clock) -> Floats:
    """Log returns of each check [w, s]."""
    return np.diff(run(models, clock, 2_000)[0][:, :, 0], axis=1)


def test_a_volatility_shock_stretches_the_diffusion_alone(model: dict[str, Any]) -> None:
    """Tripled from 4 h to 8 h: returns grow while it lasts, and are what they were before and after."""
    calm = {**model, "jump_rate": 0} if "jump_rate" in model else model
    plain, clock, _ = built({"A": calm})
    shock = {"at": "4h", "market": "A", "volatility": 3, "duration": "4h"}
    shocked, _, _ = built({"A": calm}, shocks=[shock])
    before, after = moves(plain, clock), moves(shocked, clock)
    during = np.arange(clock.checks) // 4 == 1
    np.testing.assert_allclose(after[:, ~during], before[:, ~during], atol=1e-13)
    ratio = after[:, during].std(axis=0) / before[:, during].std(axis=0)
    np.testing.assert_allclose(ratio, 3.0, rtol=0.05)


def test_a_deterministic_jump_shifts_the_price_alone(model: dict[str, Any]) -> None:
    plain, clock, _ = built({"A": model})
    shocked, _, _ = built({"A": model}, shocks=[{"at": "4h", "market": "A", "jump": -0.1}])
    found, variance = run(shocked, clock, 64)
    expected, expected_variance = run(plain, clock, 64)
    shift = np.where(np.arange(clock.checks + 1) >= 4, math.log(0.9), 0.0)
    np.testing.assert_allclose((found - expected)[:, :, 0], np.tile(shift, (64, 1)), atol=1e-13)
    np.testing.assert_array_equal(variance, expected_variance)
