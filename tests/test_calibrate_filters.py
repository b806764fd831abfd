"""Transforms, filters and facts against closed forms, enumeration and other libraries."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import QuantLib as ql
from scipy.stats import ks_2samp, kurtosis, skew

from stress.calibrate import affine
from stress.calibrate.correlation import one_factor, shrink, structure
from stress.calibrate.facts import autocorrelation, distance, facts_of, hill, tail_of
from stress.calibrate.likelihood import maximise, mean_error
from stress.calibrate.prices import YEAR
from stress.calibrate.windows import realise
from stress.kernels.filters import forward_backward, square_root_filter, window_moments
from stress.kernels.models import HESTON_QE
from stress.kernels.structs import Clock
from tests.histories import DAY, HOUR, Floats, heston_history, series_of
from tests.price_paths import Heston, models_of, run

FAST = Heston(0.5, 60.0, 0.5, 7.0, -0.4)
PROCESS = affine.SquareRoot(FAST.kappa, FAST.theta, FAST.xi)
HISTORY_DAYS = 20_000


@pytest.fixture(scope="module")
def long_history() -> tuple[Floats, Floats]:
    """Daily returns, compensated, and realised variances of hourly returns over 55 years."""
    bars = 24 * HISTORY_DAYS
    log_price, _ = run(models_of([HESTON_QE], [FAST]), Clock(bars, 1, HOUR), 1, 5)
    x = np.diff(log_price[0, :, 0]).reshape(-1, 24)
    variance = (x**2).sum(axis=1) * 365.0
    return x.sum(axis=1) + 0.5 * variance / 365.0, variance


def test_transform_is_the_price_of_a_bond() -> None:
    """A zero bond whose short rate is a square-root process, by QuantLib (Cox, Ingersoll & Ross 1985)."""
    model = ql.CoxIngersollRoss(0.05, 0.06, 1.5, 0.2)
    process = affine.SquareRoot(1.5, 0.06, 0.2)
    for years in (0.1, 1.0, 7.0):
        bond = affine.carry(process, years, np.ones(()), affine.ONE)
        for rate in (0.0, 0.05, 0.3):
            assert math.exp(bond.level - bond.slope * rate) == pytest.approx(
                model.discountBond(0.0, years, rate), rel=1e-9
            )


def test_transform_can_be_taken_in_two_stretches() -> None:
    whole = affine.carry(PROCESS, 0.02, np.array(3.0), affine.Exponential(np.array(0.1), np.array(0.7)))
    later = affine.carry(PROCESS, 0.015, np.array(3.0), affine.Exponential(np.array(0.1), np.array(0.7)))
    both = affine.carry(PROCESS, 0.005, np.array(3.0), later)
    np.testing.assert_allclose(both, whole, rtol=1e-12)


def test_transforms_are_those_of_simulated_variances(long_history: tuple[Floats, Floats]) -> None:
    x, y = long_history
    window = affine.observed(1.0 / 365.0, 2.0 / 24.0)
    bounded = np.exp(-y / FAST.theta)
    alone = affine.transform(PROCESS, window, 1.0 / FAST.theta)
    assert abs(bounded.mean() - alone) < 4.0 * mean_error(bounded, 140)
    for lag in (1, 5):
        expected = affine.joint_transform(PROCESS, window, 1.0 / FAST.theta, lag)
        product = bounded[lag:] * bounded[:-lag]
        assert abs(product.mean() - expected) < 4.0 * mean_error(product, 140)
        # Less what both have of the level, it is sharper.
        apart = product.mean() - bounded.mean() ** 2
        assert apart == pytest.approx(expected - alone**2, rel=0.06)
    for lag in (0, 1, 3):
        product = x[: len(x) - lag] * (bounded[lag:] - bounded.mean())
        expected = FAST.rho * affine.leverage(PROCESS, window, 1.0 / FAST.theta, lag)
        assert abs(product.mean() - expected) < 4.0 * mean_error(product, 50), lag


def test_window_moments_are_those_of_short_paths() -> None:
    """From a given variance over one day, by steps of ten minutes."""
    paths, steps, v = 20_000, 144, 0.8
    log_price, variance = run(models_of([HESTON_QE], [FAST._replace(v0=v)]), Clock(steps, 1, 600.0), paths, 3)
    end = variance[:, -1, 0]
    average = 0.5 * (variance[:, 1:, 0] + variance[:, :-1, 0]).mean(axis=1)
    x = log_price[:, -1, 0] - log_price[:, 0, 0] + 0.5 * average / 365.0
    found = window_moments(FAST.kappa, FAST.theta, FAST.xi, FAST.rho, 1.0 / 365.0, v)
    sample = np.cov(np.stack([end, average, x]))
    expected = np.array(
        [
            [found[2], found[5], found[6]],
            [found[5], found[3], found[7]],
            [found[6], found[7], found[4]],
        ]
    )
    assert end.mean() == pytest.approx(found[0], rel=0.02)
    assert average.mean() == pytest.approx(found[1], rel=0.02)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(sample / scale, expected / scale, atol=0.05)


def test_filtered_variance_follows_the_true_one() -> None:
    """It is nearer to the true variance than the day's realised one, and its errors are of the size that it says."""
    bars = 24 * 1_500
    log_price, variance = run(models_of([HESTON_QE], [FAST]), Clock(bars, 1, HOUR), 1, 6)
    series = series_of(np.diff(log_price[0, :, 0]), HOUR)
    windows = realise(series, DAY)
    filtered = np.empty((2, len(windows.value)))
    parameters = np.array([FAST.kappa, FAST.theta, FAST.xi, FAST.rho])
    square_root_filter(np.stack([windows.value, windows.variance]), windows.noise, parameters, windows.dt, filtered)
    true = variance[0, 24::24, 0][: filtered.shape[1]]
    error = filtered[0] - true
    assert (error**2).mean() < 0.85 * ((windows.variance - true) ** 2).mean()
    assert (error**2).mean() == pytest.approx((filtered[1] ** 2).mean(), rel=0.3)


