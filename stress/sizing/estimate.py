"""A number with its interval, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
"""Confidence of two-sided intervals and of one-sided bounds unless the caller says otherwise."""

LEAST_EXCEEDANCES = 10
"""Expected paths beyond a level under which no number is given."""

FEW_EXCEEDANCES = 50
"""Expected paths beyond a level under which a number is flagged."""


@dataclass(frozen=True)
class Estimate:
    """A point with a two-sided interval.

    ``value`` is None where the sample cannot carry a number, ``low`` and ``high`` are None where it cannot carry an
    interval; ``note`` then says why, and else what a reader must know before relying on the number.
    """

    value: float | None
    low: float | None
    high: float | None
    exceedances: float
    """Paths the number rests on: those expected beyond a level, or those in which an event was seen."""
    confidence: float = CONFIDENCE
    note: str = ""

    @classmethod
    def missing(cls, exceedances: float, note: str, confidence: float = CONFIDENCE) -> Estimate:
        """No number, and why."""
        return cls(None, None, None, exceedances, confidence, note)

    def paths_for(self, precision: float, paths: int) -> int | None:
        """Paths at which the wider half of the interval would be ``precision`` of the value; None without an interval.

        Intervals shrink with the square root of the paths.
        """
        if not self.value or self.low is None or self.high is None:
            return None
        half = max(self.value - self.low, self.high - self.value) / self.value
        return max(math.ceil(paths * (half / precision) ** 2), 1)

    def paths_to(self, exceedances: int, paths: int) -> int | None:
        """Paths at which the number would rest on ``exceedances`` of them; None where it now rests on none."""
        return math.ceil(round(exceedances * paths / self.exceedances, 6)) if self.exceedances > 0.0 else None

    @property
    def flagged(self) -> bool:
        """True where the number, or its absence, needs its note to be read."""
        return bool(self.note)


def expected_exceedances(paths: int, level: float) -> float:
    """Paths expected beyond the quantile at ``level``: n (1 - p), rounded where binary fractions are a hair off."""
    return round(paths * (1.0 - level), 6)


def exceedance_note(exceedances: float) -> str:
    """Flag for a number that rests on few paths; empty where they suffice."""
    if exceedances < LEAST_EXCEEDANCES:
        return f"no number: it takes {LEAST_EXCEEDANCES} paths beyond the level, {exceedances:.3g} expected"
    if exceedances < FEW_EXCEEDANCES:
        return f"only {exceedances:.3g} paths expected beyond the level"
    return ""


def paths_needed(level: float, exceedances: int = FEW_EXCEEDANCES) -> int:
    """Paths at which ``exceedances`` are expected beyond ``level``."""
    return math.ceil(round(exceedances / (1.0 - level), 6))


def checked_level(level: float) -> float:
    """The level itself.

    Raises:
        ValueError: unless 0 < level < 1.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"a level lies between 0 and 1, not {level}")
    return level


def ascending(losses: Floats) -> Floats:
    """[w] finite losses, not below zero, in ascending order.

    Raises:
        ValueError: for an empty sample, or one with a loss below zero or not finite.
    """
    ordered = np.sort(np.asarray(losses, dtype=np.float64))
    if ordered.size == 0:
        raise ValueError("a sample needs at least one path")
    if not np.isfinite(ordered).all() or ordered[0] < 0.0:
        raise ValueError("losses are finite and not below zero")
    return ordered
