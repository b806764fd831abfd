"""Correlation of the price and variance shocks of several markets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stress.build.correlation import nearest_correlation
from stress.calibrate.likelihood import Failed
from stress.calibrate.prices import Series
from stress.calibrate.windows import Windows, realise
from stress.kernels.structs import Floats

LEAST = 60
LEAST_RELIABLE = 0.3
"""Share of a change of log realised variance that must be signal before its noise is taken out."""


@dataclass(frozen=True, eq=False)
class Structure:
    """Correlations between markets and what was done to them."""

    markets: tuple[str, ...]
    prices: Floats
    """[m, m]"""
    variances: Floats
    """[m, m]"""
    price_variance: Floats
    """[m, m] price of the row with variance of the column."""
    loadings: Floats
    """[2, m] correlation of each price with the common factor of prices, of each variance with that of variances."""
    unexplained: float
    """Largest correlation of prices that one factor misses by."""
    windows: int
    error: float
    """Standard error of a correlation of 0."""
    method: str
    notes: tuple[str, ...]


def structure(series: Sequence[Series], length: float) -> Structure:
    """Correlations of shocks, from returns over their realised volatility and changes of log realised variance.

    Parameters
    ----------
    series
        Two markets or more; windows that all of them have are used.
    length
        Seconds of a window.

    Raises
    ------
    Failed
        The markets share fewer than 60 windows.
    """
    price, change, bars = shocks(series, length)
    count = price.shape[1]
    if count < LEAST:
        raise Failed(f"the markets share {count} windows; correlations need at least {LEAST}")
    prices, shrunk = shrink(price)
    variances, cross, notes = without_noise(price, change, bars)
    joint = np.block([[variances, cross.T], [cross, prices]])
    repaired = joint
    if np.linalg.eigvalsh(joint).min() < 0.0:
        repaired = nearest_correlation(joint)
        most = np.abs(repaired - joint).max()
        notes.append(
            f"The matrix was not positive definite; the nearest one (Higham 2002) differs by up to {most:.2g}."
        )
    m = len(series)
    prices, variances, cross = repaired[m:, m:], repaired[:m, :m], repaired[m:, :m]
    loadings = np.stack([one_factor(prices), one_factor(variances)])
    method = (
        f"Pearson correlation of {count} windows: returns over their realised volatility, changes of log realised "
        "variance less the noise of measuring it."
    )
    if shrunk > 0.0:
        method += f" Prices are shrunk by {shrunk:.1%} towards their mean correlation (Ledoit and Wolf 2004)."
    missed = np.abs(prices - np.outer(loadings[0], loadings[0]))[~np.eye(m, dtype=np.bool_)].max()
    names = tuple(one.market for one in series)
    error = 1.0 / math.sqrt(count)
    return Structure(names, prices, variances, cross, loadings, float(missed), count, error, method, tuple(notes))


def shocks(series: Sequence[Series], length: float) -> tuple[Floats, Floats, Floats]:
    """[m, n] standardised returns and changes of log variance of the windows that all markets have; their [m, m] noise.

    The noise is the covariance of the errors of two log realised variances: 2 / M times the squared correlation of the
    returns of the bars, since the squares of normals correlate so.
    """
    windows = [realise(one, length) for one in series]
    first = max(one.begin[0] for one in windows)
    last = min(one.begin[-1] for one in windows)
    cut = [_between(one, first, last) for one in windows]
    if not cut[0].shape[1]:
        raise Failed("the markets have no time in common")
    value, variance = (np.stack([one[k] for one in cut]) for k in range(2))
    good = np.isfinite(variance).all(axis=0) & (variance > 0.0).all(axis=0)
    both = good[1:] & good[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = value / np.sqrt(variance * windows[0].dt)
        change = np.diff(np.log(variance), axis=1)
    noise = np.array([one.noise for one in windows])
    alike = bar_correlation(series)
    return scaled[:, 1:][:, both], change[:, both], np.sqrt(np.outer(noise, noise)) * alike**2


def _between(windows: Windows, first: float, last: float) -> Floats:
    kept = (windows.begin >= first) & (windows.begin <= last)
    both: Floats = np.stack([windows.value[kept], windows.variance[kept]])
    return both


def bar_correlation(series: Sequence[Series]) -> Floats:
    """[m, m] correlation of the returns of bars at the times that two markets share."""
    matrix = np.eye(len(series))
    for i, one in enumerate(series):
        for j in range(i):
            _, here, there = np.intersect1d(one.time, series[j].time, return_indices=True)
            if len(here) > 2:
                matrix[i, j] = matrix[j, i] = np.corrcoef(one.value[here], series[j].value[there])[0, 1]
    return matrix


def without_noise(price: Floats, change: Floats, noise: Floats) -> tuple[Floats, Floats, list[str]]:
    """Correlations of variances, and of prices with variances, corrected for the noise of realised variances.

    A change holds the errors of two windows, so that its covariance is too large by twice the noise.
    """
    m = len(price)
    joint = np.cov(np.vstack([price, change]))
    signal = joint[m:, m:] - 2.0 * noise
    reliable = np.diag(signal) / np.diag(joint)[m:]
    notes = []
    if reliable.min() < LEAST_RELIABLE:
        notes.append("Realised variances are too noisy to correct for it: correlations of variances are understated.")
        signal = joint[m:, m:]
    deviation = np.sqrt(np.diag(signal))
    variances = np.clip(signal / np.outer(deviation, deviation), -1.0, 1.0)
    np.fill_diagonal(variances, 1.0)
    cross = joint[:m, m:] / np.outer(np.sqrt(np.diag(joint)[:m]), deviation)
    return variances, np.clip(cross, -1.0, 1.0), notes


def shrink(sample: Floats) -> tuple[Floats, float]:
    """Correlation of the rows of sample [m, n], shrunk towards a constant one, and by how much.

    Ledoit & Wolf (2004), Journal of Portfolio Management 30(4):110, on standardised rows: the weight that minimises
    the expected squared distance from the true matrix.
    """
    m, n = sample.shape
    z = (sample - sample.mean(axis=1, keepdims=True)) / sample.std(axis=1, keepdims=True)
    raw = z @ z.T / n
    if m == 2:
        return raw, 0.0  # the mean correlation of one pair is itself
    off = ~np.eye(m, dtype=np.bool_)
    target = np.full((m, m), raw[off].mean())
    np.fill_diagonal(target, 1.0)
    variance = (z**2) @ (z**2).T / n - raw**2
    distance = float(((raw - target) ** 2)[off].sum())
    weight = min(1.0, float(variance[off].sum()) / n / distance) if distance > 0.0 else 1.0
    return (1.0 - weight) * raw + weight * target, weight


def one_factor(correlation: Floats) -> Floats:
    """[m] loadings whose products are nearest to the correlations off the diagonal (principal factors, iterated)."""
    m = len(correlation)
    loadings = np.full(m, math.sqrt(max(float(correlation[~np.eye(m, dtype=np.bool_)].mean()), 0.0)))
    if m == 2:
        pair = float(correlation[0, 1])  # any two loadings of this product would do
        return math.sqrt(abs(pair)) * np.array([1.0, math.copysign(1.0, pair)])
    for _ in range(1_000):
        reduced = correlation.copy()
        np.fill_diagonal(reduced, loadings**2)
        values, vectors = np.linalg.eigh(reduced)
        found = vectors[:, -1] * math.sqrt(max(values[-1], 0.0))
        found = np.clip(found * (1.0 if found.sum() >= 0.0 else -1.0), -0.999, 0.999)
        settled = np.abs(found - loadings).max() < 1e-10
        loadings = found
        if settled:
            break
    return loadings
