"""How large the pool's first fund must be.

A path's *required fund* is the capital with which the fund never declines on it: an unlimited fund's largest fall plus
the floor. By the sizing identity a fund of size F is depleted on exactly the paths that require more than F, so one run
sizes every fund: the fund for a depletion probability d is the 1 - d quantile of the required fund.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stress.sizing.estimate import (
    CONFIDENCE,
    LEAST_EXCEEDANCES,
    Estimate,
    Floats,
    checked_level,
)
from stress.sizing.proportions import share_of
from stress.sizing.quantiles import upper_bound, value_at_risk
from stress.sizing.weights import Weights

_CURVE_POINTS = 60
_CURVE_LEAST = 1e-9
_CURVE_LARGEST = 0.5
"""The curve runs from every second path depleted to the last probability that 10 paths support."""


@dataclass(frozen=True)
class FundSize:
    """Fund that is depleted with probability ``depletion`` over the horizon."""

    depletion: float
    size: Estimate
    upper: float | None
    """One-sided upper confidence bound of the size: what a cautious venue holds."""


@dataclass(frozen=True)
class CurvePoint:
    """One point of fund size against depletion probability, with its pointwise interval."""

    depletion: float
    size: float
    low: float
    high: float


@dataclass(frozen=True)
class Newsvendor:
    """Fund that minimises capital cost * fund + breach cost * E[loss beyond the fund]: the 1 - r / c quantile.

    (Arrow, Harris and Marschak 1951, Econometrica 19.) Both costs are per unit of money and horizon.
    """

    capital_cost: float
    breach_cost: float
    fund: FundSize


@dataclass(frozen=True)
class Yearly:
    """The fund over a year in which the scenario comes ``times`` times, independently."""

    times: float
    words: str
    depleted: Estimate | None
    """Probability that the current fund is depleted within the year; None for an unlimited one."""
    target: FundSize
    """Fund that is depleted within the year with the accepted probability; its depletion is that of one horizon."""


@dataclass(frozen=True)
class FundSizing:
    """The fund of one pool: what it holds, what it needs."""

    layer: str
    kind: str
    """Kind of the layer: insurance_fund or backstop_vault."""
    current: float | None
    """Capital in the scenario; None for an unlimited fund, which is never depleted."""
    depleted: Estimate | None
    """Probability that the current fund is depleted over the horizon; None for an unlimited one."""
    target: FundSize
    newsvendor: Newsvendor | None
    """None where the scenario gives no costs, or capital costs as much as a breach."""
    curve: tuple[CurvePoint, ...]
    years: tuple[Yearly, ...] = ()
    """The fund over a year, for several frequencies of the scenario."""

    @property
    def noun(self) -> str:
        """What a reader calls the layer."""
        return "vault" if self.kind == "backstop_vault" else "fund"


def fund_size(
    required: Floats, depletion: float, confidence: float = CONFIDENCE, weights: Weights | None = None
) -> FundSize:
    """Size for a depletion probability from the ascending required funds of all paths."""
    level = 1.0 - checked_level(depletion)
    size = value_at_risk(required, level, confidence, weights)
    upper = None if size.value is None else upper_bound(required, level, confidence, weights)
    return FundSize(depletion, size, upper)


def depletion_probability(
    required: Floats, capital: float, confidence: float = CONFIDENCE, weights: Weights | None = None
) -> Estimate:
    """Probability that a fund of ``capital`` is depleted: share of the paths that require more."""
    return share_of(required > capital, confidence, weights)


def depletion_curve(
    required: Floats, confidence: float = CONFIDENCE, weights: Weights | None = None
) -> tuple[CurvePoint, ...]:
    """Fund sizes at probabilities from 0.5 down to the last one that 10 paths support, evenly in the logarithm.

    Weighted paths may support probabilities under 10 / n; how far they do is tried.
    """
    least = LEAST_EXCEEDANCES / required.size if weights is None else _least_supported(required, weights)
    if least >= _CURVE_LARGEST:
        return ()
    points = []
    for depletion in np.geomspace(_CURVE_LARGEST, least, _CURVE_POINTS):
        # The last probability is 10 / n but for rounding, and must not fall under it.
        level = min(1.0 - float(depletion), 1.0 - least)
        size = value_at_risk(required, level, confidence, weights)
        if size.value is not None and size.low is not None and size.high is not None:
            points.append(CurvePoint(1.0 - level, size.value, size.low, size.high))
    return tuple(points)


def _least_supported(required: Floats, weights: Weights) -> float:
    """The last of twice as many probabilities as the curve's that 10 weighted paths support; 1 where none is."""
    tried = np.geomspace(_CURVE_LEAST, _CURVE_LARGEST, 2 * _CURVE_POINTS).tolist()
    return next((each for each in tried if value_at_risk(required, 1.0 - each, weights=weights).value is not None), 1.0)


def newsvendor(
    required: Floats,
    capital_cost: float,
    breach_cost: float,
    confidence: float = CONFIDENCE,
    weights: Weights | None = None,
) -> Newsvendor | None:
    """Cheapest fund; None unless 0 < capital cost < breach cost, as nothing or everything would be held."""
    if not 0.0 < capital_cost < breach_cost:
        return None
    return Newsvendor(capital_cost, breach_cost, fund_size(required, capital_cost / breach_cost, confidence, weights))
