"""Limits: a figure of one run against a bound that the scenario names, shown with confidence and not merely met."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from functools import partial

import numpy as np

from stress.check.metrics import Sample, Statistic
from stress.check.regression import tail_of
from stress.check.statistics import Flags, Tally, gamma_bounds, least_tail, paths_to_decide
from stress.scenario.checks import Check
from stress.sizing.distributions import binomial_quantile
from stress.sizing.estimate import CONFIDENCE, LEAST_EXCEEDANCES, Floats, expected_exceedances
from stress.sizing.proportions import clopper_pearson
from stress.sizing.quantiles import harrell_davis, smoothing_weights
from stress.sizing.shortfall import hall_interval
from stress.weights import Weights


@dataclass(frozen=True)
class Answer:
    """A figure with one-sided bounds, and the p-values of the two ways to be wrong about its limits."""

    value: float
    low: float | None
    high: float | None
    kept: float
    """p-value of the figure being beyond a limit: small where the limits are shown to be kept."""
    broken: float
    """p-value of the figure being within the limits: small where one is shown to be broken."""
    paths_needed: int | None


def probability_bounds(event: Flags, weights: Floats | None, tail: float) -> tuple[float, float, float]:
    """Share of the paths [w] with an event and its one-sided bounds.

    Clopper-Pearson, and gamma bounds where the paths are weighted.
    """
    paths = event.size
    if weights is None:
        count = int(np.count_nonzero(event))
        return (count / paths, *clopper_pearson(count, paths, 1.0 - 2.0 * tail))
    tally = Tally.of(event, weights)
    low, high = gamma_bounds(tally, tail)
    return tally.weight / paths, low / paths, min(high / paths, 1.0)


def share_test(event: Flags, weights: Floats | None, share: float) -> tuple[float, float]:
    """p-values of the probability of an event being at most, and being at least, ``share``."""
    if weights is None:
        from scipy import stats

        count = int(np.count_nonzero(event))
        return float(stats.binom.sf(count - 1, event.size, share)), float(stats.binom.cdf(count, event.size, share))

    def reached(tail: float, upper: bool) -> bool:
        low, high = gamma_bounds(Tally.of(event, weights), tail)
        return high / event.size < share if upper else low / event.size > share

    return least_tail(lambda tail: reached(tail, False)), least_tail(lambda tail: reached(tail, True))


def answer(check: Check, asked: Statistic, sample: Sample) -> Answer:
    """Put a limit to a sample [w] of the column in its natural sign."""
    tail = 1.0 - check.confidence
    values = -sample.values if asked.flipped else sample.values
    if asked.above == math.inf:
        return Answer(0.0, 0.0, 0.0, float(bool(check.at_least)), float(not check.at_least), None)
    if asked.above is not None:
        return _probability(check, values > asked.above, sample.weights, tail)
    if asked.level is not None:
        return _quantile(check, asked.level, values, sample.weights, tail)
    if asked.shortfall is None:
        return _mean(check, sample.terms(values), int(np.count_nonzero(values)), tail)
    sign = -1.0 if asked.flipped else 1.0
    beyond = int(np.count_nonzero(sample.values > tail_of(sample, asked.tail_level).threshold))
    return _mean(check, sign * mean_terms(sample, asked.tail_level), beyond, tail)


def mean_terms(sample: Sample, level: float) -> Floats:
    """[w] numbers whose mean is the mean loss, or beyond level 0 the shortfall: q + E[max(L - q, 0)] / (1 - p)."""
    if level == 0.0:
        return sample.terms(np.maximum(sample.values, 0.0))
    boundary = tail_of(sample, level).threshold
    return boundary + sample.terms(np.maximum(sample.values - boundary, 0.0)) / (1.0 - level)


def point(asked: Statistic, sample: Sample) -> float:
    """The figure alone, in its natural sign."""
    values = -sample.values if asked.flipped else sample.values
    if asked.above is not None:
        return probability_bounds(values > asked.above, sample.weights, (1.0 - CONFIDENCE) / 2.0)[0]
    if asked.level is not None:
        return quantile_bounds(values, asked.level, sample.weights, (1.0 - CONFIDENCE) / 2.0)[0]
    if asked.shortfall is not None:
        return (-1.0 if asked.flipped else 1.0) * float(mean_terms(sample, asked.tail_level).mean())
    return float(sample.terms(values).mean())


def _probability(check: Check, event: Flags, weights: Floats | None, tail: float) -> Answer:
    value, low, high = probability_bounds(event, weights, tail)
    tests = []
    for bound, is_upper in ((check.at_most, True), (check.at_least, False)):
        if bound is not None:
            more, less = share_test(event, weights, bound)
            tests.append((less, more, value - bound) if is_upper else (more, less, value - bound))
    deviation = math.sqrt(max(value * (1.0 - value), 1.0 / event.size) / event.size)
    return _worst(value, low, high, tests, event.size, deviation, tail)


def _quantile(check: Check, level: float, values: Floats, weights: Floats | None, tail: float) -> Answer:
    """A quantile is at most B where no more than 1 - level lies beyond B: a test of counts, exact at any size."""
    tests = []
    for bound, is_upper in ((check.at_most, True), (check.at_least, False)):
        if bound is not None:
            beyond = values > bound if is_upper else values >= bound
            more, less = share_test(beyond, weights, 1.0 - level)
            distance = probability_bounds(beyond, weights, tail)[0] - (1.0 - level)
            tests.append((less, more, distance) if is_upper else (more, less, distance))
    deviation = math.sqrt(level * (1.0 - level) / values.size)
    return _worst(*quantile_bounds(values, level, weights, tail), tests, values.size, deviation, tail)


def quantile_bounds(
    values: Floats, level: float, weights: Floats | None, tail: float
) -> tuple[float, float | None, float | None]:
    """Quantile of a sample [w] in any order, Harrell-Davis, with one-sided bounds by rank."""
    if weights is not None:
        return _weighted_quantile(values, level, weights, tail)
    ranked = np.sort(values)
    low = binomial_quantile(tail, ranked.size, level)
    high = binomial_quantile(1.0 - tail, ranked.size, level) + 1
    bounds = float(ranked[low - 1]) if low else None, float(ranked[high - 1]) if high <= ranked.size else None
    at = float(ranked[max(math.ceil(round(ranked.size * level, 6)) - 1, 0)])
    if not np.isfinite(ranked).all() or at == 0.0 or expected_exceedances(ranked.size, level) < LEAST_EXCEEDANCES:
        return (at, *bounds)
    return (_between(harrell_davis(ranked, level), *bounds), *bounds)


def _between(value: float, low: float | None, high: float | None) -> float:
    """The value within its bounds: one enormous path must not carry a smoothed point out of them."""
    return min(max(value, -math.inf if low is None else low), math.inf if high is None else high)


def _weighted_quantile(
    values: Floats, level: float, weights: Floats, tail: float
) -> tuple[float, float | None, float | None]:
    """Quantile and bounds from the weight beyond, counted from the nearer end: the weights of the body are noise there.

    Bounds are where those of the weight beyond (:func:`gamma_bounds`) meet 1 - level.
    """
    if level < 0.5:
        value, low, high = _weighted_quantile(-values, 1.0 - level, weights, tail)
        return -value, None if high is None else -high, None if low is None else -low
    order = np.argsort(-values, kind="stable")
    ranked, room = values[order], (1.0 - level) * values.size
    weight = np.concatenate([[0.0], np.cumsum(weights[order])])
    square = np.concatenate([[0.0], np.cumsum(weights[order] ** 2)])
    # The path that may come next counts, so that the bounds grow with the paths beyond.
    largest = np.maximum.accumulate(np.append(weights[order], weights[order[-1]]))

    def bounds(count: int) -> tuple[float, float]:
        return gamma_bounds(Tally(count, float(weight[count]), float(square[count]), float(largest[count])), tail)

    at = int(np.searchsorted(weight, room * (1.0 + 1e-12), side="right")) - 1
    last = bisect_left(range(ranked.size), True, key=lambda k: bounds(k)[1] >= room) - 1
    first = bisect_left(range(ranked.size), True, key=lambda k: bounds(k + 1)[0] > room)
    low = float(ranked[first]) if first < ranked.size else None
    high = float(ranked[last]) if last >= 0 else None
    value = float(ranked[min(at, ranked.size - 1)])
    beyond = Tally(at, float(weight[at]), float(square[at]))
    if value == 0.0 or beyond.worth < LEAST_EXCEEDANCES or not np.isfinite(ranked).all():
        return value, low, high
    smooth = float(smoothing_weights(ranked[::-1], level, Weights(weights[order[::-1]])) @ ranked[::-1])
    return _between(smooth, low, high), low, high


def _mean(check: Check, terms: Floats, resting: int, tail: float) -> Answer:
    """Hall's skewness-corrected bounds of the mean of the terms [w]; none where fewer than ten paths have one."""
    value = float(terms.mean())
    if resting < LEAST_EXCEEDANCES:
        return Answer(value, None, None, 1.0, 1.0, math.ceil(terms.size * LEAST_EXCEEDANCES / max(resting, 1)))
    low, high = hall_interval(terms, value, 1.0 - 2.0 * tail)
    tests = []
    for bound, sign in ((check.at_most, 1.0), (check.at_least, -1.0)):
        if bound is not None:
            kept, broken = (least_tail(partial(_excludes, terms, value, bound, way)) for way in (sign, -sign))
            tests.append((kept, broken, sign * (value - bound)))
    return _worst(value, low, high, tests, terms.size, float(terms.std()) / math.sqrt(terms.size), tail)


def _excludes(terms: Floats, value: float, bound: float, sign: float, tail: float) -> bool:
    """Whether the mean is shown to be under the bound (sign 1) or over it (sign -1)."""
    low, high = hall_interval(terms, value, 1.0 - 2.0 * tail)
    return high <= bound if sign > 0.0 else low >= bound


def _worst(
    value: float,
    low: float | None,
    high: float | None,
    tests: list[tuple[float, float, float]],
    paths: int,
    deviation: float,
    tail: float,
) -> Answer:
    """Both limits must be kept; one broken limit is enough."""
    kept = max(test[0] for test in tests)
    broken = min(1.0, len(tests) * min(test[1] for test in tests))
    distance = min(abs(test[2]) for test in tests)
    return Answer(value, low, high, kept, broken, paths_to_decide(paths, distance, deviation, tail))
