"""One estimator per price model, and the registry of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stress.calibrate.estimators import bates, garch, gbm, heston, merton, regime, svcj
from stress.calibrate.estimators.common import Request
from stress.calibrate.fit import Fit

__all__ = ["ESTIMATORS", "Estimator", "Request"]


@dataclass(frozen=True)
class Estimator:
    """How a model's parameters are found."""

    model: str
    fit: Callable[[Request], Fit]
    least: int
    """Returns without which no attempt is made."""


ESTIMATORS: tuple[Estimator, ...] = (
    Estimator("gbm", gbm.fit, 30),
    Estimator("merton", merton.fit, 250),
    Estimator("heston", heston.fit, 250),
    Estimator("bates", bates.fit, 1_000),
    Estimator("svcj", svcj.fit, 1_000),
    Estimator("garch", garch.fit, 500),
    Estimator("regime", regime.fit, 250),
)
"""Estimators by the name of their model in a scenario."""
