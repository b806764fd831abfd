"""Heston's model by full-truncation Euler steps, for steps up to about one minute."""

from __future__ import annotations

import math

import numpy as np

from ..jit import part, vector_part
from ..registry import Parameter, Rule
from ..structs import Floats
from .lanes import Lanes

PARAMETERS = (
    Parameter("kappa", "1/year", "Speed at which the variance returns to its mean."),
    Parameter("theta", "1/year", "Long-run mean of the variance."),
    Parameter("xi", "1/year", "Volatility of the variance."),
    Parameter("rho", "1", "Correlation of the price with its own variance."),
)
RULE = Rule(
    "heston_euler",
    "Stochastic variance, dv = kappa (theta - v) dt + xi sqrt(v) dW; a negative variance acts as zero.",
    "Heston (1993); scheme of Lord, Koekkoek & van Dijk (2010), Quantitative Finance 10:177.",
    PARAMETERS,
)


@part
def coefficients(params: Floats, dt: float, out: Floats) -> None:
    """Fill out with (kappa dt, theta, xi sqrt(dt), sqrt(dt), dt / 2); dt in years.

    rho is not needed: the two shocks arrive correlated.
    """
    root = math.sqrt(dt)
    out[0] = params[0] * dt
    out[1] = params[1]
    out[2] = params[2] * root
    out[3] = root
    out[4] = 0.5 * dt


@vector_part
def advance(coefficient: Floats, drift: float, stretch: float, lanes: Lanes) -> None:
    """One step of log drift ``drift``, with the price's volatility multiplied by ``stretch``."""
    reversion, mean, xi = coefficient[0], coefficient[1], coefficient[2]
    scale = coefficient[3] * stretch
    half = coefficient[4] * stretch * stretch
    x, v, zv, zx = lanes.log_price, lanes.variance, lanes.shock_variance, lanes.shock_price
    for lane in range(x.size):
        now = v[lane]
        held = now if now > 0.0 else 0.0
        root = math.sqrt(held)
        x[lane] += (drift - half * held) + scale * root * np.float64(zx[lane])
        v[lane] = now + (reversion * (mean - held) + xi * root * np.float64(zv[lane]))
