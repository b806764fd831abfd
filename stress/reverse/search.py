"""Search for the smallest and the most likely event: starts in every corner, then a compass search over directions.

The compass search (Kolda, Lewis and Torczon 2003) polls points around the best one along axes that a seeded rotation
turns, and halves its step where no poll is better. What a poll is worth is what its ray is worth at the boundary, so
the search moves along the boundary between events that break the venue and events that do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from stress.kernels.structs import Floats
from stress.reverse.event import Event
from stress.reverse.ray import LEAST_SHARE, from_above, from_below
from stress.reverse.space import Space
from stress.reverse.trial import Trial

Worth = Callable[[Event], float]
"""What is least at the event that is looked for: its size, or its nats."""

TOLERANCE = 0.01
"""Relative accuracy of a scale while directions are searched."""
BETTER = 0.002
"""Least relative improvement for which a direction is changed."""
FIRST_STEP, LAST_STEP = 0.5, 0.03
"""Steps of the compass, as shares of the distance from no event."""
SHORTEST = 0.01
"""Smallest log move, or other size, at which a whole ray is looked at."""


class Spent(Exception):
    """The evaluations of a task are used up."""


@dataclass(frozen=True, eq=False)
class Found:
    """A point of the boundary: an event that breaks the venue, of which somewhat less does not."""

    space: Space
    point: Floats
    worth: float

    @property
    def event(self) -> Event:
        """The event itself."""
        return self.space.event(self.point)


class Probe:
    """Tries the points of one space and counts; keeps every boundary point it comes by."""

    def __init__(self, space: Space, trial: Trial, evaluations: int, tick: Callable[[], None]) -> None:
        self.space = space
        self.left = evaluations
        self.found: list[Found] = []
        self._trial = trial
        self._tick = tick

    def breaks(self, point: Floats) -> bool:
        """Whether the event at the point breaks the venue.

        :raises Spent: there is no evaluation left.
        """
        if self.left == 0:
            raise Spent
        self.left -= 1
        self._tick()
        return self._trial.breaks(self.space.event(point))

    def along(self, point: Floats) -> Callable[[float], bool]:
        """Whether the venue breaks at a scale of the point."""
        return lambda scale: self.breaks(scale * point)

    def boundary(self, point: Floats, worth: Worth, known: Found | None) -> Found | None:
        """Where the ray through ``point`` breaks; None where nowhere, or nowhere better than what is known."""
        longest = self.space.longest(point)
        if not np.isfinite(longest):
            return None
        if known is None:
            shortest = max(SHORTEST / max(float(np.abs(point).max()), 1e-300), LEAST_SHARE * longest)
            scale = from_below(self.along(point), min(shortest, longest), longest, TOLERANCE)
        else:
            top = scale_of(lambda s: worth(self.space.event(s * point)), (1.0 - BETTER) * known.worth, longest)
            scale = from_above(self.along(point), top, TOLERANCE) if top > 0.0 else None
        if scale is None:
            return None
        found = Found(self.space, scale * point, worth(self.space.event(scale * point)))
        self.found.append(found)
        return found


def scale_of(worth: Callable[[float], float], level: float, longest: float) -> float:
    """Largest scale up to ``longest`` that is worth no more than ``level``; 0 where even a thousandth of it is."""
    if worth(longest) <= level:
        return longest
    low, high = 0.0, longest
    for _ in range(14):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if worth(middle) <= level else (low, middle)
    return low


def screen(probe: Probe, points: Iterable[Floats], worth: Worth, known: Found | None = None) -> Found | None:
    """The best boundary point on the rays through some points; ``known`` is one to beat, of another space perhaps."""
    best = known
    try:
        for point in points:
            found = probe.boundary(point, worth, best)
            if found is not None and (best is None or found.worth < best.worth):
                best = found
    except Spent:
        pass
    return best


def descend(probe: Probe, start: Found, worth: Worth, seed: int) -> Found:
    """The best boundary point that a compass search from ``start`` comes to with the evaluations left."""
    rng = np.random.default_rng(seed)
    best, step = start, FIRST_STEP
    try:
        while step > LAST_STEP:
            better = None
            for point in _polls(best, step, rng):
                better = probe.boundary(point, worth, best)
                if better is not None:
                    break
            if better is None:
                step *= 0.5
            elif better.worth < best.worth:
                best = better
    except Spent:
        pass
    return best


def _polls(best: Found, step: float, rng: np.random.Generator) -> Iterator[Floats]:
    """Points around the best one: along the axes, along rotated ones, and with each small coordinate put to nothing."""
    typical = best.space.typical
    at = best.point / typical
    reach = step * float(np.linalg.norm(at))
    size = len(at)
    rotated, _ = np.linalg.qr(rng.normal(size=(size, size)))
    for axis in (*np.eye(size), *rotated) if size > 1 else np.eye(size):
        yield from ((at + sign * reach * axis) * typical for sign in (-1.0, 1.0))
    for n in range(size):
        if 0.0 < abs(at[n]) < reach:
            dropped = best.point.copy()
            dropped[n] = 0.0
            yield dropped
