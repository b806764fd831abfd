"""Regression: has a quantile or a probability moved by more than is tolerated, against a baseline or another run?

A quantile is compared by how many paths lie beyond a threshold. The baseline's worst n (1 - p) paths are those beyond
its quantile q. Of the new run, the paths beyond q + d are counted: as many as before says that the quantile has
moved by d, significantly more says by more than d. So each d is tested, and those that are not rejected are the
interval of the change. It passes if all of that lies within the tolerance (equivalence, Schuirmann 1987, J.
Pharmacokinet. Biopharm. 15), fails if all of it lies beyond, and is inconclusive else. With the same random numbers the
paths are paired.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stress.check.metrics import Sample
from stress.check.statistics import (
    Flags,
    Tally,
    difference_bounds,
    fewer_by_bounds,
    mcnemar,
    more_by_bounds,
    paths_to_decide,
    precedence,
)
from stress.sizing.estimate import Floats, expected_exceedances

Paths = NDArray[np.int64]

_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def worst_first(sample: Sample) -> Paths:
    """Numbers of the paths from the worst on; equal values in an order that says nothing of the number of the path.

    Without that, the first of two runs of different length would get more than its share of a mass of equal values.
    """
    with np.errstate(over="ignore"):
        shuffled = np.arange(sample.paths, dtype=np.uint64) * _SPREAD
    return np.lexsort((shuffled, -sample.values))


def beyond_level(sample: Sample, level: float, order: Paths) -> int:
    """How many of the worst paths make up 1 - level of all."""
    if sample.weights is None:
        return int(np.floor(round(sample.paths * (1.0 - level), 6)))
    share = np.cumsum(sample.weights[order]) / sample.paths
    return int(np.searchsorted(share, 1.0 - level + 1e-12, side="right"))


def resting_on(sample: Sample, level: float) -> float:
    """Paths that a quantile rests on: those expected beyond, or equally weighted ones that those beyond are worth."""
    if sample.weights is None:
        return expected_exceedances(sample.paths, level)
    return tail_of(sample, level).beyond.worth


@dataclass(frozen=True)
class Tail:
    """The paths of the earlier run that lie beyond a threshold."""

    paths: int
    """Of the earlier run."""
    threshold: float
    """Largest value of the others, or an amount."""
    beyond: Tally
    numbers: Paths | None
    """Numbers of the paths beyond; None where they are not known."""
    weights: Floats | None = None
    """[path beyond] weights, where the run had any."""
    values: Floats | None = None
    """[path beyond] what they lost; None where that is not known."""


def tail_of(sample: Sample, level: float) -> Tail:
    """The worst 1 - level of a sample."""
    order = worst_first(sample)
    count = beyond_level(sample, level, order)
    return _tail(sample, float(sample.values[order[min(count, sample.paths - 1)]]), order[:count])


def tail_above(sample: Sample, amount: float) -> Tail:
    """The paths of a sample beyond an amount."""
    order = worst_first(sample)
    return _tail(sample, amount, order[: int(np.count_nonzero(sample.values > amount))])


def _tail(sample: Sample, threshold: float, numbers: Paths) -> Tail:
    chosen = np.zeros(sample.paths, dtype=bool)
    chosen[numbers] = True
    weights = None if sample.weights is None else sample.weights[numbers]
    return Tail(sample.paths, threshold, Tally.of(chosen, sample.weights), numbers, weights, sample.values[numbers])


def excess_terms(sample: Sample, threshold: float, level: float) -> Floats:
    """[w] losses beyond a threshold over 1 - level, weights counted: their mean is the shortfall less the quantile.

    With threshold and level 0 it is the mean loss.
    """
    terms: Floats = np.maximum(sample.values - threshold, 0.0) / (1.0 - level)
    return terms if sample.weights is None else terms * sample.weights


def mean_tail(sample: Sample, level: float) -> Tail:
    """The paths beyond a quantile, or with a loss at level 0; the tally adds up what they lose beyond it."""
    tail = tail_of(sample, level) if level else tail_above(sample, 0.0)
    terms = excess_terms(sample, tail.threshold, level)
    return replace(tail, beyond=Tally.of(terms > 0.0, terms))


@dataclass(frozen=True)
class Change:
    """By how much a figure has moved, and what can be said of it."""

    low: float | None
    high: float | None
    """One-sided bounds of the new figure, where the old one is ``threshold``; None where there is none."""
    worse: float
    """p-value of the figure having risen by no more than tolerated."""
    better: float
    """p-value of the figure having fallen by no more than tolerated."""
    equal: float
    """p-value of the figure having moved by the tolerance or more."""
    paired: bool
    entered: int
    """Paths beyond the threshold in the new run, and not in the earlier one; all beyond it where not paired."""
    left: int
    """Paths beyond the threshold in the earlier run, and not in the new one; all beyond it where not paired."""
    paths_needed: int | None
    method: str


PAIRED = "paired paths: exact McNemar"
PAIRED_WEIGHTED = "paired weighted paths: MOVER of gamma bounds"
INDEPENDENT = "independent runs: two-sample order statistics"
INDEPENDENT_WEIGHTED = "independent weighted runs: MOVER of gamma bounds"
PAIRED_SHARE = "paired paths: MOVER of Garwood bounds"
PAIRED_MEAN = "paired paths: MOVER of gamma bounds of what they lose more and less"
INDEPENDENT_MEAN = "independent runs: MOVER of gamma bounds of both sums"
INDEPENDENT_SHARE = "independent runs: MOVER of Garwood bounds"


class Comparison:
    """A sample held against the tail of an earlier run."""

    def __init__(self, tail: Tail, sample: Sample, same_paths: bool) -> None:
        self.tail = tail
        common = min(tail.paths, sample.paths)
        self.flags = _flags(tail, common) if same_paths else None
        if self.flags is not None and not _same_weights(tail, sample, common):
            self.flags = None
        self.sample = sample if self.flags is None else sample.first(common)
        self.even = self.tail.beyond.even and self.sample.weights is None

    @property
    def paired(self) -> bool:
        """Whether each path is held against itself."""
        return self.flags is not None

    @cached_property
    def ratio(self) -> float:
        """Paths of the sample to one of the earlier run."""
        return self.sample.paths / self.tail.paths

    def tallies(self, beyond: Flags) -> tuple[Tally, Tally]:
        """Paths only beyond now and only beyond before; all now and all before where the runs are independent."""
        if self.flags is None:
            return Tally.of(beyond, self.sample.weights), self.tail.beyond
        weights = self.sample.weights
        return Tally.of(beyond & ~self.flags, weights), Tally.of(self.flags & ~beyond, weights)

    def more(self, beyond: Flags) -> float:
        """p-value of no more paths being beyond than before."""
        more, fewer = self.tallies(beyond)
        if self.paired:
            return mcnemar(more, fewer)
        if self.even:
            return precedence(more.paths, self.sample.paths, fewer.paths, self.tail.paths)[0]
        return more_by_bounds(more, fewer, self.ratio)

    def fewer(self, beyond: Flags) -> float:
        """p-value of no fewer paths being beyond than before."""
        more, fewer = self.tallies(beyond)
        if self.paired:
            return mcnemar(fewer, more)
        if self.even:
            return precedence(more.paths, self.sample.paths, fewer.paths, self.tail.paths)[1]
        return fewer_by_bounds(more, fewer, self.ratio)

    def quantile(self, tolerance: float, tail: float) -> Change:
        """Whether the quantile has moved by more than ``tolerance``, with bounds missed with probability ``tail``."""
        values = self.sample.values
        upper, lower = self.tail.threshold + tolerance, self.tail.threshold - tolerance
        beyond_upper, beyond_lower = values > upper, values >= lower
        equal = max(self.fewer(beyond_upper), self.more(beyond_lower))
        worse, better = self.more(beyond_upper), self.fewer(beyond_lower)
        low, high = self._bounds(tail)
        entered, left = self.tallies(values > self.tail.threshold)
        at = beyond_upper if self.fewer(beyond_upper) >= self.more(beyond_lower) else beyond_lower
        if self.paired:
            method = PAIRED if self.even else PAIRED_WEIGHTED
        else:
            method = INDEPENDENT if self.even else INDEPENDENT_WEIGHTED
        return Change(
            low, high, worse, better, equal, self.paired, entered.paths, left.paths, self._needed(at, tail), method
        )

    def _bounds(self, tail: float) -> tuple[float | None, float | None]:
        """The smallest threshold with significantly fewer paths beyond, and the largest with more."""
        ranked, values = self.sample.ascending, self.sample.values
        high = bisect_left(ranked, True, key=lambda u: self._shown(values > u, False, tail))
        low = bisect_right(ranked, False, key=lambda u: not self._shown(values >= u, True, tail)) - 1
        return (
            float(ranked[low]) if low >= 0 else None,
            float(ranked[high]) if high < ranked.size else None,
        )

    def _shown(self, beyond: Flags, more: bool, tail: float) -> bool:
        """Whether more, or fewer, paths are shown to be beyond than before; weighted without going by a p-value."""
        if self.even:
            return (self.more(beyond) if more else self.fewer(beyond)) <= tail
        low, high = difference_bounds(*self.tallies(beyond), tail, 1.0 if self.paired else self.ratio)
        return low > 0.0 if more else high < 0.0

    def share(self, tolerance: float, tail: float) -> Change:
        """As :meth:`quantile`, of the probability of being beyond the threshold; bounds are of the probability."""
        entered, left = self.tallies(self.sample.values > self.tail.threshold)
        ratio = 1.0 if self.paired else self.ratio
        paths = self.sample.paths
        room = tolerance * paths
        low, high = (bound / paths for bound in difference_bounds(entered, left, tail, ratio))
        equal = max(fewer_by_bounds(entered, left, ratio, room), more_by_bounds(entered, left, ratio, -room))
        distance = room - abs(entered.weight - ratio * left.weight)
        deviation = (entered.square + ratio**2 * left.square) ** 0.5
        return Change(
            self.before + low,
            self.before + high,
            more_by_bounds(entered, left, ratio, room),
            fewer_by_bounds(entered, left, ratio, -room),
            equal,
            self.paired,
            entered.paths,
            left.paths,
            paths_to_decide(paths, abs(distance), deviation, tail),
            PAIRED_SHARE if self.paired else INDEPENDENT_SHARE,
        )

    def mean(self, tolerance: float, tail: float, level: float) -> Change:
        """As :meth:`quantile`, of the mean beyond the threshold; bounds are of the change.

        Both runs are measured from the earlier run's quantile, from which the shortfall of the later one differs by the
        square of the quantile's change only (Rockafellar and Uryasev 2000, J. Risk 2, theorem 1). What paths lose more,
        or less, than before is a sum of Poisson many amounts, as weights are.
        """
        terms = excess_terms(self.sample, self.tail.threshold, level)
        before = self._terms_before(level)
        ratio = self.sample.paths / self.tail.paths if before is None else 1.0
        if before is None:
            more, fewer = Tally.of(terms > 0.0, terms), self.tail.beyond
        else:
            change = terms - before
            more, fewer = (Tally.of(sign * change > 0.0, np.abs(change)) for sign in (1.0, -1.0))
        paths, room = self.sample.paths, tolerance * self.sample.paths
        low, high = (bound / paths for bound in difference_bounds(more, fewer, tail, ratio))
        distance = room - abs(more.weight - ratio * fewer.weight)
        deviation = (more.square + ratio**2 * fewer.square) ** 0.5
        return Change(
            low,
            high,
            more_by_bounds(more, fewer, ratio, room),
            fewer_by_bounds(more, fewer, ratio, -room),
            max(fewer_by_bounds(more, fewer, ratio, room), more_by_bounds(more, fewer, ratio, -room)),
            before is not None,
            more.paths,
            fewer.paths,
            paths_to_decide(paths, abs(distance), deviation, tail),
            INDEPENDENT_MEAN if before is None else PAIRED_MEAN,
        )

    def _terms_before(self, level: float) -> Floats | None:
        """[w] the same of the earlier run by path; None where the runs are not paired, or it is not known."""
        tail = self.tail
        if self.flags is None or tail.numbers is None or tail.values is None:
            return None
        terms = np.zeros(self.sample.paths)
        shared = tail.numbers < terms.size
        known = Sample(tail.values[shared], None if tail.weights is None else tail.weights[shared])
        terms[tail.numbers[shared]] = excess_terms(known, tail.threshold, level)
        return terms

    @property
    def before(self) -> float:
        """Share of the earlier run's paths beyond the threshold."""
        return self.tail.beyond.weight / self.tail.paths

    def _needed(self, beyond: Flags, tail: float) -> int | None:
        more, fewer = self.tallies(beyond)
        ratio = 1.0 if self.paired else self.ratio
        deviation = (more.square + ratio**2 * fewer.square) ** 0.5
        return paths_to_decide(self.sample.paths, abs(more.weight - ratio * fewer.weight), deviation, tail)


def _flags(tail: Tail, common: int) -> Flags | None:
    """[w] which of the first paths were beyond; None where that is not known."""
    if tail.numbers is None:
        return None
    flags = np.zeros(common, dtype=bool)
    flags[tail.numbers[tail.numbers < common]] = True
    return flags


def _same_weights(tail: Tail, sample: Sample, common: int) -> bool:
    """Whether the paths beyond weigh the same in both runs; other paths have no weight of their own there."""
    if tail.weights is None or sample.weights is None:
        return tail.weights is None and sample.weights is None
    if tail.numbers is None:
        return False
    shared = tail.numbers < common
    return bool(np.allclose(sample.weights[tail.numbers[shared]], tail.weights[shared], rtol=1e-9, atol=0.0))
