"""Thresholds and fitted tails: the test statistic, its distribution, the choice, and when the law is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from stress.sizing.estimate import Floats, ascending
from stress.sizing.pareto import fit
from stress.sizing.tail import fit_tail
from stress.sizing.threshold import choose, forward_stop, p_value, statistic
from stress.sizing.weights import Weights


def losses(exponent: float = 2.2, paths: int = 10_000, share: float = 0.05, seed: int = 1) -> Floats:
    """Ascending losses, Pareto from one million in a share of the paths."""
    rng = np.random.default_rng(seed)
    return ascending(np.where(rng.random(paths) < share, 1e6 * (1.0 + rng.pareto(exponent, paths)), 0.0))


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.4])
def test_statistic_is_the_textbook_sum(shape: float) -> None:
    tail = fit(np.sort(stats.genpareto.rvs(shape, size=200, random_state=np.random.default_rng(2))), 0.0, 1.0)
    assert tail is not None
    u = stats.genpareto.cdf(tail.excesses, tail.shape, scale=tail.scale)
    i = np.arange(1, 201)
    expected = -200.0 - np.mean((2 * i - 1) * (np.log(u) + np.log1p(-u[::-1])))
    assert statistic(tail) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("probability", "critical"), [(0.1, 0.796), (0.05, 0.974)])
def test_critical_values_of_the_exponential_law_are_the_published_ones(probability: float, critical: float) -> None:
    """Choulakian and Stephens (2001), table 2, shape 0."""
    assert optimize.brentq(lambda a: p_value(a, 0.0) - probability, 0.1, 5.0) == pytest.approx(critical, abs=0.002)


def test_p_values_fall_from_one_to_zero() -> None:
    values = [p_value(distance, 0.3) for distance in (0.0, 0.2, 0.5, 1.0, 2.0, 4.0, 6.0, 10.0, 1000.0)]
    assert values[0] == 1.0
    assert values == sorted(values, reverse=True)
    assert values[-1] == 0.0
    assert p_value(0.1, -0.5) == 0.0


def test_p_values_are_uniform_where_the_law_holds() -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(300):
        tail = fit(np.sort(stats.genpareto.rvs(0.3, size=150, random_state=rng)), 0.0, 1.0)
        assert tail is not None
        found.append(p_value(statistic(tail), tail.shape))
    assert stats.kstest(found, "uniform").pvalue > 0.001


def test_forward_stop_passes_over_what_is_rejected() -> None:
    assert forward_stop(np.array([0.001, 0.002, 0.4, 0.9])) == 2
    assert forward_stop(np.array([0.5, 0.001])) == 0
    assert forward_stop(np.array([])) == 0
    # -log(1 - 0.05) is 0.051: the mean of two is within 0.1, also where the second alone is not.
    assert forward_stop(np.array([0.01, 0.15])) == 2
    assert forward_stop(np.array([1e-9, 1e-9])) == 2


def test_threshold_goes_up_until_the_law_holds() -> None:
    """Uniform losses under 5 and Pareto ones above: no threshold under 5 will do."""
    rng = np.random.default_rng(4)
    mixed = np.append(rng.uniform(0.0, 5.0, 6_000), 5.0 * (1.0 + rng.pareto(3.0, 1_500)))
    choice = choose(ascending(mixed))
    assert choice.chosen is not None
    assert choice.chosen.tail.threshold > 4.5
    assert choice.candidates[0].p_value < 0.01
    plain = choose(losses())
    assert plain.chosen is plain.candidates[0]


def test_law_beyond_the_sample_holds_the_truth() -> None:
    tail = fit_tail("bad_debt", losses(), (0.99, 0.999, 0.9999, 0.99999))
    assert tail.fitted
    assert tail.warnings == ()
    assert tail.shape.low is not None
    assert tail.shape.high is not None
    assert tail.shape.low < 1.0 / 2.2 < tail.shape.high
    for reach in tail.levels[:3]:
        truth = 1e6 * ((1.0 - reach.level) / 0.05) ** (-1.0 / 2.2)
        var, shortfall = reach.value_at_risk, reach.expected_shortfall
        assert var.low is not None
        assert var.high is not None
        assert var.low < truth < var.high
        assert shortfall.low is not None
        assert shortfall.low < truth * 2.2 / 1.2
    assert tail.levels[3].value_at_risk.value is None
    assert "too far" in tail.levels[3].value_at_risk.note


def test_few_losses_have_no_law() -> None:
    tail = fit_tail("bad_debt", losses(paths=1_000), (0.99,))
    assert not tail.fitted
    assert "not fitted" in tail.warnings[0]
    assert tail.levels[0].value_at_risk.value is None


def test_losses_with_a_sharp_end_are_refused() -> None:
    """The largest loss of a book of finite size: all accounts on one side are gone."""
    rng = np.random.default_rng(5)
    tail = fit_tail("bad_debt", ascending(rng.uniform(0.0, 1.0, 5_000)), (0.999,))
    assert not tail.fitted
    assert "rejected over each" in tail.warnings[0]


def test_law_is_not_followed_beyond_what_can_be_lost() -> None:
    tail = fit_tail("bad_debt", losses(), (0.99, 0.9999), bound=5e6)
    assert tail.levels[0].value_at_risk.value is not None
    assert tail.levels[1].value_at_risk.value is None
    assert "more than the $5.00M that can be lost" in tail.levels[1].value_at_risk.note
    assert "no fall of prices can cost more" in " ".join(tail.warnings)


def test_tail_without_a_mean_has_no_shortfall() -> None:
    tail = fit_tail("bad_debt", losses(0.8), (0.999,))
    assert tail.levels[0].value_at_risk.value is not None
    assert tail.levels[0].expected_shortfall.value is None
    assert "without a mean" in " ".join(tail.warnings)


def test_level_below_the_threshold_is_left_to_the_paths() -> None:
    assert "below the threshold" in fit_tail("bad_debt", losses(), (0.9,)).levels[0].value_at_risk.note


def test_diagnostics_are_those_of_the_paths() -> None:
    ordered = losses()
    tail = fit_tail("bad_debt", ordered, (0.99,))
    first = tail.steps[0]
    beyond = ordered[ordered > first.threshold]
    assert first.excesses == beyond.size
    assert first.mean_excess == pytest.approx(float((beyond - first.threshold).mean()))
    assert first.mean_excess_error == pytest.approx(float(beyond.std()) / math.sqrt(beyond.size))
    assert first.modified_scale == pytest.approx((tail.scale or 0.0) - (tail.shape.value or 0.0) * first.threshold)
    by_law, found = zip(*tail.quantiles, strict=True)
    assert list(by_law) == sorted(by_law)
    assert found[-1] == ordered[-1]


def test_weighted_paths_have_the_law_of_their_target() -> None:
    """Exponential losses drawn five times too large: shape 0, scale 1, at a level no plain path reaches."""
    drawn = np.random.default_rng(6).exponential(5.0, 20_000)
    order = np.argsort(drawn)
    weights = Weights.of(5.0 * np.exp(drawn / 5.0 - drawn))
    assert weights is not None
    tail = fit_tail("bad_debt", np.sort(drawn), (0.9999,), weights=weights.ordered(order))
    assert tail.shape.value == pytest.approx(0.0, abs=0.1)
    assert tail.levels[0].value_at_risk.value == pytest.approx(-math.log(1e-4), rel=0.1)
