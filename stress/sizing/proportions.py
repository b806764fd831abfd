"""Probabilities of events counted over paths, with exact intervals, and what they mean over longer times."""

from __future__ import annotations

import math

from scipy import stats

from stress.sizing.estimate import CONFIDENCE, LEAST_EXCEEDANCES, Estimate
from stress.sizing.words import count


def clopper_pearson(events: int, paths: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact two-sided interval of a probability (Clopper and Pearson 1934, Biometrika 26).

    Raises:
        ValueError: unless 0 <= events <= paths and paths > 0.
    """
    if paths <= 0 or not 0 <= events <= paths:
        raise ValueError(f"{events} events in {paths} paths is no count")
    tail = (1.0 - confidence) / 2.0
    low = float(stats.beta.ppf(tail, events, paths - events + 1)) if events else 0.0
    high = float(stats.beta.ppf(1.0 - tail, events + 1, paths - events)) if events < paths else 1.0
    return low, high


def probability(events: int, paths: int, confidence: float = CONFIDENCE) -> Estimate:
    """Share of the paths with the event; flagged under 10 events, where only the interval says something."""
    low, high = clopper_pearson(events, paths, confidence)
    note = ""
    if events == 0:
        note = f"not seen in {count(paths, 'path')}"
    elif events < LEAST_EXCEEDANCES:
        note = f"seen in only {events} of {paths:,} paths"
    return Estimate(events / paths, low, high, float(events), confidence, note)


def over_periods(per_period: float, periods: float) -> float:
    """Probability of at least one event in ``periods`` independent repetitions: 1 - (1 - p)^k."""
    if per_period >= 1.0:
        return 1.0
    return -math.expm1(periods * math.log1p(-per_period))