@pytest.mark.interpreted
def test_forward_backward_is_the_sum_over_all_paths() -> None:
    rng = np.random.default_rng(1)
    steps, states = 5, 3
    density, transition = rng.random((steps, states)), rng.random((states, states))
    transition /= transition.sum(axis=1, keepdims=True)
    total, occupied, moved = 0.0, np.zeros((steps, states)), np.zeros((states, states))
    for path in itertools.product(range(states), repeat=steps):
        weight = density[0, path[0]] / states
        for n in range(1, steps):
            weight *= transition[path[n - 1], path[n]] * density[n, path[n]]
        total += weight
        for n, k in enumerate(path):
            occupied[n, k] += weight
        for i, k in itertools.pairwise(path):
            moved[i, k] += weight
    found, counted = np.zeros((steps, states)), np.zeros((states, states))
    assert forward_backward(density, transition, found, counted) == pytest.approx(math.log(total))
    np.testing.assert_allclose(found, occupied / total)
    np.testing.assert_allclose(counted, moved / total)


def test_maximum_likelihood_of_a_normal() -> None:
    """Mean and deviation, with errors of the textbook: s / sqrt(n) and s / sqrt(2 n)."""
    x = 3.0 + 2.0 * np.random.default_rng(2).standard_normal(4_000)

    def natural(y: Floats) -> Floats:
        return np.array([y[0], math.exp(y[1])])

    best = maximise(lambda y: -y[1] - 0.5 * ((x - y[0]) / math.exp(y[1])) ** 2, natural, np.array([1.0, 1.0]))
    np.testing.assert_allclose(best.values, [x.mean(), x.std()], rtol=1e-4)
    np.testing.assert_allclose(best.errors, [2.0 / math.sqrt(4_000), 2.0 / math.sqrt(8_000)], rtol=0.05)


