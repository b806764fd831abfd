"""Quantiles and probabilities: intervals against their definition, points against SciPy, coverage by simulation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import mstats

from stress.sizing.estimate import Floats, ascending, expected_exceedances, paths_needed
from stress.sizing.proportions import clopper_pearson, over_periods, probability
from stress.sizing.quantiles import (
    binomial_ranks,
    harrell_davis,
    harrell_davis_weights,
    interval,
    upper_bound,
    value_at_risk,
)

LOSSES = st.lists(st.floats(0.0, 1e12) | st.just(0.0), min_size=1, max_size=400)


def zero_inflated_pareto(rng: np.random.Generator, paths: int, exponent: float, share: float = 0.03) -> Floats:
    """Losses that are zero but for a share of the paths, and Pareto from 1 there."""
    return np.where(rng.random(paths) < share, 1.0 + rng.pareto(exponent, paths), 0.0)


def true_quantile(level: float, exponent: float, share: float = 0.03) -> float:
    return float(((1.0 - level) / share) ** (-1.0 / exponent)) if 1.0 - level < share else 0.0


@pytest.mark.parametrize(("paths", "level"), [(50, 0.5), (300, 0.9), (1000, 0.99)])
def test_harrell_davis_is_that_of_scipy(paths: int, level: float) -> None:
    sample = np.random.default_rng(paths).pareto(2.0, paths)
    expected = float(mstats.hdquantiles(sample, [level])[0])
    assert harrell_davis(np.sort(sample), level) == pytest.approx(expected, rel=1e-12)


def test_harrell_davis_weights_of_many_paths_are_a_window_that_sums_to_one() -> None:
    first, weights = harrell_davis_weights(1_000_000, 0.999)
    full = stats.beta(1_000_001 * 0.999, 1_000_001 * 0.001)
    assert weights.size < 1000
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)
    k = first + weights.size // 2
    assert weights[weights.size // 2] == pytest.approx(full.cdf((k + 1) / 1e6) - full.cdf(k / 1e6), rel=1e-6)


@pytest.mark.parametrize(("paths", "level", "ranks"), [(10, 0.5, (2, 9)), (20, 0.5, (6, 15)), (5, 0.5, (0, 6))])
def test_ranks_of_the_median_are_the_textbook_ones(paths: int, level: float, ranks: tuple[int, int]) -> None:
    assert binomial_ranks(paths, level) == ranks


@given(st.integers(1, 20_000), st.floats(0.01, 0.9999))
def test_ranks_hold_their_confidence_and_no_narrower_pair_splits_it(paths: int, level: float) -> None:
    low, high = binomial_ranks(paths, level)
    count = stats.binom(paths, level)
    assert count.cdf(low - 1) <= 0.025 + 1e-12
    assert count.sf(high - 1) <= 0.025 + 1e-12
    assert count.cdf(low) >= 0.025 - 1e-12
    assert count.sf(high - 2) >= 0.025 - 1e-12


@given(LOSSES, st.floats(0.05, 0.95))
def test_point_lies_in_its_interval(losses: list[float], level: float) -> None:
    estimate = value_at_risk(ascending(np.array(losses)), level)
    if estimate.value is None:
        assert estimate.exceedances < 10
        assert "no number" in estimate.note
    else:
        assert estimate.low is not None
        assert estimate.low <= estimate.value <= (math.inf if estimate.high is None else estimate.high)


@given(LOSSES, st.floats(1e-6, 1e6))
def test_quantile_scales_with_the_currency(losses: list[float], factor: float) -> None:
    ordered = ascending(np.array(losses))
    plain, scaled = value_at_risk(ordered, 0.9), value_at_risk(ordered * factor, 0.9)
    if plain.value is not None and scaled.value is not None:
        assert scaled.value == pytest.approx(factor * plain.value, rel=1e-9, abs=1e-300)


def test_one_enormous_path_does_not_carry_the_point_out_of_its_interval() -> None:
    ordered = np.sort(np.append(np.linspace(1.0, 2.0, 999), 1e30))
    assert harrell_davis(ordered, 0.99) > 1e20
    estimate = value_at_risk(ordered, 0.99)
    assert estimate.value == estimate.high
    assert estimate.high is not None
    assert estimate.high < 2.0


def test_level_inside_the_mass_at_zero_is_exactly_zero() -> None:
    ordered = np.sort(np.append(np.zeros(980), np.arange(1.0, 21.0)))
    inside = value_at_risk(ordered, 0.98)
    assert (inside.value, inside.low) == (0.0, 0.0)
    assert inside.high is not None
    assert inside.high > 0.0
    beyond = value_at_risk(ordered, 0.99)
    assert beyond.value is not None
    assert beyond.value > 0.0


def test_equal_losses_have_an_interval_of_no_width() -> None:
    estimate = value_at_risk(np.full(1000, 7.0), 0.95)
    assert estimate.value == pytest.approx(7.0)
    assert (estimate.low, estimate.high) == (7.0, 7.0)


def test_number_flag_and_silence_by_exceedances() -> None:
    ordered = np.linspace(0.0, 1.0, 10_000)
    assert value_at_risk(ordered, 0.9991).value is None
    few = value_at_risk(ordered, 0.999)
    assert few.value is not None
    assert "only 10 paths" in few.note
    assert value_at_risk(ordered, 0.995).note == ""
    assert value_at_risk(np.array([3.0]), 0.99).value is None


def test_exceedances_are_free_of_binary_noise() -> None:
    assert expected_exceedances(10_000, 0.999) == 10.0
    assert expected_exceedances(100_000, 0.9999) == 10.0
    assert paths_needed(0.999) == 50_000
    assert paths_needed(0.9999, 10) == 100_000


def test_upper_bound_is_none_where_the_largest_loss_is_not_one() -> None:
    ordered = np.arange(1.0, 101.0)
    assert upper_bound(ordered, 0.99) is None
    assert interval(ordered, 0.99)[1] is None
    # 0.95^58 = 0.051 and 0.95^59 = 0.048: the classical 59 runs for a 95/95 bound.
    assert upper_bound(np.arange(58.0), 0.95) is None
    assert upper_bound(np.arange(59.0), 0.95) == 58.0


@pytest.mark.parametrize("losses", [[], [1.0, -0.1], [math.nan], [math.inf]])
def test_samples_that_are_none_are_refused(losses: list[float]) -> None:
    with pytest.raises(ValueError):
        ascending(np.array(losses))


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 1.5])
def test_levels_lie_between_zero_and_one(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        value_at_risk(np.ones(100), level)


@given(st.integers(1, 3000), st.data())
def test_clopper_pearson_is_that_of_scipy(paths: int, data: st.DataObject) -> None:
    events = data.draw(st.integers(0, paths))
    expected = stats.binomtest(events, paths).proportion_ci(0.95, method="exact")
    assert clopper_pearson(events, paths) == pytest.approx((expected.low, expected.high), rel=1e-6, abs=1e-12)


def test_probability_without_an_event_says_so_and_has_an_upper_bound() -> None:
    estimate = probability(0, 10_000)
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    # The rule of three for two sides: -ln(0.025) / n.
    assert estimate.high == pytest.approx(3.689 / 10_000, rel=1e-3)
    assert "not seen" in estimate.note
    assert "only 9" in probability(9, 100).note
    assert probability(10, 100).note == ""
    assert probability(5, 5).high == 1.0


@pytest.mark.parametrize("events", [-1, 11])
def test_counts_that_are_none_are_refused(events: int) -> None:
    with pytest.raises(ValueError):
        clopper_pearson(events, 10)


def test_repetition_compounds() -> None:
    assert over_periods(0.001, 365) == pytest.approx(1.0 - 0.999**365, rel=1e-12)
    assert over_periods(1e-18, 10) == pytest.approx(1e-17)
    assert over_periods(1.0, 3) == 1.0
    assert over_periods(0.2, 1) == pytest.approx(0.2)


def covered(draw: Callable[[np.random.Generator], Floats], truth: float, level: float, repetitions: int) -> list[float]:
    """Shares of repetitions whose two-sided interval and one-sided bound cover the true quantile."""
    rng = np.random.default_rng(20_251_010)
    inside = bounded = 0
    for _ in range(repetitions):
        ordered = ascending(draw(rng))
        low, high = interval(ordered, level)
        bound = upper_bound(ordered, level)
        inside += low <= truth and (high is None or truth <= high)
        bounded += bound is None or truth <= bound
    return [inside / repetitions, bounded / repetitions]


def paretian(paths: int, level: float, exponent: float, share: float, repetitions: int) -> list[float]:
    """Coverage on losses that are zero but for a share of the paths."""
    truth = true_quantile(level, exponent, share)
    return covered(lambda rng: zero_inflated_pareto(rng, paths, exponent, share), truth, level, repetitions)


@pytest.mark.parametrize("exponent", [3.0, 1.8])
def test_quantile_intervals_cover_what_they_claim(exponent: float) -> None:
    two_sided, one_sided = paretian(2_000, 0.99, exponent, 0.03, 500)
    # Exact intervals cover at least the nominal 0.95; 0.92 is three standard errors of 500 repetitions below.
    assert two_sided >= 0.92
    assert one_sided >= 0.92
    assert two_sided < 1.0


FULL = [(10_000, 0.99), (10_000, 0.999), (50_000, 0.999), (100_000, 0.999)]


@pytest.mark.slow
@pytest.mark.parametrize(("exponent", "share"), [(3.0, 0.03), (1.8, 0.03), (3.0, 1.0)])
@pytest.mark.parametrize(("paths", "level"), FULL)
def test_quantile_intervals_cover_what_they_claim_in_full(
    exponent: float, share: float, paths: int, level: float
) -> None:
    found = paretian(paths, level, exponent, share, 2_000)
    print(f"coverage {found}")
    # At ten expected exceedances whole ranks cannot come closer than 0.975 to the nominal 0.95.
    assert all(0.93 <= coverage <= 0.98 for coverage in found)


@pytest.mark.slow
@pytest.mark.parametrize(("paths", "level"), FULL)
def test_quantile_intervals_of_log_normal_losses_cover_what_they_claim(paths: int, level: float) -> None:
    truth = math.exp(2.0 * stats.norm.ppf(level))
    found = covered(lambda rng: rng.lognormal(0.0, 2.0, paths), truth, level, 2_000)
    print(f"coverage {found}")
    assert all(0.93 <= coverage <= 0.98 for coverage in found)
