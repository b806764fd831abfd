"""A generalised Pareto tail of one loss: what it says beyond the sample, and whether it may be believed.

It is a smoother and a check. Where a level has 50 paths beyond it, the order statistics need no law; where more paths
can be simulated, they are better than any extrapolation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import boxcox1p

from stress.sizing import pareto
from stress.sizing.estimate import CONFIDENCE, FEW_EXCEEDANCES, Estimate, Floats
from stress.sizing.threshold import LEAST_EXCESSES, Candidate, choose
from stress.sizing.weights import Weights
from stress.sizing.words import count, money, percent

LEAST_EXPECTED = 1.0
"""Paths expected beyond the last level to which the law is followed: a tenth of what plain quantiles ask for."""

_TIES = 0.1
"""Share of the excesses that may be one and the same amount."""
_POINTS = 40


@dataclass(frozen=True)
class Step:
    """One candidate threshold with what the law would be over it: parameter stability and mean excess."""

    threshold: float
    excesses: int
    shape: float
    shape_low: float
    shape_high: float
    modified_scale: float
    """Scale less shape times threshold, which does not depend on the threshold where the law holds."""
    mean_excess: float
    mean_excess_error: float
    """Standard error of the mean excess."""
    p_value: float


@dataclass(frozen=True)
class Reach:
    """The law at one level."""

    level: float
    value_at_risk: Estimate
    expected_shortfall: Estimate


@dataclass(frozen=True)
class Tail:
    """The fitted tail of one loss."""

    metric: str
    fitted: bool
    """Whether a law was fitted and not rejected."""
    threshold: float | None
    share: float | None
    """Of all paths that lie beyond the threshold."""
    excesses: int
    shape: Estimate
    scale: float | None
    p_value: float | None
    endpoint: float | None
    """Largest loss the law allows; None where it allows any."""
    levels: tuple[Reach, ...]
    warnings: tuple[str, ...]
    """Why the law must not be used, or not everywhere."""
    steps: tuple[Step, ...]
    """Candidate thresholds, the lowest first."""
    quantiles: tuple[tuple[float, float], ...]
    """Pairs of the law's and the sample's quantiles of the losses beyond the threshold, ascending."""


def fit_tail(
    metric: str,
    ordered: Floats,
    levels: Sequence[float],
    bound: float = math.inf,
    confidence: float = CONFIDENCE,
    weights: Weights | None = None,
) -> Tail:
    """Fit, diagnose and follow the tail of ascending losses.

    Args:
        metric: name of the loss.
        ordered: [w] ascending losses.
        levels: at which the law is asked, where it reaches.
        bound: the open interest, more than which no fall of prices can cost; beyond it the law is not followed.
        confidence: of the profile-likelihood intervals.
        weights: of the paths, in the same order.
    """
    choice = choose(ordered, weights)
    steps = tuple(_step(candidate, confidence) for candidate in choice.candidates)
    if choice.chosen is None:
        return _without(metric, ordered, levels, steps, confidence)
    law = choice.chosen.tail
    paths = float(ordered.size) if weights is None else weights.effective(ordered > law.threshold)
    low, high = pareto.shape_interval(law, confidence)
    shape = Estimate(law.shape, low, high, float(law.excesses.size), confidence)
    return Tail(
        metric=metric,
        fitted=True,
        threshold=law.threshold,
        share=law.share,
        excesses=law.excesses.size,
        shape=shape,
        scale=law.scale,
        p_value=choice.chosen.p_value,
        endpoint=None if math.isinf(law.endpoint) else law.endpoint,
        levels=tuple(_reach(law, paths, level, bound, confidence) for level in levels),
        warnings=tuple(_warnings(law, shape, bound)),
        steps=steps,
        quantiles=_quantiles(law),
    )


def _without(metric: str, ordered: Floats, levels: Sequence[float], steps: tuple[Step, ...], confidence: float) -> Tail:
    """No law, and why."""
    losses = int(np.count_nonzero(ordered))
    reason = (
        f"rejected over each of {len(steps)} thresholds: the losses have no generalised Pareto tail yet"
        if steps
        else f"not fitted: it takes {count(2 * LEAST_EXCESSES, 'path')} with losses that differ, there are {losses:,}"
    )
    none = Estimate.missing(float(losses), reason, confidence)
    return Tail(
        *(metric, False, None, None, 0, none, None, None, None),
        tuple(Reach(level, none, none) for level in levels),
        (reason,),
        steps,
        (),
    )


def _step(candidate: Candidate, confidence: float) -> Step:
    law = candidate.tail
    low, high = pareto.shape_interval(law, confidence)
    mean = float(law.excesses @ law.weights)
    spread = float(np.square(law.excesses - mean) @ law.weights)
    return Step(
        threshold=law.threshold,
        excesses=law.excesses.size,
        shape=law.shape,
        shape_low=low,
        shape_high=high,
        modified_scale=law.scale - law.shape * law.threshold,
        mean_excess=mean,
        mean_excess_error=math.sqrt(spread / law.effective),
        p_value=candidate.p_value,
    )


def _reach(law: pareto.Pareto, paths: float, level: float, bound: float, confidence: float) -> Reach:
    """The law at one level, or why it is not asked; weighted paths count as the plain ones that they are worth."""
    expected = round(paths * (1.0 - level), 6)
    reason = ""
    if law.share <= 1.0 - level:
        reason = "the level lies below the threshold: use the plain quantile"
    elif expected < LEAST_EXPECTED:
        reason = f"too far: only {expected:.2g} paths expected beyond the level"
    if reason:
        none = Estimate.missing(expected, reason, confidence)
        return Reach(level, none, none)
    var = _estimate(law.quantile(level), pareto.quantile_interval(law, paths, level, confidence), expected, confidence)
    mean = law.shortfall(level)
    if not math.isfinite(mean):
        return Reach(level, _within(var, bound), Estimate.missing(expected, "the law has no mean", confidence))
    shortfall = _estimate(mean, pareto.shortfall_interval(law, paths, level, confidence), expected, confidence)
    return Reach(level, _within(var, bound), _within(shortfall, bound))


def _estimate(value: float, interval: tuple[float, float], expected: float, confidence: float) -> Estimate:
    low, high = interval
    few = f"by the law, beyond the paths: they expect {expected:.3g} beyond the level"
    note = "" if expected >= FEW_EXCEEDANCES else few
    return Estimate(value, low, high if math.isfinite(high) else None, expected, confidence, note)


def _within(estimate: Estimate, bound: float) -> Estimate:
    """No number beyond what can be lost, and no interval either."""
    if estimate.value is None or estimate.value <= bound:
        return estimate
    note = f"{money(estimate.value)} by the law, more than the {money(bound)} that can be lost"
    return Estimate.missing(estimate.exceedances, note, estimate.confidence)


def _warnings(law: pareto.Pareto, shape: Estimate, bound: float) -> list[str]:
    """Where the law must not be used, the worst first."""
    said = []
    ties = float(np.unique(law.excesses, return_counts=True)[1].max()) / law.excesses.size
    if ties > _TIES:
        said.append(f"{percent(ties)} of the excesses are one and the same amount: the law is for losses that differ")
    if shape.high is not None and shape.high >= 1.0:
        said.append(
            f"shape {law.shape:.2f}, up to {shape.high:.2f}: a tail without a mean cannot be excluded; "
            "expected shortfall has no upper end"
        )
    if law.shape > 0.0 and math.isfinite(bound):
        said.append(
            f"the law has no end, but no fall of prices can cost more than {money(bound)}, the open interest at the "
            "start: it is not followed there"
        )
    if law.shape < 0.0:
        said.append(f"shape {law.shape:.2f}: the law ends at {money(law.endpoint)}, which is uncertain itself")
    return said


def _quantiles(law: pareto.Pareto) -> tuple[tuple[float, float], ...]:
    """Quantile-quantile pairs at positions (i - 1/2) / k, thinned below and whole in the largest."""
    k = law.excesses.size
    ranks = np.unique(np.geomspace(1, k, min(k, _POINTS)).round().astype(int))
    below = np.cumsum(law.weights) - 0.5 * law.weights
    at = k - ranks[::-1]
    by_law = law.threshold + law.scale * -boxcox1p(-below[at], -law.shape)
    return tuple(zip(by_law.tolist(), (law.threshold + law.excesses[at]).tolist(), strict=True))
