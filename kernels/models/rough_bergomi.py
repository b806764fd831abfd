"""Rough Bergomi: log variance driven by a Volterra process rougher than Brownian motion.

v_t = xi0 exp(eta Y_t - eta^2 Var(Y_t) / 2), Y_t = sqrt(2H) int_0^t (t - s)^(H - 1/2) dW_s. The last step of the
integral, where the kernel is singular, is drawn exactly, as in the hybrid scheme. What came before is carried by a few
exponentials fitted to the hybrid scheme's weights, so that a step costs the same however long the path is.
"""

from __future__ import annotations

import math

import numpy as np

from ..jit import part, vector_part
from ..philox import MODEL_NORMAL, fill_normals
from ..registry import Parameter, Rule
from ..structs import Floats
from ..vecmath import exp64
from .lanes import Lanes

RULE = Rule(
    "rough_bergomi",
    "The logarithm of the variance is driven by a fractional kernel; the roughness is the Hurst exponent.",
    "Bayer, Friz & Gatheral (2016), Quantitative Finance 16:887; scheme of Bennedsen, Lunde & Pakkanen (2017), Finance "
    "and Stochastics 21:931, the past in exponentials as of Roemer (2022), hybrid multifactor scheme.",
    (
        Parameter("xi0", "1/year", "Forward variance, the same at all times."),
        Parameter("eta", "1", "Volatility of the logarithm of the variance."),
        Parameter("hurst", "1", "Hurst exponent, under 1/2; smaller is rougher."),
        Parameter("factors", "1", "Exponentials that carry the past."),
    ),
)
"""The table holds, for K factors, their decay per step [K], their weights [K], and eta^2 Var(Y) / 2 at every step, the
variance being that of the scheme: so the mean of the variance is xi0 at any step and with any fit."""


LEAST = -700.0
"""Least exponent of the variance, which is nothing by then: exp64 holds down to -708."""


@part
def coefficients(params: Floats, dt: float, out: Floats) -> None:
    """Fill out with dt, its root, xi0, eta sqrt(2H), what the last step of the integral takes of the variance shock and
    of its own normal, and the number of factors; dt in years.

    The last step has the variance dt^2H / 2H and the covariance dt^(H + 1/2) / (H + 1/2) with its Brownian increment.
    """
    hurst = params[2]
    shared = dt**hurst / (hurst + 0.5)
    out[0] = dt
    out[1] = math.sqrt(dt)
    out[2] = params[0]
    out[3] = params[1] * math.sqrt(2.0 * hurst)
    out[4] = shared
    out[5] = math.sqrt(max(0.0, dt ** (2.0 * hurst) / (2.0 * hurst) - shared * shared))
    out[6] = params[3]


@part
def begin(coefficient: Floats, lanes: Lanes) -> None:
    """There is no past yet."""
    for row in range(int(coefficient[6]) + 1):
        memory = lanes.memory[row]
        for lane in range(memory.size):
            memory[lane] = 0.0


@vector_part
def move(coefficient: Floats, drift: float, stretch: float, half: float, third: int, lanes: Lanes) -> None:
    """Step the price at the variance before the step, then the variance; ``half`` is its compensator."""
    dt, scale = coefficient[0] * stretch * stretch, coefficient[1] * stretch
    level, vol, shared, alone = coefficient[2], coefficient[3], coefficient[4], coefficient[5]
    x, v, past = lanes.log_price, lanes.variance, lanes.memory[0]
    zv, zx, own = lanes.shock_variance, lanes.shock_price, lanes.normals[third]
    for lane in range(x.size):
        now = v[lane]
        x[lane] += (drift - 0.5 * dt * now) + scale * math.sqrt(now) * np.float64(zx[lane])
        latest = shared * np.float64(zv[lane]) + alone * np.float64(own[lane])
        exponent = vol * (latest + past[lane]) - half
        v[lane] = level * exp64(exponent if exponent > LEAST else LEAST)
        past[lane] = 0.0


@vector_part
def remember(decay: float, weight: float, root_dt: float, lanes: Lanes, row: int) -> None:
    """Let a factor take in the latest increment, and its share of the next step's past."""
    factor, past, zv = lanes.memory[row], lanes.memory[0], lanes.shock_variance
    for lane in range(factor.size):
        now = decay * (factor[lane] + root_dt * np.float64(zv[lane]))
        factor[lane] = now
        past[lane] += weight * now


@part
def advance(coefficient: Floats, drift: float, stretch: float, lanes: Lanes) -> None:
    """One step of log drift ``drift``, with the price's volatility multiplied by ``stretch``."""
    counter, factors = lanes.counter, int(coefficient[6])
    third = (counter.step - 1) % 4
    if third == 0:
        fill_normals(
            lanes.normals, counter.first_path, (counter.step - 1) // 4, counter.market, MODEL_NORMAL, counter.key
        )
    move(coefficient, drift, stretch, lanes.table[2 * factors + counter.step], third, lanes)
    for k in range(factors):
        remember(lanes.table[k], lanes.table[factors + k], coefficient[1], lanes, k + 1)
