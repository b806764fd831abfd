"""Realised variance of windows of returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stress.calibrate.fit import Track
from stress.calibrate.likelihood import Failed
from stress.calibrate.prices import YEAR, Series
from stress.kernels.structs import Floats, Ints
from stress.scenario.units import Dimension, write

DAY = 86_400.0
STANDARD = (300.0, 900.0, 1800.0, 3600.0, 4 * 3600.0, DAY)
"""Windows to choose from, seconds."""
ENOUGH = 250
"""Windows that a fit should have: a year of days."""
LEAST = 60
COMPLETE = 0.75
"""Share of its bars that a window must have to count."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Returns and realised variances on a grid of windows."""

    begin: Floats
    """[n] Unix seconds at which each starts."""
    length: float
    """Seconds."""
    value: Floats
    """[n] log return, compensated by half of the realised variance and centred."""
    variance: Floats
    """[n] realised variance per year; NaN where bars are missing."""
    noise: float
    """Squared relative error of a realised variance."""

    @property
    def dt(self) -> float:
        """Years in a window."""
        return self.length / YEAR

    @property
    def realised(self) -> Track:
        """Realised variances at the ends of the windows that have one."""
        seen = ~np.isnan(self.variance)
        return Track((self.begin + self.length)[seen], self.variance[seen])


def choose_window(series: Series) -> float:
    """A day, or the longest shorter window that leaves 250 of them; at least a bar."""
    fitting = [w for w in STANDARD if w >= series.step and w % series.step == 0.0]
    enough = [w for w in fitting if len(series.value) * series.step / w >= ENOUGH]
    return max(enough, default=max(series.step, min(fitting, default=series.step)))


def realise(series: Series, length: float, jump: Ints | None = None) -> Windows:
    """Realised variances of windows of ``length`` seconds, without the bars ``jump`` [..].

    Raises
    ------
    Failed
        There are fewer than 60 windows.
    """
    kept = np.ones(len(series.value), dtype=np.bool_)
    if jump is not None:
        kept[jump] = False
    number = np.floor(series.time / length + 1e-9).astype(np.int64)
    number -= number[0]
    windows = int(number[-1]) + 1
    value = series.value[kept]
    count = np.bincount(number[kept], minlength=windows)
    square, fourth = _sums(number[kept], value**2, windows), _sums(number[kept], value**4, windows)
    dropped = np.bincount(number[~kept], minlength=windows)
    complete = (count >= 1) & (count + dropped >= COMPLETE * length / series.step - 1e-9)
    if complete.sum() < LEAST:
        size = write(length, Dimension.DURATION)
        raise Failed(f"{int(complete.sum())} windows of {size} with prices; at least {LEAST} are needed")
    variance = np.where(complete, square / np.maximum(count, 1) / series.dt, np.nan)
    total = _sums(number[kept], value, windows)
    compensated = np.where(complete, total + 0.5 * variance * count * series.dt, 0.0)
    compensated[complete] -= compensated[complete].mean()
    begin = (np.floor(series.time[0] / length + 1e-9) + np.arange(windows)) * length
    return Windows(begin, length, compensated, variance, relative_noise(square[complete], fourth[complete]))


def _sums(number: Ints, value: Floats, windows: int) -> Floats:
    sums: Floats = np.bincount(number, value, windows).astype(np.float64)
    return sums


def relative_noise(square: Floats, fourth: Floats) -> float:
    """Squared relative error of realised variances from their realised quarticities.

    sum r^4 / (sum r^2)^2 averages 3 / (M + 2) for M Gaussian returns of one variance, whose realised variance has the
    squared relative error 2 / M; fatter tails within the windows raise both alike (Barndorff-Nielsen & Shephard 2002).
    """
    moved = square > 0.0
    share = float(np.mean(fourth[moved] / square[moved] ** 2))
    return 2.0 * share / max(3.0 - 2.0 * share, 0.5)
