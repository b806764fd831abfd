"""The rule by which a simulated figure is held against a published one, stated once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stress.sizing.estimate import Floats

INSIDE, NEAR, MISSED = "inside", "near", "missed"
VERDICTS: dict[str, str] = {
    INSIDE: "the median lies in the published band, widened by a tenth of each end",
    NEAR: "the median does not, but the range from the 5 % to the 95 % quantile meets the band",
    MISSED: "neither",
}
"""Verdicts and what they mean."""

SLACK = 0.1
"""Share of an end by which the band is widened for the median: sources of one figure differ by as much."""
RANGE = (0.05, 0.95)


@dataclass(frozen=True)
class Simulated:
    """A metric over the replicates."""

    median: float | None
    """None where more than half of the replicates have no such number: no ADL has no first time."""
    low: float | None
    """5 % quantile over those that have one."""
    high: float | None
    having: float
    """Share of the replicates that have the number."""
    in_band: float
    """Share of all replicates within the widened band: how much the figure is worth as a test."""


def summarised(values: Floats, low: float, high: float | None) -> Simulated:
    """Median and 90 % range of a metric, NaN where a replicate has none, against a published band."""
    known = values[~np.isnan(values)]
    least, most = widened(low, high)
    share = float(((known >= least) & (known <= most)).sum() / values.size)
    having = known.size / values.size
    if not known.size:
        return Simulated(None, None, None, 0.0, 0.0)
    ends = np.quantile(known, RANGE)
    median = float(np.median(known)) if having > 0.5 else None
    return Simulated(median, float(ends[0]), float(ends[1]), having, share)


def widened(low: float, high: float | None) -> tuple[float, float]:
    """The band that the median must lie in."""
    top = math.inf if high is None else high
    return low - SLACK * abs(low), top if math.isinf(top) else top + SLACK * abs(top)


def verdict(simulated: Simulated, low: float, high: float | None) -> str:
    """One of :data:`VERDICTS`."""
    least, most = widened(low, high)
    if simulated.median is not None and least <= simulated.median <= most:
        return INSIDE
    if simulated.low is None or simulated.high is None:
        return MISSED
    return NEAR if simulated.low <= (math.inf if high is None else high) and simulated.high >= low else MISSED


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's rank correlation, ties at their mean rank; NaN where either does not vary."""
    from scipy.stats import rankdata

    ranks = rankdata(one), rankdata(other)
    if np.ptp(ranks[0]) == 0.0 or np.ptp(ranks[1]) == 0.0:
        return math.nan
    return float(np.corrcoef(*ranks)[0, 1])


def strongest(values: Floats, draws: dict[str, Floats]) -> tuple[str, float] | None:
    """The unknown that a metric goes with most, and the rank correlation; a replicate without the number is left out.

    None where nothing is told apart from chance: |rho| sqrt(n) under 3.
    """
    known = ~np.isnan(values)
    if known.sum() < 10:
        return None
    found = {name: rank_correlation(values[known], drawn[known]) for name, drawn in draws.items()}
    found = {name: rho for name, rho in found.items() if not math.isnan(rho)}
    name = max(found, key=lambda key: abs(found[key]), default=None)
    if name is None or abs(found[name]) * math.sqrt(known.sum()) < 3.0:
        return None
    return name, found[name]


def tally(verdicts: Sequence[str]) -> str:
    """3 inside, 1 near, 0 missed."""
    return ", ".join(f"{verdicts.count(word)} {word}" for word in VERDICTS)
