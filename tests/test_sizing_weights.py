"""Weighted paths: equal weights change nothing, likelihood ratios give the law that was not sampled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stress.sizing.estimate import Floats, ascending
from stress.sizing.proportions import clopper_pearson, over_periods, per_period, share_of
from stress.sizing.quantiles import interval, quantile_of, upper_bound, value_at_risk
from stress.sizing.shortfall import expected_shortfall, mean_loss, shortfall_point
from stress.sizing.weights import Weights, ascending_with, kish

LOSSES = st.lists(st.floats(0.0, 1e6) | st.just(0.0), min_size=50, max_size=300)


def ones(paths: int) -> Weights:
    """Weights that are all 1 and still go the weighted way."""
    return Weights(np.ones(paths))


def tilted(rng: np.random.Generator, paths: int, scale: float = 5.0) -> tuple[Floats, Weights]:
    """Ascending exponential losses drawn ``scale`` times too large, with their likelihood ratios."""
    losses = rng.exponential(scale, paths)
    weights = Weights.of(scale * np.exp(losses / scale - losses))
    assert weights is not None
    ordered, weights = ascending_with(losses, weights)
    assert weights is not None
    return ordered, weights


def test_equal_weights_are_none() -> None:
    assert Weights.of(np.ones(5)) is None
    assert Weights.of(np.full(5, 3.0)) is not None


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [1.0, -1.0], [1.0, math.nan], [1.0, math.inf]])
def test_weights_that_are_none_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="weights are finite"):
        Weights.of(np.array(values))


@given(LOSSES, st.sampled_from([0.5, 0.75, 0.8]))
def test_weights_of_one_give_the_unweighted_interval(losses: list[float], level: float) -> None:
    ordered = ascending(np.array(losses))
    weights = ones(ordered.size)
    assert quantile_of(ordered, level, weights) == quantile_of(ordered, level)
    assert shortfall_point(ordered, level, weights) == pytest.approx(shortfall_point(ordered, level), rel=1e-9)
    if np.unique(ordered).size == ordered.size and float(ordered.size * level).is_integer():
        assert interval(ordered, level, weights=weights) == interval(ordered, level)
        assert upper_bound(ordered, level, weights=weights) == upper_bound(ordered, level)
        plain, weighted = value_at_risk(ordered, level), value_at_risk(ordered, level, weights=weights)
        assert weighted.value == (None if plain.value is None else pytest.approx(plain.value, rel=1e-9))


def test_shares_of_weights_of_one_are_the_exact_ones() -> None:
    event = np.arange(400) < 13
    estimate = share_of(event, weights=ones(400))
    assert (estimate.low, estimate.high) == pytest.approx(clopper_pearson(13, 400))
    assert share_of(event).value == estimate.value == 13 / 400
    assert "not seen" in share_of(np.zeros(9, dtype=bool), weights=ones(9)).note


def test_means_of_weights_of_one_are_the_unweighted_ones() -> None:
    ordered = ascending(np.where(np.arange(5000) % 10 == 0, np.random.default_rng(1).pareto(3.0, 5000), 0.0))
    for plain, weighted in (
        (mean_loss(ordered), mean_loss(ordered, weights=ones(5000))),
        (expected_shortfall(ordered, 0.99), expected_shortfall(ordered, 0.99, weights=ones(5000))),
    ):
        assert weighted.value == pytest.approx(plain.value)
        # From 100 weighted paths on no tail is fitted, which can only widen the interval.
        assert plain.low is not None
        assert plain.high is not None
        assert weighted.low is not None
        assert weighted.high is not None
        assert plain.low <= weighted.low * (1.0 + 1e-9)
        assert plain.high >= weighted.high * (1.0 - 1e-9)
        assert weighted.exceedances == pytest.approx(plain.exceedances)


@given(st.lists(st.floats(0.01, 10.0), min_size=20, max_size=200), st.integers(0, 1000))
def test_counts_add_up_to_the_paths_and_terms_to_the_mean(ratios: list[float], seed: int) -> None:
    weights = Weights(np.array(ratios) / np.mean(ratios) * (1.0 + 0.01 * (seed % 3 - 1)))
    values = np.random.default_rng(seed).exponential(1.0, len(ratios))
    assert weights.influence(values).mean() == pytest.approx(weights.mean(values), rel=1e-9)
    if weights.counts is not weights.ratios:
        assert weights.counts.sum() == pytest.approx(len(ratios), rel=1e-9)
        assert weights.counts.min() >= 0.0
        assert weights.mean(np.full(len(ratios), 7.0)) == pytest.approx(7.0, rel=1e-9)


def mixture(rng: np.random.Generator, paths: int, tilt: float = 2.0) -> tuple[Floats, Weights]:
    """Normal drivers, nine in ten drawn ``tilt`` too high, and their likelihood ratios under the mixture."""
    driver = rng.standard_normal(paths) + np.where(np.arange(paths) % 10 > 0, tilt, 0.0)
    return driver, Weights(1.0 / (0.1 + 0.9 * np.exp(tilt * driver - 0.5 * tilt**2)))


@pytest.mark.parametrize("threshold", [0.0, 1.2816, 2.3263, 3.0902])
def test_known_mean_weight_leaves_less_error_than_other_estimates(threshold: float) -> None:
    found: dict[str, list[float]] = {"counts": [], "ratios": [], "normalised": [], "untilted": []}
    for seed in range(300):
        driver, weights = mixture(np.random.default_rng(seed), 2_000)
        event = (driver > threshold).astype(np.float64)
        found["counts"].append(weights.mean(event))
        found["ratios"].append(float(np.mean(weights.ratios * event)))
        found["normalised"].append(float(weights.ratios @ event / weights.ratios.sum()))
        found["untilted"].append(float(event[::10].mean()))
    error = {name: float(np.std(values)) for name, values in found.items()}
    truth = 0.5 * math.erfc(threshold / math.sqrt(2.0))
    assert np.mean(found["counts"]) == pytest.approx(truth, abs=3.5 * error["counts"] / math.sqrt(300.0))
    # The same draws in all four: what is left between the estimates is not chance, but for a hair.
    assert error["counts"] <= 1.005 * error["ratios"]
    assert error["counts"] <= error["normalised"]
    assert error["counts"] <= error["untilted"]


def test_likelihood_ratios_reach_what_plain_paths_do_not() -> None:
    ordered, weights = tilted(np.random.default_rng(2), 5_000)
    var, shortfall = (
        value_at_risk(ordered, 0.9999, weights=weights),
        expected_shortfall(ordered, 0.9999, weights=weights),
    )
    assert var.value == pytest.approx(-math.log(1e-4), rel=0.02)
    assert shortfall.value == pytest.approx(1.0 - math.log(1e-4), rel=0.03)
    assert var.exceedances > 100.0
    assert value_at_risk(ordered, 0.9999).value is None


def test_a_few_heavy_weights_are_worth_few_paths() -> None:
    ratios = np.full(1000, 0.1)
    ratios[:5] = 180.2
    weights = Weights.of(ratios)
    assert weights is not None
    assert kish(weights.ratios) < 10.0
    event = np.arange(1000) < 5
    assert share_of(event, weights=weights).flagged
    assert weights.effective(event) < 10.0


def coverage(level: float, repetitions: int) -> tuple[float, float]:
    """Shares of weighted intervals of value at risk and shortfall that hold the truth."""
    rng = np.random.default_rng(3)
    truth = -math.log(1.0 - level)
    var_inside = shortfall_inside = 0
    for _ in range(repetitions):
        ordered, weights = tilted(rng, 2_000)
        var = value_at_risk(ordered, level, weights=weights)
        shortfall = expected_shortfall(ordered, level, weights=weights)
        assert var.low is not None
        assert var.high is not None
        assert shortfall.low is not None
        var_inside += var.low <= truth <= var.high
        shortfall_inside += shortfall.low <= truth + 1.0 <= (math.inf if shortfall.high is None else shortfall.high)
    return var_inside / repetitions, shortfall_inside / repetitions


def test_weighted_intervals_cover_what_they_claim() -> None:
    var, shortfall = coverage(0.9999, 200)
    # Three standard errors of 200 repetitions under 0.95.
    assert var >= 0.905
    assert shortfall >= 0.905


def test_a_probability_per_period_is_the_inverse_of_that_over_periods() -> None:
    assert over_periods(per_period(0.01, 365.0), 365.0) == pytest.approx(0.01, rel=1e-12)
    assert per_period(1e-18, 10.0) == pytest.approx(1e-19)
