"""Paths that do not count alike: likelihood ratios of importance sampling, or weights known up to a factor.

An estimator without weights gives every path the weight 1. With weights w the probability of an event A is the mean of
w 1_A; self-normalised weights are divided by their mean first, and the mean's own error is part of the error. What a
weighted sample knows of a probability is told as the number of unweighted paths that would know as much (Korn and
Graubard 1998, Survey Methodology 24, 193-201), and the exact intervals for counts are taken at that number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stress.sizing.estimate import Floats, ascending

_EQUAL = 1e-12


@dataclass(frozen=True)
class Weights:
    """One weight per path, in the order of the losses they belong to; their mean is 1 or close to it."""

    ratios: Floats
    """[w] not below zero."""
    self_normalised: bool = False
    """Whether the ratios were divided by their mean, which then is exactly 1."""

    @classmethod
    def of(cls, values: Floats, self_normalise: bool = False) -> Weights | None:
        """Checked weights; None where all are alike, so that equal weights give the unweighted numbers.

        Raises:
            ValueError: for a weight below zero or not finite, or weights that are all zero.
        """
        values = np.asarray(values, dtype=np.float64)
        if values.size == 0 or not np.isfinite(values).all() or values.min() < 0.0 or values.max() == 0.0:
            raise ValueError("weights are finite, not below zero, and not all zero")
        ratios = values / values.mean() if self_normalise else values
        if np.ptp(ratios) <= _EQUAL * ratios.max() and (self_normalise or abs(ratios[0] - 1.0) <= _EQUAL):
            return None
        return cls(ratios, self_normalise)

    def ordered(self, order: NDArray[np.intp]) -> Weights:
        """The weights in another order of the paths."""
        return Weights(self.ratios[order], self.self_normalised)

    def mean(self, values: Floats) -> float:
        """Estimate of the expectation of one value per path."""
        return float(self.ratios @ values) / self.ratios.size

    def influence(self, values: Floats, centre: float = 0.0) -> Floats:
        """[w] terms whose mean has the error of :meth:`mean`: w x, or w (x - centre) + centre self-normalised."""
        if not self.self_normalised:
            return self.ratios * values
        return self.ratios * (values - centre) + centre

    def effective(self, event: NDArray[np.bool_]) -> float:
        """Unweighted paths that know the probability of an event as well: p (1 - p) over the estimate's variance.

        Without the event, or with it on every path, the variance says nothing and Kish's number of all paths stands in.
        """
        seen = event.astype(np.float64)
        share = self.mean(seen)
        variance = float(self.influence(seen, share).var()) / event.size
        if variance <= 0.0 or not 0.0 < share < 1.0:
            return kish(self.ratios)
        return share * (1.0 - share) / variance

    def beyond(self) -> Floats:
        """[w] probability of the paths after each one in the order: of a larger loss, for ascending losses."""
        after = np.cumsum(self.ratios[::-1])[::-1] / self.ratios.size
        return np.append(after[1:], 0.0)


def kish(ratios: Floats) -> float:
    """(sum w)^2 / sum w^2: equal weights that give a mean of the same error (Kish 1965, Survey Sampling, 11.7)."""
    return float(ratios.sum() ** 2 / np.square(ratios).sum())


def ascending_with(losses: Floats, weights: Weights | None) -> tuple[Floats, Weights | None]:
    """Losses in ascending order with their weights.

    Raises:
        ValueError: for an empty sample, or one with a loss below zero or not finite.
    """
    if weights is None:
        return ascending(losses), None
    order = np.argsort(losses, kind="stable")
    return ascending(losses), weights.ordered(order)
