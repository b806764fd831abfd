"""Where the tail begins: the lowest threshold over which a generalised Pareto law is not rejected.

Every candidate threshold is tested by the Anderson-Darling statistic with estimated parameters (Choulakian and Stephens
2001, Technometrics 43), and ForwardStop turns the sequence of p-values into one choice whose false discovery rate is
controlled (Bader, Yan and Zhang 2018, Ann. Appl. Stat. 12, eq. 5; G'Sell et al. 2016). The distribution of the
statistic is computed and not looked up: its limit is a weighted sum of chi-squares whose weights are eigenvalues of the
covariance kernel of the estimated empirical process (Stephens 1976, Ann. Statist. 4), inverted after Imhof (1961,
Biometrika 48, eq. 3.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stress.sizing.estimate import Floats
from stress.sizing.pareto import LEAST_SHAPE, Pareto, tail_of
from stress.sizing.weights import Weights

FALSE_DISCOVERIES = 0.1
"""Rate at which ForwardStop may pass over thresholds that would have done."""

LEAST_EXCESSES = 50
"""Fewer excesses fit any law: the shape's interval is then wider than 0.5."""

_MOST_EXCESSES = 10_000
_MOST_SHARE = 0.5
_CANDIDATES = 16
_NODES = 120
_STEPS = 500
_EDGE = 0.01
_NEVER = 60.0


@dataclass(frozen=True)
class Candidate:
    """One threshold that was tried."""

    tail: Pareto
    p_value: float
    """Of the hypothesis that the excesses follow the fitted law."""


@dataclass(frozen=True)
class Choice:
    """All thresholds that were tried, the lowest first, and the one that was chosen."""

    candidates: tuple[Candidate, ...]
    chosen: Candidate | None
    """None where the law is rejected over every threshold, or there are too few losses."""


def choose(ordered: Floats, weights: Weights | None = None) -> Choice:
    """Choose the threshold of ascending losses; candidates leave half of the losses down to 50 of them beyond."""
    losses = int(np.count_nonzero(ordered))
    most = min(_MOST_EXCESSES, int(_MOST_SHARE * losses))
    if most < LEAST_EXCESSES:
        return Choice((), None)
    counts = np.unique(np.geomspace(most, LEAST_EXCESSES, _CANDIDATES).round().astype(int))[::-1]
    counted = None if weights is None else weights.counts
    tails = [tail_of(ordered, int(count), counted) for count in counts]
    candidates = tuple(Candidate(tail, p_value(statistic(tail), tail.shape)) for tail in tails if tail is not None)
    rejected = forward_stop(np.array([candidate.p_value for candidate in candidates]))
    return Choice(candidates, candidates[rejected] if rejected < len(candidates) else None)


def forward_stop(p_values: Floats, rate: float = FALSE_DISCOVERIES) -> int:
    """How many hypotheses, from the first on, are rejected: the largest k whose mean of -log(1 - p) is within rate."""
    if p_values.size == 0:
        return 0
    means = np.cumsum(-np.log1p(-np.minimum(p_values, 1.0 - 1e-12))) / np.arange(1, p_values.size + 1)
    within = np.flatnonzero(means <= rate)
    return int(within[-1]) + 1 if within.size else 0


def statistic(tail: Pareto) -> float:
    """Anderson-Darling distance of the excesses from the fitted law, weights included."""
    x = tail.excesses / tail.scale
    survival = np.clip(_survival(x, tail.shape), 1e-300, 1.0)
    u = -np.expm1(np.log(survival))
    below = np.concatenate([[0.0], np.cumsum(tail.weights)])
    below[-1] = 1.0
    log_u = np.log(np.maximum(u, 1e-300))
    # Between two excesses the empirical function is a constant c, and the integral of (c - u)^2 / (u (1 - u)) is
    # c^2 log u - (1 - c)^2 log(1 - u) - u.
    rises = np.square(below[:-1]) - np.square(below[1:])
    falls = np.square(1.0 - below[1:]) - np.square(1.0 - below[:-1])
    return float(tail.effective * (rises @ log_u + falls @ np.log(survival) - 1.0))


def _survival(x: Floats, shape: float) -> Floats:
    if abs(shape) < 1e-9:
        return np.exp(-x)
    return np.asarray(np.maximum(1.0 + shape * x, 0.0) ** (-1.0 / shape))


def p_value(distance: float, shape: float) -> float:
    """Probability of a larger Anderson-Darling statistic in the limit of many excesses.

    Zero at the least shape: the fit stopped there, and losses with so sharp an end have no such limit.
    """
    if shape <= LEAST_SHAPE + _EDGE:
        return 0.0
    eigenvalues, rest = _eigenvalues(round(shape, 3))
    return _exceeds(distance - rest, eigenvalues)


@lru_cache(maxsize=256)
def _eigenvalues(shape: float) -> tuple[Floats, float]:
    """Weights of the chi-squares, and the mean of those that the grid cannot see."""
    nodes, widths = np.polynomial.legendre.leggauss(_NODES)
    # Nodes crowd at both ends, where the kernel bends: s = sin^2.
    angle = 0.25 * math.pi * (nodes + 1.0)
    s, width = np.sin(angle) ** 2, 0.25 * math.pi * widths * np.sin(2.0 * angle)
    scale = np.sqrt(s * (1.0 - s))
    loading = _estimation(s, shape)
    covariance = np.minimum.outer(s, s) - np.outer(s, s) - loading.T @ _spread(shape) @ loading
    kernel = covariance / np.outer(scale, scale)
    root = np.sqrt(width)
    values = np.linalg.eigvalsh(kernel * np.outer(root, root))
    values = values[values > 1e-6 * values[-1]]
    trace = float((np.diag(kernel) * width).sum())
    return values, max(trace - float(values.sum()), 0.0)


def _estimation(s: Floats, shape: float) -> Floats:
    """[2, s] derivatives of the distribution function by log scale and shape at its quantile of s."""
    xi = shape if abs(shape) > 1e-4 else 1e-4
    left = 1.0 - s
    by_scale = -(left - left ** (1.0 + xi)) / xi
    by_shape = left * (np.log(left) / xi + (1.0 - left**xi) / xi**2)
    return np.stack([by_scale, by_shape])


def _spread(shape: float) -> Floats:
    """Covariance of the estimates of scale (in units of it) and shape, times the excesses (Smith 1984, sec. 2)."""
    return (1.0 + shape) * np.array([[2.0, -1.0], [-1.0, 1.0 + shape]])


def _exceeds(distance: float, eigenvalues: Floats) -> float:
    """P(sum lambda z^2 > distance) by Imhof's integral."""
    if distance <= 0.0:
        return 1.0
    if distance > _NEVER * float(eigenvalues[-1]):
        # The tail falls like exp(-distance / (2 lambda)): under 1e-12, where the integral would only add rounding.
        return 0.0
    # The integrand has fallen by exp(-20) where the sum of log(1 + (lambda u)^2) / 4 is 20.
    end = 1.0 / float(eigenvalues[-1])
    while float(np.log1p(np.square(eigenvalues * end)).sum()) < 80.0:
        end *= 1.5
    steps = max(_STEPS, math.ceil(2.0 * end * distance))
    step = end / steps
    u = (np.arange(steps) + 0.5) * step
    angle = 0.5 * (np.arctan(np.outer(u, eigenvalues)).sum(axis=1) - distance * u)
    damping = np.exp(0.25 * np.log1p(np.square(np.outer(u, eigenvalues))).sum(axis=1))
    return float(np.clip(0.5 + (np.sin(angle) / (u * damping)).sum() * step / math.pi, 0.0, 1.0))
