"""Jumps in a series of returns: which returns are jumps, and the law that they come from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtr

from stress.calibrate.likelihood import Failed, Maximum, Progress, maximise
from stress.calibrate.prices import YEAR, Series
from stress.kernels.structs import Floats, Ints

SIGNIFICANCE = 0.01
"""Probability that a history without jumps shows any."""
DEAD_TIME = 86_400.0
"""Seconds after a jump in which none is looked for: the later ones of a cluster are left to the variance."""
LEAST_JUMPS = 10
MOST_RATE = 1_000.0
"""Jumps per year above which they would be the diffusion by another name."""


@dataclass(frozen=True, eq=False)
class Jumps:
    """What a search for jumps found."""

    at: Ints
    """[j] numbers of the returns that are jumps."""
    size: Floats
    """[j] those returns."""
    local: Floats
    """[n] local standard deviation of every return, NaN where it is not known or none is looked for."""
    threshold: float
    """Local standard deviations beyond which a return is a jump."""

    @property
    def watched(self) -> Floats:
        """[..] local standard deviations of the returns at which a jump could have been seen."""
        return self.local[~np.isnan(self.local)]


def find_jumps(series: Series) -> Jumps:
    """Returns that no diffusion of the local volatility would show (Lee & Mykland 2008, RFS 21:2535, definition 1).

    The local volatility is the bipower variation (Barndorff-Nielsen & Shephard 2004) of the K returns before, K the
    square root of the returns in a year. After a jump none is looked for during a day.

    Raises
    ------
    Failed
        Bars are so long, or the history so short, that there is no local volatility to speak of.
    """
    x = series.value
    behind = max(16, round(math.sqrt(1.0 / series.dt)))
    if len(x) < 4 * behind:
        raise Failed(f"{len(x)} returns; jumps need at least {4 * behind} at this length of bars")
    products = 0.5 * math.pi * np.abs(x[1:] * x[:-1])
    total = np.concatenate([[0.0], np.cumsum(products)])
    local = np.full(len(x), np.nan)
    local[behind:] = np.sqrt((total[behind - 1 : -1] - total[: len(total) - behind])[: len(x) - behind] / (behind - 1))
    local[local == 0.0] = np.nan
    threshold = critical_value(len(x))
    with np.errstate(invalid="ignore"):
        beyond = np.flatnonzero(np.abs(x) > threshold * local)
    at: list[int] = []
    dead = np.zeros(len(x), dtype=np.bool_)
    for n in beyond:
        if not at or series.time[n] - series.time[at[-1]] > DEAD_TIME:
            at.append(int(n))
            dead |= (series.time > series.time[n]) & (series.time <= series.time[n] + DEAD_TIME)
    local[dead] = np.nan
    return Jumps(np.array(at, dtype=np.int64), x[at], local, threshold)


def critical_value(returns: int) -> float:
    """Standard deviations that the largest of so many normals exceeds with probability 1 % (Lee & Mykland, lemma 1)."""
    root = math.sqrt(2.0 * math.log(returns))
    centre = root - (math.log(math.pi) + math.log(math.log(returns))) / (2.0 * root)
    return centre - math.log(-math.log(1.0 - SIGNIFICANCE)) / root


def jump_law(jumps: Jumps, dt: float, progress: Progress | None) -> Maximum:
    """Rate per year, mean and standard deviation of normal jumps of which only those beyond the threshold are seen.

    Maximum likelihood of a thinned Poisson process: a jump at a bar of local deviation s is seen with the probability
    that a normal of variance std^2 + s^2 exceeds threshold * s.

    Raises
    ------
    Failed
        There are fewer than ten.
    """
    if len(jumps.at) < LEAST_JUMPS:
        raise Failed(f"{len(jumps.at)} jumps; at least {LEAST_JUMPS} are needed: use a model without them")
    size, local = jumps.size, jumps.local[jumps.at]
    # The watched bars, thinned: their local volatilities enter through a mean only.
    watched = np.sort(jumps.watched)
    sample = watched[:: max(1, len(watched) // 400)]
    years = len(watched) * dt
    unit = float(np.std(size))

    def natural(y: Floats) -> Floats:
        return np.array([MOST_RATE / (1.0 + math.exp(-y[0])), unit * y[1], unit * math.exp(y[2])])

    def scores(y: Floats) -> Floats:
        rate, mean, std = natural(y)
        deviation = np.sqrt(std**2 + local**2)
        density = math.log(rate) - np.log(deviation) - 0.5 * ((size - mean) / deviation) ** 2
        total = np.sum(density) - rate * years * float(np.mean(seen(mean, std, sample, jumps.threshold)))
        return np.array([total])

    rate = len(size) / years
    begin = np.array([-math.log(MOST_RATE / min(2.0 * rate, 0.5 * MOST_RATE) - 1.0), float(size.mean()) / unit, -0.3])
    return maximise(scores, natural, begin, progress)


def seen(mean: float, std: float, local: Floats, threshold: float) -> Floats:
    """[n] probability that a jump shows beyond the threshold at bars of these local deviations."""
    deviation = np.sqrt(std**2 + local**2)
    probability: Floats = ndtr((mean - threshold * local) / deviation) + ndtr(-(mean + threshold * local) / deviation)
    return probability


def unseen_variance(law: Floats, jumps: Jumps) -> float:
    """Variance per year that jumps too small to be seen add to the returns left over."""
    rate, mean, std = law
    local = np.sort(jumps.watched)
    local = local[:: max(1, len(local) // 400)]
    node, weight = np.polynomial.hermite_e.hermegauss(40)
    size = mean + std * node
    hidden = np.exp(log_ndtr(jumps.threshold - np.abs(size)[:, None] / local))
    return float(rate * (weight / weight.sum()) @ (size**2 * hidden.mean(axis=1)))


def years_of(jumps: Jumps, series: Series) -> float:
    """Time in which a jump could have been seen."""
    return len(jumps.watched) * series.step / YEAR
