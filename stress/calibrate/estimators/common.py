"""What every estimator is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from stress.calibrate.likelihood import Progress
from stress.calibrate.prices import Series


@dataclass(frozen=True)
class Request:
    """Prices of one market and how to look at them."""

    series: Series
    window: float
    """Seconds of a window of realised variance."""
    states: int = 2
    """States of a regime chain."""
    progress: Progress | None = None


def rule_of_thumb(observations: int) -> int:
    """Lags of a long-run variance of a series with long memory: the square root of its length."""
    return int(observations**0.5)
