"""Heston's model by Andersen's quadratic-exponential scheme, for steps of minutes to a day."""

from __future__ import annotations

import math

import numpy as np

from ..jit import part, vector_part
from ..registry import Rule
from ..structs import Floats
from ..vecmath import log64, upper_tail64
from .heston_euler import PARAMETERS
from .lanes import Lanes

RULE = Rule(
    "heston_qe",
    "Stochastic variance, dv = kappa (theta - v) dt + xi sqrt(v) dW, drawn from its matched conditional moments.",
    "Heston (1993); scheme of Andersen (2008), Journal of Computational Finance 11(3):1-42.",
    PARAMETERS,
)

SWITCH = 1.5
"""Squared coefficient of variation from which the exponential branch is used; Andersen's value, any of 1 to 2 works."""
LEAST = 1e-10
"""Floor of the same: a variance without volatility then moves by 1e-5 of itself instead of dividing by zero. A step of
one second has 1e-7 at the volatilities of variance seen in crypto markets."""


@part
def coefficients(params: Floats, dt: float, out: Floats) -> None:
    """Fill out with the conditional moments of v and the leverage terms of the log price; dt in years.

    m = out[0] + out[1] v and s^2 = out[2] v + out[3] (Andersen 2008, eqs. 17 and 18); then kappa dt, theta, rho / xi,
    rho and dt.
    """
    kappa, theta, xi, rho = params[0], params[1], params[2], params[3]
    reverted = -math.expm1(-kappa * dt)
    decay = 1.0 - reverted
    out[0] = theta * reverted
    out[1] = decay
    out[2] = xi * xi * decay * reverted / kappa
    out[3] = theta * xi * xi * reverted * reverted / (2.0 * kappa)
    out[4] = kappa * dt
    out[5] = theta
    out[6] = rho / xi if xi > 0.0 else 0.0
    out[7] = rho
    out[8] = dt


@vector_part
def draw_quadratic(coefficient: Floats, lanes: Lanes) -> None:
    """Next variance of every lane into work[0] by the quadratic branch, psi into work[1] (eqs. 23-28)."""
    base, decay, slope, level = coefficient[0], coefficient[1], coefficient[2], coefficient[3]
    v, zv, following, spread = lanes.variance, lanes.shock_variance, lanes.work[0], lanes.work[1]
    for lane in range(following.size):
        mean = base + decay * v[lane]
        psi = (slope * v[lane] + level) / (mean * mean)
        spread[lane] = psi
        psi = psi if psi < SWITCH else SWITCH
        inverse = 2.0 / (psi if psi > LEAST else LEAST)
        b2 = inverse - 1.0 + math.sqrt(inverse * (inverse - 1.0))
        b = math.sqrt(b2) + np.float64(zv[lane])
        following[lane] = mean / (1.0 + b2) * b * b


@vector_part
def any_over_switch(spread: Floats) -> bool:
    """Whether a lane needs the exponential branch; counted without a break, which would keep the loop scalar."""
    count = 0
    for lane in range(spread.size):
        count += 1 if spread[lane] > SWITCH else 0
    return count > 0


@vector_part
def draw_exponential(coefficient: Floats, lanes: Lanes) -> None:
    """Redraw the lanes whose psi is over the switch: a mass at zero and an exponential tail (eqs. 29-30).

    v' = max(0, log((1 - p) / U) m / (1 - p)), U the upper tail probability of the variance shock. All lanes are
    computed and those over the switch kept: redrawing them one by one took four times as long where they are many.
    """
    base, decay = coefficient[0], coefficient[1]
    v, zv, following, spread = lanes.variance, lanes.shock_variance, lanes.work[0], lanes.work[1]
    for lane in range(following.size):
        psi = spread[lane]
        rest = 2.0 / (psi + 1.0)
        ratio = rest / upper_tail64(np.float64(zv[lane]))
        tail = log64(ratio if ratio > 1.0 else 1.0) * (base + decay * v[lane]) / rest
        following[lane] = tail if psi > SWITCH else following[lane]


@vector_part
def advance(coefficient: Floats, drift: float, stretch: float, lanes: Lanes) -> None:
    """One step of log drift ``drift``, with the price's volatility multiplied by ``stretch``.

    The integral of v is dt (v + v') / 2 (Andersen 2008, eq. 33 with gamma 1/2). With the volatility stretched by f
    the log price moves by f (rho/xi) (v' - v - kappa theta dt + kappa I) - f^2 I / 2 + f sqrt((1 - rho^2) I) Z.
    Z is the part of the price shock that is independent of the variance shock.
    """
    draw_quadratic(coefficient, lanes)
    if any_over_switch(lanes.work[1]):
        draw_exponential(coefficient, lanes)
    reversion, theta, lever, rho, dt = coefficient[4], coefficient[5], coefficient[6], coefficient[7], coefficient[8]
    lever *= stretch
    average = 0.5 * (lever * reversion - 0.5 * stretch * stretch * dt)
    shift = drift - lever * reversion * theta
    scale = stretch * math.sqrt(0.5 * dt)
    x, v, following = lanes.log_price, lanes.variance, lanes.work[0]
    zv, zx = lanes.shock_variance, lanes.shock_price
    for lane in range(x.size):
        total = v[lane] + following[lane]
        own = np.float64(zx[lane]) - rho * np.float64(zv[lane])
        x[lane] += shift + lever * (following[lane] - v[lane]) + average * total + scale * math.sqrt(total) * own
        v[lane] = following[lane]
