"""Who pays the bad debt: the waterfall's layers at the mean, at quantiles and on the worst path.

At a level the payments of the paths are averaged with the Harrell-Davis weights of their rank by bad debt. The parts
then add up to the estimate of the quantile itself, and each is an estimate of E[payment | bad debt = quantile], the
Euler contribution (Gouriéroux, Laurent and Scaillet 2000, J. Empirical Finance 7, eq. 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stress.sizing.estimate import Floats
from stress.sizing.quantiles import harrell_davis_weights, quantile_of, smoothing_weights, value_at_risk
from stress.sizing.weights import Weights

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


def split(
    bad_debt: Floats,
    payments: Sequence[tuple[str, str, Floats]],
    levels: Sequence[float],
    weights: Weights | None = None,
) -> tuple[Payer, ...]:
    """What each payer bears.

    Args:
        bad_debt: [w] bad debt of each path.
        payments: layer, kind and [w] part of the bad debt that it bears.
        levels: levels of bad debt at which to split.
        weights: of the paths, in their order.
    """
    order = np.argsort(bad_debt, kind="stable")
    mean = np.mean if weights is None else weights.mean
    around = [_around(bad_debt[order], level, None if weights is None else weights.ordered(order)) for level in levels]
    return tuple(
        Payer(
            layer,
            kind,
            float(mean(paid)),
            tuple(None if near is None else float(near @ paid[order]) for near in around),
            float(paid[order[-1]]),
        )
        for layer, kind, paid in payments
    )


def _around(ordered: Floats, level: float, weights: Weights | None) -> Floats | None:
    """[w] weights of the ascending paths around a quantile; None with fewer than 10 exceedances, 0 where that is 0."""
    if value_at_risk(ordered, level, weights=weights).value is None:
        return None
    if quantile_of(ordered, level, weights) == 0.0:
        return np.zeros(ordered.size)
    if weights is not None:
        return smoothing_weights(ordered, level, weights)
    near = np.zeros(ordered.size)
    first, smoothed = harrell_davis_weights(ordered.size, level)
    near[first : first + smoothed.size] = smoothed
    return near
