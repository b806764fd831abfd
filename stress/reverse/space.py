"""Directions in which events are searched: a few markets that lead, depth, and a false price."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stress.kernels.structs import Floats, Ints
from stress.reverse.event import SPOOF, Event, Fault, Window

MOST_LEADERS = 6
"""Markets that are searched; the others follow them."""
CORNERS = 3
"""Leaders up to which every combination of up, down and still is a start."""


@dataclass(frozen=True)
class Bounds:
    """Furthest that the search goes, as logarithms."""

    move: float
    depth: float
    spoof: float


@dataclass(frozen=True, eq=False)
class Space:
    """Points [d]: the log moves of the leaders, unless these are all there is the loss of depth, and with a spoof the
    log of the false price."""

    window: Window
    fault: Fault
    following: Floats
    """[m, k] moves of all markets for a unit move of each leader; the identity for the leaders themselves."""
    typical: Floats
    """[d] what is a step of the size of its kind."""
    bounds: Bounds

    @property
    def leaders(self) -> int:
        """Number of markets that lead."""
        return int(self.following.shape[1])

    def event(self, point: Floats) -> Event:
        """The event at a point; depth never grows."""
        k = self.leaders
        depth, spoof = (*point[k:].tolist(), 0.0, 0.0)[:2]
        return Event(self.window, self.fault, self.following @ point[:k], max(depth, 0.0), spoof)

    def longest(self, point: Floats) -> float:
        """Largest scale of a point within the bounds; infinite for the origin."""
        event = self.event(point)
        sizes = (
            (event.size, self.bounds.move),
            (event.depth, self.bounds.depth),
            (abs(event.spoof), self.bounds.spoof),
        )
        return min((bound / size for size, bound in sizes if size > 0.0), default=math.inf)

    def point(self, moves: Floats, depth: float = 0.0, spoof: float = 0.0) -> Floats:
        """The point of leaders' moves [k] and the rest."""
        point = np.append(moves, [depth, spoof])
        return point[: len(self.typical)]


def space_of(
    window: Window, fault: Fault, covariance: Floats, leaders: Ints, bounds: Bounds, prices_only: bool = False
) -> Space:
    """Markets that do not lead follow as the price model expects them to, given the leaders' moves.

    :param covariance: [m, m] of the moves of the window.
    :param leaders: [k] numbers of the markets that lead.
    :param prices_only: leave depth and oracles as they are.
    """
    among = covariance[np.ix_(leaders, leaders)]
    following = covariance[:, leaders] @ np.linalg.pinv(among)
    following[leaders] = np.eye(len(leaders))
    deviation = np.sqrt(np.maximum(np.diag(among), 1e-12))
    rest = () if prices_only else (0.7, 0.1) if fault.kind == SPOOF else (0.7,)
    return Space(window, fault, following, np.append(deviation, rest), bounds)


def corners(leaders: int) -> Iterator[Floats]:
    """Directions in which leaders move up, move down or stand still, those with all of them first."""
    if leaders <= CORNERS:
        signs = [np.array(each, dtype=np.float64) for each in itertools.product((-1.0, 0.0, 1.0), repeat=leaders)]
        yield from sorted((each for each in signs if each.any()), key=lambda each: -float(np.abs(each).sum()))
        return
    yield from (sign * np.ones(leaders) for sign in (-1.0, 1.0))
    yield from (sign * row for row in np.eye(leaders) for sign in (-1.0, 1.0))


def expected(covariance: Floats, leaders: Ints) -> Iterator[Floats]:
    """Directions in which one leader moves and the others as is then expected; and in which all move together."""
    among = covariance[np.ix_(leaders, leaders)]
    deviation = np.sqrt(np.maximum(np.diag(among), 1e-12))
    for row, own in zip(among, deviation, strict=True):
        yield from (sign * row / own for sign in (-1.0, 1.0))
    if len(leaders) > 1:
        together = among.sum(axis=0) / math.sqrt(max(float(among.sum()), 1e-12))
        yield from (sign * together for sign in (-1.0, 1.0))
        yield from (sign * deviation for sign in (-1.0, 1.0))
