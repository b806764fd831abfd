"""A calibrated model beside the data it was calibrated to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stress.calibrate.facts import DAY, Facts, distance, facts_of
from stress.calibrate.fit import Fit
from stress.calibrate.likelihood import Progress
from stress.calibrate.prices import Series
from stress.calibrate.simulate import histories
from stress.kernels.structs import Floats

HISTORIES = 20
"""Simulated histories of the data's length: the 5 % and 95 % of them are the second and the last but one."""
QUANTILES = np.concatenate(
    [np.geomspace(1e-5, 0.05, 40), np.linspace(0.06, 0.94, 45), 1 - np.geomspace(0.05, 1e-5, 40)]
)
"""Probabilities at which the laws of returns are compared."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Returns over one horizon in the data and in simulated histories of the same length."""

    horizon: float
    """Seconds."""
    data: Facts
    simulated: tuple[Facts, ...]
    distance: float
    """Kolmogorov-Smirnov distance of the data from all simulated returns."""
    usual: float
    """95 % quantile of the same distance of one history from the others: what chance explains."""
    probability: Floats
    """[q] probabilities that the data can show, two returns or more beyond each."""
    quantile: Floats
    """[q] quantiles of the data."""
    model: Floats
    """[3, q] quantiles of the simulated histories: 5 %, median and 95 % of them."""


def compare(fit: Fit, series: Series, count: int, progress: Progress | None = None) -> list[Comparison]:
    """The model against the data, for returns of a bar and, where bars are shorter, of a day."""
    simulated = histories(fit, series.step, len(series.value), count, progress)
    found = [comparison(series.value, simulated, series.step)]
    if series.step < DAY and DAY % series.step == 0.0:
        bars = round(DAY / series.step)
        whole = len(series.value) // bars * bars
        if whole >= 100 * bars:
            days = simulated[:, :whole].reshape(count, -1, bars).sum(axis=2)
            found.append(comparison(daily(series), days, DAY))
    return found


def daily(series: Series) -> Floats:
    """Returns of the days of which no bar is missing."""
    day = np.floor(series.time / DAY).astype(np.int64)
    _, first, count = np.unique(day, return_index=True, return_counts=True)
    whole = count == round(DAY / series.step)
    total = np.add.reduceat(series.value, first)
    kept: Floats = total[whole]
    return kept


def comparison(data: Floats, simulated: Floats, horizon: float) -> Comparison:
    """Facts, distances and quantiles of one horizon."""
    least = 2.0 / len(data)
    probability = QUANTILES[(least < QUANTILES) & (1.0 - least > QUANTILES)]
    quantiles = np.quantile(simulated, probability, axis=1).T
    low, middle, high = np.quantile(quantiles, [0.05, 0.5, 0.95], axis=0)
    others = [np.delete(simulated, k, axis=0).ravel() for k in range(len(simulated))]
    usual = [distance(one - one.mean(), rest) for one, rest in zip(simulated, others, strict=True)]
    return Comparison(
        horizon=horizon,
        data=facts_of(data, horizon),
        simulated=tuple(facts_of(one, horizon) for one in simulated),
        distance=distance(data - data.mean(), simulated.ravel()),
        usual=float(np.quantile(usual, 0.95)),
        probability=probability,
        quantile=np.quantile(data, probability),
        model=np.stack([low, middle, high]),
    )
