"""Expected shortfall, with an interval that knows how skewed and how heavy a tail is.

The usual intervals are not honest here: at 10 to 100 expected exceedances the normal one covers 0.72 to 0.92 of a
nominal 0.95, sectioning 0.61 to 0.91. Hall's skewness-corrected transform holds where the variance exists, and covers
0.88 where it does not; the profile likelihood of a generalised Pareto tail holds where losses have such a tail, and
fails where they do not yet (0.28 for the largest 1,000 of log-normal losses). The interval is the hull of the two;
docs/tail.md has what each covers.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri

from stress.sizing import pareto
from stress.sizing.estimate import (
    CONFIDENCE,
    FEW_EXCEEDANCES,
    LEAST_EXCEEDANCES,
    Estimate,
    Floats,
    checked_level,
    exceedance_note,
    expected_exceedances,
)
from stress.sizing.quantiles import quantile_of
from stress.sizing.weights import Weights
from stress.sizing.words import count

HEAVY = 0.45
"""Tail index beyond which the variance of the losses may be infinite (it is from 0.5 on)."""

_FIT_SHARE = 5
_FIT_LEAST = 50
_FIT_MOST = 500
"""The tail is fitted to a fifth of the losses, at least 50 (or half of them, if that is fewer) and at most 500."""
_LEAST_TERMS = 100
"""Weighted paths beyond a quantile from which on no law is fitted."""


def shortfall_point(ordered: Floats, level: float, weights: Weights | None = None) -> float:
    """Mean of the worst n (1 - p) of an ascending sample, the boundary rank with its fraction of weight.

    (Acerbi and Tasche 2002, J. Banking Finance 26, eq. 4.1). Level 0 is the plain mean.
    """
    if weights is not None:
        boundary = quantile_of(ordered, level, weights) if level else 0.0
        return boundary + weights.mean(np.maximum(ordered - boundary, 0.0)) / (1.0 - level)
    tail = ordered.size * (1.0 - level)
    whole = math.floor(round(tail, 6))
    top = math.fsum(ordered[ordered.size - whole :])
    boundary = (tail - whole) * ordered[ordered.size - whole - 1] if whole < ordered.size else 0.0
    return float((top + boundary) / tail)


def hall_interval(influence: Floats, centre: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of a mean by Hall's monotone cubic transform of the studentised sum.

    (Hall 1992, J. R. Statist. Soc. B 54, "On the removal of skewness by transformation", with a = 1/3, b = 1/6 for a
    mean.) ``influence`` are the terms whose mean has the same variance and skewness as the estimate at ``centre``.
    """
    size = influence.size
    error = float(influence.std(ddof=1)) / math.sqrt(size)
    if error == 0.0:
        return centre, centre
    spread = influence - influence.mean()
    skew = float(np.mean(spread**3) / np.mean(spread**2) ** 1.5) / math.sqrt(size)

    def untransformed(z: float) -> float:
        if abs(skew) < 1e-9:
            return z
        return 3.0 * (math.cbrt(1.0 + skew * (z - skew / 6.0)) - 1.0) / skew

    z = float(ndtri((1.0 + confidence) / 2.0))
    return centre - error * untransformed(z), centre - error * untransformed(-z)


