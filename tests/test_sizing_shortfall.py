"""Expected shortfall: hand cases, laws, warnings of heavy tails, coverage by simulation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stress.sizing.estimate import Floats, ascending
from stress.sizing.quantiles import value_at_risk
from stress.sizing.shortfall import expected_shortfall, fitted_tail, hall_interval, mean_loss, shortfall_point
from tests.test_sizing_quantiles import true_quantile, zero_inflated_pareto


def test_shortfall_of_a_hand_sample() -> None:
    ordered = np.arange(1.0, 11.0)
    assert shortfall_point(ordered, 0.8) == 9.5
    # 2.5 paths: 10 + 9 + half of 8.
    assert shortfall_point(ordered, 0.75) == pytest.approx((10.0 + 9.0 + 0.5 * 8.0) / 2.5)
    assert shortfall_point(ordered, 0.0) == 5.5
    assert shortfall_point(np.array([3.0]), 0.99) == 3.0


@given(st.lists(st.floats(0.0, 1e9), min_size=20, max_size=300), st.floats(0.01, 0.95))
def test_shortfall_is_not_under_the_quantile_nor_over_the_largest(losses: list[float], level: float) -> None:
    ordered = ascending(np.array(losses))
    point = shortfall_point(ordered, level)
    rank = math.ceil(round(ordered.size * level, 6))
    assert ordered[rank - 1] <= point * (1 + 1e-12) + 1e-300
    assert point <= ordered[-1] * (1 + 1e-12)


@given(st.lists(st.floats(0.0, 1e9), min_size=200, max_size=400))
def test_interval_holds_the_point(losses: list[float]) -> None:
    estimate = expected_shortfall(ascending(np.array(losses)), 0.9)
    if estimate.value is not None and estimate.low is not None and estimate.high is not None:
        tolerance = 1e-9 * (1.0 + estimate.value)
        assert estimate.low - tolerance <= estimate.value <= estimate.high + tolerance


def test_hall_interval_of_a_symmetric_sample_is_the_normal_one() -> None:
    sample = np.concatenate([np.linspace(-1.0, 1.0, 1001)])
    error = sample.std(ddof=1) / math.sqrt(sample.size)
    low, high = hall_interval(sample, 5.0)
    assert low == pytest.approx(5.0 - 1.959964 * error, rel=1e-6)
    assert high == pytest.approx(5.0 + 1.959964 * error, rel=1e-6)


def test_hall_interval_leans_to_the_side_of_the_tail() -> None:
    sample = np.random.default_rng(1).pareto(3.0, 500)
    low, high = hall_interval(sample, float(sample.mean()))
    assert high - sample.mean() > 1.1 * (sample.mean() - low)
    assert hall_interval(np.ones(10), 4.0) == (4.0, 4.0)


@pytest.mark.parametrize(("exponent", "shape"), [(4.0, 0.25), (2.0, 0.5), (1.25, 0.8)])
def test_tail_index_is_one_over_the_pareto_exponent(exponent: float, shape: float) -> None:
    tail = fitted_tail(ascending(np.random.default_rng(3).pareto(exponent, 50_000)))
    assert tail is not None
    assert tail.excesses.size == 500
    # Smith (1987, Ann. Statist. 15): the standard error is (1 + xi) / sqrt(k).
    assert tail.shape == pytest.approx(shape, abs=3 * (1.0 + shape) / math.sqrt(500))


def test_tail_needs_losses_that_differ() -> None:
    assert fitted_tail(np.full(1000, 5.0)) is None
    assert fitted_tail(np.sort(np.append(np.zeros(995), np.arange(5.0)))) is None


def test_no_number_where_the_tail_has_no_mean() -> None:
    estimate = expected_shortfall(ascending(np.random.default_rng(5).pareto(0.8, 20_000)), 0.99)
    assert estimate.value is None
    assert "the tail has no mean" in estimate.note


def test_no_upper_end_where_a_tail_without_a_mean_cannot_be_excluded() -> None:
    estimate = expected_shortfall(ascending(zero_inflated_pareto(np.random.default_rng(5), 10_000, 1.3)), 0.99)
    assert estimate.value is not None
    assert estimate.low is not None
    assert estimate.high is None
    assert "cannot be excluded" in estimate.note


def test_heavy_tail_is_flagged_and_light_tail_is_not() -> None:
    rng = np.random.default_rng(6)
    assert "variance" in expected_shortfall(ascending(rng.pareto(1.7, 50_000)), 0.99).note
    assert expected_shortfall(ascending(rng.exponential(1.0, 50_000)), 0.99).note == ""


def test_few_losses_beyond_a_low_level_are_flagged_by_their_number() -> None:
    zeros = np.zeros(10_000)
    few = np.append(zeros, np.linspace(1.0, 1.5, 30))
    assert "only 30 of" in expected_shortfall(ascending(few), 0.9).note
    fewer = expected_shortfall(ascending(np.append(zeros, np.ones(9))), 0.9)
    assert fewer.value == pytest.approx(9 / 1000.9, rel=1e-12)
    assert (fewer.low, fewer.high) == (None, None)
    none = expected_shortfall(zeros, 0.9)
    assert none.value == 0.0
    assert "no loss" in none.note


def test_too_few_exceedances_have_no_number() -> None:
    assert expected_shortfall(np.linspace(0.0, 1.0, 1000), 0.991).value is None
    assert "only 10" in expected_shortfall(np.linspace(0.0, 1.0, 1000), 0.99).note


def test_body_of_the_losses_does_not_pass_for_a_heavy_tail() -> None:
    # Losses over five orders of magnitude with a bounded end, as a book of finite size has them.
    losses = np.geomspace(1.0, 1e5, 1000)
    assert fitted_tail(losses) is not None
    assert mean_loss(losses).value == pytest.approx(losses.mean())
    assert mean_loss(losses).low is not None


def test_mean_rests_on_the_paths_with_a_loss() -> None:
    assert mean_loss(np.zeros(50)).value == 0.0
    some = mean_loss(ascending(np.append(np.zeros(900), np.linspace(1.0, 2.0, 100))))
    assert some.value == pytest.approx(0.15)
    assert some.exceedances == 100.0
    assert mean_loss(np.array([5.0])).value == 5.0
    assert mean_loss(np.array([5.0])).low is None


Law = tuple[Callable[[np.random.Generator, int], Floats], Callable[[float], float]]


def pareto_law(exponent: float, share: float) -> Law:
    """Zero but for a share of the paths, Pareto from 1 there; and its expected shortfall."""
    return (
        lambda rng, paths: zero_inflated_pareto(rng, paths, exponent, share),
        lambda level: true_quantile(level, exponent, share) * exponent / (exponent - 1.0),
    )


def log_normal_law(sigma: float, share: float) -> Law:
    """Zero but for a share of the paths, log-normal there; and its expected shortfall."""

    def shortfall(level: float) -> float:
        tail = (1.0 - level) / share
        return math.exp(0.5 * sigma**2) * float(stats.norm.sf(stats.norm.isf(tail) - sigma)) / tail

    def draw(rng: np.random.Generator, paths: int) -> Floats:
        return np.where(rng.random(paths) < share, rng.lognormal(0.0, sigma, paths), 0.0)

    return draw, shortfall


def covered(law: Law, paths: int, level: float, repetitions: int) -> float:
    """Share of intervals that hold the true shortfall, of those that are given; most must be."""
    draw, shortfall = law
    rng, truth = np.random.default_rng(7), shortfall(level)
    inside = given_out = 0
    for _ in range(repetitions):
        estimate = expected_shortfall(ascending(draw(rng, paths)), level)
        if estimate.low is not None:
            given_out += 1
            inside += estimate.low <= truth <= (math.inf if estimate.high is None else estimate.high)
    assert given_out > 0.75 * repetitions
    return inside / given_out


def test_shortfall_interval_covers_what_it_claims() -> None:
    # 0.91 is three standard errors of 300 repetitions under 0.95; the normal interval covers 0.90 here, and 0.72 at
    # ten exceedances and exponent 1.8.
    assert covered(pareto_law(3.0, 0.03), 10_000, 0.99, 300) >= 0.91


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "paths", "level"),
    [
        pytest.param(law, paths, level, id=f"{name}-{paths}-{level}")
        for name, law in {
            "pareto-3-zeros": pareto_law(3.0, 0.03),
            "pareto-1.8-zeros": pareto_law(1.8, 0.03),
            "pareto-3": pareto_law(3.0, 1.0),
            "pareto-1.8": pareto_law(1.8, 1.0),
            "log-normal-1": log_normal_law(1.0, 1.0),
            "log-normal-2": log_normal_law(2.0, 1.0),
            "log-normal-2-zeros": log_normal_law(2.0, 0.03),
        }.items()
        for paths, level in ((10_000, 0.99), (10_000, 0.999), (100_000, 0.999))
    ],
)
def test_shortfall_interval_covers_what_it_claims_in_full(law: Law, paths: int, level: float) -> None:
    found = covered(law, paths, level, 2_000)
    print(f"coverage {found:.4f}")
    assert found >= 0.92


def test_shortfall_and_quantile_agree_on_an_exponential_law() -> None:
    ordered = ascending(np.random.default_rng(8).exponential(1.0, 200_000))
    shortfall, var = expected_shortfall(ordered, 0.99), value_at_risk(ordered, 0.99)
    assert shortfall.low is not None
    assert shortfall.high is not None
    assert shortfall.low < math.log(100.0) + 1.0 < shortfall.high
    assert var.low is not None
    assert var.high is not None
    assert var.low < math.log(100.0) < var.high