def test_facts_are_those_of_scipy() -> None:
    x = np.random.default_rng(3).standard_t(4, 5_000)
    facts = facts_of(x, DAY)
    assert facts.skewness == pytest.approx(skew(x))
    assert facts.kurtosis == pytest.approx(kurtosis(x, fisher=False))
    assert facts.volatility == pytest.approx(x.std() * math.sqrt(365.0))
    assert facts.lags == (DAY, 7 * DAY, 30 * DAY)
    other = np.random.default_rng(4).standard_normal(3_000)
    assert distance(x, other) == pytest.approx(ks_2samp(x, other).statistic)


def test_tail_index_of_a_pareto_law() -> None:
    losses = np.random.default_rng(5).pareto(3.0, 50_000) + 1.0
    tail = tail_of(losses)
    assert tail is not None
    assert tail.low <= tail.index <= tail.high
    assert tail.index == pytest.approx(3.0, abs=3.0 * 3.0 / math.sqrt(0.0125 * 50_000))
    k, index = hill(losses)
    assert index[k == 1_000][0] == pytest.approx(3.0, abs=0.3)
    assert tail_of(losses[:100]) is None


def test_autocorrelation_of_a_first_order_process() -> None:
    noise = np.random.default_rng(6).standard_normal(40_000)
    x = np.zeros_like(noise)
    for n in range(1, len(x)):
        x[n] = 0.8 * x[n - 1] + noise[n]
    assert autocorrelation(x, 1) == pytest.approx(0.8, abs=0.02)
    assert autocorrelation(x, 3) == pytest.approx(0.512, abs=0.03)
    # Variance of the mean: 1 / (1 - 0.8)^2 / n.
    assert mean_error(x, 200) == pytest.approx(5.0 / 200.0, rel=0.25)


def test_correlations_of_prices_and_variances_come_back() -> None:
    true = np.array([[1.0, -0.3, 0.8, 0.0], [-0.3, 1.0, -0.2, 0.7], [0.8, -0.2, 1.0, -0.3], [0.0, 0.7, -0.3, 1.0]])
    heston = Heston(0.4, 30.0, 0.4, 4.0, -0.3)
    bars = 24 * 1_500
    log_price, _ = run(models_of([HESTON_QE] * 2, [heston] * 2, correlation=true), Clock(bars, 1, HOUR), 1, 9)
    series = [series_of(np.diff(log_price[0, :, m]), HOUR, name) for m, name in enumerate("AB")]
    found = structure(series, DAY)
    assert found.prices[0, 1] == pytest.approx(0.7, abs=0.05)
    assert found.variances[0, 1] == pytest.approx(0.8, abs=0.1)
    assert np.linalg.eigvalsh(found.prices).min() > 0.0


def test_one_factor_is_found_where_there_is_one() -> None:
    loadings = np.array([0.9, 0.7, 0.5, 0.8])
    matrix = np.outer(loadings, loadings)
    np.fill_diagonal(matrix, 1.0)
    np.testing.assert_allclose(one_factor(matrix), loadings, atol=1e-6)
    pair = np.array([[1.0, -0.36], [-0.36, 1.0]])
    assert np.prod(one_factor(pair)) == pytest.approx(-0.36)


def test_shrinkage_helps_short_samples_and_leaves_long_ones() -> None:
    rng = np.random.default_rng(7)
    truth = np.full((20, 20), 0.6)
    np.fill_diagonal(truth, 1.0)
    factor = np.linalg.cholesky(truth)
    short = factor @ rng.standard_normal((20, 60))
    found, weight = shrink(short)
    assert weight > 0.5
    assert np.linalg.norm(found - truth) < 0.6 * np.linalg.norm(np.corrcoef(short) - truth)
    mixed = np.diag(np.linspace(0.2, 0.9, 20)) @ np.ones((20, 1)) @ rng.standard_normal((1, 50_000))
    assert shrink(mixed + 0.5 * rng.standard_normal((20, 50_000)))[1] < 0.01


def test_bars_of_a_quarter_of_a_year() -> None:
    """A history of minutes still has its windows."""
    series = heston_history(FAST, 60, 300.0, 3)
    assert np.isfinite(realise(series, HOUR).variance).all()
    assert realise(series, HOUR).dt == pytest.approx(HOUR / YEAR)
