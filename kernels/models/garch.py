"""GJR-GARCH with Student t innovations: the variance of a bar follows from the bar before it.

Over one bar of conditional variance h a t innovation is a normal one whose
variance is drawn: h W with 1/W a chi-square variable over nu - 2. W is drawn
when the bar opens, by the market's variance shock, and the bar is then walked
at the constant variance h W in as many model steps as it has. The end of the
bar has the t law of the literature at any step, prices of several markets are
correlated within bars as anywhere else, and the compensator h W / 2 keeps the
price a martingale, which no t law of the logarithm alone can be.
"""

from __future__ import annotations

import math

import numpy as np

from ..jit import part, vector_part
from ..registry import Parameter, Rule
from ..structs import Floats
from ..vecmath import exp64
from .gjr import PARAMETERS, bar_coefficients, following
from .lanes import Lanes

RULE = Rule(
    "garch",
    "The variance of a bar follows from the move of the bar before it; innovations have a Student t law.",
    "Glosten, Jagannathan & Runkle (1993), Journal of Finance 48:1779; Bollerslev (1987), Review of Economics and "
    "Statistics 69:542.",
    (*PARAMETERS, Parameter("nu", "1", "Degrees of freedom; the table holds log W at equally spaced normals.")),
)

ROWS = 2
LEVEL, MOVE = 0, 1
"""Rows of the memory: the conditional variance h of the bar, and the bar's move without drift so far."""

REACH = 7.0
"""The table of log W runs from -REACH to REACH; normals stay within 6.76, unless importance sampling shifts them."""
CLOSED = 1.0 - 1e-12
"""Keeps the end of the table out, which has no neighbour."""


@part
def coefficients(params: Floats, dt: float, out: Floats) -> None:
    """Fill out with what the recursion needs; dt in years."""
    bar_coefficients(params, dt, out)


@part
def begin(coefficient: Floats, lanes: Lanes) -> None:
    """The first bar has the initial variance."""
    level, move = lanes.memory[LEVEL], lanes.memory[MOVE]
    for lane in range(level.size):
        level[lane] = lanes.variance[lane] * coefficient[5]
        move[lane] = 0.0


@part
def open_bar(coefficient: Floats, lanes: Lanes) -> None:
    """Take in the bar that ended, if one did, and draw the variance of the new one."""
    level, move, v, zv = lanes.memory[LEVEL], lanes.memory[MOVE], lanes.variance, lanes.shock_variance
    table, ended = lanes.table, lanes.counter.step > 1
    scale = (table.size - 1) / (2.0 * REACH)
    for lane in range(level.size):
        if ended:
            level[lane] = following(coefficient, level[lane], move[lane])
        place = min(max(np.float64(zv[lane]) + REACH, 0.0), 2.0 * REACH * CLOSED) * scale
        left = int(place)
        share = place - left
        mixed = exp64((1.0 - share) * table[left] + share * table[left + 1])
        v[lane] = level[lane] * mixed / coefficient[5]
        move[lane] = 0.0


@vector_part
def walk(coefficient: Floats, drift: float, stretch: float, lanes: Lanes) -> None:
    """One step at the variance of the bar."""
    half, root_dt = 0.5 * coefficient[6] * stretch * stretch, math.sqrt(coefficient[6])
    x, v, z, move = lanes.log_price, lanes.variance, lanes.shock_price, lanes.memory[MOVE]
    for lane in range(x.size):
        step = root_dt * math.sqrt(v[lane]) * np.float64(z[lane])
        x[lane] += (drift - half * v[lane]) + stretch * step
        move[lane] += step


@part
def advance(coefficient: Floats, drift: float, stretch: float, lanes: Lanes) -> None:
    """One step of log drift ``drift``; ``stretch`` multiplies the volatility and does not enter the recursion."""
    if (lanes.counter.step - 1) % int(coefficient[4]) == 0:
        open_bar(coefficient, lanes)
    walk(coefficient, drift, stretch, lanes)
