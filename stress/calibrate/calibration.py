"""Calibration of one model to one market or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stress.calibrate.common_jumps import CommonJumps, common_jumps
from stress.calibrate.comparison import HISTORIES, Comparison, compare
from stress.calibrate.correlation import Structure, structure
from stress.calibrate.estimators import ESTIMATORS, Estimator, Request
from stress.calibrate.fit import Fit
from stress.calibrate.likelihood import Failed, Progress
from stress.calibrate.prices import Series
from stress.calibrate.windows import choose_window
from stress.errors import MeaninglessInput, Problem


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A model calibrated to one market, beside its data."""

    series: Series
    fit: Fit
    comparisons: tuple[Comparison, ...]
    """By horizon: a bar, and a day where bars are shorter; none where they were not asked for."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Models of all markets and what binds them."""

    model: str
    markets: tuple[Calibrated, ...]
    structure: Structure | None
    """None for a single market."""
    common: CommonJumps | None = None
    """None where jumps are not looked for, or hardly any strike two markets."""


@dataclass(frozen=True)
class Options:
    """How to calibrate."""

    window: float | None = None
    """Seconds of a window of realised variance; None chooses."""
    states: int = 2
    """States of a regime chain."""
    histories: int = HISTORIES
    """Simulated histories to compare with the data; 0 for none."""


def calibrate(
    series: Sequence[Series], model: str, options: Options | None = None, progress: Progress | None = None
) -> Calibration:
    """Calibrate ``model`` to every series, and their correlations where there are several.

    Raises
    ------
    MeaninglessInput
        With every series that is too short or does not determine the parameters.
    """
    chosen = options or Options()
    estimator = next(one for one in ESTIMATORS if one.model == model)
    markets, problems = [], []
    for one in series:
        try:
            markets.append(_calibrated(one, estimator, chosen, _named(progress, one.market)))
        except Failed as failure:
            problems.append(Problem(one.file, None, None, "", f"market {one.market}: {failure}"))
    together = None
    if len(series) > 1 and not problems:
        try:
            together = structure(series, chosen.window or min(choose_window(one) for one in series))
        except Failed as failure:
            problems.append(Problem(series[0].file, None, None, "", str(failure)))
    if problems:
        raise MeaninglessInput(problems)
    common = common_jumps([one.series for one in markets], [one.fit for one in markets]) if len(series) > 1 else None
    return Calibration(model, tuple(markets), together, common)


def _calibrated(series: Series, estimator: Estimator, options: Options, progress: Progress | None) -> Calibrated:
    if len(series.value) < estimator.least:
        raise Failed(f"{len(series.value)} returns; {estimator.model} needs at least {estimator.least}")
    window = options.window or choose_window(series)
    fit = estimator.fit(Request(series, window, options.states, progress))
    comparisons = compare(fit, series, options.histories, progress) if options.histories else []
    return Calibrated(series, fit, tuple(comparisons))


def _named(progress: Progress | None, market: str) -> Progress | None:
    if progress is None:
        return None

    def tell(words: str) -> None:
        progress(f"{market}: {words}")

    return tell
