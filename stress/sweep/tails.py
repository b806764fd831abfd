"""How much a quantile and the mean beyond it differ between two runs over the same paths.

Neither a bootstrap of the pairs nor the asymptotic variance is honest here: both rest on the few paths that pass the
quantile in one run only, and where a sample has none of them they claim to know the change exactly. A paired bootstrap
was measured to cover 0.71 of a nominal 0.95. docs/sweep.md has what these intervals cover.
"""

from __future__ import annotations

import math

import numpy as np

from stress.sizing.estimate import CONFIDENCE, FEW_EXCEEDANCES, Estimate, Floats, checked_level
from stress.sizing.quantiles import quantile_of, value_at_risk
from stress.sizing.shortfall import hall_interval, mean_loss, shortfall_point
from stress.sizing.weights import Weights, ascending_with
from stress.sizing.words import count

_DRAWS = 8_000
"""Draws of the ranks: their own error is a fiftieth of the interval."""
_UNSEEN = 0.25
"""Paths added to those seen to pass in one run only: with none of it the interval covers 0.47 where they are rare."""
_LEAST_MOVED = 20
"""Tail paths that differ under which a mean has no interval: with 10 to 20 it covers 0.46 where changes are rare."""
_ROUNDING = 1e-9


class Tail:
    """One run's losses around the quantile that is compared.

    Args:
        losses: [w] not below zero, in the order of the paths.
        level: of the quantile.
        weights: of the paths; None where all count alike.
    """

    def __init__(self, losses: Floats, level: float, weights: Weights | None) -> None:
        self.losses = losses
        self.level = checked_level(level)
        self.weights = weights
        self.ordered, self.sorted_weights = ascending_with(losses, weights)
        self.threshold = quantile_of(self.ordered, level, self.sorted_weights)
        self.beyond = losses > self.threshold
        self.paths = float(losses.size) if weights is None else weights.effective(self.beyond)

    def value(self) -> Estimate:
        """The quantile as it is reported."""
        return value_at_risk(self.ordered, self.level, weights=self.sorted_weights)

    def shortfall(self) -> float:
        """Mean loss beyond the quantile."""
        return shortfall_point(self.ordered, self.level, self.sorted_weights)

    def with_beyond(self, paths: Floats) -> Floats:
        """Losses that so many of the effective paths reach or pass, between the observed ones in proportion."""
        counts = np.ones(self.losses.size) if self.sorted_weights is None else self.sorted_weights.counts
        reached = np.cumsum(counts[::-1]) * (self.paths / self.losses.size)
        found: Floats = np.interp(paths, reached, self.ordered[::-1])
        return found

    def excess(self) -> Floats:
        """[w] terms whose mean is the shortfall less the quantile."""
        terms = np.maximum(self.losses - self.threshold, 0.0) / (1.0 - self.level)
        return terms if self.weights is None else self.weights.influence(terms)


def quantile_change(here: Tail, there: Tail, confidence: float = CONFIDENCE) -> Estimate:
    """Change of a quantile, with an interval by the ranks of the true quantiles in both samples.

    How many paths lie beyond the true quantile in each run is Poisson with known mean, whatever the law of the losses.
    Paths beyond it in both runs count in both, so that only those beyond it in one run move the difference; how many
    of these are to be expected is drawn from its gamma law given how many are seen.
    """
    value, other = here.value(), there.value()
    if value.value is None or other.value is None:
        return Estimate.missing(min(value.exceedances, other.exceedances), value.note or other.note, confidence)
    change = value.value - other.value
    if np.allclose(here.losses, there.losses, rtol=_ROUNDING, atol=_ROUNDING):
        return Estimate(0.0, 0.0, 0.0, 0.0, confidence)
    low, high = np.quantile(_draws(here, there), [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    if _same_paths(here, there):
        # No quantile moves by more than the losses do, on any sample.
        most = float(np.abs(here.losses - there.losses).max())
        low, high = np.clip([low, high], -most, most)
    moved = int(np.count_nonzero(here.beyond != there.beyond))
    note = value.note or other.note
    return Estimate(change, min(float(low), change), max(float(high), change), float(moved), confidence, note)


def _same_paths(here: Tail, there: Tail) -> bool:
    """Whether a path saw the same prices in both: mixtures of importance sampling may differ, and their weights do."""
    if here.weights is None or there.weights is None:
        return here.weights is there.weights
    return bool(np.allclose(here.weights.ratios, there.weights.ratios, rtol=_ROUNDING, atol=0.0))


def _draws(here: Tail, there: Tail) -> Floats:
    """Differences of the losses at drawn ranks; the generator is fixed, so that a result is reproducible."""
    generator = np.random.Generator(np.random.Philox(0))
    paths = min(here.paths, there.paths)
    expected = paths * (1.0 - here.level)
    seen = paths * float((here.beyond != there.beyond).mean()) / 2.0
    if here.weights is not None:
        seen = paths * here.weights.mean((here.beyond != there.beyond).astype(np.float64)) / 2.0
    alone = np.full(_DRAWS, expected)
    if _same_paths(here, there):
        alone = np.minimum(generator.gamma(seen + _UNSEEN, 1.0, _DRAWS), expected)
    both = generator.poisson(expected - alone)
    between = generator.random(_DRAWS)
    rank_here = both + generator.poisson(alone) + between
    rank_there = both + generator.poisson(alone) + between
    return here.with_beyond(rank_here * (here.paths / paths)) - there.with_beyond(rank_there * (there.paths / paths))


def shortfall_change(here: Tail, there: Tail, confidence: float = CONFIDENCE) -> Estimate:
    """Change of the mean loss beyond a quantile.

    Paths on which the loss beyond the quantile rises and those on which it falls are two samples of losses, each with
    the interval of a mean that knows heavy tails; the two are combined by the method of variance estimates recovery
    (Zou and Donner 2008, Stat. Med. 27, eq. 4). An end that a heavy tail leaves open is None.
    """
    change = here.shortfall() - there.shortfall()
    if np.allclose(here.losses, there.losses, rtol=_ROUNDING, atol=_ROUNDING):
        return Estimate(0.0, 0.0, 0.0, 0.0, confidence)
    difference = here.excess() - there.excess()
    moved = int(np.count_nonzero((here.losses != there.losses) & (here.beyond | there.beyond)))
    if moved < _LEAST_MOVED:
        return Estimate(
            change, None, None, float(moved), confidence, f"no interval: only {count(moved, 'tail path')} differ"
        )
    rise, rise_low, rise_high = _mean(np.maximum(difference, 0.0), confidence)
    fall, fall_low, fall_high = _mean(np.maximum(-difference, 0.0), confidence)
    low = change - math.hypot(rise - rise_low, fall_high - fall)
    high = change + math.hypot(rise_high - rise, fall - fall_low)
    note = f"only {moved} tail paths differ" if moved < FEW_EXCEEDANCES else ""
    lower, upper = (end if math.isfinite(end) else None for end in (low, high))
    return Estimate(change, lower, upper, float(moved), confidence, note)


def _mean(amounts: Floats, confidence: float) -> tuple[float, float, float]:
    """Mean with the ends of its interval; Hall's where fewer paths have an amount than a tail can be fitted to."""
    ordered = np.sort(amounts)
    if ordered[-1] == 0.0:
        return 0.0, 0.0, 0.0
    found = mean_loss(ordered, confidence)
    if found.value is not None and found.low is not None:
        return found.value, found.low, math.inf if found.high is None else found.high
    mean = float(ordered.mean())
    if found.value is None:
        return mean, 0.0, math.inf
    return mean, *hall_interval(ordered, mean, confidence)
