"""Who pays the bad debt: the waterfall's layers at the mean, at quantiles and on the worst path.

At a level the payments of the paths are averaged with the Harrell-Davis weights of their rank by bad debt. The parts
then add up to the estimate of the quantile itself, and each is an estimate of E[payment | bad debt = quantile], the
Euler contribution (Gouriéroux, Laurent and Scaillet 2000, J. Empirical Finance 7, eq. 5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stress.sizing.estimate import LEAST_EXCEEDANCES, Floats, expected_exceedances
from stress.sizing.quantiles import harrell_davis_weights

RESIDUAL = "residual"
"""Kind of the payer of last resort: what no layer bears is written off."""


@dataclass(frozen=True)
class Payer:
    """One layer, or the residual, and what it pays of the bad debt."""

    layer: str
    kind: str
    mean: float
    levels: tuple[float | None, ...]
    """At each level; None where it has too few exceedances."""
    worst: float
    """On the path with the largest bad debt."""


def split(bad_debt: Floats, payments: Sequence[tuple[str, str, Floats]], levels: Sequence[float]) -> tuple[Payer, ...]:
    """What each payer bears.

    Args:
        bad_debt: [w] bad debt of each path.
        payments: layer, kind and [w] part of the bad debt that it bears.
        levels: levels of bad debt at which to split.
    """
    order = np.argsort(bad_debt, kind="stable")
    return tuple(
        Payer(
            layer,
            kind,
            float(paid.mean()),
            tuple(_at_level(bad_debt, paid, order, level) for level in levels),
            float(paid[order[-1]]),
        )
        for layer, kind, paid in payments
    )


def _at_level(bad_debt: Floats, paid: Floats, order: NDArray[np.intp], level: float) -> float | None:
    """Payment at a quantile of the bad debt; None with fewer than 10 exceedances, 0 where the quantile is."""
    if expected_exceedances(order.size, level) < LEAST_EXCEEDANCES:
        return None
    if bad_debt[order[math.ceil(round(order.size * level, 6)) - 1]] == 0.0:
        return 0.0
    first, weights = harrell_davis_weights(order.size, level)
    return float(weights @ paid[order[first : first + weights.size]])
