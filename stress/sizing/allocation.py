"""Where the tail loss comes from: Euler contributions to expected shortfall.

The contribution of a part X of the loss L is E[X | L beyond its quantile], and the contributions add up to the expected
shortfall of L (Tasche 1999, "Risk contributions and performance measurement"; McNeil, Frey and Embrechts 2015, 8.5). It
is what the fund could be smaller by, per unit, if the part were a little smaller: the fair share, not the loss that
would go away with the part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stress.sizing.estimate import LEAST_EXCEEDANCES, Floats, expected_exceedances
from stress.sizing.quantiles import quantile_of
from stress.sizing.weights import Weights


@dataclass(frozen=True)
class Contribution:
    """One part of a loss."""

    name: str
    mean: float
    levels: tuple[float | None, ...]
    """Contribution to expected shortfall at each level; None where it has too few exceedances."""


@dataclass(frozen=True)
class Allocation:
    """One loss divided one way."""

    by: str
    """What the parts are: pool, market or owner."""
    metric: str
    parts: tuple[Contribution, ...]
    """Largest contribution at the first level first; what is not named is the last."""
    alone: tuple[float | None, ...] = ()
    """Sum of the parts' own expected shortfalls at each level, where parts can stand alone; else empty."""


def allocate(
    by: str,
    metric: str,
    parts: Mapping[str, Floats],
    levels: Sequence[float],
    weights: Weights | None = None,
    rest: str | None = None,
) -> Allocation:
    """Divide the sum of the parts.

    Args:
        by: what the parts are.
        metric: name of the loss.
        parts: [w] part of the loss on every path, by name.
        levels: of expected shortfall.
        weights: of the paths, in the order of the parts.
        rest: name of the part that stands for all that is not named, and comes last.
    """
    total = sum(parts.values(), np.zeros(next(iter(parts.values())).size))
    tails = [tail_weights(total, level, weights) for level in levels]
    every = np.ones_like(total) / total.size if weights is None else weights.counts / total.size
    found = [
        Contribution(name, float(every @ part), tuple(None if tail is None else float(tail @ part) for tail in tails))
        for name, part in parts.items()
    ]
    found.sort(key=lambda c: (c.name == rest, -(c.levels[0] or 0.0) if c.levels else 0.0, -c.mean, c.name))
    return Allocation(by, metric, tuple(found))


def tail_weights(loss: Floats, level: float, weights: Weights | None = None) -> Floats | None:
    """[w] weights that add up to 1 on the worst 1 - level of the paths; None under 10 expected exceedances.

    The paths at the quantile share what is left of the tail, so that the order of equal losses does not matter.
    """
    order = np.argsort(loss, kind="stable")
    ordered = loss[order]
    ranked = None if weights is None else weights.ordered(order)
    quantile = quantile_of(ordered, level, ranked)
    exceedances = expected_exceedances(loss.size, level)
    if ranked is not None:
        exceedances = (1.0 - level) * ranked.effective(ordered > quantile)
    if exceedances < LEAST_EXCEEDANCES:
        return None
    mass = np.full(loss.size, 1.0 / loss.size) if weights is None else weights.counts / loss.size
    beyond, at = loss > quantile, loss == quantile
    left = max(1.0 - level - math.fsum(mass[beyond]), 0.0)
    share = left / math.fsum(mass[at])
    return np.where(beyond, mass, np.where(at, mass * share, 0.0)) / (1.0 - level)
