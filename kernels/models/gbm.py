"""Geometric Brownian motion: constant volatility, stepped exactly."""

from __future__ import annotations

import math

import numpy as np

from ..jit import part, vector_part
from ..registry import Parameter, Rule
from ..structs import Floats
from .lanes import Lanes

RULE = Rule(
    "gbm",
    "Constant volatility: d ln S = (mu - v/2) dt + sqrt(v) dW.",
    "Samuelson (1965); exact at any step.",
    (Parameter("variance", "1/year", "Square of the volatility."),),
)


@part
def coefficients(params: Floats, dt: float, out: Floats) -> None:
    """Fill out with (v dt / 2, sqrt(v dt)); dt in years."""
    out[0] = 0.5 * params[0] * dt
    out[1] = math.sqrt(params[0] * dt)


@vector_part
def advance(coefficient: Floats, drift: float, stretch: float, lanes: Lanes) -> None:
    """One step of log drift ``drift``, with the volatility multiplied by ``stretch``."""
    shift = drift - coefficient[0] * stretch * stretch
    scale = coefficient[1] * stretch
    x, z = lanes.log_price, lanes.shock_price
    for lane in range(x.size):
        x[lane] += shift + scale * np.float64(z[lane])
