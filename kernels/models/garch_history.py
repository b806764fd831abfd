"""Filtered historical simulation: GJR-GARCH whose innovations are resampled from standardised residuals.

A bar of conditional variance h moves by sqrt(h) z, z a row of the table. The
row is drawn by (path, bar) alone, so all markets with residuals of the same
dates take the same date, and with it the dependence of that date. Steps finer
than the bar walk a Brownian bridge to its end. The bridge's variance is h (1 +
z^2) / 2, the mean of the variance of a t innovation with three degrees of
freedom given z: a bar that ends far away is also rough on its way.
"""

from __future__ import annotations

import math

import numpy as np

from ..jit import part, vector_part
from ..philox import HISTORY, philox, uniform64
from ..registry import Parameter, Rule
from ..structs import Floats
from .gjr import PARAMETERS, bar_coefficients, following
from .lanes import Lanes

U32 = np.uint32

RULE = Rule(
    "garch_history",
    "The variance of a bar follows from the move of the bar before it; innovations are resampled from history.",
    "Barone-Adesi, Giannopoulos & Vosper (1999), Journal of Futures Markets 19:583; variance of Glosten, Jagannathan & "
    "Runkle (1993).",
    (*PARAMETERS, Parameter("residuals", "1", "Number of residuals; the table goes on with their compensator.")),
)
"""After the residuals the table holds g(s) = log(mean exp(s z)) / s^2 at s = 0 .. FARTHEST, equally spaced."""

ROWS = 4
LEVEL, TARGET, DONE, COMPENSATOR = 0, 1, 2, 3
"""Rows of the memory: conditional variance h of the bar, where its move ends, where it is, compensator per step."""

FARTHEST = 4.0
"""Volatility of a bar up to which the compensator is tabulated."""


@part
def coefficients(params: Floats, dt: float, out: Floats) -> None:
    """Fill out with what the recursion needs, and the number of residuals; dt in years."""
    bar_coefficients(params, dt, out)
    out[7] = params[6]


@part
def begin(coefficient: Floats, lanes: Lanes) -> None:
    """The first bar has the initial variance."""
    level = lanes.memory[LEVEL]
    for lane in range(level.size):
        level[lane] = lanes.variance[lane] * coefficient[5]
        lanes.memory[TARGET, lane] = 0.0


@part
def compensator(nodes: Floats, deviation: float) -> float:
    """log(mean exp(s z)) of the residuals at s = ``deviation``, from its nodes over s^2."""
    place = min(deviation / FARTHEST, 1.0) * (nodes.size - 1)
    left = min(int(place), nodes.size - 2)
    share = place - left
    return deviation * deviation * ((1.0 - share) * nodes[left] + share * nodes[left + 1])


@part
def residual(lanes: Lanes, lane: int, bar: int, count: int) -> float:
    """The standardised residual that a lane takes in a bar."""
    counter = lanes.counter
    words = philox(U32(counter.first_path + lane), U32(bar), U32(0), HISTORY, counter.key[0], counter.key[1])
    return lanes.table[int(uniform64(words[0], words[1]) * count)]


@part
def open_bar(coefficient: Floats, stretch: float, lanes: Lanes) -> None:
    """Take in the bar that ended, if one did, and draw where the new one ends."""
    level, target, done = lanes.memory[LEVEL], lanes.memory[TARGET], lanes.memory[DONE]
    steps, count = int(coefficient[4]), int(coefficient[7])
    nodes, bar = lanes.table[count:], (lanes.counter.step - 1) // steps
    for lane in range(level.size):
        if bar > 0:
            level[lane] = following(coefficient, level[lane], target[lane])
        z = residual(lanes, lane, bar, count)
        deviation = math.sqrt(level[lane])
        target[lane] = deviation * z
        done[lane] = 0.0
        lanes.memory[COMPENSATOR, lane] = compensator(nodes, stretch * deviation) / steps
        lanes.variance[lane] = 0.5 * level[lane] * (1.0 + z * z) / coefficient[5]


@vector_part
def walk(coefficient: Floats, drift: float, stretch: float, left: float, lanes: Lanes) -> None:
    """One step of the bridge, ``left`` steps before the end of the bar, this one included."""
    scale = math.sqrt(coefficient[6] * (left - 1.0) / left)
    x, v, z = lanes.log_price, lanes.variance, lanes.shock_price
    target, done, paid = lanes.memory[TARGET], lanes.memory[DONE], lanes.memory[COMPENSATOR]
    for lane in range(x.size):
        step = (target[lane] - done[lane]) / left + scale * math.sqrt(v[lane]) * np.float64(z[lane])
        x[lane] += (drift - paid[lane]) + stretch * step
        done[lane] += step


@part
def advance(coefficient: Floats, drift: float, stretch: float, lanes: Lanes) -> None:
    """One step of log drift ``drift``; ``stretch`` multiplies the volatility and does not enter the recursion."""
    steps = int(coefficient[4])
    place = (lanes.counter.step - 1) % steps
    if place == 0:
        open_bar(coefficient, stretch, lanes)
    walk(coefficient, drift, stretch, float(steps - place), lanes)
