"""From one horizon to a year.

A run says what happens given that its scenario happens. How often it does is not in the run, so that every figure for a
year stands beside the frequency it assumes, and horizons are taken as independent and alike: a probability p per
horizon becomes 1 - (1 - p)^k over k of them. Crises come in clusters and leave funds half empty, so that both the
probability and the fund of a year are too small where the fund is not refilled between two of them.
"""

from __future__ import annotations

from stress.sizing.estimate import CONFIDENCE, Estimate, Floats
from stress.sizing.fund import Yearly, depletion_probability, fund_size
from stress.sizing.proportions import over_periods, per_period
from stress.sizing.weights import Weights
from stress.sizing.words import duration

YEAR_S = 365 * 86_400.0
"""Seconds of a year."""

_FREQUENCIES = ((0.1, "once in ten years"), (1.0, "once a year"), (12.0, "once a month"))


def frequencies(horizon_s: float, times: float | None = None) -> tuple[tuple[float, str], ...]:
    """How often the scenario may come within a year, and in words; ``times`` alone where it is given."""
    if times is not None:
        return ((times, f"{times:g} times a year"),)
    always = YEAR_S / horizon_s
    known = tuple(item for item in _FREQUENCIES if item[0] < always)
    return (*known, (always, f"every {duration(horizon_s)}"))


def over_a_year(
    required: Floats,
    capital: float | None,
    depletion: float,
    often: tuple[tuple[float, str], ...],
    confidence: float = CONFIDENCE,
    weights: Weights | None = None,
) -> tuple[Yearly, ...]:
    """The fund for each frequency.

    Args:
        required: [w] ascending required funds.
        capital: of the current fund; None for an unlimited one.
        depletion: accepted probability within a year.
        often: times a year and their words, as :func:`frequencies` gives them.
        confidence: of the intervals.
        weights: of the paths, in the same order.
    """
    once = None if capital is None else depletion_probability(required, capital, confidence, weights)
    return tuple(
        Yearly(
            times,
            words,
            None if once is None else _repeated(once, times),
            fund_size(required, per_period(depletion, times), confidence, weights),
        )
        for times, words in often
    )


def _repeated(once: Estimate, times: float) -> Estimate:
    """A probability and its interval over so many independent horizons."""
    value, low, high = (None if p is None else over_periods(p, times) for p in (once.value, once.low, once.high))
    return Estimate(value, low, high, once.exceedances, once.confidence, once.note)
