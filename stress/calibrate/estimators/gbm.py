"""Constant volatility."""

from __future__ import annotations

import math

from stress.calibrate.estimators.common import Request, rule_of_thumb
from stress.calibrate.fit import Estimate, Fit
from stress.calibrate.likelihood import mean_error


def fit(request: Request) -> Fit:
    """Maximum likelihood, which is the sample variance; its error allows for volatility that clusters."""
    series = request.series
    centred = series.value - series.value.mean()
    squares = centred**2 / series.dt
    volatility = math.sqrt(squares.mean())
    error = mean_error(squares, rule_of_thumb(len(squares))) / (2.0 * volatility)
    return Fit(
        "gbm",
        {"type": "gbm", "volatility": volatility},
        {"volatility": Estimate(volatility, error)},
        "Maximum likelihood; error of Newey and West (1987).",
    )
