"""Jumps: Poisson counts, sizes, common arrivals, independence of what else is simulated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from stress.kernels.jumps import compensator, mark_of, sources_of, waiting_time
from stress.kernels.models import GBM, YEAR
from stress.kernels.philox import split_seed
from stress.kernels.structs import Clock, Models
from stress.kernels.tilt import NO_PACE, NO_TWIST
from tests.price_paths import DAY, Floats, Heston, Jump, models_of, run

STILL = Heston(1e-12, 1.0, 1.0, 1.0, 0.0)
"""A gbm market with a millionth of volatility: everything that moves is a jump."""
PATHS = 20_000


def returns(models: Models, clock: Clock, paths: int = PATHS, first: int = 0) -> Floats:
    """Log returns [w, step, m] with the compensating drift taken out."""
    log_price, _ = run(models, clock, paths, first=first)
    years = clock.dt / YEAR
    drift = np.array([compensator(sources_of(models), m) for m in range(len(models.model))]) * years
    found: Floats = np.diff(log_price, axis=1) - drift
    return found


def test_waiting_times_are_exponential() -> None:
    key = split_seed(3)
    fifty = Jump(rate=50.0, mean=[0.0], std=[0.0], probability=[1.0], key=2)
    sources = sources_of(models_of([GBM], [STILL], [fifty]))
    times = np.array(
        [waiting_time(sources, 0, 0.0, NO_PACE, path, number, key) for path in range(100) for number in range(20)]
    )
    assert stats.kstest(times, "expon", args=(0.0, 1.0 / 50.0)).pvalue > 1e-3


def test_counts_are_poisson() -> None:
    """Ones as marks count the arrivals; three steps of a day at 1.2 arrivals each."""
    rate = 1.2 * 365.0
    unit = Jump(rate=rate, mean=[1.0], std=[0.0], probability=[1.0])
    counts = np.rint(returns(models_of([GBM], [STILL], [unit]), Clock(3, 1, DAY))[:, :, 0])
    expected = stats.poisson.pmf(np.arange(6), 1.2) * counts.size
    found = np.array([(counts == k).sum() for k in range(6)])
    assert stats.chisquare([*found, counts.size - found.sum()], [*expected, counts.size - expected.sum()]).pvalue > 1e-3
    assert np.corrcoef(counts, rowvar=False)[0, 1] == pytest.approx(0.0, abs=4.0 / math.sqrt(PATHS))


def test_thinning_thins() -> None:
    half = Jump(rate=365.0, mean=[1.0], std=[0.0], probability=[0.25])
    counts = np.rint(returns(models_of([GBM], [STILL], [half]), Clock(1, 1, DAY)))
    assert counts.mean() == pytest.approx(0.25, abs=4.0 * math.sqrt(0.25 / PATHS))
    assert counts.var() == pytest.approx(0.25, rel=0.1)


def test_sizes_have_their_mean_and_spread() -> None:
    jump = Jump(rate=1.0, mean=[-0.05], std=[0.03], probability=[1.0])
    models = models_of([GBM], [STILL], [jump])
    sizes = np.array([mark_of(sources_of(models), 0, 0, path, 0, split_seed(1), NO_TWIST)[0] for path in range(5_000)])
    assert stats.kstest(sizes, "norm", args=(-0.05, 0.03)).pvalue > 1e-3


@pytest.mark.parametrize("correlation", [0.0, 0.8, 1.0])
def test_markets_jump_together(correlation: float) -> None:
    """Arrivals are shared; the sizes of one arrival have the stated correlation."""
    jump = Jump(rate=5.0, mean=[-0.4, -0.6], std=[0.04, 0.05], probability=[1.0, 1.0], correlation=correlation)
    moved = returns(models_of([GBM, GBM], [STILL] * 2, [jump]), Clock(1, 1, DAY), 40_000)[:, 0]
    jumped = np.abs(moved) > 0.1
    np.testing.assert_array_equal(jumped[:, 0], jumped[:, 1])
    single = jumped[:, 0] & (moved[:, 0] > -0.65)
    assert single.sum() > 300
    found = np.corrcoef(moved[single], rowvar=False)[0, 1]
    assert found == pytest.approx(correlation, abs=4.0 / math.sqrt(single.sum()) + 1e-6)


def test_compensator_is_the_expected_relative_move() -> None:
    common = Jump(rate=10.0, mean=[-0.1, 0.2], std=[0.3, 0.0], probability=[0.5, 1.0])
    own = Jump(rate=7.0, mean=[0.0, -0.4], std=[0.0, 0.1], probability=[0.0, 1.0], key=2)
    models = models_of([GBM, GBM], [STILL] * 2, [common, own])
    assert compensator(sources_of(models), 0) == pytest.approx(-5.0 * math.expm1(-0.1 + 0.045))
    assert compensator(sources_of(models), 1) == pytest.approx(-10.0 * math.expm1(0.2) - 7.0 * math.expm1(-0.4 + 0.005))


def test_a_source_draws_the_same_beside_any_other() -> None:
    """Own jumps of market 0 and a common source, alone and together: the moves add up."""
    own = Jump(rate=300.0, mean=[-0.1], std=[0.05], probability=[1.0], key=0)
    common = Jump(rate=200.0, mean=[0.2], std=[0.1], probability=[1.0], key=1)
    clock = Clock(5, 1, DAY)
    apart = sum(returns(models_of([GBM], [STILL], [jump]), clock, 64) for jump in (own, common))
    both = returns(models_of([GBM], [STILL], [common, own]), clock, 64)
    assert np.abs(both).max() > 0.1
    # The one still-moving part, a volatility of 1e-6, is counted twice in the sum.
    np.testing.assert_allclose(both, apart, atol=1e-6)


def test_more_steps_do_not_move_the_arrivals() -> None:
    jump = Jump(rate=2_000.0, mean=[-0.1], std=[0.05], probability=[1.0])
    models = models_of([GBM], [STILL], [jump])
    coarse = returns(models, Clock(4, 1, DAY), 64)
    fine = returns(models, Clock(96, 1, DAY / 24), 64)
    np.testing.assert_allclose(fine.reshape(64, 4, 24, 1).sum(axis=2), coarse, atol=1e-6)


def test_a_source_without_arrivals_never_moves_anything() -> None:
    never = Jump(rate=0.0, mean=[-0.5], std=[0.1], probability=[1.0])
    assert np.abs(returns(models_of([GBM], [STILL], [never]), Clock(3, 1, DAY), 64)).max() < 1e-5
