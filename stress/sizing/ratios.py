"""Ratios of two sums over paths, such as what a closed winner loses."""

from __future__ import annotations

import numpy as np

from stress.sizing.estimate import CONFIDENCE, FEW_EXCEEDANCES, LEAST_EXCEEDANCES, Estimate, Floats
from stress.sizing.shortfall import hall_interval
from stress.sizing.weights import Weights
from stress.sizing.words import count


def ratio(above: Floats, below: Floats, confidence: float = CONFIDENCE, weights: Weights | None = None) -> Estimate:
    """E[above] / E[below] of two numbers per path, the second not below zero.

    The interval is Hall's of the linearised ratio (Cochran 1977, Sampling Techniques, 6.3). No number under 10 paths
    with something below the line, flagged under 50.
    """
    seen = below > 0.0
    rests_on = int(seen.sum())
    worth = (
        float(rests_on)
        if weights is None or not rests_on
        else weights.effective(seen) * _mean(seen.astype(np.float64), weights)
    )
    if worth < LEAST_EXCEEDANCES:
        return Estimate.missing(worth, f"no number: it rests on {count(rests_on, 'path')}", confidence)
    value = _mean(above, weights) / _mean(below, weights)
    linear = (above - value * below) / _mean(below, weights)
    influence = linear if weights is None else weights.influence(linear)
    low, high = hall_interval(influence, value, confidence)
    note = f"only {worth:.4g} paths" if worth < FEW_EXCEEDANCES else ""
    return Estimate(value, low, high, worth, confidence, note)


def _mean(values: Floats, weights: Weights | None) -> float:
    return float(np.mean(values)) if weights is None else weights.mean(values)