def fitted_tail(ordered: Floats, exceedances: float = 0.0, weights: Weights | None = None) -> pareto.Pareto | None:
    """Generalised Pareto law of the largest losses: at least ``exceedances`` of them, where those are few enough.

    None for fewer than 20 losses, or where the largest do not differ.
    """
    losses = int(np.count_nonzero(ordered))
    most = min(_FIT_MOST, losses // 2)
    fitted = min(most, max(losses // _FIT_SHARE, _FIT_LEAST, math.ceil(exceedances) if exceedances <= most else 0))
    if fitted < LEAST_EXCEEDANCES:
        return None
    return pareto.tail_of(ordered, fitted, None if weights is None else weights.counts)


def expected_shortfall(
    ordered: Floats, level: float, confidence: float = CONFIDENCE, weights: Weights | None = None
) -> Estimate:
    """Mean loss of the worst 1 - level of the paths.

    No number under 10 expected exceedances, nor where the fitted tail has no mean; flagged under 50, where the variance
    may be infinite, and where a tail without a mean cannot be excluded: the interval then has no upper end.
    """
    exceedances = expected_exceedances(ordered.size, checked_level(level))
    boundary = quantile_of(ordered, level, weights)
    if weights is not None:
        exceedances = (1.0 - level) * weights.effective(ordered > boundary)
    if exceedances < LEAST_EXCEEDANCES:
        return Estimate.missing(exceedances, exceedance_note(exceedances), confidence)
    if boundary == 0.0:
        return _resting_on_losses(ordered, level, _losses(ordered, weights), confidence, weights)
    return _with_interval(ordered, level, exceedances, confidence, exceedance_note(exceedances), weights)


def mean_loss(ordered: Floats, confidence: float = CONFIDENCE, weights: Weights | None = None) -> Estimate:
    """Mean over all paths; it rests on the paths with a loss, and is flagged when they are few."""
    return _resting_on_losses(ordered, 0.0, _losses(ordered, weights), confidence, weights)


def _losses(ordered: Floats, weights: Weights | None) -> float:
    """Paths with a loss, or how many unweighted ones they are worth."""
    hit = ordered > 0.0
    if weights is None or not hit.any():
        return float(np.count_nonzero(hit))
    return weights.effective(hit) * min(weights.mean(hit.astype(np.float64)), 1.0)


def _resting_on_losses(
    ordered: Floats, level: float, losses: float, confidence: float, weights: Weights | None
) -> Estimate:
    """A tail mean that holds all losses and zeros besides: as good as the number of losses."""
    if losses == 0:
        return Estimate(0.0, None, None, 0.0, confidence, f"no loss in {count(ordered.size, 'path')}")
    few = f"only {losses:.4g} of {ordered.size:,} paths have a loss"
    if losses < LEAST_EXCEEDANCES:
        point = shortfall_point(ordered, level, weights)
        return Estimate(point, None, None, losses, confidence, f"no interval: {few}")
    return _with_interval(ordered, level, losses, confidence, few if losses < FEW_EXCEEDANCES else "", weights)


def _with_interval(
    ordered: Floats, level: float, exceedances: float, confidence: float, note: str, weights: Weights | None
) -> Estimate:
    """Point, interval and the tail's warnings."""
    point = shortfall_point(ordered, level, weights)
    boundary = quantile_of(ordered, level, weights) if level else 0.0
    low, high = hall_interval(_influence(ordered, boundary, level, weights), point, confidence)
    tail = None if _sampled_in_the_tail(ordered, boundary, weights) else fitted_tail(ordered, exceedances, weights)
    if tail is not None:
        if tail.shape >= 1.0:
            return Estimate.missing(exceedances, f"tail index {tail.shape:.2f}: the tail has no mean", confidence)
        fitted_low, fitted_high = _by_tail(ordered, level, tail, confidence, weights)
        low, high = min(low, fitted_low), max(high, fitted_high)
        note = "; ".join(filter(None, (note, _warning(tail.shape, high))))
    upper = high if math.isfinite(high) else None
    return Estimate(point, max(low, boundary, 0.0), upper, exceedances, confidence, note)


def _sampled_in_the_tail(ordered: Floats, boundary: float, weights: Weights | None) -> bool:
    """Whether weighted paths lie so many beyond the boundary that no law is needed.

    What is averaged are losses times weights, which are light where heavy losses are drawn too often: Hall's interval
    alone then covers 0.94 to 0.97. A law of the losses would see a tail far beyond the one that matters, and one of the
    products takes their spread for a tail: with either the interval had no upper end at 2,000 paths.
    """
    return weights is not None and int(np.count_nonzero(ordered > boundary)) >= _LEAST_TERMS


def _warning(shape: float, high: float) -> str:
    """What the tail index says against the number."""
    if not math.isfinite(high):
        return f"tail index {shape:.2f}: a tail without a mean cannot be excluded, so that there is no upper end"
    return f"tail index {shape:.2f}: the variance may be infinite" if shape > HEAVY else ""


def _influence(ordered: Floats, boundary: float, level: float, weights: Weights | None) -> Floats:
    """[w] terms whose mean has the error of the shortfall."""
    excess = np.maximum(ordered - boundary, 0.0) / (1.0 - level)
    return excess if weights is None else weights.influence(excess)


def _by_tail(
    ordered: Floats, level: float, tail: pareto.Pareto, confidence: float, weights: Weights | None
) -> tuple[float, float]:
    """Interval of the shortfall by the profile likelihood of the fitted tail.

    Losses between the quantile and the threshold, where the threshold is the larger, have a mean of their own; the two
    intervals are added by the method of variance estimates recovery (Zou and Donner 2008, Stat. Med. 27, eq. 4).
    """
    paths = float(ordered.size) if weights is None else weights.effective(ordered > tail.threshold)
    if tail.share >= 1.0 - level:
        return pareto.shortfall_interval(tail, paths, level, confidence)
    boundary = quantile_of(ordered, level, weights) if level else 0.0
    body = _influence(np.minimum(ordered, tail.threshold), boundary, level, weights)
    centre = boundary + float(body.mean())
    body_low, body_high = hall_interval(body, centre, confidence)
    beyond = tail.share * tail.scale / (1.0 - tail.shape) / (1.0 - level)
    low, high = pareto.excess_interval(tail, paths, confidence)
    low, high = low / (1.0 - level), high / (1.0 - level)
    down = math.hypot(centre - body_low, beyond - low)
    up = math.hypot(body_high - centre, high - beyond)
    return centre + beyond - down, centre + beyond + up
