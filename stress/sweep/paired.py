"""How a cell differs from the scenario as it is: differences over the same paths.

Both runs draw path i from the same random numbers, so that most of the noise is in both and cancels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from stress.sizing.estimate import CONFIDENCE, Estimate, Floats
from stress.sizing.shortfall import hall_interval
from stress.sizing.weights import Weights


@dataclass(frozen=True)
class Moved:
    """Paths on which a threshold is passed in one of two runs only."""

    share: float
    """Of all paths that pass it in the cell."""
    only_here: int
    only_there: int
    p_value: float
    """Of the hypothesis that the probability is the same: McNemar's exact test (1947, Psychometrika 12)."""


def mean_change(
    here: Floats, there: Floats, confidence: float = CONFIDENCE, weights: Weights | None = None
) -> Estimate:
    """Change of a mean loss; Hall's interval of the paired differences.

    Args:
        here: [w] losses of the cell.
        there: [w] of the scenario as it is, same paths.
        confidence: of the interval.
        weights: of the paths, the same in both.
    """
    difference = here - there
    moved = int(np.count_nonzero(difference))
    value = float(difference.mean()) if weights is None else weights.mean(difference)
    terms = difference if weights is None else weights.influence(difference)
    if moved == 0:
        return Estimate(0.0, 0.0, 0.0, 0.0, confidence)
    low, high = hall_interval(terms, value, confidence)
    note = f"only {moved} paths differ" if moved < 50 else ""
    return Estimate(value, low, high, float(moved), confidence, note)


def passed(here: Floats, there: Floats, threshold: float) -> Moved:
    """How often the cell and the scenario as it is pass a threshold, path by path."""
    beyond_here, beyond_there = here > threshold, there > threshold
    only_here = int((beyond_here & ~beyond_there).sum())
    only_there = int((beyond_there & ~beyond_here).sum())
    discordant = only_here + only_there
    p_value = float(stats.binomtest(only_here, discordant).pvalue) if discordant else 1.0
    return Moved(float(beyond_here.mean()), only_here, only_there, p_value)
