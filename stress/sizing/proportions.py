"""Probabilities of events counted over paths, with exact intervals, and what they mean over longer times."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stress.sizing.distributions import beta_quantile
from stress.sizing.estimate import CONFIDENCE, LEAST_EXCEEDANCES, Estimate
from stress.sizing.weights import Weights
from stress.sizing.words import count


def clopper_pearson(events: int, paths: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact two-sided interval of a probability (Clopper and Pearson 1934, Biometrika 26).

    Raises:
        ValueError: unless 0 <= events <= paths and paths > 0.
    """
    if paths <= 0 or not 0 <= events <= paths:
        raise ValueError(f"{events} events in {paths} paths is no count")
    tail = (1.0 - confidence) / 2.0
    low = beta_quantile(tail, events, paths - events + 1) if events else 0.0
    high = beta_quantile(1.0 - tail, events + 1, paths - events) if events < paths else 1.0
    return low, high


def probability(events: int, paths: int, confidence: float = CONFIDENCE) -> Estimate:
    """Share of the paths with the event; flagged under 10 events, where only the interval says something."""
    low, high = clopper_pearson(events, paths, confidence)
    return Estimate(events / paths, low, high, float(events), confidence, _event_note(float(events), events, paths))


def _event_note(worth: float, events: int, paths: int) -> str:
    """Flag for an event that the paths hardly know; ``worth`` differs from ``events`` for weighted paths."""
    if events == 0:
        return f"not seen in {count(paths, 'path')}"
    if worth >= LEAST_EXCEEDANCES:
        return ""
    seen = f"seen in only {events} of {paths:,} paths"
    return seen if worth == events else f"{seen}, worth {worth:.2g} by their weights"


def share_of(event: NDArray[np.bool_], confidence: float = CONFIDENCE, weights: Weights | None = None) -> Estimate:
    """Probability of an event that is known for every path.

    With weights the interval is the exact one of as many unweighted paths as know the probability alike (Korn and
    Graubard 1998, Survey Methodology 24, 193-201).
    """
    events = int(event.sum())
    if weights is None:
        return probability(events, event.size, confidence)
    paths = weights.effective(event)
    share = weights.mean(event.astype(np.float64))
    tail, seen = (1.0 - confidence) / 2.0, min(share, 1.0) * paths
    low = beta_quantile(tail, seen, paths - seen + 1.0) if seen > 0.0 else 0.0
    high = beta_quantile(1.0 - tail, seen + 1.0, paths - seen) if seen < paths else 1.0
    return Estimate(share, low, high, seen, confidence, _event_note(round(seen, 6), events, event.size))


def over_periods(per_period: float, periods: float) -> float:
    """Probability of at least one event in ``periods`` independent repetitions: 1 - (1 - p)^k."""
    if per_period >= 1.0:
        return 1.0
    return -math.expm1(periods * math.log1p(-per_period))


def per_period(over_all: float, periods: float) -> float:
    """Inverse of :func:`over_periods`: 1 - (1 - P)^(1 / k)."""
    return -math.expm1(math.log1p(-over_all) / periods)
