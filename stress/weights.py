"""Paths that do not count alike: likelihood ratios of importance sampling.

An estimator without weights gives every path the weight 1. With likelihood ratios w, whose mean is known to be 1, the
expectation of x is the mean of w x less b times the excess of the mean ratio over 1, with the b that leaves the least
error (Owen and Zhou 2000, J. Am. Stat. Assoc. 95, 135-143, with the ratio as control variate). That is a mean with
weights of its own, the same for every x, whose sum is the number of paths: probabilities of all outcomes add up to 1.

What a weighted sample knows of a probability is told as the number of unweighted paths that would know as much (Korn
and Graubard 1998, Survey Methodology 24, 193-201), and the exact intervals for counts are taken at that number.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_EQUAL = 1e-12
_LEAST_WORTH = 100.0
"""Equally weighted paths from which on the slope is known: five heavy weights among 1,000 fit anything."""


@dataclass(frozen=True)
class Weights:
    """One likelihood ratio per path, in the order of the losses they belong to; their mean is close to 1."""

    ratios: Floats
    """[w] not below zero."""

    @classmethod
    def of(cls, values: Floats | None) -> Weights | None:
        """Checked ratios; None for none, and where all are 1, so that these give the unweighted numbers.

        Raises:
            ValueError: for a ratio below zero or not finite, or ratios that are all zero.
        """
        if values is None:
            return None
        values = np.asarray(values, dtype=np.float64)
        if values.size == 0 or not np.isfinite(values).all() or values.min() < 0.0 or values.max() == 0.0:
            raise ValueError("weights are finite, not below zero, and not all zero")
        return None if np.abs(values - 1.0).max() <= _EQUAL else cls(values)

    @cached_property
    def counts(self) -> Floats:
        """[w] what each path counts for in the mean of anything; the counts add up to the number of paths.

        The ratios themselves where they are all alike, or too poor to say how they vary: worth fewer than 100 paths, or
        a count would fall below zero.
        """
        spread = float(self.ratios.var())
        if spread <= _EQUAL * float(self.ratios.max()) ** 2 or kish(self.ratios) < _LEAST_WORTH:
            return self.ratios
        centre = float(self.ratios.mean())
        counts = self.ratios * (1.0 - (self.ratios - centre) * (centre - 1.0) / spread)
        return counts if counts.min() >= 0.0 else self.ratios

    def ordered(self, order: NDArray[np.intp]) -> Weights:
        """The weights in another order of the paths."""
        return Weights(self.ratios[order])

    def mean(self, values: Floats) -> float:
        """Estimate of the expectation of one value per path."""
        return float(self.counts @ values) / self.counts.size

    def influence(self, values: Floats) -> Floats:
        """[w] terms whose mean is :meth:`mean` and has its error: w x less b (w - 1)."""
        terms = self.ratios * values
        if self.counts is self.ratios:
            return terms
        centred = self.ratios - self.ratios.mean()
        slope = float(centred @ terms) / float(centred @ centred)
        return terms - slope * (self.ratios - 1.0)

    def effective(self, event: NDArray[np.bool_]) -> float:
        """Unweighted paths that know the probability of an event as well: p (1 - p) over the estimate's variance.

        Without the event, or with it on every path, the variance says nothing and Kish's number of all paths stands in.
        """
        seen = event.astype(np.float64)
        share = self.mean(seen)
        variance = float(self.influence(seen).var()) / event.size
        if variance <= 0.0 or not 0.0 < share < 1.0:
            return kish(self.counts)
        return share * (1.0 - share) / variance

    def beyond(self) -> Floats:
        """[w] probability of the paths after each one in the order: of a larger loss, for ascending losses."""
        after = np.cumsum(self.counts[::-1])[::-1] / self.counts.size
        return np.append(after[1:], 0.0)


def kish(ratios: Floats) -> float:
    """(sum w)^2 / sum w^2: equal weights that give a mean of the same error (Kish 1965, Survey Sampling, 11.7)."""
    return float(ratios.sum() ** 2 / np.square(ratios).sum())
