"""Jumps that strike several markets in the same bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stress.calibrate.fit import Estimate, Fit
from stress.calibrate.jumps import seen
from stress.calibrate.prices import Series
from stress.kernels.structs import Floats

FEWEST = 10
"""Bars in which two markets jump together, under which nothing is said of them."""


@dataclass(frozen=True, eq=False)
class CommonJumps:
    """One source of jumps that moves the first market every time and the others with a probability."""

    rate: float
    """Arrivals per year."""
    correlation: float
    """Of the sizes, the mean over the other markets."""
    probability: tuple[Estimate, ...]
    """[m] that an arrival moves a market."""
    own: tuple[float, ...]
    """[m] jumps per year that strike a market alone."""
    together: tuple[int, ...]
    """[m] jumps of the first market with which another was seen to jump; all of them for the first."""


@dataclass(frozen=True)
class Share:
    """How often one market jumps when the first does."""

    probability: float
    error: float
    correlation: float
    together: int


def common_jumps(series: Sequence[Series], fits: Sequence[Fit]) -> CommonJumps | None:
    """Jumps that other markets share with the first; None where too few are seen or jumps were not looked for.

    What is shared is taken out of the rates of the markets' own jumps, so that each market has as many as before.
    """
    first = fits[0].jumps
    if first is None:
        return None
    rates = [fit.estimates["jump_rate"].value for fit in fits]
    shares = [Share(1.0, 0.0, 1.0, len(first.at))]
    for k in range(1, len(fits)):
        share = share_of((series[0], fits[0]), (series[k], fits[k]))
        if share is None:
            return None
        shares.append(share)
    # No market can have more common jumps than it has jumps.
    among = [min(share.probability, rate / rates[0]) for share, rate in zip(shares, rates, strict=True)]
    most = max(among[1:])
    if most <= 0.0:
        return None
    rate = rates[0] * most
    probability = [Estimate(1.0, None)]
    probability += [
        Estimate(found / most, share.error / most) for found, share in zip(among[1:], shares[1:], strict=True)
    ]
    return CommonJumps(
        rate,
        float(np.clip(np.mean([share.correlation for share in shares[1:]]), 0.0, 1.0)),
        tuple(probability),
        tuple(max(own - rate * p.value, 0.0) for own, p in zip(rates, probability, strict=True)),
        tuple(share.together for share in shares),
    )


def share_of(one: tuple[Series, Fit], other: tuple[Series, Fit]) -> Share | None:
    """Probability that the other market jumps in a bar in which the first does.

    The count of bars in which both are beyond their thresholds, over the sum of the probabilities that a common jump of
    the other would have been seen, given the size of the first: a small one hides in a volatile bar.
    """
    (series, fit), (rest, their) = one, other
    if fit.jumps is None or their.jumps is None:
        return None
    _, at, there = np.intersect1d(series.time[fit.jumps.at], rest.time, return_indices=True)
    size, move = fit.jumps.size[at], rest.value[there]
    local = their.jumps.local[there]  # NaN within a day after a jump, where none is looked for
    watched = ~np.isnan(local)
    size, move, local = size[watched], move[watched], local[watched]
    both = np.abs(move) > their.jumps.threshold * local
    together = int(both.sum())
    if together < FEWEST:
        return None
    correlation = float(np.clip(np.corrcoef(size[both], move[both])[0, 1], 0.0, 0.99))
    visible = float(np.sum(visibility(size, local, fit, their, correlation)))
    error = np.sqrt(together * (1.0 - together / len(both))) / visible
    return Share(min(together / visible, 1.0), float(error), correlation, together)


def visibility(size: Floats, local: Floats, fit: Fit, their: Fit, correlation: float) -> Floats:
    """[j] probability that a common jump of the other market is beyond its threshold, given that of the first."""
    mean, std = (fit.estimates[name].value for name in ("jump_mean", "jump_std"))
    other, spread = (their.estimates[name].value for name in ("jump_mean", "jump_std"))
    threshold = their.jumps.threshold if their.jumps is not None else 0.0
    expected = other + correlation * spread / std * (size - mean)
    left = spread * np.sqrt(1.0 - correlation**2)
    return np.array([seen(float(m), left, np.array([s]), threshold)[0] for m, s in zip(expected, local, strict=True)])
