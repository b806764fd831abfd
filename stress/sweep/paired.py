"""How a cell differs from the scenario as it is: differences over the same paths.

Both runs draw path i from the same random numbers, so that most of the noise is in both and cancels. With importance
sampling each run may have chosen a mixture of its own; the terms whose means are compared then hold the weights of
either, and their differences by path are still independent of each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from stress.sizing.estimate import CONFIDENCE, FEW_EXCEEDANCES, Estimate, Floats
from stress.sizing.shortfall import hall_interval
from stress.sizing.weights import Weights


@dataclass(frozen=True)
class Moved:
    """Paths on which a threshold is passed in one of two runs only."""

    share: float
    """Probability of passing it in the cell."""
    only_here: int
    only_there: int
    p_value: float
    """Of the hypothesis that the probability is the same: McNemar's exact test (1947, Psychometrika 12), taken at the
    equally weighted paths that the discordant ones are worth."""


Pair = tuple[Weights | None, Weights | None]
"""Weights of the paths of a cell and of the scenario as it is."""


def mean_change(here: Floats, there: Floats, confidence: float = CONFIDENCE, weights: Pair = (None, None)) -> Estimate:
    """Change of a mean loss; Hall's interval of the paired differences.

    Args:
        here: [w] losses of the cell.
        there: [w] of the scenario as it is, same paths.
        confidence: of the interval.
        weights: of the paths of both.
    """
    terms = _terms(here, weights[0]) - _terms(there, weights[1])
    moved = int(np.count_nonzero(here - there))
    if moved == 0 and not terms.any():
        return Estimate(0.0, 0.0, 0.0, 0.0, confidence)
    value = float(terms.mean())
    low, high = hall_interval(terms, value, confidence)
    note = f"only {moved} paths differ" if moved < FEW_EXCEEDANCES else ""
    return Estimate(value, low, high, float(moved), confidence, note)


def passed(here: Floats, there: Floats, threshold: float, weights: Pair = (None, None)) -> Moved:
    """How often the cell and the scenario as it is pass a threshold, path by path."""
    beyond_here, beyond_there = here > threshold, there > threshold
    only_here = int((beyond_here & ~beyond_there).sum())
    only_there = int((beyond_there & ~beyond_here).sum())
    masses = [np.ones(here.size) if known is None else known.counts for known in weights]
    difference = masses[0] * beyond_here - masses[1] * beyond_there
    return Moved(float(np.mean(masses[0] * beyond_here)), only_here, only_there, _sign_test(difference))


def _terms(losses: Floats, weights: Weights | None) -> Floats:
    return losses if weights is None else weights.influence(losses)


def _sign_test(difference: Floats) -> float:
    """p-value of differences [w] having mean zero: the binomial sign test with as many equal ones as they are worth."""
    size = float(np.abs(difference).sum())
    if size == 0.0:
        return 1.0
    pairs = size**2 / float(np.square(difference).sum())
    more = pairs * float(difference[difference > 0.0].sum()) / size
    tails = (special.betainc(k, pairs - k + 1.0, 0.5) if k > 0.0 else 1.0 for k in (more, pairs - more))
    return min(1.0, 2.0 * float(min(tails)))
