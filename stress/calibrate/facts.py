"""What returns look like: moments, tails, clustering."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stress.kernels.structs import Floats

DAY = 86_400.0
REGION = (0.005, 0.02)
"""Shares of the returns between which the Hill estimates are averaged: enough of them, and still the tail."""
LEAST_TAIL = 20
"""Returns that a Hill estimate rests on at least."""
LAGS = (1, 7, 30)
"""Bars between two squared returns, where bars are a day or longer."""


@dataclass(frozen=True)
class Tail:
    """Tail index of one side: P(loss > x) falls like x^-index."""

    index: float
    low: float
    high: float
    """Least and largest estimate of the region, which say how flat the Hill plot is."""


@dataclass(frozen=True)
class Facts:
    """Stylised facts of returns over one horizon."""

    horizon: float
    """Seconds."""
    returns: int
    volatility: float
    """Per root year."""
    skewness: float
    kurtosis: float
    """3 for a normal law."""
    left: Tail | None
    right: Tail | None
    lags: tuple[float, ...]
    """Seconds."""
    squares: tuple[float, ...]
    """Autocorrelations of squared returns at the lags."""
    sizes: tuple[float, ...]
    """The same of absolute returns, which a few crashes do not rule."""


def facts_of(returns: Floats, step: float) -> Facts:
    """Facts of returns that are ``step`` seconds apart; lags are a bar, a day and a week, or 1, 7 and 30 long bars."""
    centred = returns - returns.mean()
    variance = float((centred**2).mean())
    bars = LAGS if step >= DAY else tuple(sorted({1, *(round(days * DAY / step) for days in (1, 7))}))
    lags = tuple(lag for lag in bars if lag < len(returns) // 4)
    return Facts(
        horizon=step,
        returns=len(returns),
        volatility=math.sqrt(variance * 365.0 * DAY / step),
        skewness=float((centred**3).mean()) / variance**1.5,
        kurtosis=float((centred**4).mean()) / variance**2,
        left=tail_of(-centred),
        right=tail_of(centred),
        lags=tuple(lag * step for lag in lags),
        squares=tuple(autocorrelation(centred**2, lag) for lag in lags),
        sizes=tuple(autocorrelation(np.abs(centred), lag) for lag in lags),
    )


def autocorrelation(sample: Floats, lag: int) -> float:
    """Correlation of a series with itself ``lag`` places on."""
    centred = sample - sample.mean()
    return float(centred[lag:] @ centred[:-lag] / (centred @ centred))


def hill(losses: Floats) -> tuple[Floats, Floats]:
    """Hill (1975) estimates from the k largest losses, k from 2 to a tenth of them: k and the index."""
    ordered = np.sort(losses[losses > 0.0])[::-1]
    most = max(3, len(losses) // 10)
    ordered = ordered[: most + 1]
    k = np.arange(1, len(ordered))
    excess = np.cumsum(np.log(ordered[:-1])) / k - np.log(ordered[1:])
    with np.errstate(divide="ignore"):
        return k[1:].astype(np.float64), 1.0 / excess[1:]


def tail_of(losses: Floats) -> Tail | None:
    """Mean of the Hill estimates from 0.5 % to 2 % of the returns, but of 20 at least; None where there are too few."""
    k, index = hill(losses)
    first = max(REGION[0] * len(losses), LEAST_TAIL)
    last = max(REGION[1] * len(losses), 2.0 * LEAST_TAIL)
    inside = index[(k >= first) & (k <= last)]
    if len(inside) < LEAST_TAIL or not np.isfinite(inside).all():
        return None
    return Tail(float(inside.mean()), float(inside.min()), float(inside.max()))


def distance(sample: Floats, reference: Floats) -> float:
    """Largest gap between two empirical distribution functions (Kolmogorov 1933, Smirnov 1948)."""
    ordered, other = np.sort(sample), np.sort(reference)
    points = np.concatenate([ordered, other])
    here = np.searchsorted(ordered, points, side="right") / len(ordered)
    there = np.searchsorted(other, points, side="right") / len(other)
    return float(np.abs(here - there).max())
