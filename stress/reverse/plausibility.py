"""How plausible an event is under the scenario's own price model, in nats: minus the log of how often a run brings one.

Given the variances of a window, log prices move by a normal law; a jump source adds jumps. What is taken is the
probability of the half-space of moves behind the event, seen from no move at all: that of the first-order reliability
method (Hasofer and Lind 1974), which is exact where the moves that break the venue fill such a half-space.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.special import gammainc, log_ndtr, logsumexp

from stress.kernels import paths
from stress.kernels.jumps import compensator, sources_of
from stress.kernels.models import YEAR
from stress.kernels.structs import Clock, Floats, Models
from stress.reverse.event import LAG, NONE, OUTAGE, SPOOF, Event

SAMPLE = 256
"""Paths from which the variances of windows are taken."""
MOST_WINDOWS = 512
"""Windows that are kept: quantiles of all, by their variance."""
MOST_JUMPS = 12
"""Jumps of one source in one window that are thought of."""
RIDGE = 1e-9
"""Added to correlations of 1, so that they have an inverse."""
LEAST_SHARE, LEAST_DEVIATION = 0.25, 1e-9
"""Least deviation in a window, as a share of the mean one: a window of no variance would make a price sure of its way.
The other is that of a price that does not diffuse at all."""


@dataclass(frozen=True)
class Priors:
    """What no price model says: how likely the rest of an event is once prices move. Stated, not estimated."""

    depth: float = 1.0
    """P(depth falls to a share d) = d^depth."""
    lag: float = 0.10
    outage: float = 0.05
    spoof: float = 0.02
    """Probability of each fault."""
    spoof_size: float = 0.10
    """Mean size of a false price, as a logarithm: exponential."""

    def nats(self, event: Event) -> float:
        """Cost of depth and fault together."""
        cost = self.depth * event.depth
        if event.fault.kind == NONE:
            return cost
        odds = {LAG: self.lag, OUTAGE: self.outage, SPOOF: self.spoof}[event.fault.kind]
        return cost - math.log(odds) + abs(event.spoof) / self.spoof_size


@dataclass(frozen=True)
class Jumps:
    """First two moments of one jump of each source; thinned by the probability that it moves a market."""

    rate: Floats
    """[n] per year."""
    mean: Floats
    """[n, m]"""
    covariance: Floats
    """[n, m, m]"""

    @classmethod
    def of(cls, models: Models) -> Jumps:
        """Sources of the price models; the part that follows a variance jump counts at its mean and deviation."""
        p = models.jump_probability
        mean = models.jump_mean + models.jump_slope * models.jump_variance
        spread = np.sqrt(models.jump_std**2 + (models.jump_slope * models.jump_variance) ** 2)
        second = p * (spread**2 + mean**2) - (p * mean) ** 2
        common: Floats = models.jump_correlation[:, None, None] * _outer(p * models.jump_std)
        for n in range(len(common)):
            np.fill_diagonal(common[n], second[n])
        return cls(models.jump_rate, p * mean, common)


def _outer(rows: Floats) -> Floats:
    product: Floats = rows[:, :, None] * rows[:, None, :]
    return product


def price_correlation(models: Models) -> Floats:
    """[m, m] correlation of the price shocks that the kernels draw."""
    rows = models.cholesky[1::2] if models.loading.shape[1] == 0 else models.loading[1::2]
    matrix: Floats = rows @ rows.T
    np.fill_diagonal(matrix, 1.0)
    return matrix


def sampled_variance(models: Models, clock: Clock, seed: int) -> Floats:
    """[w, s, m] variances per year of some paths, as a run of the scenario draws them."""
    log_price, variance = np.empty((2, SAMPLE, clock.checks + 1, models.model.size))
    paths.simulate(models, clock, seed, 0, log_price, variance)
    return variance


def window_variance(variance: Floats, checks: int) -> Floats:
    """[k, m] mean variances per year of windows of so many checks, one after the other on every path."""
    each = variance[:, :-1] if variance.shape[1] > 1 else variance
    count = max(each.shape[1] // checks, 1)
    means = each[:, : count * checks].reshape(len(each), count, -1, each.shape[2]).mean(axis=2)
    flat: Floats = means.reshape(-1, each.shape[2])
    kept = int(np.clip(200_000 // flat.shape[1] ** 2, 16, MOST_WINDOWS))
    if len(flat) <= kept:
        return flat
    order = np.argsort((flat / np.maximum(flat.mean(axis=0), 1e-300)).sum(axis=1), kind="stable")
    chosen: Floats = flat[order[((np.arange(kept) + 0.5) * len(flat) / kept).astype(np.int64)]]
    return chosen


@dataclass(frozen=True, eq=False)
class Climate:
    """What the price model says of windows of one length."""

    deviation: Floats
    """[k, m] standard deviation of the log move in each kept window, jumps left out."""
    correlation: Floats
    """[m, m]"""
    drift: Floats
    """[k, m] mean of the log move in each kept window, that of jumps left out."""
    jumps: Jumps
    years: float
    """Length of a window."""
    per_run: float
    """Windows of a run."""
    priors: Priors
    _inverses: dict[tuple[int, ...], tuple[Floats, Floats]] = field(default_factory=dict)

    @classmethod
    def of(cls, models: Models, variance: Floats, clock: Clock, checks: int, priors: Priors) -> Climate:
        """Of windows of so many checks; ``variance`` [w, s, m] are those of :func:`sampled_variance`."""
        years = checks * clock.dt / YEAR
        variances = window_variance(variance, checks)
        deviation = np.sqrt(variances * years)
        floor = np.maximum(LEAST_SHARE * deviation.mean(axis=0), LEAST_DEVIATION)
        sources = sources_of(models)
        rates = models.drift + np.array([compensator(sources, m) for m in range(models.model.size)])
        return cls(
            deviation=np.maximum(deviation, floor),
            correlation=(price_correlation(models) + RIDGE * np.eye(models.model.size)) / (1.0 + RIDGE),
            drift=(rates - 0.5 * variances) * years,
            jumps=Jumps.of(models),
            years=years,
            per_run=clock.checks / checks,
            priors=priors,
        )

    @property
    def covariance(self) -> Floats:
        """[m, m] covariance of the moves of a window, jumps included."""
        total: Floats = self._diffusion().mean(axis=0)
        second = self.jumps.covariance + _outer(self.jumps.mean)
        total += (self.jumps.rate[:, None, None] * second).sum(axis=0) * self.years
        return total

    def nats(self, event: Event) -> float:
        """Minus the log of the probability that a run brings such an event or worse.

        Windows count as independent: with n of them in a run, of probability p each, it is 1 - (1 - p)^n.
        """
        log_p = self.window(event.moves)[0]
        if log_p < -30.0:
            return self.priors.nats(event) - math.log(self.per_run) - log_p
        none = self.per_run * math.log1p(-min(math.exp(log_p), 1.0 - 1e-12))
        return self.priors.nats(event) - math.log(-math.expm1(none))

    def window(self, moves: Floats) -> tuple[float, tuple[int, ...]]:
        """Log probability of moves as far out within a window, and the number of jumps of each source that it takes.

        The number of jumps is that which makes it most likely, found by changing one count at a time.
        """
        if not moves.any():
            return -math.log(2.0), (0,) * len(self.jumps.rate)
        known: dict[tuple[int, ...], float] = {}

        def value(counts: tuple[int, ...]) -> float:
            if counts not in known:
                known[counts] = self.log_probability(moves, counts)
            return known[counts]

        starts = [(first,) * len(self.jumps.rate) for first in (0, 1)]
        tops = [_climb(value, start) for start in dict.fromkeys(starts)]
        best = max(tops, key=value)
        return value(best), best

    def log_probability(self, moves: Floats, counts: tuple[int, ...]) -> float:
        """Log probability of the half-space behind the moves, times that of so many jumps or more."""
        inverse, mean = self._given(counts)
        normal = inverse @ moves  # [k, m] outward normals
        distance = np.sqrt(normal @ moves)
        beta = distance - (normal * (self.drift + mean)).sum(axis=1) / distance
        arrivals = [
            math.log(float(gammainc(k, rate * self.years))) if k and rate * self.years > 0.0 else 0.0
            for k, rate in zip(counts, self.jumps.rate.tolist(), strict=True)
        ]
        return float(logsumexp(log_ndtr(-beta))) - math.log(len(beta)) + sum(arrivals)

    def _diffusion(self) -> Floats:
        """[k, m, m] covariance of the moves without jumps in each kept window."""
        return _outer(self.deviation) * self.correlation

    def _given(self, counts: tuple[int, ...]) -> tuple[Floats, Floats]:
        """Inverse covariances [k, m, m] and mean [m] of the moves, given the number of jumps of each source."""
        if counts not in self._inverses:
            number = np.array(counts, dtype=np.float64)
            covariance = self._diffusion() + np.tensordot(number, self.jumps.covariance, 1)
            inverse: Floats = np.linalg.inv(covariance).astype(np.float64)
            self._inverses[counts] = inverse, number @ self.jumps.mean
        return self._inverses[counts]


def _climb(value: Callable[[tuple[int, ...]], float], start: tuple[int, ...]) -> tuple[int, ...]:
    """Change one count by one as long as that makes the moves more likely."""
    best = start
    while True:
        nearby = max(_neighbours(best), key=value, default=best)
        if value(nearby) <= value(best):
            return best
        best = nearby


def _neighbours(counts: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for n, count in enumerate(counts):
        for changed in (count - 1, count + 1):
            if 0 <= changed <= MOST_JUMPS:
                yield (*counts[:n], changed, *counts[n + 1 :])
