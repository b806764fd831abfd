"""Tilted laws for tests: pilots of single markets, and what is known of their prices in closed form."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.stats import norm, poisson

from stress.kernels.paths import simulate_tilted
from stress.kernels.structs import Clock, Floats, Models
from stress.kernels.tilt import FALL, Tilt
from stress.sampling.laws import frame_of, shares_of, tilt_of
from stress.sampling.likelihood import counts_of, log_ratios, mixture_weights
from stress.sampling.pilot import Setting, search


class Drawn(NamedTuple):
    """Paths under tilted laws."""

    log_price: Floats
    """[w, s, m]"""
    variance: Floats
    """[w, s, m]"""
    weights: Floats
    """[w]"""
    tallies: Floats
    """[w, row]"""


class Estimate(NamedTuple):
    """A mean and its standard error."""

    value: float
    error: float

    def z(self, expected: float, error: float = 0.0) -> float:
        """Distance from an expectation, itself known to ``error``, in standard errors."""
        return (self.value - expected) / math.hypot(self.error, error)


def draw(models: Models, clock: Clock, tilt: Tilt, paths: int, seed: int = 1, first: int = 0) -> Drawn:
    """Paths and their weights."""
    log_price = np.full((paths, clock.checks + 1, len(models.model)), np.nan)
    variance = np.full_like(log_price, np.nan)
    tallies = simulate_tilted(models, clock, tilt, seed, first, log_price, variance)
    counts = counts_of(models, clock, tilt, tallies)
    return Drawn(log_price, variance, mixture_weights(log_ratios(tilt, counts), shares_of(tilt)), tallies)


def falls(markets: int = 1) -> Floats:
    """Score of the fall of the first market."""
    score = np.zeros((4, markets))
    score[FALL, 0] = 1.0
    return score


def piloted(
    models: Models, clock: Clock, probability: float, paths: int = 8_000, seed: int = 3, score: Floats | None = None
) -> Tilt:
    """Laws that a pilot finds, for falls of the first market."""
    wanted = falls(len(models.model)) if score is None else score
    setting = Setting(models, clock, frame_of(models), wanted, probability, 0.1, paths, seed)
    found = search(setting)
    assert found.reached
    return tilt_of(setting.frame, found.laws, wanted, found.level, seed)


def mean(values: Floats) -> Estimate:
    """Sample mean of one value per path."""
    return Estimate(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values)))


def first_passage(fall: float, volatility: float, years: float, steps: int, order: int = 12) -> float:
    """P(min over the steps of a driftless lognormal log price <= -fall), by quadrature of the backward recursion.

    The survivors' density is smooth between the barrier and nine standard deviations over the start; Gauss-Legendre
    panels of three step deviations each give ten digits.
    """
    deviation, drift = volatility * math.sqrt(years / steps), -0.5 * volatility**2 * years / steps
    top = 9.0 * volatility * math.sqrt(years)
    edges = np.linspace(-fall, top, math.ceil((top + fall) / (3.0 * deviation)) + 1)
    nodes, weights = np.polynomial.legendre.leggauss(order)
    half = 0.5 * np.diff(edges)[:, None]
    x = (edges[:-1, None] + half * (nodes + 1.0)).ravel()
    w = (half * weights).ravel()
    kernel = norm.pdf(x[None, :], x[:, None] + drift, deviation) * w
    hit = norm.cdf(-fall, x + drift, deviation)
    later = hit.copy()
    for _ in range(steps - 2):
        later = hit + kernel @ later
    return float(norm.cdf(-fall, drift, deviation) + (norm.pdf(x, drift, deviation) * w) @ later)


def merton_below(move: float, volatility: float, rate: float, mean: float, std: float, years: float) -> float:
    """P(log return <= move) of Merton's model without drift (Merton 1976): a Poisson mixture of normals."""
    compensator = rate * math.expm1(mean + 0.5 * std * std)
    counts = np.arange(200)
    centre = (-compensator - 0.5 * volatility**2) * years + counts * mean
    spread = np.sqrt(volatility**2 * years + counts * std * std)
    return float(poisson.pmf(counts, rate * years) @ norm.cdf((move - centre) / spread))
