"""Times of a scenario in checks."""

from __future__ import annotations

import math


def checks_in(seconds: float, dt: float) -> int:
    """Whole checks in a time, rounded up; a billionth of a check over is none."""
    return math.ceil(seconds / dt - 1e-9)


def halving(dt: float, half_life: float) -> float:
    """What is left after one check of something that halves every ``half_life``."""
    if half_life == 0.0:
        return 0.0
    return 1.0 if math.isinf(half_life) else 2.0 ** (-dt / half_life)
