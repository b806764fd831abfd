"""Constant volatility with normal jumps."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, logsumexp

from stress.calibrate.estimators.common import Request
from stress.calibrate.fit import Fit, estimates_of
from stress.calibrate.likelihood import logistic, logit, maximise
from stress.kernels.structs import Floats

NAMES = ("volatility", "jump_rate", "jump_mean", "jump_std")
MOST_PER_BAR = 0.5
"""Jumps per bar above which they would be the diffusion by another name."""
POINTS = 8_000
"""Returns above which the density is interpolated: a million five-minute bars take half a minute then."""
LEAST_SPREAD = 0.25
"""Floor of the jumps' spread in volatilities of a bar: without it one repeated return makes the density infinite
(Honoré 1998)."""


def fit(request: Request) -> Fit:
    """Maximum likelihood of the mixture over the number of jumps in a bar (Merton 1976; Honoré 1998)."""
    x, dt = request.series.value, request.series.dt
    sigma = float(np.median(np.abs(x[x != 0.0] - np.median(x)))) / 0.6745
    large = np.abs(x) > 4.0 * sigma
    spread = max(float(np.std(x[large])) if large.any() else 0.0, 3.0 * sigma)
    often = min(max(float(large.mean()), 1.0 / len(x)), 0.2)

    def natural(y: Floats) -> Floats:
        volatility = math.exp(y[0]) / math.sqrt(dt)
        floor = LEAST_SPREAD * math.exp(y[0])
        return np.array([volatility, MOST_PER_BAR * logistic(y[1]) / dt, y[2] * sigma, floor + math.exp(y[3]), y[4]])

    grid = points(x, sigma)

    def scores(y: Floats) -> Floats:
        density = log_density(grid, natural(y), dt, y[4] * sigma)
        return density if grid is x else np.interp(x, grid, density)

    start = np.array([math.log(sigma), logit(often / MOST_PER_BAR), 0.0, math.log(spread), 0.0])
    best = maximise(scores, natural, start, request.progress)
    estimates = estimates_of(NAMES, best)
    share = best.values[1] * (best.values[2] ** 2 + best.values[3] ** 2)
    total = share + best.values[0] ** 2
    notes = [f"Jumps carry {share / total:.0%} of the variance: they also stand for volatility that varies."]
    if best.values[1] * dt > 0.99 * MOST_PER_BAR:
        notes.append(f"The jump rate is at its bound of {MOST_PER_BAR:g} a bar.")
    entry = {"type": "merton", **{name: estimate.value for name, estimate in estimates.items()}}
    method = "Maximum likelihood of the Poisson mixture of normals (Merton 1976; Honoré 1998), errors of White (1982)."
    return Fit("merton", entry, estimates, method, tuple(notes), best.log_likelihood)


def points(x: Floats, sigma: float) -> Floats:
    """Where the density is computed: at the returns, or between so many of them that interpolation is exact to 1e-5."""
    if len(x) <= POINTS:
        return x
    ends = np.arcsinh(np.array([x.min(), x.max()]) / sigma)
    grid: Floats = sigma * np.sinh(np.linspace(ends[0], ends[1], POINTS))
    return grid


def log_density(x: Floats, parameters: Floats, dt: float, centre: float) -> Floats:
    """[n] log density of returns with 0, 1, 2, ... jumps in a bar, up to where a further one has probability 1e-12."""
    volatility, rate, mean, std = parameters[:4]
    often = rate * dt
    most = 1
    while most < 40 and most * math.log(often) - often - gammaln(most + 1.0) > math.log(1e-12):
        most += 1
    terms = []
    for k in range(most + 1):
        variance = volatility**2 * dt + k * std**2
        weight = k * math.log(often) - often - gammaln(k + 1.0)
        error = x - centre - k * mean
        terms.append(weight - 0.5 * (math.log(2.0 * math.pi * variance) + error**2 / variance))
    density: Floats = logsumexp(np.stack(terms), axis=0)
    return density
