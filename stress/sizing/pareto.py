"""The generalised Pareto law of losses beyond a high threshold, by maximum likelihood.

Excesses y over the threshold have the distribution function 1 - (1 + xi y / beta)^(-1 / xi). The likelihood is written
in theta = xi / beta and beta (Grimshaw 1993, Technometrics 35, eq. 2): with X = mean log(1 + theta y) and Y = X / theta

    log likelihood / m = -log beta - X - Y / beta,

which is regular at theta = 0, is largest over beta at beta = Y, and falls by g at beta = Y / s with s - 1 - log s = g,
once on either side of 1. So the boundary of a likelihood region is known in closed form along theta, and the profile
interval of any function of the parameters is its range over that boundary. Everything takes weights: the means become
weighted ones, and m the effective number of excesses (Kish 1965, Survey Sampling, 11.7).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from stress.sizing.distributions import chi_square_quantile
from stress.sizing.estimate import CONFIDENCE, Floats

LEAST_SHAPE = -0.5
"""Shapes below have no regular likelihood (Smith 1985, Biometrika 72); fits end there."""

_GRID = 201
_COARSE = 60
_RATES = 25
_SMALL = 1e-9
_NEWTON = 6
_FAR = 40.0
_NEVER = -1e3
"""Log likelihood per excess of what cannot be: finite, for the root and minimum finders."""


@dataclass(frozen=True)
class Pareto:
    """A fitted tail.

    ``share`` of all paths lie beyond ``threshold``; their excesses have shape ``shape`` and scale ``scale``.
    """

    threshold: float
    share: float
    shape: float
    scale: float
    excesses: Floats
    """[k] ascending excesses over the threshold."""
    weights: Floats
    """[k] weights that add up to 1."""
    effective: float
    """Excesses that equal weights would need to say as much: k for equal weights."""

    def quantile(self, level: float) -> float:
        """Value at risk at a level beyond the threshold (McNeil, Frey and Embrechts 2015, eq. 5.18)."""
        return self.threshold + self.scale * _growth(self.shape, self.share / (1.0 - level))

    def shortfall(self, level: float) -> float:
        """Expected shortfall at a level beyond the threshold (ibid., eq. 5.19); infinite from shape 1 on."""
        return self.threshold + self.scale * float(_shortfall_factor(self.shape, self.share / (1.0 - level)))

    @property
    def endpoint(self) -> float:
        """Largest loss that the law allows; infinite unless the shape is negative."""
        return self.threshold - self.scale / self.shape if self.shape < 0.0 else math.inf


def fit(excesses: Floats, threshold: float, share: float, weights: Floats | None = None) -> Pareto | None:
    """Maximum likelihood fit of positive ascending excesses; None where they do not differ.

    Args:
        excesses: [k] losses less the threshold, ascending.
        threshold: the threshold itself.
        share: of all paths that lie beyond it.
        weights: [k] of the excesses; equal without them.
    """
    scale = float(excesses.mean()) if excesses.size else 0.0
    if excesses.size < 2 or scale <= 0.0 or float(excesses.std()) <= _SMALL * scale:
        return None
    normal = np.full(excesses.size, 1.0 / excesses.size) if weights is None else weights / weights.sum()
    effective = float(1.0 / np.square(normal).sum())
    curve = _Curve(excesses / scale, normal)
    theta = curve.best()
    x, y = curve.means(np.array([theta]))
    return Pareto(threshold, share, float(x[0]), scale * float(y[0]), excesses, normal, effective)


def tail_of(ordered: Floats, count: int, weights: Floats | None = None) -> Pareto | None:
    """Fit to the ``count`` largest of an ascending sample, over the one before them."""
    threshold = float(ordered[-count - 1])
    beyond = int(np.searchsorted(ordered, threshold, side="right"))
    excesses = ordered[beyond:] - threshold
    if weights is None:
        return fit(excesses, threshold, excesses.size / ordered.size)
    return fit(excesses, threshold, float(weights[beyond:].sum()) / ordered.size, weights[beyond:])


class _Curve:
    """Means X(theta) and Y(theta) of scaled excesses, and the best likelihood at each theta."""

    def __init__(self, scaled: Floats, weights: Floats) -> None:
        self.scaled = scaled
        self.weights = weights
        self.pole = 1.0 / float(scaled[-1])

    def means(self, theta: Floats) -> tuple[Floats, Floats]:
        """X and Y at each theta."""
        x = np.log1p(theta[:, None] * self.scaled) @ self.weights
        small = np.abs(theta) < 1e-7
        first = float(self.scaled @ self.weights)
        y = np.where(small, first, x / np.where(small, 1.0, theta))
        return x, y

    def profile(self, theta: Floats) -> Floats:
        """Log likelihood per excess, largest over the scale; minus infinity where the shape is too small."""
        x, y = self.means(theta)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = -np.log(y) - x - 1.0
        return np.where((x >= LEAST_SHAPE) & (y > 0.0), value, -np.inf)

    def theta(self, t: Floats | float) -> Floats:
        """Theta from a coordinate without end: exp(t) above the pole at -1 / largest."""
        return np.asarray(np.exp(t) - self.pole)

    def best(self) -> float:
        """Theta of the largest likelihood."""
        from scipy import optimize

        low, high = math.log(self.pole * 1e-6), math.log(self.pole + 200.0)
        coarse = np.linspace(low, high, _COARSE)
        at = int(np.argmax(self.profile(self.theta(coarse))))
        ends = coarse[max(at - 1, 0)], coarse[min(at + 1, _COARSE - 1)]
        found = optimize.minimize_scalar(
            lambda t: -max(float(self.profile(self.theta(np.array([t])))[0]), _NEVER),
            bounds=ends,
            method="bounded",
            options={"xatol": 1e-9},
        )
        return float(self.theta(float(found.x)))

    def region(self, theta: float, drop: float) -> Floats:
        """Thetas whose best likelihood per excess is within ``drop`` of the largest, the ends included."""
        from scipy import optimize

        centre = math.log(theta + self.pole)
        top = float(self.profile(np.array([theta]))[0]) - drop

        def short(t: float) -> float:
            value = float(self.profile(self.theta(np.array([t])))[0])
            return max(value, _NEVER) - top

        # Closer to the pole than this, exp(t) - pole is no longer a number above it.
        floor = math.log(self.pole) - 25.0
        ends = []
        for step in (-0.25, 0.25):
            t = centre + step
            while short(t) > 0.0 and floor < t < centre + _FAR:
                t = max(t + step * (1.0 + abs(t - centre)), floor)
            inner, outer = sorted((centre, t))
            ends.append(optimize.brentq(short, inner, outer, xtol=1e-6) if short(t) < 0.0 else t)
        return self.theta(np.linspace(ends[0], ends[1], _GRID))


def _growth(shape: Floats | float, ratio: float) -> float:
    """(r^xi - 1) / xi, log r at xi = 0."""
    return float(_growths(np.asarray(shape, dtype=np.float64), ratio))


def _growths(shape: Floats, ratio: float | Floats) -> Floats:
    log_ratio = np.log(ratio)
    small = np.abs(shape) < 1e-8
    safe = np.where(small, 1.0, shape)
    return np.asarray(np.where(small, log_ratio, np.expm1(safe * log_ratio) / safe))


def _shortfall_factor(shape: Floats | float, ratio: float | Floats) -> Floats:
    """(ES - u) / beta; infinite where the mean is."""
    xi = np.asarray(shape, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(xi < 1.0, (_growths(xi, ratio) + 1.0) / np.where(xi < 1.0, 1.0 - xi, 1.0), np.inf))


def profile_interval(
    tail: Pareto, paths: float, value: Callable[[Floats, Floats, Floats], Floats], confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Profile-likelihood interval of a function of the parameters.

    The share of paths beyond the threshold is a third parameter with its binomial likelihood: without it, intervals of
    levels near the threshold cover 0.75 to 0.87 of a nominal 0.95.

    Args:
        tail: the fit.
        paths: all paths, or as many as the share of the threshold is worth with weights.
        value: of shape, scale and share, arrays of one form.
        confidence: of the interval.
    """
    allowed = 0.5 * chi_square_quantile(confidence, 1.0)
    scale = float(tail.excesses.mean())
    curve = _Curve(tail.excesses / scale, tail.weights)
    best = curve.best()
    theta = curve.region(best, allowed / tail.effective)
    _, y = curve.means(theta)
    lost = tail.effective * (float(curve.profile(np.array([best]))[0]) - curve.profile(theta))
    shares, spent = _shares(tail.share, paths, allowed)
    room = np.maximum(allowed - spent[:, None] - lost[None, :], -1.0)
    usable = room >= 0.0
    per_excess = np.maximum(room, 0.0) / tail.effective
    ends = []
    for side in (-1.0, 1.0):
        beta = y / _falls_by(per_excess, side)
        found = value(theta * beta, scale * beta, np.broadcast_to(shares[:, None], beta.shape))
        ends.append(found[usable & (theta * beta > LEAST_SHAPE - 0.1)])
    every = np.concatenate(ends)
    return float(every.min()), float(every.max())


