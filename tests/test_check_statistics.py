"""Tests and intervals of checks: against scipy and published examples, laws, coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stress.check.limit import probability_bounds, quantile_bounds, share_test
from stress.check.metrics import Sample
from stress.check.regression import INDEPENDENT, PAIRED, Comparison, tail_above, tail_of, worst_first
from stress.check.statistics import (
    Tally,
    difference_bounds,
    gamma_bounds,
    holm,
    least_tail,
    mcnemar,
    more_by_bounds,
    paths_to_decide,
    precedence,
)
from stress.sizing.estimate import Floats

COUNTS = st.integers(0, 400)


def tally(paths: int) -> Tally:
    return Tally(paths, float(paths), float(paths))


def losses(rng: np.random.Generator, paths: int, exponent: float = 2.5) -> Floats:
    """Zero in nine of ten paths, Pareto beyond."""
    return rng.pareto(exponent, paths) * (rng.random(paths) < 0.1)


@given(more=COUNTS, fewer=COUNTS)
def test_mcnemar_is_the_binomial_test_of_the_paths_that_changed_sides(more: int, fewer: int) -> None:
    expected = stats.binomtest(more, more + fewer, alternative="greater").pvalue if more + fewer else 1.0
    assert mcnemar(tally(more), tally(fewer)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("more", "fewer"), [(13, 4), (0, 6), (500, 430)])
def test_weights_of_one_in_a_weighted_run_decide_as_counts_do(more: int, fewer: int) -> None:
    weighted = [Tally(k, float(k), float(k), 1.0 + 1e-9) for k in (more, fewer)]
    assert mcnemar(*weighted) == pytest.approx(mcnemar(tally(more), tally(fewer)), rel=0.35, abs=0.03)


@given(count=COUNTS, tail=st.sampled_from([0.025, 0.05, 0.1]))
def test_unweighted_bounds_are_garwoods(count: int, tail: float) -> None:
    low, high = gamma_bounds(tally(count), tail)
    assert high == pytest.approx(stats.chi2.isf(tail, 2 * count + 2) / 2.0, rel=1e-9)
    assert low == pytest.approx(stats.chi2.ppf(tail, 2 * count) / 2.0 if count else 0.0, rel=1e-9)


def test_garwoods_table() -> None:
    """95 % bounds of a Poisson mean as tabled, to the digits given there."""
    table = {0: (0.0, 3.689), 1: (0.0253, 5.572), 5: (1.6235, 11.668), 10: (4.7954, 18.390)}
    for count, (low, high) in table.items():
        assert gamma_bounds(tally(count), 0.025) == pytest.approx((low, high), rel=1e-3)


def test_difference_of_a_count_and_none_is_the_count() -> None:
    low, high = difference_bounds(tally(20), tally(0), 0.05)
    alone = gamma_bounds(tally(20), 0.05)
    assert high == pytest.approx(alone[1])
    assert low < alone[0]  # what was not seen may have been there all the same


@given(more=st.integers(1, 300), fewer=st.integers(1, 300))
def test_the_p_value_is_the_tail_at_which_the_bound_meets_its_target(more: int, fewer: int) -> None:
    p_value = more_by_bounds(tally(more), tally(fewer))
    if 1e-12 < p_value < 0.5:
        assert difference_bounds(tally(more), tally(fewer), p_value)[0] == pytest.approx(0.0, abs=1e-6 * (more + fewer))
    else:
        assert (p_value == 1.0) == (more - fewer <= 0 or difference_bounds(tally(more), tally(fewer), 0.5)[0] <= 0.0)


def test_least_tail() -> None:
    assert least_tail(lambda tail: tail >= 0.01) == pytest.approx(0.01, rel=1e-6)
    assert least_tail(lambda tail: False) == 1.0
    assert least_tail(lambda tail: True) < 1e-13


def test_precedence_is_exact() -> None:
    """By drawing: the number of 300 uniforms beyond the 10th largest of 200 others."""
    rng = np.random.default_rng(1)
    cut = np.sort(rng.random((20_000, 200)), axis=1)[:, 189]
    seen = rng.binomial(300, 1.0 - cut)
    for beyond in (8, 15, 25):
        more, fewer = precedence(beyond, 300, 10, 200)
        assert more == pytest.approx((seen >= beyond).mean(), abs=0.012)
        assert fewer == pytest.approx((seen <= beyond).mean(), abs=0.012)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(a >= v for a, v in zip(adjusted, values, strict=True))
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= 0.0).all()


@given(count=st.integers(0, 200), paths=st.just(200), share=st.floats(0.01, 0.99))
def test_share_tests_are_binomial(count: int, paths: int, share: float) -> None:
    event = np.arange(paths) < count
    more, less = share_test(event, None, share)
    assert more == pytest.approx(stats.binomtest(count, paths, share, alternative="greater").pvalue, rel=1e-6)
    assert less == pytest.approx(stats.binomtest(count, paths, share, alternative="less").pvalue, rel=1e-6)
    interval = stats.binomtest(count, paths).proportion_ci(0.9, method="exact")
    assert probability_bounds(event, None, 0.05)[1:] == pytest.approx((interval.low, interval.high))


def test_paths_to_decide_grows_with_the_square_of_what_is_missing() -> None:
    assert paths_to_decide(1_000, 1.0, 1.0, 0.05) == 6_200
    assert paths_to_decide(1_000, 2.0, 1.0, 0.05) == 1_600
    assert paths_to_decide(1_000, 100.0, 1.0, 0.05) == 1_000
    assert paths_to_decide(1_000, 1e-3, 1.0, 0.05) is None
    assert paths_to_decide(1_000, 0.0, 1.0, 0.05) is None


# --- comparisons of tails --------------------------------------------------------------------------------------------


def test_the_worst_paths_are_as_many_as_the_level_says_with_ties_broken_evenly() -> None:
    sample = Sample(np.zeros(100_000))
    tail = tail_of(sample, 0.99)
    assert tail.beyond.paths == 1_000
    assert tail.numbers is not None
    assert abs((tail.numbers < 50_000).sum() - 500) < 5
    assert sorted(worst_first(sample)) == list(range(100_000))


def test_the_same_losses_have_not_moved() -> None:
    sample = Sample(losses(np.random.default_rng(2), 20_000))
    tail = tail_of(sample, 0.99)
    change = Comparison(tail, sample, True).quantile(0.1 * tail.threshold, 0.05)
    assert change.paired
    assert change.method == PAIRED
    assert (change.entered, change.left) == (0, 0)
    assert change.low is not None
    assert change.high is not None
    assert change.low <= tail.threshold <= change.high
    assert change.equal < 1e-6
    assert change.worse == change.better == 1.0


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_a_larger_loss_is_worse_and_a_smaller_one_better(factor: float) -> None:
    sample = Sample(losses(np.random.default_rng(3), 20_000))
    tail = tail_of(sample, 0.99)
    change = Comparison(tail, Sample(sample.values * factor), True).quantile(0.1 * tail.threshold, 0.05)
    assert (change.worse < 1e-6) == (factor > 1.0)
    assert (change.better < 1e-6) == (factor < 1.0)
    assert change.equal == pytest.approx(1.0)
    assert change.low is not None
    assert change.high is not None
    assert change.low / tail.threshold <= factor * 1.01
    assert change.high / tail.threshold >= factor * 0.99


def test_pairing_is_worth_much() -> None:
    """Interval of an unchanged quantile at 200 exceedances: 30 times narrower with the same random numbers."""
    rng = np.random.default_rng(4)
    sample, other = Sample(losses(rng, 20_000)), Sample(losses(rng, 20_000))
    tail = tail_of(sample, 0.99)
    widths = []
    for new, same in ((sample, True), (other, False)):
        change = Comparison(tail, new, same).quantile(0.1 * tail.threshold, 0.05)
        assert change.low is not None
        assert change.high is not None
        widths.append(change.high - change.low)
    assert widths[1] > 10.0 * widths[0]


def test_a_run_of_other_length_is_paired_over_the_paths_both_have() -> None:
    values = losses(np.random.default_rng(5), 40_000)
    tail = tail_of(Sample(values), 0.99)
    shorter = Comparison(tail, Sample(values[:15_000]), True)
    longer = Comparison(tail_of(Sample(values[:15_000]), 0.99), Sample(values), True)
    assert shorter.sample.paths == longer.sample.paths == 15_000
    for comparison in (shorter, longer):
        change = comparison.quantile(0.1 * comparison.tail.threshold, 0.05)
        assert change.equal < 0.01


def test_a_quantile_in_the_mass_at_zero_stays_there_or_leaves_it() -> None:
    none, some = Sample(np.zeros(5_000)), Sample(np.where(np.arange(5_000) % 20 == 0, 7.0, 0.0))
    tail = tail_of(none, 0.99)
    assert tail.threshold == 0.0
    assert Comparison(tail, none, True).quantile(0.0, 0.05).equal < 1e-6
    assert Comparison(tail, some, True).quantile(0.0, 0.05).worse < 1e-6
    assert Comparison(tail, some, True).quantile(8.0, 0.05).equal < 1e-6


def test_probabilities_are_compared_by_what_changed_sides() -> None:
    values = losses(np.random.default_rng(6), 20_000)
    tail = tail_above(Sample(values), 1.0)
    before = tail.beyond.paths / 20_000
    assert before == pytest.approx((values > 1.0).mean())
    same = Comparison(tail, Sample(values), True).share(0.1 * before, 0.05)
    more = Comparison(tail, Sample(values * 1.5), True).share(0.1 * before, 0.05)
    other = Comparison(tail, Sample(losses(np.random.default_rng(7), 20_000)), False).share(0.5 * before, 0.05)
    assert same.equal < 1e-6
    assert more.worse < 1e-6
    assert more.low is not None
    assert more.low > 1.1 * before
    assert other.equal < 0.05
    assert not other.paired


def covered(seeds: int, noise: float, paired: bool, weighted: bool = False) -> tuple[float, float]:
    """Shares of the seeds in which the lower, and the upper bound of the change is missed."""
    rng = np.random.default_rng(8)
    big = losses(rng, 1_000_000)
    truth = np.quantile(big * np.exp(noise * rng.standard_normal(big.size)), 0.99) / np.quantile(big, 0.99)
    missed = np.zeros(2)
    for _ in range(seeds):
        before, weights = drawn(rng, 4_000, weighted)
        now, others = (before, weights) if paired else drawn(rng, 4_000, weighted)
        now = now * np.exp(noise * rng.standard_normal(now.size))
        tail = tail_of(Sample(before, weights), 0.99)
        change = Comparison(tail, Sample(now, others), paired).quantile(0.1, 0.05)
        assert change.low is not None
        assert change.high is not None
        missed += change.low / tail.threshold > truth, change.high / tail.threshold < truth
    return missed[0] / seeds, missed[1] / seeds


def drawn(rng: np.random.Generator, paths: int, weighted: bool) -> tuple[Floats, Floats | None]:
    """Losses; weighted, half of the paths from a law with three times as many of them, and the ratios of the laws."""
    if not weighted:
        return losses(rng, paths), None
    hit = rng.random(paths) < np.where(np.arange(paths) % 2 == 0, 0.1, 0.3)
    weights = np.where(hit, 0.1 / 0.2, 0.9 / 0.8)
    return rng.pareto(2.5, paths) * hit, weights


@pytest.mark.parametrize(("noise", "paired"), [(0.1, True), (1.0, True), (0.3, False)])
def test_each_bound_is_missed_as_rarely_as_it_claims(noise: float, paired: bool) -> None:
    """At most 5 % each; 150 repetitions have a standard error of 1.8 %."""
    assert max(covered(150, noise, paired)) <= 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / 150)


@pytest.mark.parametrize("paired", [True, False])
def test_bounds_of_weighted_runs_cover_too(paired: bool) -> None:
    low, high = covered(60, 0.3, paired, weighted=True)
    assert max(low, high) <= 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / 60)


def test_a_weighted_tail_has_the_weight_that_the_level_says() -> None:
    values, weights = drawn(np.random.default_rng(9), 50_000, True)
    tail = tail_of(Sample(values, weights), 0.99)
    assert tail.beyond.weight / 50_000 == pytest.approx(0.01, rel=0.01)
    assert tail.beyond.paths > 500
    plain = tail_of(Sample(losses(np.random.default_rng(10), 50_000)), 0.99)
    assert tail.threshold == pytest.approx(plain.threshold, rel=0.1)


def test_weights_that_differ_between_the_runs_are_not_paired() -> None:
    values, weights = drawn(np.random.default_rng(11), 4_000, True)
    assert weights is not None
    tail = tail_of(Sample(values, weights), 0.9)
    assert Comparison(tail, Sample(values, weights), True).paired
    assert not Comparison(tail, Sample(values, weights * 1.01), True).paired
    assert not Comparison(tail, Sample(values), True).paired


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "verdict"), [(1.2, "worse"), (1.02, "equal")])
def test_at_50_000_paths_20_percent_fails_and_2_percent_passes(factor: float, verdict: str) -> None:
    """VaR 99 %, tolerance 10 %, 200 seeds of zero-mass Pareto losses: at least 95 % of them are told."""
    told = {True: 0, False: 0}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        before, other = losses(rng, 50_000), losses(rng, 50_000)
        tail = tail_of(Sample(before), 0.99)
        now = before * factor * np.exp(0.02 * rng.standard_normal(before.size))
        for paired, values in ((True, now), (False, other * factor)):
            change = Comparison(tail, Sample(values), paired).quantile(0.1 * tail.threshold, 0.05)
            assert change.method == (PAIRED if paired else INDEPENDENT)
            told[paired] += getattr(change, verdict) <= 0.05
    assert told[True] >= 190, told


def test_a_weighted_quantile_is_that_of_the_law_and_its_bounds_cover() -> None:
    """Half of the paths from a law with more losses: the quantile of the other, at both ends of the distribution."""
    rng = np.random.default_rng(12)
    truth = float(np.quantile(losses(rng, 2_000_000), 0.99))
    missed = np.zeros(2)
    for _ in range(200):
        values, weights = drawn(rng, 4_000, True)
        value, low, high = quantile_bounds(values, 0.99, weights, 0.05)
        turned = quantile_bounds(-values, 0.01, weights, 0.05)
        assert low is not None
        assert high is not None
        assert low <= value <= high
        assert turned == (-value, -high, -low)
        missed += low > truth, high < truth
    assert missed.max() / 200 <= 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / 200)
    few = quantile_bounds(values[:100], 0.99, weights[:100] if weights is not None else None, 0.05)
    assert few[2] is None
