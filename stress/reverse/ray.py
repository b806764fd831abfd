"""The least scale at which a ray of events breaks the venue.

More is not always worse (a larger fall may come at a moment when fewer accounts are left, a faster one leaves the fund
less to take over), so a ray is looked at in several places before it is bisected, and what is told is the least
breaking scale between them, not a proof that nothing smaller breaks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

Breaks = Callable[[float], bool]
"""Whether the venue breaks at a scale."""

FINE, COARSE = 1.3, 1.8
"""Ratio of one scale to the next where the whole ray is looked at; coarse where not even its end breaks."""
LEAST_SHARE = 1e-3
"""Scales under this share of the longest are not looked at."""
_STEPS = 60


def between(breaks: Breaks, low: float, high: float, tolerance: float) -> float:
    """A breaking scale under ``high``, which breaks, with one that does not within the relative tolerance below it.

    :param low: a scale that does not break, 0 perhaps.
    """
    for _ in range(_STEPS):
        if high - low <= tolerance * high:
            break
        middle = 0.5 * (low + high)
        if breaks(middle):
            high = middle
        else:
            low = middle
    return high


def from_below(breaks: Breaks, low: float, high: float, tolerance: float) -> float | None:
    """Least breaking scale up to ``high``, looked for from ``low`` upwards; None where none breaks."""
    last = breaks(high)
    before = 0.0
    for scale in _geometric(low, high, FINE if last else COARSE):
        if breaks(scale):
            return between(breaks, before, scale, tolerance)
        before = scale
    return between(breaks, before, high, tolerance) if last else None


def _geometric(low: float, high: float, ratio: float) -> Iterator[float]:
    """From ``low`` to less than ``high`` in equal steps of about the ratio."""
    steps = max(1, math.ceil(math.log(high / low) / math.log(ratio))) if high > low else 0
    yield from (low * (high / low) ** (k / steps) for k in range(steps))


def from_above(breaks: Breaks, high: float, tolerance: float) -> float | None:
    """A breaking scale up to ``high`` with one that does not just below it; None where it and two smaller ones hold.

    Cheap where ``high`` is what is known already and most rays are no better.
    """
    for start in (high, high / FINE, high / FINE**3):
        if breaks(start):
            break
    else:
        return None
    top, below = start, start / FINE
    while below > LEAST_SHARE * high and breaks(below):
        top, below = below, below / FINE
    return between(breaks, below, top, tolerance)


def without_islands(breaks: Breaks, scale: float, tolerance: float) -> float:
    """A breaking scale of which none of a few somewhat smaller ones breaks; ``scale`` breaks."""
    shares = (0.99, 0.98, 0.96, 0.93, 0.9, 0.8, 0.7, 0.5)
    while True:
        smaller = next((scale * share for share in shares if breaks(scale * share)), None)
        if smaller is None:
            return scale
        scale = between(breaks, 0.0, smaller, tolerance)