def _falls_by(drop: Floats, side: float) -> Floats:
    """The s below (side -1) or above (side 1) 1 with s - 1 - log s = drop, by Newton's method.

    Lambert's W has the same answer in complex numbers, at ten times the cost.
    """
    s = 1.0 + side * np.sqrt(2.0 * drop) + 2.0 / 3.0 * drop
    s = np.maximum(s, np.exp(-1.0 - drop))
    for _ in range(_NEWTON):
        slope = 1.0 - 1.0 / s
        flat = np.abs(slope) < _SMALL
        s = s - np.where(flat, 0.0, (s - 1.0 - np.log(s) - drop) / np.where(flat, 1.0, slope))
        s = np.maximum(s, np.exp(-1.0 - drop))
    return s


def _shares(share: float, paths: float, allowed: float) -> tuple[Floats, Floats]:
    """Shares of paths beyond the threshold in their own likelihood interval, and what each costs."""
    from scipy import optimize

    def cost(q: Floats | float) -> Floats:
        beyond = paths * share
        gain = special.xlogy(beyond, share / np.asarray(q))
        rest = special.xlogy(paths - beyond, (1.0 - share) / (1.0 - np.asarray(q)))
        return np.asarray(gain + rest)

    if share >= 1.0 or math.isinf(paths):
        return np.array([share]), np.zeros(1)
    low = optimize.brentq(lambda q: float(cost(q)) - allowed, share * 1e-6, share)
    high = optimize.brentq(lambda q: float(cost(q)) - allowed, share, 1.0 - 1e-12)
    shares = np.unique(np.append(np.linspace(low, high, _RATES), share))
    return shares, cost(shares)


def shape_interval(tail: Pareto, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Profile-likelihood interval of the shape."""
    return profile_interval(tail, math.inf, lambda shape, scale, share: shape, confidence)


def quantile_interval(tail: Pareto, paths: float, level: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Profile-likelihood interval of value at risk."""

    def value(shape: Floats, scale: Floats, share: Floats) -> Floats:
        return tail.threshold + scale * _growths(shape, share / (1.0 - level))

    return profile_interval(tail, paths, value, confidence)


def shortfall_interval(tail: Pareto, paths: float, level: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Profile-likelihood interval of expected shortfall; its upper end may be infinite."""

    def value(shape: Floats, scale: Floats, share: Floats) -> Floats:
        return tail.threshold + scale * _shortfall_factor(shape, share / (1.0 - level))

    return profile_interval(tail, paths, value, confidence)


def excess_interval(tail: Pareto, paths: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Profile-likelihood interval of the mean over all paths of what exceeds the threshold."""

    def value(shape: Floats, scale: Floats, share: Floats) -> Floats:
        return share * scale * _shortfall_factor(shape, 1.0)

    return profile_interval(tail, paths, value, confidence)
